"""Rows about access that no small desk has by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain.notifications import NotificationEvent
from domain.severity import Severity
from infra.db import models as m


def access_rows(user_id: UUID, recommendation_id: UUID, at: datetime) -> list[m.Base]:
    return [
        m.UserIdentity(user_id=user_id, issuer="https://id.desk.test", subject="1"),
        m.RecoveryCode(user_id=user_id, code_hash=b"\x01" * 32),
        m.ApiToken(
            user_id=user_id,
            name="nightly export",
            token_hash=b"\x02" * 32,
            scopes=["READ"],
            expires_at=at + timedelta(days=30),
        ),
        *_told(user_id, recommendation_id, at),
        m.CommandReceipt(user_id=user_id, idempotency_key="a-command", request_digest=b"\x03" * 32),
        m.Approval(
            recommendation_id=recommendation_id,
            user_id=user_id,
            terms_hash="-",
            idempotency_key="first-of-two",
            approved_at=at,
        ),
    ]


def config_proposal(instance_id: UUID, author: m.User) -> m.ConfigProposal:
    """A change of a strategy that waits for somebody else."""
    return m.ConfigProposal(
        id=uuid4(),
        strategy_instance_id=instance_id,
        based_on=1,
        config={"universe": ["SPY"]},
        user_id=author.id,
        author=author.email,
        idempotency_key="a-change",
    )


def _told(user_id: UUID, recommendation_id: UUID, at: datetime) -> list[m.Base]:
    """A channel, and one thing that was told on it."""
    channel = m.NotificationChannel(
        id=uuid4(),
        user_id=user_id,
        name="phone",
        kind="ntfys",
        sealed_url=b"-",
        events=["RECOMMENDATION_WAITING"],
        least_severity=Severity.INFO,
        zone="America/New_York",
    )
    told = m.Notification(
        channel_id=channel.id,
        event=NotificationEvent.RECOMMENDATION_WAITING,
        subject=recommendation_id,
        severity=Severity.INFO,
        title="Sell a put",
        detail="",
        path="/",
        due_at=at,
    )
    return [channel, told]
