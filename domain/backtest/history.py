"""Recorded markets as a backtest sees them: the port, one moment of it, and what lies around it.

Nothing here looks ahead: what is told of a moment or a day was known by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from domain.backtest.side_data import DailySeries, RateHistory, UnderlyingHistory
from domain.calendar import TradingCalendar
from domain.market import FloatArray, OptionChain


class FaultCode(StrEnum):
    """What can be wrong with the chain of one underlying at one moment."""

    NOT_A_SESSION = "NOT_A_SESSION"
    """The exchange did not trade on that date, or not at that time."""
    STALE_DUPLICATE = "STALE_DUPLICATE"
    """It repeats the quotes of an earlier session, as a holiday's snapshot does."""
    NO_UNDERLYING_PRICE = "NO_UNDERLYING_PRICE"
    WRONG_DATES = "WRONG_DATES"
    """Options that had expired before the quote's date."""
    DUPLICATE_ROWS = "DUPLICATE_ROWS"
    """A contract quoted twice, with different prices."""
    CROSSED = "CROSSED"
    ONE_SIDED = "ONE_SIDED"
    PARITY = "PARITY"
    """Calls, puts and the underlying's price disagree by more than their spreads."""


@dataclass(frozen=True, slots=True)
class ChainFault:
    """Why a chain must not be traded on: a code to branch on and words for a person."""

    code: FaultCode
    detail: str

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


@dataclass(frozen=True, slots=True)
class HistorySlice:
    """All that is recorded of one moment.

    ``at`` is the quotes' own time (aware UTC), ``session`` its exchange date. Within a chain rows
    ascend by ``con_id``, a stable number of the contract, so that ``np.searchsorted`` finds the
    row of a position. ``bid_size`` and ``ask_size`` are aligned with the chain's rows, in
    contracts, nan where unknown. A chain named in ``faults`` must not be traded on; its other
    faults, a crossed quote here and there, are left to the rules that judge every quote.
    """

    at: datetime
    session: date
    chains: Mapping[str, OptionChain]
    bid_size: Mapping[str, FloatArray]
    ask_size: Mapping[str, FloatArray]
    faults: Mapping[str, tuple[ChainFault, ...]] = field(
        default_factory=dict[str, tuple[ChainFault, ...]]
    )


class HistoricalChains(Protocol):
    """Recorded chains by moment, and the side files that belong to them."""

    @property
    def label(self) -> str:
        """What was read, for people: file or folder names."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over everything read, side files included: the run's identity."""
        ...

    @property
    def rates(self) -> RateHistory: ...

    @property
    def vix(self) -> DailySeries | None:
        """Closes of the VIX, in points; a close is known after that day's session."""
        ...

    def timestamps(self) -> Sequence[datetime]:
        """Of the slices, ascending and aware UTC."""
        ...

    def slice(self, number: int) -> HistorySlice: ...

    def underlyings(self) -> Mapping[str, UnderlyingHistory]:
        """Of every symbol with a chain, at least by its terms."""
        ...

    def missing_sessions(self, calendar: TradingCalendar) -> tuple[date, ...]:
        """Sessions between the first and the last slice of which nothing is recorded."""
        ...
