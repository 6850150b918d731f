"""A recorded week in the canonical format, small enough to know by heart.

One snapshot a session at ten in New York; prices by the European formula on a path that the test
chooses, in whole dimes with a spread of a dime or more, so that every market has them as prices.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from math import ceil, floor
from pathlib import Path

import numpy as np

from domain.pricing.european import greeks
from infra.calendars import EXCHANGE_ZONE, trading_calendar

RISK_FREE = 0.04
"""As the simulated gateway has it."""
QUOTED_AT = time(10)
COLUMNS = (
    "timestamp", "underlying", "root", "right", "strike", "expiry", "settlement", "bid", "ask",
    "bid_size", "ask_size", "last", "volume", "open_interest", "underlying_price", "iv", "delta",
    "multiplier",
)  # fmt: skip


@dataclass(frozen=True)
class RecordedWeek:
    """Options on one underlying, whose price at ten on each session ``spots`` tells."""

    symbol: str
    spots: Mapping[date, float]
    expiries: Sequence[date]
    strikes: Sequence[float]
    vol: float = 0.2
    half_spread: float = 0.1
    size: int = 50

    def write(self, folder: Path) -> Path:
        """The file of quotes; its official closes and the interest rate lie beside it."""
        path = folder / f"{self.symbol.lower()}.csv"
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(COLUMNS)
            for day, spot in self.spots.items():
                writer.writerows(self._rows(day, spot))
        return path

    def write_side(self, folder: Path) -> Path:
        """The interest rate of every day, for a backtest."""
        side = folder / "side"
        side.mkdir(exist_ok=True)
        days = sorted(self.spots)
        lines = "".join(f"{day},{RISK_FREE}\n" for day in days)
        (side / "rates.csv").write_text("date,rate\n" + lines)
        return side

    def _rows(self, day: date, spot: float) -> list[tuple[object, ...]]:
        at = datetime.combine(day, QUOTED_AT, EXCHANGE_ZONE)
        rows: list[tuple[object, ...]] = []
        for expiry in (each for each in self.expiries if each >= day):
            close = trading_calendar().session_on(expiry).close_at
            years = np.full(len(self.strikes), (close - at).total_seconds() / 31_557_600)
            strikes = np.array(self.strikes, dtype=np.float64)
            for is_call in (False, True):
                told = greeks(
                    np.full(len(strikes), spot), strikes, years, RISK_FREE, 0.0,
                    np.full(len(strikes), self.vol), np.full(len(strikes), is_call),
                )  # fmt: skip
                for strike, price, delta in zip(
                    strikes.tolist(), told.price.tolist(), told.delta.tolist(), strict=True
                ):
                    bid = max(floor((price - self.half_spread) * 10) / 10, 0.0)
                    ask = ceil((price + self.half_spread) * 10) / 10
                    rows.append(
                        (at.isoformat(), self.symbol, self.symbol, "C" if is_call else "P",
                         strike, expiry, "PM", f"{bid:.2f}", f"{ask:.2f}", self.size, self.size,
                         "", 100, 1000, spot, self.vol, round(delta, 6), 100)
                    )  # fmt: skip
        return rows
