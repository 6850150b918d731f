"""What is coming for the options an account holds: expiry, assignment, ex-dividend days.

A pure look at one moment. What it finds are alerts while it lasts; the moments at which a further
look pays are told as well, so that a durable timer can wait for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from pydantic import AwareDatetime, Field

from domain.calendar import TradingCalendar
from domain.expiration import SettlementTime, last_trading_moment, settlement_time
from domain.instruments import Frozen, OptionContract, Settlement, plain
from domain.portfolio import AccountState, PositionState
from domain.risk.expiries import AssignmentExposure, ExDividendExposure
from domain.risk.state import RiskState
from domain.severity import Severity

PIN_WIDTH = Decimal("0.005")
"""Of the strike: closer to it on the last day, nobody knows on which side the close will be."""
LITTLE_EXTRINSIC = Decimal("0.001")
"""Of the strike, per share: a holder who exercises gives up hardly anything."""
EXPIRY_SESSIONS, EX_DIVIDEND_SESSIONS = 5, 5
"""So many sessions ahead, today's included, they are told of."""
BEFORE_LAST_CLOSE = (timedelta(hours=2), timedelta(minutes=30))
BEFORE_EX_DATE = timedelta(hours=3)


class LifecycleKind(StrEnum):
    """What is coming; also the code of its alert."""

    EXPIRY_WEEK = "EXPIRY_WEEK"
    EXPIRING_IN_THE_MONEY = "EXPIRING_IN_THE_MONEY"
    PIN_RISK = "PIN_RISK"
    EXPIRING_UNPRICED = "EXPIRING_UNPRICED"
    EXERCISE_AT_EXPIRY = "EXERCISE_AT_EXPIRY"
    MORNING_SETTLEMENT = "MORNING_SETTLEMENT"
    EARLY_ASSIGNMENT = "EARLY_ASSIGNMENT"
    EX_DIVIDEND = "EX_DIVIDEND"
    POST_EXPIRY_MARGIN = "POST_EXPIRY_MARGIN"
    ASSIGNMENT_FOUND = "ASSIGNMENT_FOUND"


class FoundAssignment(Frozen):
    """An assignment that a comparison with the broker's books has found."""

    key: str
    symbol: str
    description: str
    found_at: AwareDatetime = Field(description="market time")


class LifecycleEvent(Frozen):
    """One thing that is coming, and until when something can be done about it.

    Its words name no price that moves, so that a further look says the same while it lasts.
    """

    kind: LifecycleKind
    subject: str = Field(description="what it is about: an instrument's key, or the account")
    symbol: str
    severity: Severity
    deadline: AwareDatetime | None = Field(description="market time; None: it has happened")
    title: str
    advice: str

    @property
    def wants_a_run(self) -> bool:
        """Whether a strategy should look at the position in time."""
        return self.severity is not Severity.INFO


class Instant(NamedTuple):
    """A moment of market time at which to look again, and why then."""

    at: datetime
    reason: str


class _Held(NamedTuple):
    """An option that still trades, with what a look at it needs."""

    position: PositionState
    option: OptionContract
    last: datetime
    sessions_left: int
    """Today's and the last one included: 1 on the last day."""

    @property
    def is_last_day(self) -> bool:
        return self.sessions_left == 1


def lifecycle_events(
    account: AccountState,
    risk: RiskState,
    found: Sequence[FoundAssignment],
    calendar: TradingCalendar,
    now: datetime,
) -> tuple[LifecycleEvent, ...]:
    """Everything that is coming for an account at market time ``now``, by subject and kind."""
    assignments = {each.key: each for each in risk.assignment}
    events: list[LifecycleEvent] = []
    for held in _held(account, calendar, now):
        if held.position.is_short:
            events += _of_short(held, account, assignments.get(held.position.key))
        elif held.is_last_day and _inside(held, account) is not None:
            events += _of_long(held, account)
        events += _of_morning_settlement(held)
    events += _ex_dividends(risk.ex_dividend, calendar, now)
    events += _post_expiry(account, risk, calendar)
    events += [_found(each) for each in found]
    return tuple(sorted(events, key=lambda event: (event.subject, event.kind)))


