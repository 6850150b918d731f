"""What people are to be told: found in our own records, kept until it was sent or is over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import (
    ColumnElement,
    Interval,
    Update,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode
from domain.notifications import NotificationEvent, Occurrence, Preferences, QuietHours
from domain.ports.notifications import Delivery
from domain.recommendations import RecommendationState
from domain.severity import Severity
from infra.db.clock import host_now
from infra.db.models import (
    Alert,
    AlertState,
    BrokerAccount,
    Gateway,
    KillSwitch,
    Notification,
    NotificationChannel,
    Recommendation,
    User,
)
from infra.db.queries.columns import Rowed
from infra.db.queries.identity import viewer_of
from infra.db.queries.viewer import Viewer
from infra.db.session import Sessions
from infra.keys import KeyRing

log = structlog.get_logger(__name__)

NEAR = timedelta(minutes=10)
"""Before its deadline, in host time, a recommendation is called urgent."""
AT_ONCE = 200
"""Occurrences that one look puts on record for one channel; the next look finds the others."""
RESERVED = timedelta(minutes=2)
"""What was taken to be sent and not settled, because its worker died, is taken again."""
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""After each failure; then it is given up."""
STUCK_ORDER_CODES = (
    ErrorCode.ORDER_UNPROVEN,
    ErrorCode.ORDER_ALTERED,
    ErrorCode.ORDER_QUARANTINED,
    "EXECUTIONS_MISSING",
    "PACKAGE_UNEVEN",
)
_COLUMNS = ("channel_id", "event", "subject", "severity", "title", "detail", "path", "due_at")


class PostgresNotifications:
    """``domain.ports.notifications.NotificationStore`` over Postgres."""

    def __init__(self, sessions: Sessions, keys: KeyRing) -> None:
        self._sessions = sessions
        self._keys = keys

    async def collect(self) -> int:
        """Put on record what happened since each channel was made and it was not told yet.

        A person is told only of what they may see at this moment.
        """
        collected = 0
        async with self._sessions() as session:
            for channel, viewer in await _enabled(session):
                wishes = preferences_of(channel)
                for found in _occurrences(channel, viewer, wishes, host_now()):
                    written = await session.execute(
                        insert(Notification)
                        .from_select(_COLUMNS, found, include_defaults=False)
                        .on_conflict_do_nothing()
                        .returning(Notification.id)
                    )
                    collected += len(written.all())
            await session.commit()
        return collected

    async def take_due(self) -> list[Delivery]:
        """What is due on each channel, reserved for a while. What is over by now is dropped."""
        async with self._sessions() as session:
            await session.execute(_drop_what_is_over())
            rows = (
                await session.execute(
                    select(Notification, NotificationChannel)
                    .join(NotificationChannel, NotificationChannel.id == Notification.channel_id)
                    .where(_open(), Notification.due_at <= func.now())
                    .where(NotificationChannel.is_enabled)
                    .order_by(Notification.channel_id, Notification.id)
                    .with_for_update(of=Notification, skip_locked=True)
                )
            ).all()
            by_channel: dict[UUID, tuple[NotificationChannel, list[Notification]]] = {}
            for told, channel in rows:
                told.due_at = host_now() + RESERVED
                by_channel.setdefault(channel.id, (channel, []))[1].append(told)
            deliveries = [self._delivery(*each) for each in by_channel.values()]
            await session.commit()
        return [delivery for delivery in deliveries if delivery is not None]

    async def sent(self, delivery: Delivery) -> None:
        await self._settle(delivery, sent_at=func.now(), error="")

    async def failed(self, delivery: Delivery, reason: str) -> None:
        async with self._sessions() as session:
            rows = await session.scalars(
                select(Notification).where(Notification.id.in_(delivery.notification_ids))
            )
            for row in rows:
                row.error = reason
                if row.attempts < len(PAUSES):
                    row.due_at = host_now() + PAUSES[row.attempts]
                else:
                    row.dropped_at = host_now()
                row.attempts += 1
            await session.commit()

    async def _settle(self, delivery: Delivery, **values: Any) -> None:
        async with self._sessions() as session:
            await session.execute(
                update(Notification)
                .where(Notification.id.in_(delivery.notification_ids))
                .values(attempts=Notification.attempts + 1, **values)
            )
            await session.commit()

    def _delivery(
        self, channel: NotificationChannel, due: Iterable[Notification]
    ) -> Delivery | None:
        url = self._keys.decrypt(channel.sealed_url)
        if url is None:
            log.error("notifications.address_unreadable", channel=str(channel.id))
            return None
        told = list(due)
        return Delivery(
            channel_id=channel.id,
            url=url,
            notification_ids=tuple(row.id for row in told),
            occurrences=tuple(
                Occurrence(
                    event=row.event,
                    subject=row.subject,
                    severity=row.severity,
                    title=row.title,
                    detail=row.detail,
                    path=row.path,
                )
                for row in told
            ),
        )


