"""Small recorded histories for tests, row by row.

history = recorded(
    quote("2020-01-02", "SPY", "P", 300, "2020-01-17", bid=1.00, ask=1.10, spot=320, delta=-0.1),
    quote("2020-01-03", "SPY", "P", 300, "2020-01-17", bid=0.90, ask=1.00, spot=321, delta=-0.1),
    underlyings=[shares("SPY", closes={"2020-01-02": 320.5})],
)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import nan
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from domain.backtest.history import ChainFault
from domain.backtest.recorded import (
    ChainColumns,
    OptionClass,
    RecordedChains,
    contract_numbers,
    moments_of,
)
from domain.backtest.side_data import (
    DailySeries,
    Ohlc,
    RateHistory,
    UnderlyingHistory,
    day_number,
)
from domain.instruments import ExerciseStyle, PriceIncrements, Settlement

EXCHANGE = ZoneInfo("America/New_York")
QUOTED_AT = time(15, 45)
"""Of a quote that is given a bare date."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class QuoteRow:
    """One contract at one moment; ``expiry`` is its last trading day."""

    at: datetime
    underlying: str
    right: str
    strike: float
    expiry: date
    bid: float
    ask: float
    spot: float
    root: str
    multiplier: float = 100.0
    bid_size: float = 10.0
    ask_size: float = 10.0
    iv: float = 0.2
    delta: float = nan
    volume: float = 100.0
    open_interest: float = 1000.0


def quote(
    at: str | datetime,
    underlying: str,
    right: str,
    strike: float,
    expiry: str | date,
    *,
    bid: float,
    ask: float,
    spot: float,
    root: str = "",
    **more: float,
) -> QuoteRow:
    """``at`` may be a date, then a quarter to four in New York, or an aware moment."""
    moment = at if isinstance(at, datetime) else moment_of(date.fromisoformat(at))
    return QuoteRow(
        at=moment,
        underlying=underlying,
        right=right,
        strike=strike,
        expiry=_date(expiry),
        bid=bid,
        ask=ask,
        spot=spot,
        root=root or underlying,
        **more,
    )


def moment_of(day: date, clock: time = QUOTED_AT) -> datetime:
    """That clock time in New York, as aware UTC."""
    return datetime.combine(day, clock, tzinfo=EXCHANGE).astimezone(UTC)


def shares(symbol: str, **changes: Any) -> UnderlyingHistory:
    """American options that deliver shares; ``closes={"2020-01-02": 320.5}`` makes the prices."""
    return _underlying(symbol, False, ExerciseStyle.AMERICAN, Settlement.PHYSICAL, changes)


def index(symbol: str, **changes: Any) -> UnderlyingHistory:
    """European options settled in cash."""
    return _underlying(symbol, True, ExerciseStyle.EUROPEAN, Settlement.CASH, changes)


def daily_prices(closes: Mapping[str, float], opens: Mapping[str, float] | None = None) -> Ohlc:
    """Opens are the closes unless given; highs and lows the larger and the smaller of the two."""
    days = sorted(closes)
    close = np.array([closes[day] for day in days], dtype=np.float64)
    open_ = np.array([(opens or {}).get(day, closes[day]) for day in days], dtype=np.float64)
    return Ohlc(_numbers(days), open_, np.maximum(open_, close), np.minimum(open_, close), close)


def daily(values: Mapping[str, float]) -> DailySeries:
    days = sorted(values)
    return DailySeries(_numbers(days), np.array([values[day] for day in days], dtype=np.float64))


def recorded(
    *rows: QuoteRow,
    underlyings: Sequence[UnderlyingHistory] = (),
    rates: Mapping[str, float] | None = None,
    vix: Mapping[str, float] | None = None,
    faults: Mapping[tuple[str, str], tuple[ChainFault, ...]] | None = None,
) -> RecordedChains:
    """A history of these rows in any order; ``faults`` by date and underlying.

    An underlying that is not given is of shares, or an index where its options are SPX's or XSP's.
    """
    given = {each.symbol: each for each in underlyings}
    classes = sorted({(r.underlying, r.root, r.multiplier) for r in rows})
    number = {each: at for at, each in enumerate(classes, start=1)}
    option_class = np.array([number[r.underlying, r.root, r.multiplier] for r in rows], np.int64)
    at = np.array([(r.at - EPOCH) // MICROSECOND for r in rows], np.int64)
    expiry = np.array([day_number(r.expiry) for r in rows], np.int64)
    strike = np.array([r.strike for r in rows], np.float64)
    is_call = np.array([r.right == "C" for r in rows], np.bool_)
    con_id = contract_numbers(option_class, expiry, strike, is_call)
    order = np.lexsort((con_id, at))
    floats = {
        name: np.array([getattr(r, name) for r in rows], np.float64)[order]
        for name in (
            "multiplier", "bid", "ask", "bid_size", "ask_size", "iv", "delta", "volume",
            "open_interest",
        )
    }  # fmt: skip
    moments = moments_of(
        at[order],
        option_class[order],
        np.array([r.spot for r in rows], np.float64)[order],
        [OptionClass(*each) for each in classes],
        lambda moment: moment.astimezone(EXCHANGE).date(),
    )
    marked = tuple(
        replace(
            moment,
            chains=tuple(
                replace(
                    chain, faults=(faults or {}).get((str(moment.session), chain.underlying), ())
                )
                for chain in moment.chains
            ),
        )
        for moment in moments
    )
    return RecordedChains(
        label="a test's history",
        digest_of=lambda: hashlib.sha256(
            repr((sorted(map(repr, rows)), rates, vix)).encode()
        ).hexdigest(),
        columns=ChainColumns(
            con_id=con_id[order],
            expiry=expiry[order],
            strike=strike[order],
            is_call=is_call[order],
            **floats,
        ),
        moments=marked,
        underlying_histories={
            symbol: given.get(symbol) or _guessed(symbol)
            for symbol in sorted({*given, *(r.underlying for r in rows)})
        },
        rates=RateHistory(daily(rates)) if rates else RateHistory(),
        vix=daily(vix) if vix else None,
    )


def _guessed(symbol: str) -> UnderlyingHistory:
    return index(symbol) if symbol in {"SPX", "XSP"} else shares(symbol)


def _underlying(
    symbol: str,
    is_index: bool,
    style: ExerciseStyle,
    settlement: Settlement,
    changes: dict[str, Any],
) -> UnderlyingHistory:
    closes, opens = changes.pop("closes", {}), changes.pop("opens", None)
    fields: dict[str, Any] = {
        "is_index": is_index,
        "style": style,
        "settlement": settlement,
        "increments": PriceIncrements.flat(Decimal("0.01")),
        "prices": daily_prices(closes, opens),
    }
    return UnderlyingHistory(symbol=symbol, **fields | changes)


def _numbers(days: Sequence[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([day_number(date.fromisoformat(day)) for day in days], dtype=np.int64)


def _date(day: str | date) -> date:
    return day if isinstance(day, date) else date.fromisoformat(day)