def next_instant(
    account: AccountState, risk: RiskState, calendar: TradingCalendar, now: datetime
) -> Instant | None:
    """The first moment after ``now`` at which something changes; None where nothing is held."""
    instants = [*_expiry_instants(account, calendar, now)]
    for each in risk.ex_dividend:
        last = calendar.session_on(calendar.add_sessions(each.ex_date, -1))
        reason = f"the afternoon before {each.symbol} goes ex-dividend"
        instants.append(Instant(last.close_at - BEFORE_EX_DATE, reason))
    return min((each for each in instants if each.at > now), default=None)


def _expiry_instants(
    account: AccountState, calendar: TradingCalendar, now: datetime
) -> Iterator[Instant]:
    for held in _held(account, calendar, now):
        name = held.option.describe()
        last_session = calendar.previous_session(held.last)
        yield Instant(last_session.open_at, f"the open of the last day of {name}")
        for before in BEFORE_LAST_CLOSE:
            yield Instant(held.last - before, f"{_words(before)} before the last close of {name}")
        morning = calendar.next_session(held.last).open_at
        yield Instant(morning, f"the morning after the expiry of {name}")


def _held(account: AccountState, calendar: TradingCalendar, now: datetime) -> Iterator[_Held]:
    today = calendar.current_or_next_session(now).date
    for position in account.positions:
        option = position.option
        if option is None:
            continue
        last = last_trading_moment(option, calendar)
        if now < last:
            sessions = calendar.sessions_between(today, calendar.previous_session(last).date)
            yield _Held(position, option, last, len(sessions))


# --- one option ----------------------------------------------------------------------------


def _of_short(
    held: _Held, account: AccountState, assignment: AssignmentExposure | None
) -> Iterator[LifecycleEvent]:
    name, contracts = held.option.describe(), plain(abs(held.position.quantity))
    if held.sessions_left <= EXPIRY_SESSIONS:
        yield _event(
            LifecycleKind.EXPIRY_WEEK, held, Severity.INFO,
            f"{contracts} × {name} short, in its last week",
            "Decide whether to let it expire, to close it or to roll it.",
        )  # fmt: skip
    if assignment is not None and held.sessions_left <= 2:
        yield _event(
            LifecycleKind.EXPIRING_IN_THE_MONEY, held,
            Severity.CRITICAL if held.is_last_day else Severity.WARNING,
            f"{contracts} × {name} short, about to expire in the money",
            f"{_consequence(held, assignment)} Close or roll it before then if that is not wanted.",
        )  # fmt: skip
    elif assignment is not None and _gives_up_little(held, assignment):
        yield _event(
            LifecycleKind.EARLY_ASSIGNMENT, held, Severity.WARNING,
            f"{contracts} × {name} short, likely to be assigned early",
            f"Its extrinsic value is nearly gone. {_consequence(held, assignment)}",
        )  # fmt: skip
    if held.is_last_day and assignment is None:
        yield from _of_last_day(held, account)


def _of_last_day(held: _Held, account: AccountState) -> Iterator[LifecycleEvent]:
    """A short option out of the money, or of which nobody can tell."""
    inside, name = _inside(held, account), held.option.describe()
    if inside is None:
        yield _event(
            LifecycleKind.EXPIRING_UNPRICED, held, Severity.WARNING,
            f"{name} short expires, and its underlying has no price",
            "Nobody can tell whether it ends in the money: look at another source, or close it.",
        )  # fmt: skip
    elif abs(inside) <= held.option.strike * PIN_WIDTH:
        yield _event(
            LifecycleKind.PIN_RISK, held, Severity.WARNING,
            f"{name} short expires next to its strike",
            "It may or may not be assigned, and the next open is not the close: close it to know.",
        )  # fmt: skip


def _of_long(held: _Held, account: AccountState) -> Iterator[LifecycleEvent]:
    inside = _inside(held, account)
    if inside is not None and inside > 0:
        yield _event(
            LifecycleKind.EXERCISE_AT_EXPIRY, held, Severity.WARNING,
            f"{held.option.describe()} held expires in the money",
            "From a cent in the money it is exercised by itself: sell it before if the shares, or "
            "the cash they cost, are not wanted.",
        )  # fmt: skip


def _of_morning_settlement(held: _Held) -> Iterator[LifecycleEvent]:
    if settlement_time(held.option.trading_class) is SettlementTime.AM and held.sessions_left <= 2:
        yield _event(
            LifecycleKind.MORNING_SETTLEMENT, held, Severity.WARNING,
            f"{held.option.describe()} settles by the morning after its last trading day",
            "After its last close it can be neither closed nor rolled, and the night decides what "
            "it is worth.",
        )  # fmt: skip


