"""What is coming for the options held, as alerts that are raised once and cleared when over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from domain.errors import GreenlightError
from domain.expiration import last_trading_moment
from domain.instruments import OptionContract, Right
from domain.lifecycle import (
    FoundAssignment,
    Instant,
    LifecycleEvent,
    LifecycleKind,
    lifecycle_events,
    next_instant,
)
from domain.market import MarketClock
from domain.ports import MarketPlan
from domain.ports.lifecycle import LifecycleReport, TriggeredRuns
from domain.position_events import PositionEventKind
from domain.risk.state import compute_risk_state
from domain.severity import Severity
from domain.strategies.registry import resolve_strategy, validate_config
from infra.calendars import trading_calendar
from infra.db.accounts import account_state, option_of
from infra.db.alerts import clear_alerts_but, raise_alert
from infra.db.clock import clock_of, host_now
from infra.db.models import (
    Alert,
    AlertState,
    BrokerAccount,
    ConnectionState,
    Gateway,
    IbkrContract,
    Instrument,
    Position,
    PositionEvent,
    StrategyInstance,
)
from infra.db.session import Sessions

LOOK_EVERY_SECONDS, LOOK_AT_LEAST_AFTER = 60.0, 2.0
CLOSED_SECONDS = 900.0
PRICED_WITHIN = timedelta(days=8)
"""Options that expire later are priced often enough by the regular reading of the market; calls
may be exercised for a dividend at any time."""
_GRAVITY = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class PostgresLifecycle:
    """``domain.ports.lifecycle.LifecycleStore`` over Postgres."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def lifecycle_plan(self, gateway: str) -> MarketPlan:
        async with self._sessions() as session:
            row, clock = await _connected(session, gateway)
            if row is None or clock is None or not row.session_open:
                return MarketPlan()
            now = clock.now(host_now())
            held = await session.execute(
                select(Instrument, IbkrContract.con_id)
                .join(IbkrContract, IbkrContract.instrument_id == Instrument.id)
                .join(Position, Position.instrument_id == Instrument.id)
                .join(BrokerAccount, BrokerAccount.id == Position.broker_account_id)
                .where(BrokerAccount.gateway_id == row.id, Instrument.expiry.is_not(None))
                .distinct()
            )
            options = [option_of(instrument, con_id) for instrument, con_id in held]
            return MarketPlan(
                options=tuple(each for each in options if each is not None and _matters(each, now))
            )

    async def look_ahead(self, gateway: str) -> LifecycleReport:
        async with self._sessions.begin() as session:
            row, clock = await _connected(session, gateway)
            if row is None or clock is None:
                return _again_in(LOOK_EVERY_SECONDS, "the gateway to be connected")
            now = clock.now(host_now())
            accounts = await session.scalars(
                select(BrokerAccount)
                .where(BrokerAccount.gateway_id == row.id)
                .order_by(BrokerAccount.code)
            )
            standing, runs, errors, instants = 0, TriggeredRuns(), list[str](), list[Instant]()
            for account in accounts:
                try:
                    events, instant = await _look(session, account, now)
                except GreenlightError as error:
                    errors.append(f"{account.code}: {error.detail}")
                    continue
                news = await _keep(session, account, events)
                runs = _together(runs, await _runs(session, account, news))
                standing += len(events)
                instants += [instant] if instant is not None else []
            seconds, reason = _next_look(clock, now, instants)
            return LifecycleReport(
                open=standing,
                runs=runs,
                errors=tuple(errors),
                next_look_seconds=seconds,
                next_look_for=reason,
            )


async def _connected(session: AsyncSession, slug: str) -> tuple[Gateway | None, MarketClock | None]:
    row = await session.scalar(select(Gateway).where(Gateway.slug == slug))
    if row is None or row.connection is not ConnectionState.CONNECTED:
        return None, None
    return row, clock_of(row)


def _matters(option: OptionContract, now: datetime) -> bool:
    last = last_trading_moment(option, trading_calendar())
    return now < last and (last - now <= PRICED_WITHIN or option.right is Right.CALL)


async def _look(
    session: AsyncSession, account: BrokerAccount, now: datetime
) -> tuple[Sequence[LifecycleEvent], Instant | None]:
    state = await account_state(session, account.id)
    risk = compute_risk_state(state)
    calendar = trading_calendar()
    found = await _assignments(session, account, now)
    return (
        lifecycle_events(state, risk, found, calendar, now),
        next_instant(state, risk, calendar, now),
    )


