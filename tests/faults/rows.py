"""All rows of the campaign, in the order they run."""

from __future__ import annotations

from tests.faults.rounds import Row
from tests.faults.rows_races import CancelAndFill
from tests.faults.rows_wire import WIRE_ROWS

ROWS: tuple[type[Row], ...] = (CancelAndFill, *WIRE_ROWS)
