"""One recorded week through the whole desk, and through a backtest: the same trades and money.

The gateway plays the recording, the desk's strategy looks at every snapshot, and somebody approves
whatever is offered, over HTTP and at once. Slice by slice against the gateway alone, with rolls,
expiries and margin: ``tests/backtests/test_gateway_parity.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.backtest.config import BacktestConfig
from domain.backtest.results import BacktestResult
from domain.backtest.runner import run_backtest
from domain.strategies.registry import strategy_named
from infra.calendars import trading_calendar
from infra.history.opening import open_history
from infra.history.side_files import SideFiles
from infra.simulator.seeding import CASH_ALONE
from tests.backtests.recorded_week import RecordedWeek
from tests.backtests.test_gateway_parity import EXPIRIES, INDEX, SELLING, path
from tests.integration.cycle_world import CycleWorld, cycle_world

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,  # minutes of a whole desk each
    pytest.mark.timeout(900),
    pytest.mark.desk,
]

AT_ONCE: dict[str, Any] = {"max_chain_age_minutes": 240, "decision_minutes": 60}
WEEKS = {
    "theta": (
        RecordedWeek("XSP", path(600, 609, 606, 600, 570, 571), EXPIRIES, range(570, 620, 5)),
        {"take_profit": "0.5", "stop_multiple": "2", "roll": False, "ladder_rungs": 1, **INDEX},
        ["take_profit", "loss_stop"],
    ),
    "wheel": (
        RecordedWeek("SPY", path(600, 601, 598, 588, 592, 594), EXPIRIES, range(580, 620, 4)),
        {
            **{"take_profit": None, "roll": False, "exit_dte": None, "calls_below_cost": True},
            **{"min_dte": 3, "max_dte": 12, "min_delta": 0.05, "max_delta": 0.45},
            "min_call_ror_annualised": 0.001,
        },
        ["assigned", "end_of_data", "end_of_data"],
    ),
}


@pytest.mark.parametrize("strategy", list(WEEKS))
async def test_a_recorded_week_is_traded_by_the_desk_as_by_a_backtest(
    tmp_path: Path, strategy: str
):
    week, rules, exits = WEEKS[strategy]
    config = {"universe": [week.symbol], **SELLING, **AT_ONCE, **rules}
    recording = week.write(tmp_path)
    result = _backtest(strategy, config, recording, week.write_side(tmp_path))
    assert sorted(trade.exit_rule for trade in result.trades) == sorted(exits)
    async with cycle_world(recording) as world:
        kind = strategy_named(strategy)
        await world.enable(f"{kind.__module__}:{kind.__name__}", **config)
        for number, day in enumerate(week.spots):
            if number:
                await world.pass_to(day, hour=11)
            for offered in await world.propose():
                await world.see_done(offered)
        await world.look()
        await world.assert_books_agree()
        assert await _traded(world) == _fills(result)
        (account,) = world.gateway.ledger.accounts()
        assert account.cash == result.curve.cash[-1]
        assert await world.held(week.symbol) == _held(result)


def _backtest(strategy: str, config: dict[str, Any], recording: Path, side: Path) -> BacktestResult:
    asked = {
        "strategy": strategy,
        "config": config,
        "cash": CASH_ALONE,
        "fills": {"kind": "cross", "same_quote": True},
    }
    history = open_history([recording], side=SideFiles((side,)))
    result = run_backtest(BacktestConfig.model_validate(asked), history, trading_calendar())
    assert not result.errors
    assert not result.denials
    return result


async def _traded(world: CycleWorld) -> list[tuple[Any, ...]]:
    """Every execution of the desk, in order: contract, side, quantity, price, commission."""
    rows = await world.rows(
        "SELECT i.expiry, i.strike, i.right, e.side, e.quantity, e.price, e.commission"
        " FROM executions e JOIN ibkr_contracts c ON c.con_id = e.con_id"
        " JOIN instruments i ON i.id = c.instrument_id WHERE NOT e.superseded"
        " ORDER BY e.executed_at, e.id"
    )
    return [tuple(row.values()) for row in rows]


def _fills(result: BacktestResult) -> list[tuple[Any, ...]]:
    terms = {t.con_id: (t.expiry, t.strike, t.right) for t in result.trades}
    return [(*terms[f.con_id], f.side, f.quantity, f.price, f.commission) for f in result.fills]


def _held(result: BacktestResult) -> dict[str, Any]:
    return {t.sec_type: t.quantity for t in result.trades if t.exit_rule == "end_of_data"}
