"""Clients and their portfolios: set up, renamed, and what each asks of an approval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.administering import Administrator, named_fields
from api.commands import once
from api.deps import Desk, SignedIn, Transaction, actor, found, paged, throttled_command
from api.entity_tags import IfMatch, require_match
from api.presenters import setting_up as presenter
from api.proof import ACCOUNT_CHANGES, require_fresh
from api.schemas.clients import ApprovalRules, ApprovalRulesAsk
from api.schemas.common import Page
from api.schemas.setting_up import ClientRow, NameAsk, NewClientAsk
from domain.errors import ErrorCode, GreenlightError
from infra.db.audit import audit
from infra.db.models import Client, Role
from infra.db.queries import setting_up as queries
from infra.db.queries.paging import PageAsk
from infra.db.queries.viewer import Viewer
from infra.db.setting_up import add_client, add_portfolio, rename_client, rename_portfolio

router = APIRouter(prefix="/clients", tags=["clients"])
NOTHING = "no such client"
_COMMAND = [Depends(throttled_command)]


@router.get("/")
async def list_clients(
    session: Transaction,
    viewer: SignedIn,
    page: Annotated[PageAsk, Depends(paged(queries.CLIENTS))],
    name: Annotated[str | None, Query(max_length=120, description="a part of it")] = None,
) -> Page[ClientRow]:
    """The clients you know, by slug, with the portfolios and accounts you may see."""
    rows = await queries.client_rows(session, viewer, name, page)
    clients = [row.Client for row in rows.items]
    return Page(items=await _rows(session, viewer, clients), next_cursor=rows.next_cursor)


@router.post("/", status_code=status.HTTP_201_CREATED, dependencies=_COMMAND)
@once
async def create_client(
    ask: NewClientAsk, request: Request, session: Transaction, by: Administrator
) -> ClientRow:
    """A new client, without portfolios yet."""
    with named_fields(client="slug"):
        client = await add_client(session, ask.slug, ask.name, actor(request, by))
    return await _row(session, by, client)


@router.patch("/{client_id}/", dependencies=_COMMAND)
@once
async def edit_client(
    client_id: UUID,
    ask: NameAsk,
    request: Request,
    session: Transaction,
    by: Administrator,
    if_match: IfMatch = None,
) -> ClientRow:
    """Rename a client; its slug stays, for scripts and addresses name it."""
    client = found(await queries.known_client(session, by, client_id, lock=True), NOTHING)
    require_match(if_match, (await _row(session, by, client)).etag)
    await rename_client(session, client, ask.name, actor(request, by))
    return await _row(session, by, client)


@router.post("/{client_id}/portfolios/", status_code=status.HTTP_201_CREATED, dependencies=_COMMAND)
@once
async def create_portfolio(
    client_id: UUID, ask: NameAsk, request: Request, session: Transaction, by: Administrator
) -> ClientRow:
    """A new portfolio of the client; roles and limits can be given for it alone."""
    client = found(await queries.known_client(session, by, client_id), NOTHING)
    with named_fields():
        await add_portfolio(session, client, ask.name, actor(request, by))
    return await _row(session, by, client)


@router.patch("/{client_id}/portfolios/{portfolio_id}/", dependencies=_COMMAND)
@once
async def edit_portfolio(
    client_id: UUID,
    portfolio_id: UUID,
    ask: NameAsk,
    request: Request,
    session: Transaction,
    by: Administrator,
    if_match: IfMatch = None,
) -> ClientRow:
    """Rename a portfolio."""
    client = found(await queries.known_client(session, by, client_id, lock=True), NOTHING)
    if if_match is not None:
        held = {each.id: each for each in (await _row(session, by, client)).portfolios}
        require_match(if_match, found(held.get(portfolio_id), "no such portfolio").etag)
    with named_fields():
        await rename_portfolio(session, client, portfolio_id, ask.name, actor(request, by))
    return await _row(session, by, client)


@router.get("/{client_id}/approval-rules/")
async def approval_rules(
    client_id: UUID, response: Response, session: Transaction, viewer: SignedIn
) -> ApprovalRules:
    """How fresh a sign-in must be, and what two people must agree on."""
    known = select(Client).where(Client.id == client_id, viewer.knows_client(Client.id))
    rules = _answer(found(await session.scalar(known), NOTHING))
    response.headers["ETag"] = rules.etag
    return rules


@router.put("/{client_id}/approval-rules/", dependencies=[Depends(throttled_command)])
@once
async def set_approval_rules(
    client_id: UUID,
    ask: ApprovalRulesAsk,
    request: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    if_match: IfMatch = None,
) -> ApprovalRules:
    """Change them, for recommendations that wait already as well."""
    known = select(Client).where(Client.id == client_id, viewer.knows_client(Client.id))
    client = found(await session.scalar(known.with_for_update()), NOTHING)
    if viewer.role_for(client_id) is not Role.ADMIN:
        raise GreenlightError(ErrorCode.FORBIDDEN, "this needs the role ADMIN for the client")
    require_fresh(viewer, desk, ACCOUNT_CHANGES)
    require_match(if_match, _answer(client).etag)
    before = _facts(client)
    for name, value in ask.model_dump().items():
        setattr(client, name, value)
    await session.flush()
    after = _facts(client)
    by = actor(request, viewer)
    audit(session, by, "approval_rules.changed", "client", client_id, before=before, after=after)
    return _answer(client)


async def _row(session: AsyncSession, viewer: Viewer, client: Client) -> ClientRow:
    return (await _rows(session, viewer, [client]))[0]


async def _rows(
    session: AsyncSession, viewer: Viewer, clients: Sequence[Client]
) -> list[ClientRow]:
    portfolios = await queries.portfolios_of(session, viewer, [each.id for each in clients])
    accounts = await queries.accounts_of(session, [each.id for each in portfolios])
    return [presenter.client_row(each, viewer, portfolios, accounts) for each in clients]


def _facts(client: Client) -> dict[str, Any]:
    return _answer(client).model_dump(mode="json", exclude={"client_id", "etag"})


def _answer(client: Client) -> ApprovalRules:
    return ApprovalRules(
        client_id=client.id,
        step_up_minutes=client.step_up_minutes,
        two_approvers_above_notional=client.two_approvers_above_notional,
        two_approvers_above_max_loss=client.two_approvers_above_max_loss,
        two_people_configure=client.two_people_configure,
    )
