"""A risk state that is worked out when it is looked at: most of the time nobody does."""

from __future__ import annotations

from typing import Any

from pydantic import PrivateAttr

from domain.portfolio import AccountState
from domain.risk.state import RiskState, compute_risk_state
from domain.risk.usage import margin_usage


class DeferredRiskState(RiskState):
    """Margin usage at once; every other figure the first time one of them is asked for."""

    _account: AccountState = PrivateAttr()
    _computed: RiskState | None = PrivateAttr(default=None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in RiskState.model_fields:
            return super().__getattr__(name)  # type: ignore[misc]
        if self._computed is None:
            self._computed = compute_risk_state(self._account)
        return getattr(self._computed, name)

    @classmethod
    def of(cls, account: AccountState) -> DeferredRiskState:
        """``compute_risk_state(account)``, put off. Only margin usage is there to be dumped."""
        usage = margin_usage(account)
        state = cls.of_checked(
            account_code=usage.account_code,
            as_of=usage.as_of,
            pm_usage=usage.pm_usage,
            init_usage=usage.init_usage,
        )
        private = {"_account": account, "_computed": None}
        object.__setattr__(state, "__pydantic_private__", private)
        return state
