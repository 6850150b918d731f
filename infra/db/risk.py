"""Risk of the accounts on record, and the alerts it gives rise to."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import GreenlightError
from domain.ports.risk import RiskReviewInputs
from domain.risk.alerts import (
    AlertThresholds,
    AlertTransitions,
    OpenRiskAlert,
    RiskAlertKind,
)
from infra.calendars import trading_calendar
from infra.db.accounts import account_state
from infra.db.alerts import clear_alert, raise_alert
from infra.db.clock import clock_of, host_now
from infra.db.limits import limits_in_force
from infra.db.models import Alert, AlertState, BrokerAccount, Gateway, Setting
from infra.db.session import Sessions

log = structlog.get_logger(__name__)

ALERT_THRESHOLDS = "alert_thresholds"


class PostgresRisk:
    """``domain.ports.risk.RiskStore`` over Postgres."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def risk_review_inputs(self, gateway: str) -> Sequence[RiskReviewInputs]:
        async with self._sessions() as session:
            row = await session.scalar(select(Gateway).where(Gateway.slug == gateway))
            clock = None if row is None else clock_of(row)
            if row is None or clock is None:
                return ()
            market_now = clock.now(host_now())
            accounts = await session.scalars(
                select(BrokerAccount)
                .where(
                    BrokerAccount.gateway_id == row.id,
                    BrokerAccount.snapshot_synced_at.is_not(None),
                )
                .order_by(BrokerAccount.code)
            )
            thresholds = await alert_thresholds(session)
            is_open = trading_calendar().session_at(market_now) is not None
            found: list[RiskReviewInputs] = []
            for account in accounts.all():
                try:
                    state = await account_state(session, account.id)
                except GreenlightError as error:
                    # One account that cannot be told stops no other.
                    log.warning("risk.account_not_reviewed", account=account.code, error=str(error))
                    continue
                limits = await limits_in_force(session, account.id)
                found.append(
                    RiskReviewInputs(
                        account_id=account.id,
                        account=state,
                        open_alerts=await _open_alerts(session, account),
                        thresholds=thresholds.within(limits.limits),
                        market_now=market_now,
                        is_open=is_open,
                    )
                )
            return found

    async def keep_alert_transitions(
        self, account_id: UUID, account_code: str, transitions: AlertTransitions
    ) -> None:
        async with self._sessions.begin() as session:
            for alert in (*transitions.raised, *transitions.changed):
                await raise_alert(
                    session,
                    alert.kind,
                    _stored(account_code, alert.subject),
                    alert.severity,
                    alert.title,
                    detail=f"{alert.detail} {alert.advice}",
                    account_id=account_id,
                    context=alert.model_dump(mode="json", include={"value", "threshold", "advice"}),
                )
            for alert in transitions.cleared:
                await clear_alert(session, alert.kind, _stored(account_code, alert.subject))


async def alert_thresholds(session: AsyncSession) -> AlertThresholds:
    """The configured thresholds, or the defaults."""
    value = await session.scalar(select(Setting.value).where(Setting.key == ALERT_THRESHOLDS))
    return AlertThresholds() if value is None else AlertThresholds.model_validate(value)


async def _open_alerts(session: AsyncSession, account: BrokerAccount) -> tuple[OpenRiskAlert, ...]:
    rows = await session.execute(
        select(Alert.code, Alert.subject, Alert.severity).where(
            Alert.broker_account_id == account.id,
            Alert.code.in_(list(RiskAlertKind)),
            Alert.state != AlertState.CLEARED,
        )
    )
    return tuple(
        OpenRiskAlert(
            kind=RiskAlertKind(code),
            subject=subject.removeprefix(account.code).removeprefix(":"),
            severity=severity,
        )
        for code, subject, severity in rows
    )


def _stored(account_code: str, subject: str) -> str:
    """Alerts are unique by subject, so that the account is part of it."""
    return f"{account_code}:{subject}" if subject else account_code
