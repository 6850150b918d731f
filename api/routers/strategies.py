"""Strategy instances: looking at them, configuring, switching, running and trying them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response, status
from sqlalchemy.ext.asyncio import AsyncSession

from api.backtests import command_workflow_id
from api.commands import once
from api.deps import (
    Desk,
    IdempotencyKey,
    Listed,
    Resources,
    SignalsDep,
    SignedIn,
    Transaction,
    actor,
    found,
    paged,
    require_configuring,
    throttled_command,
)
from api.links import workflow_url
from api.presenters import strategies as presenter
from api.schemas.common import Page
from api.schemas.strategies import (
    ChangeConfigAsk,
    CreateStrategyAsk,
    DryRunAnswer,
    DryRunAsk,
    RejectChangeAsk,
    RunReceipt,
    StrategyDetail,
    StrategyKind,
    StrategyRow,
    StrategyRunRow,
)
from api.signals import Signals
from domain.errors import ErrorCode, GreenlightError
from domain.ports import DryRunRequest
from domain.strategies.registry import resolve_strategy, validate_config
from infra.db.audit import Actor, audit_once
from infra.db.config_proposals import (
    approve_proposal,
    pending_proposal,
    propose_config,
    reject_proposal,
)
from infra.db.models import ConnectionState, RunStatus
from infra.db.queries import strategies as queries
from infra.db.queries.columns import AnyRow
from infra.db.queries.paging import PageAsk
from infra.db.queries.viewer import Viewer
from infra.db.strategy_configs import (
    ConfigChange,
    NewInstance,
    change_config,
    create_instance,
    switch,
)


@dataclass(frozen=True, slots=True)
class Asking:
    """Everything a command on a strategy needs of the request it came by."""

    actor: Actor
    desk: Resources
    session: AsyncSession
    viewer: Viewer
    signals: Signals


def asking(
    request: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    signals: SignalsDep,
) -> Asking:
    return Asking(actor(request, viewer), desk, session, viewer, signals)


Asked = Annotated[Asking, Depends(asking)]
router = APIRouter(prefix="/strategies", tags=["strategies"])
NOTHING = "no such strategy"
Commanded = [Depends(throttled_command)]
IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        pattern=r'^"?v\d{1,9}"?$',
        description="the ETag of the configuration that was on screen",
    ),
]
MOST_HISTORY = 50


@router.get("/")
async def list_strategies(
    ask: Listed,
    page: Annotated[PageAsk, Depends(paged(queries.STRATEGIES))],
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    signals: SignalsDep,
    enabled: Annotated[bool | None, Query()] = None,
) -> Page[StrategyRow]:
    """Strategy instances by name, each with its latest run and when it runs next."""
    rows = await queries.strategy_rows(
        session,
        viewer,
        client_id=ask.client,
        account_id=ask.account,
        enabled=enabled,
        page=page,
    )
    next_run_at = await signals.next_strategy_runs() if rows.items else None
    return Page(
        items=[
            presenter.strategy_row(row, viewer, desk.settings, next_run_at) for row in rows.items
        ],
        next_cursor=rows.next_cursor,
    )


@router.get("/kinds/")
async def list_strategy_kinds(session: Transaction, viewer: SignedIn) -> list[StrategyKind]:
    """The strategies that an instance, or a backtest, can be made of."""
    rows = await queries.strategy_versions(session)
    return await asyncio.to_thread(lambda: [presenter.strategy_kind(row) for row in rows])


@router.post("/", dependencies=Commanded)
@once
async def create_strategy(
    ask: CreateStrategyAsk,
    key: IdempotencyKey,
    asked: Asked,
) -> StrategyDetail:
    """Set a strategy to work on an account; it stays off until somebody switches it on."""
    owner = found(
        await queries.owner_of_account(asked.session, asked.viewer, ask.account_id),
        "no such account",
    )
    require_configuring(asked.viewer, owner.client_id, owner.portfolio_id)
    wanted = NewInstance(
        strategy_version_id=ask.version_id,
        broker_account_id=ask.account_id,
        name=ask.name,
        config=ask.config,
        idempotency_key=key,
    )
    instance_id = await create_instance(asked.session, wanted, asked.actor)
    return await _detail(instance_id, asked)


@router.get("/{strategy_id}/")
async def get_strategy(
    strategy_id: UUID,
    response: Response,
    asked: Asked,
) -> StrategyDetail:
    """One instance with its configuration, the form for it, and every configuration before."""
    detail = await _detail(strategy_id, asked)
    response.headers["ETag"] = etag(detail.config_version)
    return detail


@router.put(
    "/{strategy_id}/config/",
    dependencies=Commanded,
    responses={202: {"model": StrategyDetail, "description": "waits for a second person"}},
)
@once
async def change_strategy_config(
    strategy_id: UUID,
    ask: ChangeConfigAsk,
    key: IdempotencyKey,
    if_match: IfMatch,
    response: Response,
    asked: Asked,
) -> StrategyDetail:
    """Put a configuration in force from the next run on.

    Where its client asks for two people it is a proposal, and the answer 202: somebody else
    approves it; until then the one before stays in force. 412 CONFIG_CHANGED when somebody else
    changed it meanwhile; 422 CONFIG_INVALID names the fields. Repeating the request with the same
    Idempotency-Key changes nothing more.
    """
    row = await _configurable(strategy_id, asked)
    change = ConfigChange(
        config=ask.config,
        based_on=int(re.sub(r"\D", "", if_match)),
        reason=ask.reason,
        idempotency_key=key,
    )
    if row.two_people_configure:
        await propose_config(asked.session, strategy_id, change, asked.actor)
        response.status_code = status.HTTP_202_ACCEPTED
    else:
        await change_config(asked.session, strategy_id, change, asked.actor)
    detail = await _detail(strategy_id, asked)
    response.headers["ETag"] = etag(detail.config_version)
    return detail


@router.post("/{strategy_id}/changes/{change_id}/approve/", dependencies=Commanded)
@once
async def approve_config_change(
    strategy_id: UUID, change_id: UUID, response: Response, asked: Asked
) -> StrategyDetail:
    """Put in force from the next run on what somebody else has proposed.

    412 CONFIG_CHANGED where the configuration is another by now. Approving it again does nothing.
    """
    await _configurable(strategy_id, asked)
    now = asked.desk.clock.now()
    await approve_proposal(asked.session, strategy_id, change_id, asked.actor, now)
    detail = await _detail(strategy_id, asked)
    response.headers["ETag"] = etag(detail.config_version)
    return detail


@router.post("/{strategy_id}/changes/{change_id}/reject/", dependencies=Commanded)
@once
async def reject_config_change(
    strategy_id: UUID, change_id: UUID, ask: RejectChangeAsk, asked: Asked
) -> StrategyDetail:
    """Reject what somebody else has proposed, or withdraw what one proposed oneself."""
    await _configurable(strategy_id, asked)
    now = asked.desk.clock.now()
    await reject_proposal(asked.session, strategy_id, change_id, asked.actor, ask.reason, now)
    return await _detail(strategy_id, asked)


@router.post("/{strategy_id}/enable/", dependencies=Commanded)
@once
async def enable_strategy(
    strategy_id: UUID,
    asked: Asked,
) -> StrategyDetail:
    """Switch it on: it runs at the next turn of the schedule while its market is open.

    Where its client asks for two people, one that runs on somebody's own configuration, which
    nobody else has approved, is switched on by another.
    """
    row = await _configurable(strategy_id, asked)
    by_two = row.two_people_configure
    await switch(asked.session, strategy_id, asked.actor, on=True, by_two=by_two)
    return await _detail(strategy_id, asked)


@router.post("/{strategy_id}/disable/", dependencies=Commanded)
@once
async def disable_strategy(
    strategy_id: UUID,
    asked: Asked,
) -> StrategyDetail:
    """Switch it off: no further run. What it has offered already stays until its deadline."""
    await _configurable(strategy_id, asked)
    await switch(asked.session, strategy_id, asked.actor, on=False)
    return await _detail(strategy_id, asked)


@router.post("/{strategy_id}/run/", dependencies=Commanded, status_code=202)
async def run_strategy_now(
    strategy_id: UUID,
    key: IdempotencyKey,
    asked: Asked,
) -> RunReceipt:
    """Run it now, as the schedule would. Its recommendations wait for a decision like all."""
    row = await _configurable(strategy_id, asked)
    if not row.enabled:
        raise GreenlightError(ErrorCode.STRATEGY_DISABLED, f"{row.name} is switched off")
    _require_market(row)
    workflow_id = command_workflow_id("strategy-run", asked.viewer.user_id, key)
    await audit_once(
        asked.session, asked.actor, "strategy.run_asked", "workflow", workflow_id,
        after={"strategy": str(strategy_id), "name": row.name},
    )  # fmt: skip
    await asked.signals.run_strategy(strategy_id, workflow_id)
    return RunReceipt(
        workflow_id=workflow_id, workflow_url=workflow_url(asked.desk.settings, workflow_id)
    )


@router.post("/{strategy_id}/dry-run/", dependencies=Commanded)
async def dry_run_strategy(
    strategy_id: UUID,
    ask: DryRunAsk,
    key: IdempotencyKey,
    asked: Asked,
) -> DryRunAnswer:
    """What would it find now, on these settings? Nothing is offered and nothing kept."""
    row = await _configurable(strategy_id, asked)
    if ask.config is not None:
        validate_config(resolve_strategy(row.code_ref), ask.config)
    _require_market(row)
    # The market takes seconds to read: no connection to Postgres is held meanwhile.
    await asked.session.commit()
    request = DryRunRequest(instance_id=strategy_id, config=ask.config)
    workflow_id = command_workflow_id("dry-run", asked.viewer.user_id, key)
    return presenter.dry_run_answer(await asked.signals.dry_run(request, workflow_id))


@router.get("/{strategy_id}/runs/")
async def list_strategy_runs(
    strategy_id: UUID,
    page: Annotated[PageAsk, Depends(paged(queries.RUNS))],
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    status: Annotated[list[RunStatus], Query()] = [],  # noqa: B006 - never changed
) -> Page[StrategyRunRow]:
    """Its live runs, newest first."""
    found(await queries.strategy_detail(session, viewer, strategy_id), NOTHING)
    rows = await queries.run_rows(session, strategy_id, statuses=status, page=page)
    return Page(
        items=[presenter.run_row(row, desk.settings) for row in rows.items],
        next_cursor=rows.next_cursor,
    )


def etag(version: int) -> str:
    return f'"v{version}"'


async def _configurable(strategy_id: UUID, asked: Asking) -> AnyRow:
    row = found(await queries.strategy_detail(asked.session, asked.viewer, strategy_id), NOTHING)
    require_configuring(asked.viewer, row.client_id, row.account_portfolio_id)
    return row


def _require_market(row: AnyRow) -> None:
    """What a run would fail on at once is better told at once."""
    if row.connection is not ConnectionState.CONNECTED:
        raise GreenlightError(ErrorCode.BROKER_UNAVAILABLE, "the gateway is not connected")
    if not row.session_open:
        raise GreenlightError(ErrorCode.MARKET_CLOSED, "the market is closed")


async def _detail(strategy_id: UUID, asked: Asking) -> StrategyDetail:
    session, viewer = asked.session, asked.viewer
    row = found(await queries.strategy_detail(session, viewer, strategy_id), NOTHING)
    history = await queries.config_history(session, strategy_id, MOST_HISTORY)
    proposal = await pending_proposal(session, strategy_id)
    next_run_at = await asked.signals.next_strategy_runs()
    return presenter.strategy_detail(
        row, history, proposal, viewer, asked.desk.settings, next_run_at
    )