def preferences_of(channel: NotificationChannel) -> Preferences:
    quiet = None
    if channel.quiet_from is not None and channel.quiet_until is not None:
        quiet = QuietHours(start=channel.quiet_from, end=channel.quiet_until, zone=channel.zone)
    return Preferences(
        events=frozenset(NotificationEvent(event) for event in channel.events),
        least_severity=channel.least_severity,
        quiet_hours=quiet,
        critical_at_any_hour=channel.critical_at_any_hour,
    )


async def _enabled(session: AsyncSession) -> list[tuple[NotificationChannel, Viewer]]:
    """Channels in use, each with what its person may see."""
    rows = await session.execute(
        select(
            NotificationChannel,
            User.id.label("user_id"),
            User.email,
            User.name,
            User.is_admin,
        )
        .join(User, User.id == NotificationChannel.user_id)
        .where(NotificationChannel.is_enabled, User.is_active)
        .order_by(NotificationChannel.user_id)
    )
    return [
        (
            row.NotificationChannel,
            await viewer_of(
                session, row, session_id=None, authenticated_at=row.NotificationChannel.created_at
            ),
        )
        for row in rows.all()
    ]


def _occurrences(
    channel: NotificationChannel, viewer: Viewer, wishes: Preferences, now: datetime
) -> Iterable[Rowed]:
    """A statement for each kind of news the channel wants, that yields ``_COLUMNS``."""
    waiting = wishes.wants(NotificationEvent.RECOMMENDATION_WAITING, Severity.INFO)
    if waiting:
        yield _waiting(channel, viewer, wishes, now)
    if wishes.wants(NotificationEvent.DEADLINE_NEAR, Severity.WARNING):
        yield _deadline_near(channel, viewer, wishes, now)
    for severity in Severity:
        if wishes.wants(NotificationEvent.ORDER_STUCK, severity):
            yield _alerts(channel, viewer, wishes, now, severity, stuck=True)
        if wishes.wants(NotificationEvent.ALERT, severity):
            yield _alerts(channel, viewer, wishes, now, severity, stuck=False)
    if wishes.wants(NotificationEvent.KILL_SWITCH, Severity.CRITICAL):
        yield _kill_switch(channel, viewer, wishes, now)


def _row(
    channel: NotificationChannel,
    event: NotificationEvent,
    severity: Severity,
    due_at: datetime,
    *,
    subject: ColumnElement[UUID],
    title: ColumnElement[str],
    detail: ColumnElement[str],
    path: ColumnElement[str],
) -> Rowed:
    told = exists().where(
        Notification.channel_id == channel.id,
        Notification.event == event,
        Notification.subject == subject,
        Notification.severity == severity,
    )
    return (
        select(
            literal(channel.id),
            literal(event.value),
            subject,
            literal(severity.value),
            title,
            detail,
            path,
            literal(due_at),
        )
        .where(~told)
        .limit(AT_ONCE)
    )


def _of_recommendation(
    channel: NotificationChannel,
    viewer: Viewer,
    event: NotificationEvent,
    severity: Severity,
    due_at: datetime,
    detail: ColumnElement[str],
) -> Rowed:
    return _row(
        channel,
        event,
        severity,
        due_at,
        subject=Recommendation.id.expression,
        title=Recommendation.summary.expression,
        detail=detail,
        path=_page("/recommendations/", Recommendation.id.expression),
    ).where(
        Recommendation.state == RecommendationState.PROPOSED,
        viewer.sees(Recommendation.broker_account_id),
    )


