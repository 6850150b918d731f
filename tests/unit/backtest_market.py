"""Small recorded markets, written out by hand, for tests of backtests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from domain.backtest.config import BacktestConfig
from domain.backtest.recorded import (
    ChainColumns,
    ChainRows,
    Moment,
    RecordedChains,
    contract_numbers,
)
from domain.backtest.side_data import (
    EPOCH,
    DailySeries,
    Ohlc,
    RateHistory,
    UnderlyingHistory,
    day_number,
)
from domain.calendar import Session, TradingCalendar
from domain.instruments import ExerciseStyle, PriceIncrements, Settlement
from domain.pricing.european import greeks

CENTS = PriceIncrements.flat(Decimal("0.01"))
FIRST = date(2024, 1, 2)


@dataclass(frozen=True, slots=True)
class Row:
    """One option of one slice."""

    strike: float
    expiry: date
    bid: float
    ask: float
    is_call: bool = False
    delta: float = 0.25
    iv: float = 0.2
    size: float = 50.0
    trading_class: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """One underlying at one moment."""

    day: date
    spot: float
    rows: tuple[Row, ...]
    symbol: str = "ABC"
    at: time = time(20, 55)
    faults: tuple[Any, ...] = ()


def weekdays(first: date = date(2023, 12, 1), last: date = date(2026, 1, 31)) -> TradingCalendar:
    """Every weekday from 14:30 to 21:00 UTC."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return TradingCalendar(
        tuple(
            Session(
                day,
                datetime.combine(day, time(14, 30), UTC),
                datetime.combine(day, time(21), UTC),
            )
            for day in days
            if day.weekday() < 5
        )
    )


CALENDAR = weekdays()


def underlying(symbol: str = "ABC", **changes: Any) -> UnderlyingHistory:
    fields: dict[str, Any] = {
        "symbol": symbol,
        "is_index": False,
        "style": ExerciseStyle.AMERICAN,
        "settlement": Settlement.PHYSICAL,
        "increments": CENTS,
    }
    return UnderlyingHistory(**fields | changes)


def index(symbol: str = "XSP", **changes: Any) -> UnderlyingHistory:
    fields: dict[str, Any] = {
        "is_index": True,
        "style": ExerciseStyle.EUROPEAN,
        "settlement": Settlement.CASH,
    }
    return underlying(symbol, **fields | changes)


def prices(*days: tuple[date, float, float]) -> Ohlc:
    """Official opens and closes by date."""
    opens, closes = (np.array([day[n] for day in days], dtype=np.float64) for n in (1, 2))
    numbers = np.array([day_number(day[0]) for day in days], dtype=np.int64)
    return Ohlc(numbers, opens, closes, closes, closes)


def rate(value: float) -> RateHistory:
    return RateHistory(series([(date(2020, 1, 1), value)]))


def series(values: Sequence[tuple[date, float]]) -> DailySeries:
    days = np.array([day_number(day) for day, _ in values], dtype=np.int64)
    return DailySeries(days, np.array([value for _, value in values], dtype=np.float64))


def recorded(
    days: Sequence[Day],
    histories: Mapping[str, UnderlyingHistory] | None = None,
    **changes: Any,
) -> RecordedChains:
    """The history of ``days``, which ascend; days at one moment make one slice."""
    known = dict(histories or {day.symbol: underlying(day.symbol) for day in days})
    classes = sorted({row.trading_class or day.symbol for day in days for row in day.rows})
    columns: list[ChainColumns] = []
    moments: dict[datetime, Moment] = {}
    first = 0
    for day in days:
        part, names = _columns(day, classes)
        columns.append(part)
        end = first + len(names)
        at = datetime.combine(day.day, day.at, UTC)
        chain = ChainRows(
            underlying=day.symbol,
            first=first,
            end=end,
            underlying_price=day.spot,
            trading_class=tuple((name, 1) for name in names),
            faults=day.faults,
        )
        before = moments.get(at, Moment(at, day.day, ()))
        moments[at] = replace(before, chains=(*before.chains, chain))
        first = end
    fields: dict[str, Any] = {
        "label": "by hand",
        "digest_of": lambda: "0" * 64,
        "columns": _joined(columns),
        "moments": tuple(moments.values()),
        "underlying_histories": known,
    }
    return RecordedChains(**fields | changes)


