"""The earnings calendar of a synthetic market, written down for those who trade it.

A broker's API tells no earnings dates; people get them elsewhere. Here they get them as a CSV
file, ``symbol,date,until``, beside the gateway's ledger.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from infra.simulator.market_events import MarketEvents
from infra.simulator.reference import UNDERLYINGS

FILE_NAME = "earnings.csv"
_BEHIND, _AHEAD = timedelta(days=120), timedelta(days=500)


def write_earnings(directory: Path, events: MarketEvents, today: date) -> Path:
    """Write the announcements around ``today``; each is the only one until the next."""
    lines = ["symbol,date,until"]
    for symbol in UNDERLYINGS:
        days = [e.on for e in events.earnings(symbol, today - _BEHIND, today + _AHEAD)]
        lines += [f"{symbol},{day},{later - timedelta(days=1)}" for day, later in pairwise(days)]
        lines += [f"{symbol},{day},{day}" for day in days[-1:]]
    path = directory / FILE_NAME
    # Whole or not at all: someone may be reading.
    fresh = path.with_suffix(".new")
    fresh.write_text("\n".join(lines) + "\n", "utf-8")
    return fresh.replace(path)