def _waiting(
    channel: NotificationChannel, viewer: Viewer, wishes: Preferences, now: datetime
) -> Rowed:
    return _of_recommendation(
        channel,
        viewer,
        NotificationEvent.RECOMMENDATION_WAITING,
        Severity.INFO,
        wishes.due_at(Severity.INFO, now),
        literal("Waits for your decision."),
    ).where(Recommendation.created_at > channel.created_at)


def _deadline_near(
    channel: NotificationChannel, viewer: Viewer, wishes: Preferences, now: datetime
) -> Rowed:
    market_now = Gateway.market_at + _times(
        type_coerce(func.now() - Gateway.clock_read_at, Interval), Gateway.clock_rate.expression
    )
    near = type_coerce(Recommendation.deadline - market_now, Interval) <= _times(
        literal(NEAR), Gateway.clock_rate.expression
    )
    return (
        _of_recommendation(
            channel,
            viewer,
            NotificationEvent.DEADLINE_NEAR,
            Severity.WARNING,
            wishes.due_at(Severity.WARNING, now),
            literal("Its deadline is near: undecided, it expires."),
        )
        .join(BrokerAccount, BrokerAccount.id == Recommendation.broker_account_id)
        .join(Gateway, Gateway.id == BrokerAccount.gateway_id)
        .where(near)
    )


def _alerts(
    channel: NotificationChannel,
    viewer: Viewer,
    wishes: Preferences,
    now: datetime,
    severity: Severity,
    *,
    stuck: bool,
) -> Rowed:
    about = Alert.context["recommendation_id"].astext
    of_orders = Alert.code.in_(STUCK_ORDER_CODES)
    return _row(
        channel,
        NotificationEvent.ORDER_STUCK if stuck else NotificationEvent.ALERT,
        severity,
        wishes.due_at(severity, now),
        subject=Alert.id.expression,
        title=Alert.title.expression,
        detail=Alert.detail.expression,
        path=func.coalesce(_page("/recommendations/", about), "/alerts"),
    ).where(
        Alert.state == AlertState.OPEN,
        Alert.severity == severity,
        of_orders if stuck else ~of_orders,
        Alert.raised_at > channel.created_at,
        or_(Alert.broker_account_id.is_(None), viewer.sees(Alert.broker_account_id)),
    )


def _kill_switch(
    channel: NotificationChannel, viewer: Viewer, wishes: Preferences, now: datetime
) -> Rowed:
    return _row(
        channel,
        NotificationEvent.KILL_SWITCH,
        Severity.CRITICAL,
        wishes.due_at(Severity.CRITICAL, now),
        subject=KillSwitch.id.expression,
        title=literal("The kill switch was pressed by ") + KillSwitch.author,
        detail=KillSwitch.reason.expression,
        path=literal("/orders"),
    ).where(
        KillSwitch.created_at > channel.created_at,
        or_(KillSwitch.broker_account_id.is_(None), viewer.sees(KillSwitch.broker_account_id)),
    )


def _times(span: ColumnElement[Any], factor: ColumnElement[float]) -> ColumnElement[Any]:
    """SQL: a span of time so many times over."""
    return span.op("*", precedence=8, return_type=Interval())(factor)


def _page(start: str, id_: ColumnElement[Any]) -> ColumnElement[str]:
    """SQL: the path of a page; null for a null id."""
    return literal(start) + cast(id_, Notification.path.type)


def _open() -> ColumnElement[bool]:
    return and_(Notification.sent_at.is_(None), Notification.dropped_at.is_(None))


def _drop_what_is_over() -> Update:
    """What was decided, expired or cleared while it was too early to tell of it."""
    decided = exists().where(
        Recommendation.id == Notification.subject,
        Recommendation.state != RecommendationState.PROPOSED,
    )
    settled = exists().where(Alert.id == Notification.subject, Alert.state != AlertState.OPEN)
    return (
        update(Notification)
        .where(_open(), or_(decided, settled))
        .values(dropped_at=func.now(), error="over before it was sent")
    )
