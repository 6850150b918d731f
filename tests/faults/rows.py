"""All rows of the campaign, in the order they run."""

from __future__ import annotations

from tests.faults.rounds import Row
from tests.faults.rows_kills import KILL_ROWS
from tests.faults.rows_lease import LeaseFights
from tests.faults.rows_races import CancelAndFill, Clicks
from tests.faults.rows_wire import WIRE_ROWS

ROWS: tuple[type[Row], ...] = (CancelAndFill, Clicks, LeaseFights, *WIRE_ROWS, *KILL_ROWS)
