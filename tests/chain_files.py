"""Small recorded chains as files, for tests that read them from a disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

HEADER = "timestamp,underlying,underlying_price,right,strike,expiry,bid,ask,open_interest,delta,iv"
DAYS = ("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05")
PUTS = ((90, 0.6, -0.12), (95, 1.5, -0.25), (100, 3.2, -0.5))
CONFIG = {
    "universe": ["ABC"],
    "min_dte": 5,
    "max_dte": 60,
    "max_spread_fraction": 2,
    "max_capital_per_name": "1",
    "min_ror_annualised": 0.01,
}
"""A Wheel that finds something to sell in them."""


def write_chains(path: Path, days: Sequence[str] = DAYS, underlying: str = "ABC") -> Path:
    """Sessions of a few puts on a share, in canonical columns."""
    rows = [
        f"{day}T15:45:00-05:00,{underlying},100,P,{strike},2024-02-16,"
        f"{bid},{bid + 0.1:.2f},500,{delta},0.25"
        for day in days
        for strike, bid, delta in PUTS
    ]
    path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    return path


def write_config(path: Path) -> Path:
    path.write_text(json.dumps(CONFIG), "utf-8")
    return path
