"""Theta on recorded SPX days: what is faulty in them leads to nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from domain.instruments import ExerciseStyle, Settlement
from domain.market import OptionChain, QuoteQuality
from domain.risk.state import compute_risk_state
from domain.strategies.base import StrategyResult
from domain.strategies.theta import Theta
from domain.strategies.theta_config import ThetaConfig
from infra.history.formats import read_history
from tests.unit.trade_factories import NICKELS, Market, account, context

DAYS = Path(__file__).parents[2].parent / "shared" / "data" / "spx_2019"
RICH = Decimal(10_000_000)
# The holiday's file repeats the Friday before it.
GOOD_DAY, HOLIDAY, BEFORE = date(2019, 5, 29), date(2019, 5, 27), date(2019, 5, 24)

pytestmark = pytest.mark.skipif(not DAYS.is_dir(), reason="the recorded SPX days are not here")


def chain_of(day: date, as_of: datetime) -> OptionChain:
    table = read_history(_file(day))
    numbers = {
        name: table[name].to_numpy().astype(np.float64)
        for name in ("bid", "ask", "strike", "iv", "delta", "volume", "open_interest", "multiplier")
    }
    expiry = table["expiry"].cast(pl.Date).to_physical().to_numpy().astype(np.int64)
    return OptionChain(
        symbol="SPX",
        currency="USD",
        as_of=as_of,
        underlying_price=float(table["underlying_price"][0]),
        quality=QuoteQuality.LIVE,
        style=ExerciseStyle.EUROPEAN,
        settlement=Settlement.CASH,
        increments=NICKELS,
        trading_class=tuple(table["root"].to_list()),
        con_id=np.arange(1, len(table) + 1),
        expiry=expiry,
        is_call=(table["right"] == "C").to_numpy(),
        **numbers,
    )


def _file(day: date) -> Path:
    found = [each for each in DAYS.iterdir() if f"{day:%Y%m%d}" in each.name.replace("-", "")]
    assert found, f"no file of {day}"
    return found[0]


def run(chain: OptionChain, now: datetime) -> StrategyResult:
    state = account(net_liquidation=RICH, cash=RICH, equity_with_loan=RICH)
    market = Market({"SPX": chain}, vix=18.0, as_of=now, today=now.date())
    instance = context(
        config=ThetaConfig(universe=("SPX",), max_candidates=100),
        market=market,
        session_close=now.replace(hour=20),
    )
    return Theta().generate_signals(state, compute_risk_state(state), instance)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 19, 45, tzinfo=UTC)


def test_a_recorded_day_gives_a_ladder_and_every_fault_in_it_a_reason():
    chain = chain_of(GOOD_DAY, at(GOOD_DAY))
    result = run(chain, at(GOOD_DAY))
    assert 1 <= len(result.proposals) <= 3
    answered = len(result.opportunities) + sum(result.eliminated.values())
    assert answered == len(chain)
    offered = np.asarray([each.contract.con_id - 1 for each in result.opportunities])
    assert (chain.bid[offered] > 0).all()
    assert (chain.ask[offered] >= chain.bid[offered]).all()


def test_the_stale_holiday_is_not_traded_on():
    seen_before = chain_of(HOLIDAY, at(BEFORE))
    result = run(seen_before, at(HOLIDAY))
    assert result.proposals == ()
    assert result.eliminated["quote_fresh"] > 0


@pytest.mark.parametrize("fault", ["crossed", "zero bids", "no deltas", "no quotes", "frozen"])
def test_a_day_made_faulty_throughout_gives_nothing(fault: str):
    chain = chain_of(GOOD_DAY, at(GOOD_DAY))
    changes = {
        "crossed": {"bid": chain.ask + 0.05},
        "zero bids": {"bid": np.zeros(len(chain))},
        "no deltas": {"delta": np.full(len(chain), np.nan)},
        "no quotes": {"ask": np.full(len(chain), np.nan)},
        "frozen": {"quality": QuoteQuality.FROZEN},
    }
    result = run(chain.model_copy(update=changes[fault]), at(GOOD_DAY))
    assert result.proposals == ()
    assert result.no_trade_reason


def test_rows_that_are_crossed_or_without_a_bid_never_become_opportunities():
    chain = chain_of(GOOD_DAY, at(GOOD_DAY))
    offered = {each.contract.con_id for each in run(chain, at(GOOD_DAY)).opportunities}
    bid = chain.bid.copy()
    hit = sorted(offered)[::2]
    bid[np.asarray(hit) - 1] = 0.0
    after = run(chain.model_copy(update={"bid": bid}), at(GOOD_DAY))
    assert not set(hit) & {each.contract.con_id for each in after.opportunities}
