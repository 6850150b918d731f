"""Approvals by two people: who has approved, and whether that is enough.

The caller holds the recommendation's row lock, so that of two approvers at once one is the first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.four_eyes import ApprovalPolicy
from infra.db.models import Approval, BrokerAccount, Client, Membership, Portfolio, Role, User
from infra.db.queries.viewer import DECIDING_ROLES


class Standing(NamedTuple):
    """Whether a person may decide now, and what the client asks of an approval."""

    may_decide: bool
    policy: ApprovalPolicy


def max_loss_each(metrics: dict[str, object]) -> Decimal | None:
    """What a contract or unit can lose, as recorded with the recommendation."""
    try:
        value = Decimal(str(metrics.get("max_loss")))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


async def standing(
    session: AsyncSession, broker_account_id: UUID, user_id: UUID
) -> Standing | None:
    """Read after the lock: a role revoked while the click waited decides nothing any more."""
    statement = (
        select(
            holds(DECIDING_ROLES, User.id, Portfolio.id, Portfolio.client_id),
            Client.two_approvers_above_notional,
            Client.two_approvers_above_max_loss,
        )
        .select_from(BrokerAccount)
        .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
        .join(Client, Client.id == Portfolio.client_id)
        .join(User, User.id == user_id)
        .where(BrokerAccount.id == broker_account_id)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    policy = ApprovalPolicy(two_above_notional=row[1], two_above_max_loss=row[2])
    return Standing(may_decide=row[0], policy=policy)


async def approvals_that_count(
    session: AsyncSession, recommendation_id: UUID, broker_account_id: UUID
) -> Sequence[Approval]:
    """Approvals by people who may still decide: one who lost the role has approved nothing."""
    statement = (
        select(Approval)
        .join(User, User.id == Approval.user_id)
        .join(BrokerAccount, BrokerAccount.id == broker_account_id)
        .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
        .where(
            Approval.recommendation_id == recommendation_id,
            holds(DECIDING_ROLES, User.id, Portfolio.id, Portfolio.client_id),
        )
        .order_by(Approval.approved_at)
    )
    return (await session.scalars(statement)).all()


async def approval_by_key(
    session: AsyncSession, user_id: UUID, idempotency_key: str
) -> Approval | None:
    return await session.scalar(
        select(Approval).where(
            Approval.user_id == user_id, Approval.idempotency_key == idempotency_key
        )
    )


Id = InstrumentedAttribute[UUID]


def holds(
    roles: Collection[Role], user_id: Id, portfolio_id: Id, client_id: Id
) -> ColumnElement[bool]:
    """``Viewer.role_for`` in SQL: the portfolio's role in the place of the client's."""

    def role(of: ColumnElement[bool]) -> ColumnElement[str]:
        held = select(Membership.role).where(Membership.user_id == user_id, of)
        return held.correlate(User, Portfolio).scalar_subquery()

    in_force = func.coalesce(
        role(Membership.portfolio_id == portfolio_id),
        role(and_(Membership.client_id == client_id, Membership.portfolio_id.is_(None))),
    )
    return and_(User.is_active, or_(User.is_admin, in_force.in_(list(roles))))
