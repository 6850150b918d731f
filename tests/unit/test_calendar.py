from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.calendar import CalendarRangeError, Session, TradingCalendar
from infra.calendars import trading_calendar

WEDNESDAY, FRIDAY, MONDAY = date(2026, 11, 25), date(2026, 11, 27), date(2026, 11, 30)


def _session(day: date, close_hour: int = 21) -> Session:
    opens = datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)
    return Session(day, opens, opens.replace(hour=close_hour, minute=0))


CALENDAR = TradingCalendar((_session(WEDNESDAY), _session(FRIDAY, 18), _session(MONDAY)))


def test_a_session_is_open_from_its_open_up_to_but_not_at_its_close():
    session = CALENDAR.session_on(FRIDAY)
    assert CALENDAR.is_open(session.open_at)
    assert CALENDAR.is_open(session.close_at - timedelta(microseconds=1))
    assert not CALENDAR.is_open(session.close_at)
    assert not CALENDAR.is_open(session.open_at - timedelta(microseconds=1))


def test_the_session_at_a_time_is_none_while_closed():
    assert CALENDAR.session_at(datetime(2026, 11, 27, 15, 0, tzinfo=UTC)) == _session(FRIDAY, 18)
    assert CALENDAR.session_at(datetime(2026, 11, 28, 15, 0, tzinfo=UTC)) is None


def test_next_and_previous_sessions_step_over_closed_days():
    thanksgiving = datetime(2026, 11, 26, 15, 0, tzinfo=UTC)
    assert CALENDAR.next_session(thanksgiving).date == FRIDAY
    assert CALENDAR.previous_session(thanksgiving).date == WEDNESDAY
    during = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
    assert CALENDAR.next_session(during).date == MONDAY
    assert CALENDAR.previous_session(during).date == WEDNESDAY
    assert CALENDAR.current_or_next_session(during).date == FRIDAY
    assert CALENDAR.previous_session(CALENDAR.session_on(FRIDAY).close_at).date == FRIDAY


def test_sessions_are_counted_not_days():
    assert CALENDAR.add_sessions(WEDNESDAY, 2) == MONDAY
    assert CALENDAR.add_sessions(MONDAY, -1) == FRIDAY
    assert CALENDAR.add_sessions(FRIDAY, 0) == FRIDAY
    saturday = date(2026, 11, 28)
    assert CALENDAR.add_sessions(saturday, 1) == MONDAY
    assert CALENDAR.add_sessions(saturday, -1) == FRIDAY
    with pytest.raises(ValueError, match="not a trading day"):
        CALENDAR.add_sessions(saturday, 0)


def test_a_holiday_expiry_moves_to_the_trading_day_before():
    assert CALENDAR.last_trading_day_on_or_before(date(2026, 11, 26)) == WEDNESDAY
    assert CALENDAR.last_trading_day_on_or_before(FRIDAY) == FRIDAY


def test_sessions_between_includes_both_ends():
    found = CALENDAR.sessions_between(WEDNESDAY, MONDAY)
    assert [s.date for s in found] == [WEDNESDAY, FRIDAY, MONDAY]
    assert CALENDAR.sessions_between(date(2026, 11, 26), date(2026, 11, 26)) == ()
    assert CALENDAR.is_session(FRIDAY)
    assert not CALENDAR.is_session(date(2026, 11, 28))


@pytest.mark.parametrize(
    "question",
    [
        lambda: CALENDAR.is_session(date(2027, 1, 4)),
        lambda: CALENDAR.is_open(datetime(2020, 1, 2, 15, tzinfo=UTC)),
        lambda: CALENDAR.next_session(datetime(2026, 11, 30, 15, tzinfo=UTC)),
        lambda: CALENDAR.previous_session(datetime(2026, 11, 25, 15, tzinfo=UTC)),
        lambda: CALENDAR.add_sessions(MONDAY, 1),
        lambda: CALENDAR.last_trading_day_on_or_before(date(2026, 1, 1)),
    ],
)
def test_questions_outside_the_span_are_errors_not_guesses(question):
    with pytest.raises(CalendarRangeError):
        question()


def test_a_calendar_refuses_disorder_and_naive_times():
    with pytest.raises(ValueError, match="ascend"):
        TradingCalendar((_session(FRIDAY), _session(WEDNESDAY)))
    with pytest.raises(ValueError, match="aware"):
        Session(FRIDAY, datetime(2026, 11, 27, 9), datetime(2026, 11, 27, 16))
    with pytest.raises(ValueError, match="aware"):
        CALENDAR.is_open(datetime(2026, 11, 27, 15))


def test_the_new_york_calendar_knows_holidays_and_early_closes():
    calendar = trading_calendar()
    assert not calendar.is_session(date(2026, 11, 26))
    early = calendar.session_on(FRIDAY)
    assert early.close_at == datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
    assert trading_calendar() is calendar
