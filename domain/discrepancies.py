"""What may differ between the broker's books and our record, and what a person is told of it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import Field

from domain.instruments import Frozen
from domain.severity import Severity


class DiscrepancyType(StrEnum):
    EXTERNAL_ORDER = "EXTERNAL_ORDER"
    EXTERNAL_FILL = "EXTERNAL_FILL"
    ORPHAN_ORDER = "ORPHAN_ORDER"
    TWO_PERM_IDS = "TWO_PERM_IDS"
    VANISHED_ORDER = "VANISHED_ORDER"
    MISSING_EXECUTION = "MISSING_EXECUTION"
    POSITION_MISMATCH = "POSITION_MISMATCH"
    CASH_MISMATCH = "CASH_MISMATCH"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    UNKNOWN_CONTRACT = "UNKNOWN_CONTRACT"


class Words(NamedTuple):
    """What a person is told of a discrepancy: what it is, and what to do next."""

    severity: Severity
    title: str
    advice: str


WORDS: dict[DiscrepancyType, Words] = {
    DiscrepancyType.EXTERNAL_ORDER: Words(
        Severity.INFO,
        "An order made outside the desk is working",
        "It counts against cash and duplicates until it ends. Cancel it where it was made.",
    ),
    DiscrepancyType.EXTERNAL_FILL: Words(
        Severity.INFO,
        "A trade was made outside the desk",
        "It is booked on the account. Nothing to do if you know of it.",
    ),
    DiscrepancyType.ORPHAN_ORDER: Words(
        Severity.CRITICAL,
        "The broker has an order of this desk that is not on record here",
        "Check whether another desk uses this account or the database was restored; "
        "cancel the order in TWS if nobody knows it.",
    ),
    DiscrepancyType.TWO_PERM_IDS: Words(
        Severity.CRITICAL,
        "The broker has two orders under one key: the account is halted",
        "Cancel what still works in TWS, compare the executions, then resume the account.",
    ),
    DiscrepancyType.VANISHED_ORDER: Words(
        Severity.CRITICAL,
        "An order the broker had acknowledged is in none of its books",
        "Look the order up in TWS before anything else is sent for it.",
    ),
    DiscrepancyType.MISSING_EXECUTION: Words(
        Severity.CRITICAL,
        "The broker tells of a fill that is not on record",
        "Compare the order's trades in TWS with its executions here.",
    ),
    DiscrepancyType.POSITION_MISMATCH: Words(
        Severity.CRITICAL,
        "A position differs from the record: the account is halted",
        "Find the trade or the event in TWS or the statement. When it is understood, accept the "
        "broker's figure and resume the account.",
    ),
    DiscrepancyType.CASH_MISMATCH: Words(
        Severity.WARNING,
        "Cash differs from the record",
        "Look for a deposit, a fee, interest or a dividend in the statement, then accept the "
        "broker's figure.",
    ),
    DiscrepancyType.UNKNOWN_ACCOUNT: Words(
        Severity.WARNING,
        "The gateway serves an account that is not set up here",
        "Add the account to a portfolio, or take it off the gateway's login.",
    ),
    DiscrepancyType.UNKNOWN_CONTRACT: Words(
        Severity.CRITICAL,
        "A contract held or traded could not be matched to an instrument",
        "Compare the contract in TWS with the instrument on record; it was not guessed.",
    ),
}
# What stops new orders on the account as soon as it is confirmed (DESIGN §5).
HALTING = frozenset({DiscrepancyType.TWO_PERM_IDS, DiscrepancyType.POSITION_MISMATCH})


class Confirmation(NamedTuple):
    """How often, and for how long in market time, something must be seen to count."""

    looks: int = 1
    market_age: timedelta = timedelta(0)


CONFIRMATION: dict[DiscrepancyType, Confirmation] = {
    # A fill reaches positions and executions one after the other.
    DiscrepancyType.POSITION_MISMATCH: Confirmation(looks=2),
    DiscrepancyType.VANISHED_ORDER: Confirmation(looks=2),
    DiscrepancyType.MISSING_EXECUTION: Confirmation(looks=2),
    # TWS refreshes account values every three minutes.
    DiscrepancyType.CASH_MISMATCH: Confirmation(looks=2, market_age=timedelta(minutes=4)),
}


class Finding(Frozen):
    """One discrepancy as one look shows it. ``subject`` is what it is about, for as long as it
    lasts."""

    type: DiscrepancyType
    subject: str
    expected: str = ""
    actual: str = ""
    detail: str
    con_id: int | None = None
    evidence: dict[str, Any] = Field(default_factory=dict[str, Any])

    @property
    def words(self) -> Words:
        return WORDS[self.type]

    @property
    def halts(self) -> bool:
        return self.type in HALTING

    def is_confirmed(self, looks: int, market_age: timedelta) -> bool:
        needed = CONFIRMATION.get(self.type, Confirmation())
        return looks >= needed.looks and market_age >= needed.market_age
