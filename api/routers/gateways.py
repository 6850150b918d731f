"""Gateways and the accounts behind them: how they are, and setting them up."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.administering import Administrator, named_fields
from api.commands import once
from api.deps import Desk, SignedIn, Transaction, actor, found, paged, throttled_command
from api.entity_tags import IfMatch, require_match
from api.presenters import setting_up as presenter
from api.schemas.common import Page
from api.schemas.setting_up import (
    AccountAsk,
    AccountSetUp,
    ClientRow,
    GatewayAsk,
    GatewayRow,
    GatewaySetUp,
)
from domain.errors import ErrorCode, GreenlightError
from infra.db.models import Client, GatewayKind
from infra.db.queries import setting_up as queries
from infra.db.queries.paging import PageAsk
from infra.db.queries.viewer import Viewer
from infra.db.setting_up import NewAccount, NewGateway, put_account, put_gateway, take_turns

router = APIRouter(prefix="/gateways", tags=["gateways"])
_COMMAND = [Depends(throttled_command)]
SlugPath = Annotated[str, Path(min_length=1, max_length=40)]
CodePath = Annotated[str, Path(min_length=4, max_length=20, pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
NOTHING = "no such gateway"


@router.get("/")
async def list_gateways(
    session: Transaction,
    viewer: SignedIn,
    page: Annotated[PageAsk, Depends(paged(queries.GATEWAYS))],
    kind: Annotated[list[GatewayKind], Query()] = [],  # noqa: B006 - never changed
) -> Page[GatewayRow]:
    """Every gateway by slug: where it is, how it is connected, who may send through it."""
    if not viewer.operates:
        raise GreenlightError(ErrorCode.FORBIDDEN, "this needs the role OPERATOR or ADMIN")
    rows = await queries.gateway_rows(session, page, kinds=kind)
    return Page(
        items=[presenter.gateway_row(row) for row in rows.items], next_cursor=rows.next_cursor
    )


@router.put("/{slug}/", dependencies=_COMMAND)
@once
async def set_up_gateway(
    slug: SlugPath,
    ask: GatewayAsk,
    request: Request,
    desk: Desk,
    session: Transaction,
    by: Administrator,
    if_match: IfMatch = None,
) -> GatewaySetUp:
    """Set a gateway up, or change its address. A broker worker of its own then connects it."""
    if if_match is not None:
        await take_turns(session)
        known = await _gateways(session, slug)
        require_match(if_match, known[0].etag if known else "")
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
@once
async def set_up_account(
    slug: SlugPath,
    code: CodePath,
    ask: AccountAsk,
    request: Request,
    session: Transaction,
    by: Administrator,
    if_match: IfMatch = None,
) -> AccountSetUp:
    """Set an account up behind the gateway, or change what it is called. It never changes hands."""
    client = found(await queries.known_client(session, by, ask.client_id), "no such client")
    found((await _gateways(session, slug)) or None, NOTHING)
    wanted = NewAccount(
        code=code, gateway=slug, portfolio=ask.portfolio, client=client.slug, alias=ask.alias
    )
    if if_match is not None:
        await take_turns(session)
        require_match(if_match, await _tag_of_account(session, by, client, slug, code))
    with named_fields():
        outcome = await put_account(session, wanted, actor(request, by))
    return AccountSetUp(outcome=outcome, client=await _client(session, by, client))


async def _client(session: AsyncSession, by: Viewer, client: Client) -> ClientRow:
    portfolios = await queries.portfolios_of(session, by, [client.id])
    accounts = await queries.accounts_of(session, [each.id for each in portfolios])
    return presenter.client_row(client, by, portfolios, accounts)


async def _tag_of_account(
    session: AsyncSession, by: Viewer, client: Client, slug: str, code: str
) -> str:
    """The account's tag; empty where there is none yet, which no tag matches."""
    row = await _client(session, by, client)
    accounts = [each for portfolio in row.portfolios for each in portfolio.accounts]
    known = (each for each in accounts if (each.gateway, each.code) == (slug, code.upper()))
    return next((each.etag for each in known), "")


async def _gateways(session: AsyncSession, slug: str) -> list[GatewayRow]:
    rows = await queries.gateway_rows(session, PageAsk(limit=1), only=slug)
    return [presenter.gateway_row(row) for row in rows.items]


async def _gateway(session: AsyncSession, slug: str) -> GatewayRow:
    (row,) = await _gateways(session, slug)
    return row
