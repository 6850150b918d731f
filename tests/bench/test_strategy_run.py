"""A strategy run over 50 underlyings of 2,000 contracts, beside the bare column filter."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from domain.instruments import ExerciseStyle, Settlement
from domain.market import IntArray, OptionChain, QuoteQuality
from domain.portfolio import AccountState
from domain.pricing.european import greeks
from domain.risk.state import RiskState, compute_risk_state
from domain.strategies.base import StrategyContext
from domain.strategies.screening import probability_out_of_the_money
from domain.strategies.wheel import Wheel
from domain.strategies.wheel_config import WheelConfig
from domain.underlyings import UnderlyingFacts
from tests.bench.harness import Bench, interleaved
from tests.unit.trade_factories import CENTS, NOW, TODAY, Market, account, context

pytestmark = pytest.mark.bench

UNDERLYINGS, EXPIRIES, STRIKES = 50, 10, 100
CONTRACTS = EXPIRIES * STRIKES * 2
ROUNDS = 15
MILLISECONDS = 250.0
RATIO = 3.0
EPOCH_DAY = (TODAY - date(1970, 1, 1)).days


def market() -> Market:
    rng = np.random.default_rng(11)
    symbols = [f"{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(UNDERLYINGS)]
    sessions = EPOCH_DAY - np.arange(252, 0, -1)
    return Market(
        chains={
            symbol: chain_of(symbol, number, rng) for number, symbol in enumerate(symbols, start=1)
        },
        facts={
            symbol: UnderlyingFacts(
                symbol=symbol,
                as_of=NOW,
                sessions=sessions,
                close=np.full(252, 80.0),
                iv=np.linspace(0.1, 0.5, 252),
                earnings_known_to=date(2027, 12, 31),
            )
            for symbol in symbols
        },
        vix=18.0,
    )


def chain_of(symbol: str, number: int, rng: np.random.Generator) -> OptionChain:
    """Strikes from half to one and a half times the price, weekly expiries, two rights each."""
    spot = 100.0
    days, strike, is_call = (
        column.ravel()
        for column in np.meshgrid(
            7 * np.arange(1, EXPIRIES + 1),
            np.linspace(0.5, 1.5, STRIKES) * spot,
            [False, True],
            indexing="ij",
        )
    )
    vol = 0.25 + 0.2 * (strike / spot - 1) ** 2
    priced = greeks(
        spot=spot, strike=strike, years=days / 365, rate=0.0, dividend_yield=0.0, vol=vol,
        is_call=is_call,
    )  # fmt: skip
    fair = np.maximum(
        np.asarray(priced.price), np.maximum(np.where(is_call, 1, -1) * (spot - strike), 0)
    )
    half = np.maximum(0.01, 0.01 * fair)
    return OptionChain(
        symbol=symbol,
        currency="USD",
        as_of=NOW,
        underlying_price=spot,
        quality=QuoteQuality.LIVE,
        style=ExerciseStyle.AMERICAN,
        settlement=Settlement.PHYSICAL,
        increments=CENTS,
        trading_class=(symbol,) * CONTRACTS,
        multiplier=np.full(CONTRACTS, 100.0),
        con_id=number * 10_000 + np.arange(CONTRACTS),
        expiry=EPOCH_DAY + days,
        strike=strike,
        is_call=is_call,
        bid=np.round(fair - half, 2).astype(np.float64),
        ask=np.round(fair + half, 2).astype(np.float64),
        iv=vol,
        delta=np.asarray(priced.delta),
        volume=rng.integers(0, 1000, CONTRACTS).astype(np.float64),
        open_interest=rng.integers(50, 5000, CONTRACTS).astype(np.float64),
    )


def bare_filter(chains: list[OptionChain], config: WheelConfig) -> list[IntArray]:
    """The Wheel's rules on every chain as one mask each, and the rows left by score: no record of
    what removed the others, no figures, no words."""
    found: list[IntArray] = []
    for chain in chains:
        with np.errstate(divide="ignore", invalid="ignore"):
            dte = chain.expiry - EPOCH_DAY
            mid = (chain.bid + chain.ask) / 2
            ror = mid / chain.strike * 365 / dte
            delta = np.abs(chain.delta)
            mask = (
                ~chain.is_call
                & (np.unique(chain.con_id, return_counts=True)[1].max() == 1)
                & (chain.con_id > 0)
                & (chain.strike >= 0.01)
                & (chain.multiplier >= 1)
                & np.isfinite(chain.strike * chain.multiplier)
                & np.isfinite(chain.bid + chain.ask)
                & (chain.bid < chain.strike)
                & (chain.ask <= chain.strike)
                & (chain.ask >= chain.strike - chain.underlying_price)
                & (chain.delta < 0)
                & (chain.delta > -1)
                & (chain.bid > 0)
                & (chain.ask >= chain.bid)
                & (dte >= config.min_dte)
                & (dte <= config.max_dte)
                & (chain.strike < chain.underlying_price)
                & (delta >= config.min_delta)
                & (delta <= config.max_delta)
                & (chain.bid >= float(config.min_bid))
                & ((chain.ask - chain.bid) / mid <= config.max_spread_fraction)
                & (chain.open_interest >= config.min_open_interest)
                & (ror >= config.min_ror_annualised)
            )
            rows = np.flatnonzero(mask)
            score = ror[rows] * chain.bid[rows] / mid[rows]
            score = score * probability_out_of_the_money(chain, rows, dte)
        found.append(rows[np.argsort(-score)])
    return found


def world() -> tuple[WheelConfig, AccountState, RiskState, StrategyContext]:
    shown = market()
    config = WheelConfig(
        universe=tuple(shown.chains),
        trend_sessions=50,
        min_iv_rank=0.2,
        avoid_earnings=True,
        max_capital_per_name=Decimal("0.05"),
    )
    state = account()
    return config, state, compute_risk_state(state), context(market=shown, config=config)


def test_a_run_costs_little_more_than_filtering_columns(bench: Bench):
    config, state, risk, instance = world()
    chains = list(instance.market.chains.values())
    result = Wheel().generate_signals(state, risk, instance)
    assert len(result.proposals) == config.max_new_trades
    assert len(result.opportunities) == config.max_opportunities
    answered = len(result.opportunities) + sum(result.eliminated.values())
    assert answered == UNDERLYINGS * CONTRACTS
    timings = interleaved(
        {
            "ours": lambda: Wheel().generate_signals(state, risk, instance),
            "bare filter": lambda: bare_filter(chains, config),
        },
        rounds=ROUNDS,
    )
    what = "strategy run, 50 × 2,000 contracts"
    bench.within(f"{what}, ms", timings.median("ours") * 1e3, MILLISECONDS, against="a wall clock")
    bench.at_most(what, timings, peer="bare filter", ratio=RATIO)
