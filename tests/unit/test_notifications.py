"""What a channel is told, when it is told, and in which words."""

from __future__ import annotations

from datetime import UTC, datetime, time
from uuid import uuid4

import pytest
from pydantic import ValidationError

from domain.errors import ErrorCode, GreenlightError
from domain.notifications import (
    LISTED_AT_MOST,
    NotificationEvent,
    Occurrence,
    Preferences,
    QuietHours,
    compose,
)
from domain.severity import Severity
from infra.notify import checked_address

NIGHT = QuietHours(start=time(22), end=time(7), zone="America/New_York")
LUNCH = QuietHours(start=time(12), end=time(13), zone="Europe/Zurich")


def new_york(day: int, hour: int) -> datetime:
    return (
        datetime(2026, 1, day, hour + 5, tzinfo=UTC)
        if hour < 19
        else datetime(2026, 1, day + 1, hour - 19, tzinfo=UTC)
    )


def occurrence(title: str, severity: Severity = Severity.INFO) -> Occurrence:
    return Occurrence(
        event=NotificationEvent.ALERT,
        subject=uuid4(),
        severity=severity,
        title=title,
        detail="why",
        path="/alerts",
    )


@pytest.mark.parametrize(
    ("quiet", "now", "over"),
    [
        (NIGHT, new_york(5, 21), None),
        (NIGHT, new_york(5, 22), new_york(6, 7)),
        (NIGHT, new_york(6, 2), new_york(6, 7)),
        (NIGHT, new_york(6, 7), None),
        (LUNCH, datetime(2026, 1, 5, 11, 30, tzinfo=UTC), datetime(2026, 1, 5, 12, tzinfo=UTC)),
        (LUNCH, datetime(2026, 1, 5, 12, 0, tzinfo=UTC), None),
        # The night in which New York's clocks go forward is an hour shorter.
        (NIGHT, datetime(2026, 3, 8, 4, tzinfo=UTC), datetime(2026, 3, 8, 11, tzinfo=UTC)),
    ],
)
def test_quiet_hours_go_by_the_wall_clock_of_their_zone(
    quiet: QuietHours, now: datetime, over: datetime | None
):
    assert quiet.over_at(now) == over


def test_quiet_hours_name_a_zone_that_exists():
    with pytest.raises(ValidationError, match="no time zone"):
        QuietHours(start=time(1), end=time(2), zone="Mars/Olympus")


def test_a_channel_hears_of_its_events_from_its_severity_on():
    wishes = Preferences(
        events=frozenset({NotificationEvent.ALERT}), least_severity=Severity.WARNING
    )
    assert wishes.wants(NotificationEvent.ALERT, Severity.CRITICAL)
    assert not wishes.wants(NotificationEvent.ALERT, Severity.INFO)
    assert not wishes.wants(NotificationEvent.KILL_SWITCH, Severity.CRITICAL)


@pytest.mark.parametrize("at_any_hour", [True, False])
def test_what_is_critical_may_break_the_quiet(at_any_hour: bool):
    wishes = Preferences(
        events=frozenset(NotificationEvent),
        quiet_hours=NIGHT,
        critical_at_any_hour=at_any_hour,
    )
    night = new_york(6, 2)
    assert wishes.due_at(Severity.WARNING, night) == new_york(6, 7)
    expected = night if at_any_hour else new_york(6, 7)
    assert wishes.due_at(Severity.CRITICAL, night) == expected


def test_one_message_tells_all_that_is_due_the_weightiest_first_with_links():
    told = [occurrence("a note"), occurrence("on fire", Severity.CRITICAL)]
    message = compose(told, "https://desk.example/")
    assert message.title == "Greenlight: 2 things on your desk"
    assert message.body.index("on fire") < message.body.index("a note")
    assert message.body.count("https://desk.example/alerts") == 2
    assert compose(told[:1], "https://desk.example").title == "Greenlight: a note"


def test_a_long_message_counts_what_it_does_not_list():
    message = compose([occurrence(f"n{i}") for i in range(LISTED_AT_MOST + 3)], "https://d")
    assert "and 3 more" in message.body
    assert f"n{LISTED_AT_MOST}" not in message.body


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("file:///etc/passwd", "not allowed"),
        ("not an address", "without a scheme"),
        ("tgram://", "a part is missing"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_in_words(address: str, why: str):
    with pytest.raises(GreenlightError, match=why) as refused:
        checked_address(address, {"tgram", "mailtos"})
    assert refused.value.code is ErrorCode.CHANNEL_REFUSED
