"""Channels on which people are notified."""

from __future__ import annotations

from datetime import time
from typing import Annotated
from uuid import UUID

from pydantic import Field, SecretStr, computed_field, model_validator

from api.schemas.common import ETAG, Answer, Ask, UtcTime, tag_of
from domain.notifications import NotificationEvent, QuietHours
from domain.severity import Severity

Address = Annotated[
    SecretStr,
    Field(
        min_length=5,
        max_length=1000,
        description="Where to, in apprise's notation",
        examples=["mailtos://user:password@smtp.example.com?to=me@example.com"],
    ),
]


class ChannelWishes(Ask):
    """What a channel is to hear of, and when."""

    name: str = Field(min_length=1, max_length=80)
    events: frozenset[NotificationEvent] = Field(min_length=1)
    least_severity: Severity = Severity.INFO
    quiet_from: time | None = Field(default=None, description="by the wall clock of `zone`")
    quiet_until: time | None = Field(default=None, description="earlier: past midnight")
    zone: str = Field(default="America/New_York", max_length=64)
    critical_at_any_hour: bool = True
    is_enabled: bool = True

    @model_validator(mode="after")
    def _sound(self) -> ChannelWishes:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("quiet_from and quiet_until go together")
        clocks = (self.quiet_from, self.quiet_until)
        if any(clock is not None and clock.tzinfo is not None for clock in clocks):
            raise ValueError("quiet hours are wall-clock times, without an offset")
        QuietHours(
            start=self.quiet_from or time(0), end=self.quiet_until or time(0), zone=self.zone
        )
        return self


class ChannelAsk(ChannelWishes):
    address: Address


class ChannelChange(ChannelWishes):
    address: Address | None = Field(default=None, description="null: as it was")


class ChannelAnswer(Answer):
    """One channel; its address is never told again."""

    id: UUID
    name: str
    kind: str = Field(description="scheme of the address, e.g. mailtos")
    events: list[NotificationEvent]
    least_severity: Severity
    quiet_from: time | None
    quiet_until: time | None
    zone: str
    critical_at_any_hour: bool
    is_enabled: bool
    last_sent_at: UtcTime | None
    waiting: int = Field(description="occurrences not sent yet")
    error: str = Field(description="why what waits could not be sent; empty if nothing failed")

    @computed_field(description=ETAG)
    @property
    def etag(self) -> str:
        return tag_of(
            self.name,
            self.kind,
            sorted(self.events),
            self.least_severity,
            self.quiet_from,
            self.quiet_until,
            self.zone,
            self.critical_at_any_hour,
            self.is_enabled,
        )


class ChannelsAnswer(Answer):
    channels: list[ChannelAnswer]
    kinds: list[str] = Field(description="kinds of addresses this installation allows")