def _columns(day: Day, classes: Sequence[str]) -> tuple[ChainColumns, list[str]]:
    numbers = np.array([classes.index(r.trading_class or day.symbol) + 1 for r in day.rows])
    strike = np.array([row.strike for row in day.rows], dtype=np.float64)
    expiry = np.array([(row.expiry - EPOCH).days for row in day.rows], dtype=np.int64)
    is_call = np.array([row.is_call for row in day.rows], dtype=np.bool_)
    con_id = contract_numbers(numbers.astype(np.int64), expiry, strike, is_call)
    order = np.argsort(con_id)
    rows = [day.rows[int(number)] for number in order]

    def column(values: Sequence[float]) -> Any:
        return np.array(values, dtype=np.float64)

    part = ChainColumns(
        con_id=con_id[order],
        expiry=expiry[order],
        strike=strike[order],
        is_call=is_call[order],
        multiplier=column([100.0] * len(rows)),
        bid=column([row.bid for row in rows]),
        ask=column([row.ask for row in rows]),
        bid_size=column([row.size for row in rows]),
        ask_size=column([row.size for row in rows]),
        iv=column([row.iv for row in rows]),
        delta=column([row.delta if row.is_call else -row.delta for row in rows]),
        volume=column([1000.0] * len(rows)),
        open_interest=column([1000.0] * len(rows)),
    )
    return part, [row.trading_class or day.symbol for row in rows]


def _joined(parts: Sequence[ChainColumns]) -> ChainColumns:
    names = ChainColumns.__dataclass_fields__
    return ChainColumns(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    )


def wheel(**changes: Any) -> BacktestConfig:
    """A Wheel on ABC that holds puts of 20 to 60 days to the end, filled on the same quotes."""
    settings: dict[str, Any] = {
        "universe": ["ABC"],
        "take_profit": None,
        "roll": False,
        "max_contracts": 1,
        "max_capital_per_name": "1",
        "min_dte": 5,
        "max_dte": 60,
        "min_ror_annualised": 0.01,
        "min_call_ror_annualised": 0.01,
        "max_spread_fraction": 2,
    } | changes.pop("config", {})
    fields: dict[str, Any] = {
        "strategy": "wheel",
        "config": settings,
        "cash": "20000",
        "fills": {"kind": "mid", "same_quote": True},
        "commission": "none",
        "interest": False,
    }
    return BacktestConfig.model_validate(fields | changes)


def theta(**changes: Any) -> BacktestConfig:
    """A Theta on XSP with one rung, held to its settlement, filled on the same quotes."""
    settings: dict[str, Any] = {
        "universe": ["XSP"],
        "take_profit": None,
        "stop_multiple": None,
        "exit_dte": None,
        "roll": False,
        "max_vix": None,
        "ladder_rungs": 1,
        "max_contracts": 1,
        "max_notional": "1",
        "min_dte": 5,
        "max_dte": 60,
        "min_ror_annualised": 0.01,
        "max_spread_fraction": 2,
    } | changes.pop("config", {})
    fields: dict[str, Any] = {"strategy": "theta", "config": settings}
    return wheel().model_copy(update=fields | changes)


def wandering(
    seed: int, sessions: int = 45, symbol: str = "ABC", first: date = FIRST, vol: float = 0.35
) -> list[Day]:
    """A market that wanders as its own volatility says, with puts and calls on three expiries."""
    rng = np.random.default_rng(seed)
    spot, days = 100.0, list[Day]()
    dates = [each.date for each in CALENDAR.sessions if each.date >= first][:sessions]
    fridays = [each.date for each in CALENDAR.sessions if each.date.weekday() == 4]
    expiries = [day for day in fridays if first < day <= dates[-1] + timedelta(days=50)][::2]
    for day in dates:
        spot = round(spot * float(np.exp(rng.normal(0, vol / 252**0.5))), 2)
        live = [each for each in expiries if each >= day][:4]
        days.append(Day(day, spot, tuple(_rows(spot, day, live, vol)), symbol))
    return days


def _rows(spot: float, day: date, expiries: Sequence[date], vol: float) -> Iterator[Row]:
    strikes = np.arange(60.0, 142.5, 2.5)
    for expiry in expiries:
        years = max((expiry - day).days, 0.2) / 365
        for is_call in (False, True):
            told = greeks(spot, strikes, years, 0.0, 0.0, vol, is_call)
            for strike, value, delta in zip(
                strikes.tolist(), told.price.tolist(), told.delta.tolist(), strict=True
            ):
                bid = max(round(value * 0.98 - 0.01, 2), 0.0)
                size = min(max(abs(delta), 1e-6), 1 - 1e-6)
                yield Row(strike, expiry, bid, round(value * 1.02 + 0.02, 2), is_call, size, vol)
