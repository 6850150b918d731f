"""Gateways and the accounts behind them: how they are, and setting them up."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.administering import Administrator, named_fields
from api.deps import Desk, SignedIn, Transaction, actor, found, throttled_command
from api.presenters import setting_up as presenter
from api.schemas.common import Page
from api.schemas.setting_up import AccountAsk, AccountSetUp, GatewayAsk, GatewayRow, GatewaySetUp
from domain.errors import ErrorCode, GreenlightError
from infra.db.queries import setting_up as queries
from infra.db.queries.paging import DEFAULT_LIMIT, Limit
from infra.db.setting_up import NewAccount, NewGateway, put_account, put_gateway

router = APIRouter(prefix="/gateways", tags=["gateways"])
_COMMAND = [Depends(throttled_command)]
SlugPath = Annotated[str, Path(min_length=1, max_length=40)]
CodePath = Annotated[str, Path(min_length=4, max_length=20, pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
NOTHING = "no such gateway"


@router.get("/")
async def list_gateways(
    session: Transaction,
    viewer: SignedIn,
    limit: Annotated[Limit, Query()] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page[GatewayRow]:
    """Every gateway by slug: where it is, how it is connected, who may send through it."""
    if not viewer.operates:
        raise GreenlightError(ErrorCode.FORBIDDEN, "this needs the role OPERATOR or ADMIN")
    rows = await queries.gateway_rows(session, limit=limit, cursor=cursor)
    return Page(
        items=[presenter.gateway_row(row) for row in rows.items], next_cursor=rows.next_cursor
    )


@router.put("/{slug}/", dependencies=_COMMAND)
async def set_up_gateway(
    slug: SlugPath,
    ask: GatewayAsk,
    request: Request,
    desk: Desk,
    session: Transaction,
    by: Administrator,
) -> GatewaySetUp:
    """Set a gateway up, or change its address. A broker worker of its own then connects it."""
    with named_fields():
        outcome = await put_gateway(
            session, NewGateway(slug=slug, **ask.model_dump()), actor(request, by)
        )
    slugs = await queries.gateway_slugs(session)
    gateway = await _gateway(session, slug)
    # Committed first: a schedule must not look for a gateway that is not there.
    await session.commit()
    return GatewaySetUp(
        outcome=outcome,
        scheduled=await desk.signals.set_schedules(slugs),
        worker_command=f"greenlight worker broker --gateway {slug}",
        gateway=gateway,
    )


@router.put("/{slug}/accounts/{code}/", dependencies=_COMMAND)
async def set_up_account(
    slug: SlugPath,
    code: CodePath,
    ask: AccountAsk,
    request: Request,
    session: Transaction,
    by: Administrator,
) -> AccountSetUp:
    """Set an account up behind the gateway, or change what it is called. It never changes hands."""
    client = found(await queries.known_client(session, by, ask.client_id), "no such client")
    found((await _gateways(session, slug)) or None, NOTHING)
    wanted = NewAccount(
        code=code, gateway=slug, portfolio=ask.portfolio, client=client.slug, alias=ask.alias
    )
    with named_fields():
        outcome = await put_account(session, wanted, actor(request, by))
    portfolios = await queries.portfolios_of(session, by, [client.id])
    accounts = await queries.accounts_of(session, [each.id for each in portfolios])
    return AccountSetUp(
        outcome=outcome, client=presenter.client_row(client, by, portfolios, accounts)
    )


async def _gateways(session: AsyncSession, slug: str) -> list[GatewayRow]:
    rows = await queries.gateway_rows(session, limit=1, cursor=None, only=slug)
    return [presenter.gateway_row(row) for row in rows.items]


async def _gateway(session: AsyncSession, slug: str) -> GatewayRow:
    (row,) = await _gateways(session, slug)
    return row
