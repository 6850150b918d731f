"""What a campaign consists of: rows, each repeated round by round until its goal is reached."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from tests.faults.servers import Servers

FORBIDDEN = (
    "duplicates",
    "over_executed",
    "lost_approvals",
    "lost_executions",
    "miscounted",
    "unapproved",
    "false_endings",
    "stuck",
)
"""Figures that must be zero in every round."""


@dataclass
class Verdict:
    """What the judge found: counts of orders or approvals, and each broken promise in words."""

    duplicates: int = 0
    """Keys with more than one order at the broker, and approvals with two attempts live at once."""
    over_executed: int = 0
    """Approvals of which more was traded than was approved."""
    lost_approvals: int = 0
    """Approvals answered with 2xx that are not on record, or that nobody ever took up."""
    lost_executions: int = 0
    """Executions of the broker, and commissions, that are not on record."""
    miscounted: int = 0
    """Orders whose quantity on record is not what the broker executed; made-up executions."""
    unapproved: int = 0
    """Orders at the broker without a decision that covers them."""
    false_endings: int = 0
    """Approvals called COMPLETED, or ended, that the broker's books contradict."""
    stuck: int = 0
    """Approvals that neither ended nor wait for a person who was told."""
    unknown_with_alert: int = 0
    """Orders not proven either way, with an open alert: allowed."""
    endings: Counter[str] = field(default_factory=Counter[str])
    broken: list[str] = field(default_factory=list[str])

    @property
    def is_clean(self) -> bool:
        return not any(getattr(self, name) for name in FORBIDDEN)


@dataclass
class Round:
    """One round: so many orders in flight when the fault struck, and what became of them."""

    in_flight: int
    verdict: Verdict
    struck: int = 0
    """How often the fault struck, where that can be counted."""
    notes: str = ""


class Row(ABC):
    """One kind of fault. ``goal`` is how many orders it has to meet in flight.

    Every round starts from its seed alone, so that a round that broke can be repeated.
    """

    name: ClassVar[str]
    goal: ClassVar[int]

    def __init__(self, servers: Servers) -> None:
        self.servers = servers

    @abstractmethod
    async def round(self, seed: int) -> Round:
        """Run one round to its end and judge it."""

    @staticmethod
    def no_verdict() -> Verdict:
        """Of a round that failed by itself: nothing was judged."""
        return Verdict()
