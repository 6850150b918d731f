"""What people are told while they are away, and when it may reach them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import field_validator

from domain.instruments import Frozen
from domain.severity import Severity

LISTED_AT_MOST = 12
"""Lines of one message; what is beyond them is counted."""
_ORDER = tuple(Severity)


class NotificationEvent(StrEnum):
    RECOMMENDATION_WAITING = "RECOMMENDATION_WAITING"
    DEADLINE_NEAR = "DEADLINE_NEAR"
    ORDER_STUCK = "ORDER_STUCK"
    ALERT = "ALERT"
    KILL_SWITCH = "KILL_SWITCH"


class Occurrence(Frozen):
    """Something that happened or waits, told once to each channel that wants it."""

    event: NotificationEvent
    subject: UUID
    """The row it is about; with the event it says what was told already."""
    severity: Severity
    title: str
    detail: str = ""
    path: str
    """The page of the desk on which a person deals with it."""


class QuietHours(Frozen):
    """From ``start`` to ``end`` on the wall clock of ``zone``; past midnight if end is earlier."""

    start: time
    end: time
    zone: str

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{zone!r} is no time zone, such as America/New_York") from error
        return zone

    def over_at(self, now: datetime) -> datetime | None:
        """When the quiet that reigns at ``now`` ends; None where it does not reign."""
        local = now.astimezone(ZoneInfo(self.zone))
        at = local.time()
        through_midnight = self.end <= self.start
        quiet = (
            (at >= self.start or at < self.end) if through_midnight else self.start <= at < self.end
        )
        if not quiet:
            return None
        ends_tomorrow = through_midnight and at >= self.start
        day = local.date() + timedelta(days=1 if ends_tomorrow else 0)
        return datetime.combine(day, self.end, ZoneInfo(self.zone))


class Preferences(Frozen):
    """What one channel of a person wants to be told of, and when."""

    events: frozenset[NotificationEvent]
    least_severity: Severity = Severity.INFO
    quiet_hours: QuietHours | None = None
    critical_at_any_hour: bool = True

    def wants(self, event: NotificationEvent, severity: Severity) -> bool:
        weighty = _ORDER.index(severity) >= _ORDER.index(self.least_severity)
        return event in self.events and weighty

    def due_at(self, severity: Severity, now: datetime) -> datetime:
        """When it may be sent: now, or once it is no longer quiet."""
        if self.quiet_hours is None:
            return now
        if severity is Severity.CRITICAL and self.critical_at_any_hour:
            return now
        return self.quiet_hours.over_at(now) or now


class Message(Frozen):
    title: str
    body: str


def compose(occurrences: Sequence[Occurrence], desk_url: str) -> Message:
    """One message of all that is due on a channel; the weightiest comes first.

    Its links open pages of the desk, which ask for a sign-in; nothing can be decided by a link.
    """
    ordered = sorted(occurrences, key=lambda each: -_ORDER.index(each.severity))
    title = ordered[0].title if len(ordered) == 1 else f"{len(ordered)} things on your desk"
    told = [_lines(each, desk_url) for each in ordered[:LISTED_AT_MOST]]
    if len(ordered) > LISTED_AT_MOST:
        told.append(f"and {len(ordered) - LISTED_AT_MOST} more: {desk_url.rstrip('/')}/")
    return Message(title=f"Greenlight: {title}", body="\n\n".join(told))


def _lines(occurrence: Occurrence, desk_url: str) -> str:
    told = (occurrence.title, occurrence.detail, desk_url.rstrip("/") + occurrence.path)
    return "\n".join(line for line in told if line)
