"""Rows about access that no small desk has by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from infra.db import models as m


def access_rows(user_id: UUID, recommendation_id: UUID, at: datetime) -> list[m.Base]:
    return [
        m.RecoveryCode(user_id=user_id, code_hash=b"\x01" * 32),
        m.ApiToken(
            user_id=user_id,
            name="nightly export",
            token_hash=b"\x02" * 32,
            scopes=["READ"],
            expires_at=at + timedelta(days=30),
        ),
        m.Approval(
            recommendation_id=recommendation_id,
            user_id=user_id,
            terms_hash="-",
            idempotency_key="first-of-two",
            approved_at=at,
        ),
    ]
