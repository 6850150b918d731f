"""Theta and the Wheel on recorded SPX days: what is faulty in them leads to no recommendation."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from domain.instruments import ExerciseStyle, Settlement
from domain.market import OptionChain, QuoteQuality
from domain.risk.state import compute_risk_state
from domain.strategies.base import BaseStrategy, StrategyConfig, StrategyResult
from domain.strategies.theta import Theta
from domain.strategies.theta_config import ThetaConfig
from domain.strategies.wheel import Wheel
from domain.strategies.wheel_config import WheelConfig
from infra.calendars import trading_calendar
from infra.history.tables import read_recording
from tests.unit.trade_factories import NICKELS, Market, account, context

DAYS = Path(__file__).parents[2].parent / "shared" / "data" / "spx_2019"
RICH = Decimal(10_000_000)
# The holiday's file repeats the Friday before it.
GOOD_DAY, HOLIDAY, BEFORE = date(2019, 5, 29), date(2019, 5, 27), date(2019, 5, 24)
MISSING = (date(2019, 5, 10), date(2019, 5, 17))
CONFIGS: dict[type[BaseStrategy], StrategyConfig] = {
    Theta: ThetaConfig(universe=("SPX",), max_candidates=100),
    Wheel: WheelConfig(universe=("SPX",), max_candidates=100, min_ror_annualised=0.01),
}
EVERY_STRATEGY = pytest.mark.parametrize("strategy", list(CONFIGS), ids=["theta", "wheel"])

pytestmark = pytest.mark.skipif(not DAYS.is_dir(), reason="the recorded SPX days are not here")


def chain_of(day: date, as_of: datetime) -> OptionChain:
    table = read_recording(_file(day), trading_calendar())
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
    found = recorded(day)
    assert found, f"no file of {day}"
    return found[0]


def recorded(day: date) -> list[Path]:
    """The files of the day, as far as there is one."""
    return [each for each in DAYS.iterdir() if f"{day:%Y%m%d}" in each.name.replace("-", "")]


def run(strategy: type[BaseStrategy], chain: OptionChain | None, now: datetime) -> StrategyResult:
    """One run of the strategy over the recorded quotes; ``None`` where the day has none."""
    state = account(net_liquidation=RICH, cash=RICH, equity_with_loan=RICH)
    chains = {} if chain is None else {"SPX": as_traded_by(strategy, chain)}
    instance = context(
        config=CONFIGS[strategy],
        market=Market(chains, vix=18.0, as_of=now, today=now.date()),
        session_close=now.replace(hour=20),
    )
    return strategy().generate_signals(state, compute_risk_state(state), instance)


def as_traded_by(strategy: type[BaseStrategy], chain: OptionChain) -> OptionChain:
    """The Wheel takes shares: to it the same quotes are shown as those of a name that has some."""
    if strategy is Theta:
        return chain
    changes: dict[str, Any] = {
        "settlement": Settlement.PHYSICAL,
        "trading_class": ("SPX",) * len(chain),
    }
    return chain.model_copy(update=changes)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 19, 45, tzinfo=UTC)


@EVERY_STRATEGY
def test_a_recorded_day_is_traded_and_every_fault_in_it_has_a_reason(
    strategy: type[BaseStrategy],
):
    chain = chain_of(GOOD_DAY, at(GOOD_DAY))
    result = run(strategy, chain, at(GOOD_DAY))
    assert 1 <= len(result.proposals) <= 3
    answered = len(result.opportunities) + sum(result.eliminated.values())
    assert answered == len(chain)
    offered = np.asarray([each.contract.con_id - 1 for each in result.opportunities])
    assert (chain.bid[offered] > 0).all()
    assert (chain.ask[offered] >= chain.bid[offered]).all()


@EVERY_STRATEGY
def test_the_stale_holiday_is_not_traded_on(strategy: type[BaseStrategy]):
    seen_before = chain_of(HOLIDAY, at(BEFORE))
    result = run(strategy, seen_before, at(HOLIDAY))
    assert result.proposals == ()
    assert result.opportunities == ()
    assert result.eliminated["quote_fresh"] > 0
    assert result.no_trade_reason


@EVERY_STRATEGY
@pytest.mark.parametrize("day", MISSING)
def test_a_session_of_which_nothing_was_recorded_gives_nothing_and_says_so(
    strategy: type[BaseStrategy], day: date
):
    assert not recorded(day)
    result = run(strategy, None, at(day))
    assert (result.proposals, result.opportunities) == ((), ())
    assert [each.summary for each in result.signals] == ["No usable option chain for SPX."]
    assert result.no_trade_reason


@EVERY_STRATEGY
@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("crossed", "not_crossed"),
        ("zero bids", "bid_positive"),
        ("no deltas", "delta_known"),
        ("no quotes", "quote_present"),
        ("frozen", "quote_live"),
        ("every contract twice", "contract_unique"),
    ],
)
def test_a_day_made_faulty_throughout_gives_nothing(
    strategy: type[BaseStrategy], fault: str, rule: str
):
    chain = chain_of(GOOD_DAY, at(GOOD_DAY))
    changes = {
        "crossed": {"bid": chain.ask + 0.05},
        "zero bids": {"bid": np.zeros(len(chain))},
        "no deltas": {"delta": np.full(len(chain), np.nan)},
        "no quotes": {"ask": np.full(len(chain), np.nan)},
        "frozen": {"quality": QuoteQuality.FROZEN},
        "every contract twice": {"con_id": np.arange(len(chain)) // 2 + 1},
    }
    result = run(strategy, chain.model_copy(update=changes[fault]), at(GOOD_DAY))
    assert (result.proposals, result.opportunities) == ((), ())
    assert result.eliminated[rule] > 0
    assert result.no_trade_reason


@EVERY_STRATEGY
def test_rows_without_a_bid_or_listed_twice_never_become_opportunities(
    strategy: type[BaseStrategy],
):
    chain = chain_of(GOOD_DAY, at(GOOD_DAY))
    offered = sorted(
        each.contract.con_id for each in run(strategy, chain, at(GOOD_DAY)).opportunities
    )
    bid, con_id = chain.bid.copy(), chain.con_id.copy()
    without_bid, twice = offered[::3], offered[1::3]
    bid[np.asarray(without_bid) - 1] = 0.0
    # The put listed before it bears its number as well.
    con_id[np.asarray(twice) - 2] = twice
    spoilt = chain.model_copy(update={"bid": bid, "con_id": con_id})
    after = {each.contract.con_id for each in run(strategy, spoilt, at(GOOD_DAY)).opportunities}
    assert not after & {*without_bid, *twice}
