"""A strategy that takes its time, so that a backtest of it can be caught in the middle."""

from __future__ import annotations

import time

from domain.portfolio import AccountState
from domain.risk.state import RiskState
from domain.strategies.base import StrategyContext, StrategyResult
from domain.strategies.wheel import Wheel

SECONDS_A_LOOK = 0.5


class Unhurried(Wheel):
    slug = "unhurried"

    def generate_signals(
        self, account_state: AccountState, risk_state: RiskState, instance: StrategyContext
    ) -> StrategyResult:
        time.sleep(SECONDS_A_LOOK)
        return super().generate_signals(account_state, risk_state, instance)