async def _assignments(
    session: AsyncSession, account: BrokerAccount, now: datetime
) -> list[FoundAssignment]:
    """Assignments found since the last close: they are news until the coming one."""
    since = trading_calendar().previous_session(now).close_at
    rows = await session.execute(
        select(PositionEvent, Instrument, IbkrContract.con_id)
        .join(Instrument, Instrument.id == PositionEvent.instrument_id)
        .join(IbkrContract, IbkrContract.instrument_id == Instrument.id)
        .where(
            PositionEvent.broker_account_id == account.id,
            PositionEvent.kind == PositionEventKind.ASSIGNMENT,
            PositionEvent.market_at >= since,
        )
    )
    options = [(event, option_of(instrument, con_id)) for event, instrument, con_id in rows]
    return [
        FoundAssignment(
            key=option.key,
            symbol=option.symbol,
            description=option.describe(),
            found_at=event.market_at,
        )
        for event, option in options
        if option is not None
    ]


async def _keep(
    session: AsyncSession, account: BrokerAccount, events: Sequence[LifecycleEvent]
) -> list[LifecycleEvent]:
    """Raise what is coming and clear what is over; what is new or graver than before."""
    rows = await session.scalars(
        select(Alert).where(
            Alert.broker_account_id == account.id, Alert.state != AlertState.CLEARED
        )
    )
    before = {(alert.code, alert.subject): alert.severity for alert in rows}
    news: list[LifecycleEvent] = []
    subjects: dict[str, set[str]] = {kind.value: set() for kind in LifecycleKind}
    for event in events:
        subject = f"{account.code}:{event.subject}"
        subjects[event.kind.value].add(subject)
        known = before.get((event.kind.value, subject))
        if known is None or _GRAVITY[known] < _GRAVITY[event.severity]:
            news.append(event)
        await raise_alert(
            session,
            event.kind.value,
            subject,
            event.severity,
            event.title,
            detail=event.advice,
            account_id=account.id,
            context={
                "symbol": event.symbol,
                "deadline": None if event.deadline is None else event.deadline.isoformat(),
            },
        )
    for code, standing in subjects.items():
        await clear_alerts_but(session, code, account.id, standing)
    return news


async def _runs(
    session: AsyncSession, account: BrokerAccount, news: Iterable[LifecycleEvent]
) -> TriggeredRuns:
    """The enabled instances of the account that look at a symbol of which there is news."""
    pressing = [event for event in news if event.wants_a_run]
    symbols = {event.symbol for event in pressing}
    if not symbols:
        return TriggeredRuns()
    instances = await session.scalars(
        select(StrategyInstance)
        .where(StrategyInstance.broker_account_id == account.id, StrategyInstance.enabled)
        .options(joinedload(StrategyInstance.strategy_version))
        .order_by(StrategyInstance.id)
    )
    concerned = tuple(each.id for each in instances if symbols & _universe(each))
    reasons = tuple(event.title for event in pressing) if concerned else ()
    return TriggeredRuns(instance_ids=concerned, reasons=reasons)


def _universe(instance: StrategyInstance) -> set[str]:
    try:
        strategy = resolve_strategy(instance.strategy_version.code_ref)
        return {*validate_config(strategy, instance.config).universe}
    except GreenlightError:
        return set()  # its own runs tell of it


def _together(one: TriggeredRuns, other: TriggeredRuns) -> TriggeredRuns:
    ids: tuple[UUID, ...] = (*one.instance_ids, *other.instance_ids)
    return TriggeredRuns(instance_ids=ids, reasons=(*one.reasons, *other.reasons))


def _next_look(clock: MarketClock, now: datetime, instants: Sequence[Instant]) -> tuple[float, str]:
    """Host seconds until the next look, and what for."""
    calendar = trading_calendar()
    if calendar.is_open(now):
        regular, reason = LOOK_EVERY_SECONDS, "the regular look"
    else:
        regular, reason = CLOSED_SECONDS, "a look while the market is closed"
        instants = [*instants, Instant(calendar.next_session(now).open_at, "the open")]
    earliest = min(instants, default=None)
    if earliest is not None:
        seconds = clock.host_seconds_until(earliest.at, host_now())
        if seconds < regular:
            # A little later than the moment itself: the clock is a reading carried forward.
            return max(seconds + 1.0, LOOK_AT_LEAST_AFTER), earliest.reason
    return regular, reason


def _again_in(seconds: float, reason: str) -> LifecycleReport:
    return LifecycleReport(next_look_seconds=seconds, next_look_for=reason)