def _event(
    kind: LifecycleKind, held: _Held, severity: Severity, title: str, advice: str
) -> LifecycleEvent:
    return LifecycleEvent(
        kind=kind,
        subject=held.position.key,
        symbol=held.position.symbol,
        severity=severity,
        deadline=held.last,
        title=title,
        advice=advice,
    )


def _inside(held: _Held, account: AccountState) -> Decimal | None:
    """How far in the money per share; negative outside, None while the price is not known."""
    known = account.underlyings.get(held.position.symbol)
    if known is None or known.price is None:
        return None
    difference = known.price - held.option.strike
    return difference if held.option.right.value == "C" else -difference


def _gives_up_little(held: _Held, assignment: AssignmentExposure) -> bool:
    if held.position.settlement is Settlement.CASH or assignment.extrinsic is None:
        return False
    return assignment.extrinsic <= float(held.option.strike * LITTLE_EXTRINSIC)


def _consequence(held: _Held, assignment: AssignmentExposure) -> str:
    if not assignment.shares:
        return "The difference to its strike is paid in cash."
    verb = "bought" if assignment.shares > 0 else "sold"
    return (
        f"Assigned, {plain(abs(assignment.shares))} shares of {held.position.symbol} are {verb} "
        f"at {plain(held.option.strike)}, for {abs(assignment.cash):,.2f}."
    )


# --- the account ---------------------------------------------------------------------------


def _ex_dividends(
    exposures: Iterable[ExDividendExposure], calendar: TradingCalendar, now: datetime
) -> Iterator[LifecycleEvent]:
    today = calendar.current_or_next_session(now).date
    for each in exposures:
        last = calendar.session_on(calendar.add_sessions(each.ex_date, -1))
        if not each.is_likely or each.is_estimate or now >= last.close_at:
            continue
        sessions = len(calendar.sessions_between(today, last.date))
        if sessions > EX_DIVIDEND_SESSIONS:
            continue
        yield LifecycleEvent(
            kind=LifecycleKind.EX_DIVIDEND,
            subject=f"{each.key}:{each.ex_date}",
            symbol=each.symbol,
            severity=Severity.CRITICAL if sessions == 1 else Severity.WARNING,
            deadline=last.close_at,
            title=f"{each.description} short is likely to be exercised for the dividend",
            advice=(
                f"{each.symbol} goes ex-dividend on {_day(each.ex_date)} with "
                f"{plain(each.dividend)} a share, more than the call's extrinsic value. Close or "
                f"roll it by the close before; uncovered, the dividend of {each.cost:,.2f} is owed."
            ),
        )


def _post_expiry(
    account: AccountState, risk: RiskState, calendar: TradingCalendar
) -> Iterator[LifecycleEvent]:
    after = risk.post_expiry
    if after is None or not after.shares:
        return
    is_short_of_margin = after.reg_t_maintenance > float(risk.equity_with_loan)
    if after.cash_after >= 0 and not is_short_of_margin:
        return
    last = calendar.last_trading_day_on_or_before(after.through)
    shares = ", ".join(f"{each.shares:+f} {each.symbol}" for each in after.shares)
    yield LifecycleEvent(
        kind=LifecycleKind.POST_EXPIRY_MARGIN,
        subject=f"{account.account_code}:{after.through}",
        symbol=after.shares[0].symbol,
        severity=Severity.CRITICAL if is_short_of_margin else Severity.WARNING,
        deadline=calendar.session_on(last).close_at,
        title=(
            "This week's expiries would leave too little margin"
            if is_short_of_margin
            else "This week's expiries would have to be paid with borrowed cash"
        ),
        advice=(
            f"As prices stand the account's shares change by {shares}. The broker may liquidate "
            "ahead of expiry: close or roll what is in the money, or bring cash."
        ),
    )


def _found(found: FoundAssignment) -> LifecycleEvent:
    return LifecycleEvent(
        kind=LifecycleKind.ASSIGNMENT_FOUND,
        subject=f"{found.key}:{found.found_at:%Y-%m-%d}",
        symbol=found.symbol,
        severity=Severity.WARNING,
        deadline=None,
        title=f"{found.description} was assigned",
        advice="The shares are in the account. Strategies look at them at once.",
    )


def _words(before: timedelta) -> str:
    minutes = int(before.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
