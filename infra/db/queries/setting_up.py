"""Clients, portfolios, accounts and gateways, as they are set up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from domain.discrepancies import DiscrepancyType
from infra.db.models import BrokerAccount, Client, Discrepancy, Gateway, GatewayKind, Portfolio
from infra.db.queries.columns import AnyRow, Rowed
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows
from infra.db.queries.viewer import Viewer

CLIENTS = Ordering(
    Client.id, "slug", slug=Client.slug, name=Client.name, created_at=Client.created_at
)
GATEWAYS = Ordering(
    Gateway.id,
    "slug",
    nullable=("connected_at",),
    slug=Gateway.slug,
    name=Gateway.name,
    kind=Gateway.kind,
    connection=Gateway.connection,
    connected_at=Gateway.connected_at,
)


async def client_rows(
    session: AsyncSession, viewer: Viewer, name: str | None, page: PageAsk
) -> Rows[AnyRow]:
    """The clients the viewer knows; each row's ``Client``."""
    statement: Rowed = select(Client).where(viewer.knows_client(Client.id))
    if name is not None:
        statement = statement.where(Client.name.icontains(name, autoescape=True))
    return await page_rows(session, statement, CLIENTS, page)


async def known_client(
    session: AsyncSession, viewer: Viewer, client_id: UUID, *, lock: bool = False
) -> Client | None:
    statement = select(Client).where(Client.id == client_id, viewer.knows_client(Client.id))
    return await session.scalar(statement.with_for_update() if lock else statement)


async def portfolios_of(
    session: AsyncSession, viewer: Viewer, client_ids: Collection[UUID]
) -> Sequence[Portfolio]:
    """The visible portfolios of these clients, by name."""
    visible = true()
    if not viewer.is_admin:
        visible = or_(
            Portfolio.client_id.in_(viewer.roles), Portfolio.id.in_(viewer.portfolio_roles)
        )
    statement = select(Portfolio).where(Portfolio.client_id.in_(client_ids), visible)
    return (await session.scalars(statement.order_by(Portfolio.name))).all()


async def accounts_of(
    session: AsyncSession, portfolio_ids: Collection[UUID]
) -> Sequence[BrokerAccount]:
    """The accounts of these portfolios with their gateways, by code."""
    statement = (
        select(BrokerAccount)
        .options(joinedload(BrokerAccount.gateway))
        .where(BrokerAccount.portfolio_id.in_(portfolio_ids))
        .order_by(BrokerAccount.code)
    )
    return (await session.scalars(statement)).all()


async def gateway_rows(
    session: AsyncSession,
    page: PageAsk,
    *,
    only: str | None = None,
    kinds: Collection[GatewayKind] = (),
) -> Rows[AnyRow]:
    """Every gateway, with the number of its accounts and the codes it serves unknown."""
    accounts = select(func.count()).where(BrokerAccount.gateway_id == Gateway.id)
    known = select(BrokerAccount.code).where(BrokerAccount.gateway_id == Gateway.id)
    unknown = select(func.array_agg(Discrepancy.subject)).where(
        Discrepancy.gateway_id == Gateway.id,
        Discrepancy.type == DiscrepancyType.UNKNOWN_ACCOUNT,
        Discrepancy.cleared_at.is_(None),
        Discrepancy.subject.not_in(known),
    )
    statement: Rowed = select(
        Gateway,
        accounts.scalar_subquery().label("accounts"),
        unknown.scalar_subquery().label("unknown_accounts"),
    )
    if only is not None:
        statement = statement.where(Gateway.slug == only)
    if kinds:
        statement = statement.where(Gateway.kind.in_(kinds))
    return await page_rows(session, statement, GATEWAYS, page)


async def gateway_slugs(session: AsyncSession) -> list[str]:
    return list(await session.scalars(select(Gateway.slug).order_by(Gateway.slug)))
