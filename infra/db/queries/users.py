"""Users as their administrators see them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db.models import Client, Membership, Portfolio, User
from infra.db.queries.columns import AnyRow, Rowed
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows

USERS = Ordering(
    User.id,
    "email",
    nullable=("last_login_at",),
    email=User.email,
    name=User.name,
    created_at=User.created_at,
    last_login_at=User.last_login_at,
    is_active=User.is_active,
    is_admin=User.is_admin,
)


async def user_rows(
    session: AsyncSession, *, is_active: bool | None, page: PageAsk
) -> Rows[AnyRow]:
    """Each row's ``User``."""
    statement: Rowed = select(User)
    if is_active is not None:
        statement = statement.where(User.is_active == is_active)
    return await page_rows(session, statement, USERS, page)


async def roles_of(session: AsyncSession, user_ids: Collection[UUID]) -> dict[UUID, list[AnyRow]]:
    """Every role of these users with its client's and portfolio's names."""
    statement = (
        select(
            Membership.id,
            Membership.user_id,
            Membership.role,
            Membership.client_id,
            Client.name.label("client"),
            Membership.portfolio_id,
            Portfolio.name.label("portfolio"),
        )
        .join(Client, Client.id == Membership.client_id)
        .join(Portfolio, Portfolio.id == Membership.portfolio_id, isouter=True)
        .where(Membership.user_id.in_(user_ids))
        .order_by(Client.name, Portfolio.name.nulls_first())
    )
    held: dict[UUID, list[AnyRow]] = {user_id: [] for user_id in user_ids}
    for row in await session.execute(statement):
        held[row.user_id].append(row)
    return held
