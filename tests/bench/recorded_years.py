"""Five years of daily index chains, 2.5 million rows, as any vendor's files would hold them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
import polars as pl

from domain.market import FloatArray, IntArray
from domain.pricing.european import greeks
from infra.calendars import trading_calendar

FIRST, LAST = date(2019, 1, 2), date(2023, 12, 29)
SYMBOL = "XSP"
VOL, RATE = 0.18, 0.02
TERMS, STRIKES = 13, 76
"""Weekly expiries and strikes on each day; with two rights, 1,976 rows a day."""
SEED = 2019
EPOCH = date(1970, 1, 1)


def five_years() -> pl.DataFrame:
    """In the canonical layout of recorded chains, ordered by day and contract."""
    rng = np.random.default_rng(SEED)
    sessions = [each.date for each in trading_calendar().sessions_between(FIRST, LAST)]
    steps = rng.normal((0.06 - VOL**2 / 2) / 252, VOL / 252**0.5, len(sessions))
    spots = 300.0 * np.exp(np.cumsum(steps))
    parts = [_day(day, float(spot)) for day, spot in zip(sessions, spots, strict=True)]
    columns: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0]
    }
    at = [datetime.combine(day, time(20, 45), UTC) for day in sessions]
    stamps = pl.Series(at, dtype=pl.Datetime("us", "UTC"))
    expiry = pl.Series(columns.pop("expiry").astype(np.int32)).cast(pl.Date)
    rights = np.where(columns.pop("is_call"), "C", "P")
    return pl.DataFrame(
        {
            "timestamp": stamps[np.repeat(np.arange(len(at)), [len(p["bid"]) for p in parts])],
            "underlying": pl.repeat(SYMBOL, len(rights), eager=True),
            "root": pl.repeat(SYMBOL, len(rights), eager=True),
            "right": rights,
            "expiry": expiry,
            "multiplier": pl.repeat(100.0, len(rights), eager=True),
            **columns,
        }
    )


def _day(day: date, spot: float) -> dict[str, FloatArray | IntArray]:
    number = (day - EPOCH).days
    friday = number + (4 - day.weekday()) % 7
    around = round(spot / 2.5) * 2.5
    expiry, strike, is_call = (
        grid.ravel()
        for grid in np.meshgrid(
            friday + 7 * np.arange(1, TERMS + 1),
            around + 2.5 * np.arange(-(STRIKES * 3) // 4, STRIKES - (STRIKES * 3) // 4),
            [False, True],
            indexing="ij",
        )
    )
    years = (expiry - number) / 365
    told = greeks(spot, strike, years, RATE, 0.0, VOL, is_call)
    half = np.round(0.01 + 0.01 * told.price, 2)
    middle = np.round(told.price, 2)
    size = len(strike)
    return {
        "strike": strike,
        "expiry": expiry,
        "is_call": is_call,
        "bid": np.maximum(middle - half, 0.0),
        "ask": middle + half,
        "bid_size": np.full(size, 50.0),
        "ask_size": np.full(size, 50.0),
        "iv": np.full(size, VOL),
        "delta": told.delta,
        "volume": np.full(size, 100.0),
        "open_interest": np.full(size, 1000.0),
        "underlying_price": np.full(size, round(spot, 2)),
    }
