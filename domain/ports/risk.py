"""The port to what the review of an account's risk reads and keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from pydantic import AwareDatetime

from domain.instruments import Frozen
from domain.portfolio import AccountState
from domain.risk.alerts import AlertThresholds, AlertTransitions, OpenRiskAlert


class RiskReviewInputs(Frozen):
    """One account as last ingested, and the risk alerts that are open on it."""

    account_id: UUID
    account: AccountState
    open_alerts: tuple[OpenRiskAlert, ...]
    thresholds: AlertThresholds
    market_now: AwareDatetime
    is_open: bool


class RiskStore(Protocol):
    async def risk_review_inputs(self, gateway: str) -> Sequence[RiskReviewInputs]:
        """Every account of the gateway that was ingested at least once."""
        ...

    async def keep_alert_transitions(
        self, account_id: UUID, account_code: str, transitions: AlertTransitions
    ) -> None: ...
