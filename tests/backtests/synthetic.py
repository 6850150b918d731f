"""A seeded recorded history of any length, in the canonical columns, for tests and benchmarks.

The underlying follows a random walk whose volatility reverts to its mean. Every Friday of the next
nine weeks is an expiry, listed at a grid of strikes about the price, so that contracts live through
many sessions as real ones do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from domain.calendar import Session
from domain.pricing.european import greeks
from infra.calendars import EXCHANGE_ZONE, trading_calendar

RATE = 0.02
EPOCH_DAY = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Synthetic:
    """What to make: five years of this are 2.5 million rows."""

    first: date = date(2018, 1, 2)
    last: date = date(2022, 12, 30)
    symbol: str = "SPX"
    root: str = "SPXW"
    spot: float = 3000.0
    strike_step: float = 10.0
    strikes: int = 110
    weeks: int = 9
    seed: int = 7
    quoted_at: time = time(15, 45)


def synthetic_quotes(wanted: Synthetic | None = None) -> pl.DataFrame:
    """Canonical rows in order of time, expiry, strike and right."""
    wanted = wanted or Synthetic()
    calendar = trading_calendar()
    sessions = calendar.sessions_between(wanted.first, wanted.last)
    spots, vols = _path(wanted, len(sessions))
    rng = np.random.default_rng(wanted.seed + 1)
    days = [
        _day(wanted, session, float(spot), float(vol), rng)
        for session, spot, vol in zip(sessions, spots, vols, strict=True)
    ]
    return pl.concat(days).select(
        "timestamp", "underlying", "root", "right", "strike", "expiry", "settlement", "bid", "ask",
        "bid_size", "ask_size", "last", "volume", "open_interest", "underlying_price", "iv",
        "delta", "multiplier",
    )  # fmt: skip


def synthetic_prices(wanted: Synthetic | None = None) -> pl.DataFrame:
    """The underlying's daily prices, for a side file: open, high, low and close."""
    wanted = wanted or Synthetic()
    sessions = trading_calendar().sessions_between(wanted.first, wanted.last)
    close, _ = _path(wanted, len(sessions))
    opens = np.concatenate([[wanted.spot], close[:-1]])
    return pl.DataFrame(
        {
            "symbol": wanted.symbol,
            "date": [session.date for session in sessions],
            "open": opens,
            "high": np.maximum(opens, close),
            "low": np.minimum(opens, close),
            "close": close,
        }
    )


def _path(wanted: Synthetic, sessions: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(wanted.seed)
    shocks = rng.standard_normal((2, sessions))
    log_vol = np.empty(sessions)
    level = np.log(0.16)
    for day in range(sessions):
        level += 0.05 * (np.log(0.16) - level) + 0.08 * shocks[1, day]
        log_vol[day] = level
    vols = np.exp(log_vol)
    returns = vols / np.sqrt(252) * (shocks[0] - 0.5 * shocks[1]) + 0.0003
    return np.round(wanted.spot * np.exp(np.cumsum(returns)), 2), vols


def _day(
    wanted: Synthetic, session: Session, spot: float, vol: float, rng: np.random.Generator
) -> pl.DataFrame:
    at = datetime.combine(session.date, wanted.quoted_at, tzinfo=EXCHANGE_ZONE)
    expiries = _expiries(session.date, wanted.weeks)
    middle = round(spot / wanted.strike_step)
    listed = (middle + np.arange(wanted.strikes) - wanted.strikes // 2) * wanted.strike_step
    expiry, strike, is_call = (
        column.ravel() for column in np.meshgrid(expiries, listed, [True, False], indexing="ij")
    )
    years = (expiry - (session.date - EPOCH_DAY).days + 0.01) / 365
    distance = np.log(strike / spot) / np.sqrt(np.maximum(years, 0.02))
    iv = np.clip(vol * (1 - 0.25 * distance + 0.08 * distance**2), 0.05, 2.0)
    value = greeks(
        spot=spot, strike=strike, years=years, rate=RATE, dividend_yield=0.0, vol=iv,
        is_call=is_call,
    )  # fmt: skip
    fair = np.maximum(np.asarray(value.price), 0.0)
    half = np.maximum(0.05, 0.01 * fair)
    size = len(strike)
    return pl.DataFrame(
        {
            "expiry": expiry,
            "strike": strike,
            "right": np.where(is_call, "C", "P"),
            "bid": np.maximum(np.floor((fair - half) * 20), 0) / 20,
            "ask": np.ceil((fair + half) * 20) / 20,
            "bid_size": rng.integers(1, 200, size).astype(np.float64),
            "ask_size": rng.integers(1, 200, size).astype(np.float64),
            "last": np.round(fair, 2),
            "volume": rng.integers(0, 2000, size).astype(np.float64),
            "open_interest": rng.integers(0, 20_000, size).astype(np.float64),
            "iv": np.round(iv, 4),
            "delta": np.round(np.asarray(value.delta), 4),
        }
    ).with_columns(
        pl.col("expiry").cast(pl.Int32).cast(pl.Date),
        timestamp=pl.lit(at.isoformat()),
        underlying=pl.lit(wanted.symbol),
        root=pl.lit(wanted.root),
        settlement=pl.lit("PM"),
        underlying_price=pl.lit(spot),
        multiplier=pl.lit(100.0),
    )


def _expiries(today: date, weeks: int) -> Sequence[int]:
    """The Fridays after ``today``, or the session before a Friday that is a holiday's."""
    calendar = trading_calendar()
    friday = today + timedelta(days=(4 - today.weekday()) % 7)
    fridays = [friday + timedelta(weeks=week) for week in range(weeks + 1)]
    last_days = [calendar.last_trading_day_on_or_before(day) for day in fridays]
    return [(day - EPOCH_DAY).days for day in last_days if day > today][:weeks]
