"""Theta end to end over the recorded SPX days: their faults are named and lead to no trade."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from domain.backtest.config import BacktestConfig
from domain.backtest.digest import canonical
from domain.backtest.runner import run_backtest
from infra.calendars import trading_calendar
from infra.history.opening import open_history

DAYS = Path(__file__).parents[2].parent / "shared" / "data" / "spx_2019"
HOLIDAY, MISSING = date(2019, 5, 27), {date(2019, 5, 10), date(2019, 5, 17)}

pytestmark = [
    pytest.mark.skipif(not DAYS.is_dir(), reason="the recorded SPX days are not here"),
]

CONFIG = BacktestConfig.model_validate(
    {
        "strategy": "theta",
        "config": {
            "universe": ["SPX"],
            "min_delta": 0.08,
            "max_delta": 0.20,
            "min_dte": 20,
            "max_dte": 60,
            "max_vix": None,
            "min_open_interest": 0,
        },
        "cash": "2000000",
        "fills": {"kind": "cross", "same_quote": True},
        "limits": {
            "max_notional": "1000000",
            "max_loss": "1000000",
            "max_daily_notional": "2000000",
        },
    }
)


def test_theta_trades_the_sound_days_and_names_the_others():
    history = open_history([DAYS])
    result = run_backtest(CONFIG, history, trading_calendar())
    assert result.errors == ()
    skipped = {each.session for each in result.skipped if not each.symbol}
    assert skipped == {HOLIDAY, *MISSING}
    assert len(result.curve) == 33
    assert len(result.trades) >= 4
    assert not {each.at.date() for each in result.fills} & {HOLIDAY, *MISSING}
    again = run_backtest(CONFIG, history, trading_calendar())
    assert canonical(again) == canonical(result)
