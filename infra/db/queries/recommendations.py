"""Recommendations as the queue and the decision card show them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Numeric, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.recommendations import RecommendationState
from infra.db.models import (
    Approval,
    BrokerAccount,
    Client,
    Decision,
    Gateway,
    Instrument,
    Order,
    Portfolio,
    Quote,
    Recommendation,
    Strategy,
    StrategyInstance,
    StrategyVersion,
    User,
)
from infra.db.queries.columns import (
    ACCOUNT,
    INSTRUMENT,
    AnyRow,
    Rowed,
    rows_of,
    with_account,
    with_instrument,
)
from infra.db.queries.paging import Cursor, Ordering, PageAsk, Rows, decode_cursor, page_rows
from infra.db.queries.viewer import Viewer

PROPOSED = RecommendationState.PROPOSED


@dataclass(frozen=True, slots=True)
class Stake:
    """Whose recommendation it is, and what its client asks of an approval."""

    client_id: UUID
    portfolio_id: UUID
    step_up_minutes: int | None


RECOMMENDATIONS = Ordering(
    Recommendation.id,
    deadline=Recommendation.deadline,
    proposed_at=Recommendation.proposed_at,
    confidence=Recommendation.confidence,
    state=Recommendation.state,
    action=Recommendation.action,
    quantity=Recommendation.quantity,
    limit_price=Recommendation.limit_price,
    strategy=StrategyInstance.name,
    symbol=Instrument.symbol,
    account=BrokerAccount.code,
)
"""Without any of them, those waiting come by deadline and all others after them, newest first."""


class QueueCursor(Cursor):
    """Those waiting are ordered by deadline; all others follow, newest first."""

    part: Literal["waiting", "others"]
    deadline: datetime | None = None
    id: UUID


def _cursor_of(row: AnyRow) -> QueueCursor:
    if row.state is PROPOSED:
        return QueueCursor(part="waiting", deadline=row.deadline, id=row.id)
    return QueueCursor(part="others", id=row.id)


def _latest_order_state() -> Any:
    return (
        select(Order.state)
        .where(Order.recommendation_id == Recommendation.id)
        .order_by(Order.attempt.desc())
        .limit(1)
        .scalar_subquery()
        .label("order_state")
    )


def _filled_quantity() -> Any:
    return (
        select(func.coalesce(func.sum(Order.filled_quantity), 0).cast(Numeric))
        .where(Order.recommendation_id == Recommendation.id)
        .scalar_subquery()
        .label("filled_quantity")
    )


_COLUMNS = (
    Recommendation.id,
    Recommendation.state,
    Recommendation.action,
    Recommendation.side,
    Recommendation.summary,
    Recommendation.quantity,
    Recommendation.limit_price,
    Recommendation.floor_price,
    Recommendation.terms,
    Recommendation.terms_hash,
    Recommendation.deadline,
    Recommendation.proposed_at,
    Recommendation.confidence,
    Recommendation.metrics,
    Recommendation.reason_code,
    Recommendation.reason,
    Recommendation.created_at,
    Recommendation.first_approved_at,
    Recommendation.strategy_instance_id,
    StrategyInstance.name.label("strategy_name"),
    Strategy.slug.label("strategy_slug"),
    Quote.quality.label("quote_quality"),
    Recommendation.own_margin[("portfolio_maintenance", "change")]
    .as_float()
    .label("margin_change"),
    *ACCOUNT,
    *INSTRUMENT,
)


def _all() -> Rowed:
    statement: Rowed = select(*_COLUMNS, _latest_order_state(), _filled_quantity())
    statement = (
        statement.select_from(Recommendation)
        .join(StrategyInstance, StrategyInstance.id == Recommendation.strategy_instance_id)
        .join(StrategyVersion, StrategyVersion.id == Recommendation.strategy_version_id)
        .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
        .join(Quote, Quote.instrument_id == Recommendation.instrument_id, isouter=True)
    )
    statement = with_account(statement, Recommendation.broker_account_id)
    return with_instrument(statement, Recommendation.instrument_id)


_ALL = _all()


def _visible(viewer: Viewer, *extra: Any) -> Rowed:
    return _ALL.add_columns(*extra).where(viewer.sees(Recommendation.broker_account_id))


@dataclass(frozen=True, slots=True)
class WantedRecommendations:
    client_id: UUID | None = None
    account_id: UUID | None = None
    states: Collection[RecommendationState] = ()
    symbol: str | None = None
    instance_id: UUID | None = None


async def recommendation_rows(
    session: AsyncSession, viewer: Viewer, wanted: WantedRecommendations, page: PageAsk
) -> Rows[AnyRow]:
    """Those waiting for a decision by deadline, then all others, newest first; or as asked for."""
    statement = _visible(viewer)
    if wanted.client_id is not None:
        statement = statement.where(Portfolio.client_id == wanted.client_id)
    if wanted.account_id is not None:
        statement = statement.where(Recommendation.broker_account_id == wanted.account_id)
    if wanted.symbol is not None:
        statement = statement.where(Instrument.symbol == wanted.symbol.upper())
    if wanted.instance_id is not None:
        statement = statement.where(Recommendation.strategy_instance_id == wanted.instance_id)
    if page.sort is None:
        return await _queue(session, statement, wanted.states, page)
    if wanted.states:
        statement = statement.where(Recommendation.state.in_(wanted.states))
    return await page_rows(session, statement, RECOMMENDATIONS, page, rows_of)


async def _queue(
    session: AsyncSession,
    statement: Rowed,
    states: Collection[RecommendationState],
    page: PageAsk,
) -> Rows[AnyRow]:
    after, limit = decode_cursor(QueueCursor, page.cursor), page.limit
    rows: list[AnyRow] = []
    if (not states or PROPOSED in states) and (after is None or after.part == "waiting"):
        waiting = statement.where(Recommendation.state == PROPOSED)
        if after is not None:
            waiting = waiting.where(_later_deadline(after))
        waiting = waiting.order_by(Recommendation.deadline, Recommendation.id).limit(limit + 1)
        rows += await rows_of(session, waiting)
    others = set(states or RecommendationState) - {PROPOSED}
    if others and len(rows) <= limit:
        rest = statement.where(Recommendation.state.in_(others))
        if after is not None and after.part == "others":
            rest = rest.where(Recommendation.id < after.id)
        # Keys are ordered by time, so the primary key's index gives the newest first.
        rest = rest.order_by(Recommendation.id.desc()).limit(limit + 1 - len(rows))
        rows += await rows_of(session, rest)
    return Rows(rows, limit, _cursor_of)


def _later_deadline(after: QueueCursor) -> Any:
    return or_(
        Recommendation.deadline > after.deadline,
        and_(Recommendation.deadline == after.deadline, Recommendation.id > after.id),
    )


async def recommendation_detail(
    session: AsyncSession, viewer: Viewer, recommendation_id: UUID
) -> AnyRow | None:
    """Everything the decision card shows of the recommendation itself, or None if not visible."""
    successor = aliased(Recommendation)
    successor_id = (
        select(successor.id)
        .where(successor.predecessor_id == Recommendation.id)
        .correlate(Recommendation)
        .scalar_subquery()
        .label("successor_id")
    )
    statement = _visible(
        viewer,
        Recommendation.rationale,
        Recommendation.rule_trace,
        Recommendation.controls,
        Recommendation.what_if,
        Recommendation.own_margin,
        Recommendation.predecessor_id,
        Recommendation.superseded_by_id,
        Recommendation.withdrawn_at,
        Recommendation.concluded_at,
        successor_id,
        Gateway.market_at,
        Gateway.clock_read_at,
        Gateway.clock_rate,
        Client.two_approvers_above_notional,
        Client.two_approvers_above_max_loss,
    )
    statement = statement.join(Client, Client.id == Portfolio.client_id).where(
        Recommendation.id == recommendation_id
    )
    return (await session.execute(statement)).one_or_none()


async def decision_on(session: AsyncSession, recommendation_id: UUID) -> AnyRow | None:
    """The decision on a recommendation already found to be visible, with who made it."""
    statement = (
        select(
            Decision.id,
            Decision.action,
            Decision.user_id.label("by_id"),
            User.name.label("by"),
            Decision.decided_at,
            Decision.quantity,
            Decision.limit_price,
            Decision.reason,
            Decision.delivered_at,
        )
        .join(User, User.id == Decision.user_id)
        .where(Decision.recommendation_id == recommendation_id)
    )
    return (await session.execute(statement)).one_or_none()


async def approvals_of(session: AsyncSession, recommendation_id: UUID) -> list[AnyRow]:
    """Approvals of two people, oldest first, of a recommendation found to be visible."""
    statement = (
        select(
            Approval.user_id.label("by_id"),
            User.name.label("by"),
            Approval.approved_at,
            Approval.quantity,
            Approval.limit_price,
        )
        .join(User, User.id == Approval.user_id)
        .where(Approval.recommendation_id == recommendation_id)
        .order_by(Approval.approved_at)
    )
    return list((await session.execute(statement)).all())


async def stake_in_recommendation(
    session: AsyncSession, viewer: Viewer, recommendation_id: UUID
) -> Stake | None:
    """Whose recommendation it is; None if it does not exist or the viewer may not see it."""
    statement = (
        select(Portfolio.client_id, Portfolio.id, Client.step_up_minutes)
        .join(BrokerAccount, BrokerAccount.portfolio_id == Portfolio.id)
        .join(Recommendation, Recommendation.broker_account_id == BrokerAccount.id)
        .join(Client, Client.id == Portfolio.client_id)
        .where(
            Recommendation.id == recommendation_id,
            viewer.sees(Recommendation.broker_account_id),
        )
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Stake(*row)


async def was_delivered(session: AsyncSession, decision_id: UUID) -> bool:
    """Whether the workflow has already read the decision."""
    statement = select(Decision.delivered_at).where(Decision.id == decision_id)
    return await session.scalar(statement) is not None
