"""Backtests: starting and stopping them, and what they found."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import HTMLResponse, Response

from api.backtests import command_workflow_id, confined
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
    throttled_command,
)
from api.presenters.backtests import backtest_detail, comparison, sweep_detail, without_paths
from api.schemas.backtests import (
    BacktestAsk,
    BacktestDetail,
    BacktestReceipt,
    BacktestRow,
    BacktestTable,
    BenchmarkCurve,
    Comparison,
    EquityAnswer,
    SweepAsk,
    SweepDetail,
    SweepReceipt,
    SweepSummary,
)
from api.schemas.common import Page
from domain.backtest.settings import check_settings
from domain.errors import ErrorCode, GreenlightError
from domain.ports.backtests import (
    BacktestEnd,
    BacktestJob,
    BacktestRequest,
    BacktestStatus,
    SweepBegin,
    SweepRequest,
    understood,
)
from infra.backtests.document import BacktestDocument, TableName
from infra.backtests.report import report_html
from infra.db.audit import Actor, audit, audit_once
from infra.db.backtests import begin_backtest, begin_sweep, end_backtest, end_sweep
from infra.db.models import Client, RunStatus
from infra.db.queries import backtests as queries
from infra.db.queries.columns import AnyRow
from infra.db.queries.paging import PageAsk
from infra.db.queries.viewer import Viewer

router = APIRouter(prefix="/backtests", tags=["backtests"])
NOTHING = "no such backtest"
NO_SWEEP = "no such sweep"
MOST_COMPARED = 12
RunId = Annotated[UUID, Path(description="of the backtest's strategy run")]
Commanded = [Depends(throttled_command)]


class TableFormat(StrEnum):
    JSON = "json"
    CSV = "csv"


Format = Annotated[TableFormat, Query(alias="format")]


@router.post("/", dependencies=Commanded)
async def start_backtest(
    ask: BacktestAsk,
    key: IdempotencyKey,
    http: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    signals: SignalsDep,
) -> BacktestReceipt:
    """Start one on data of the desk's history directory.

    Repeating the request with the same Idempotency-Key gives the same receipt.
    """
    request = await _request(BacktestRequest, ask, desk, session, viewer)
    check_settings(request)
    workflow_id = command_workflow_id("backtest", viewer.user_id, key)
    row = await begin_backtest(
        session, BacktestJob(key=workflow_id, workflow_id=workflow_id, request=request),
        again=False,
    )  # fmt: skip
    await audit_once(
        session, actor(http, viewer), "backtest.started", "workflow", workflow_id,
        after={"strategy": request.strategy, "title": request.title, "client": request.client},
    )  # fmt: skip
    if row.strategy_run.status is RunStatus.RUNNING:
        await signals.start_backtest(request, workflow_id)
    return BacktestReceipt(id=row.strategy_run_id, workflow_id=workflow_id)


@router.post("/sweeps/", dependencies=Commanded)
async def start_sweep(
    ask: SweepAsk,
    key: IdempotencyKey,
    http: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    signals: SignalsDep,
) -> SweepReceipt:
    """Start many at once; each appears in the list of its sweep when it begins."""
    request = await _request(SweepRequest, ask, desk, session, viewer)
    check_settings(request)
    workflow_id = command_workflow_id("sweep", viewer.user_id, key)
    row = await begin_sweep(
        session, SweepBegin(workflow_id=workflow_id, request=request), again=False
    )
    await audit_once(
        session, actor(http, viewer), "sweep.started", "workflow", workflow_id,
        after={"strategy": request.strategy, "title": request.title, "total": request.total},
    )  # fmt: skip
    if row.status is RunStatus.RUNNING:
        await signals.start_backtest(request, workflow_id)
    return SweepReceipt(id=row.id, workflow_id=workflow_id, total=row.total)


def wanted_backtests(
    status: Annotated[list[RunStatus], Query()] = [],  # noqa: B006 - never changed
    sweep: Annotated[UUID | None, Query(description="only this sweep's")] = None,
    in_sweeps: Annotated[bool, Query(description="those of sweeps, too")] = False,
    strategy: Annotated[str | None, Query(description="only of this one, as asked")] = None,
    source: Annotated[list[queries.BacktestSource], Query()] = [],  # noqa: B006 - never changed
) -> queries.WantedBacktests:
    return queries.WantedBacktests(sweep, in_sweeps, status, strategy, source)


@router.get("/")
async def list_backtests(
    ask: Listed,
    page: Annotated[PageAsk, Depends(paged(queries.BACKTESTS))],
    wanted: Annotated[queries.WantedBacktests, Depends(wanted_backtests)],
    session: Transaction,
    viewer: SignedIn,
    desk: Desk,
) -> Page[BacktestRow]:
    """Newest first; those of sweeps only where asked for."""
    rows = await queries.backtest_rows(session, viewer, wanted, client_id=ask.client, page=page)
    return Page(
        items=[BacktestRow.model_validate(_cleaned(row, desk)) for row in rows.items],
        next_cursor=rows.next_cursor,
    )


@router.get("/compare/")
async def compare_backtests(
    session: Transaction,
    viewer: SignedIn,
    desk: Desk,
    ids: Annotated[list[UUID], Query(min_length=1, max_length=MOST_COMPARED)],
) -> Comparison:
    """Backtests side by side: their figures, and the settings they differ in."""
    rows = await queries.compared(session, viewer, ids)
    if len(rows) < len(set(ids)):
        raise GreenlightError(ErrorCode.NOT_FOUND, NOTHING)
    return comparison(rows, viewer, desk.settings)


@router.get("/sweeps/")
async def list_sweeps(
    ask: Listed,
    page: Annotated[PageAsk, Depends(paged(queries.SWEEPS))],
    session: Transaction,
    viewer: SignedIn,
    desk: Desk,
    status: Annotated[list[RunStatus], Query()] = [],  # noqa: B006 - never changed
) -> Page[SweepSummary]:
    """Newest first, with how many of each are done."""
    rows = await queries.sweep_rows(
        session, viewer, client_id=ask.client, statuses=status, page=page
    )
    return Page(
        items=[SweepSummary.model_validate(_cleaned(row, desk)) for row in rows.items],
        next_cursor=rows.next_cursor,
    )


@router.get("/sweeps/{sweep_id}/")
async def get_sweep(
    sweep_id: UUID, session: Transaction, viewer: SignedIn, desk: Desk
) -> SweepDetail:
    """What was asked, how many of it are done, and how they compare."""
    row = found(await queries.sweep_detail(session, viewer, sweep_id), NO_SWEEP)
    return sweep_detail(row, viewer, desk.settings)


@router.post("/sweeps/{sweep_id}/cancel/", dependencies=Commanded)
@once
async def cancel_sweep(
    sweep_id: UUID,
    request: Request,
    session: Transaction,
    viewer: SignedIn,
    signals: SignalsDep,
    desk: Desk,
) -> SweepDetail:
    """Stop a sweep; what it has finished stays. Cancelling one that has ended does nothing."""
    row = found(await queries.sweep_detail(session, viewer, sweep_id), NO_SWEEP)
    _require_backtesting(viewer, row.client_id)
    if row.status is RunStatus.RUNNING:
        _audit_cancel(session, actor(request, viewer), "sweep", sweep_id)
    if row.status is RunStatus.RUNNING and not await signals.cancel_backtest(row.workflow_id):
        # Its workflow was ended by somebody who did not tell.
        end = BacktestEnd(key=row.workflow_id, status=BacktestStatus.CANCELLED)
        await end_sweep(session, end)
        await session.flush()
    return await get_sweep(sweep_id, session, viewer, desk)


@router.get("/{run_id}/")
async def get_backtest(
    run_id: RunId, session: Transaction, viewer: SignedIn, desk: Desk
) -> BacktestDetail:
    """What was asked, how far it is, and its figures once it is complete."""
    row = found(await queries.backtest_detail(session, viewer, run_id), NOTHING)
    return backtest_detail(row, viewer, desk.settings)


@router.post("/{run_id}/cancel/", dependencies=Commanded)
@once
async def cancel_backtest(
    run_id: RunId,
    request: Request,
    session: Transaction,
    viewer: SignedIn,
    signals: SignalsDep,
    desk: Desk,
) -> BacktestDetail:
    """Stop one that runs; cancelling one that has ended does nothing."""
    row = found(await queries.backtest_detail(session, viewer, run_id), NOTHING)
    _require_backtesting(viewer, row.client_id)
    if row.sweep_id is not None:
        raise GreenlightError(
            ErrorCode.INVALID_INPUT, "it is part of a sweep: cancel the sweep", field="run_id"
        )
    if row.status is RunStatus.RUNNING:
        _audit_cancel(session, actor(request, viewer), "backtest", run_id)
    if row.status is RunStatus.RUNNING and not await signals.cancel_backtest(row.workflow_id):
        await end_backtest(session, BacktestEnd(key=row.key, status=BacktestStatus.CANCELLED))
        await session.flush()
    return await get_backtest(run_id, session, viewer, desk)


def _audit_cancel(session: AsyncSession, by: Actor, entity: str, entity_id: UUID) -> None:
    audit(
        session, by, f"{entity}.cancel_asked", entity, entity_id,
        before={"status": RunStatus.RUNNING.value}, after={"status": RunStatus.CANCELLED.value},
    )  # fmt: skip


@router.get("/{run_id}/trades/", response_model=BacktestTable)
async def backtest_trades(
    run_id: RunId, session: Transaction, viewer: SignedIn, form: Format = TableFormat.JSON
) -> Response | BacktestTable:
    """Every trade, as JSON or CSV."""
    document = await _document(session, viewer, run_id)
    return _table(document, TableName.TRADES, form, run_id)


@router.get("/{run_id}/equity/", response_model=EquityAnswer)
async def backtest_equity(
    run_id: RunId, session: Transaction, viewer: SignedIn, form: Format = TableFormat.JSON
) -> Response | EquityAnswer:
    """The equity curve, as JSON (benchmarks included) or CSV."""
    document = await _document(session, viewer, run_id)
    table = _table(document, TableName.EQUITY, form, run_id)
    if isinstance(table, Response):
        return table
    return EquityAnswer(
        columns=table.columns,
        rows=table.rows,
        benchmarks=[
            BenchmarkCurve(name=b.name, description=b.description, equity=list(b.equity))
            for b in document.benchmarks
        ],
    )


@router.get("/{run_id}/tables/{name}/", response_model=BacktestTable)
async def backtest_table(
    run_id: RunId,
    name: TableName,
    session: Transaction,
    viewer: SignedIn,
    form: Format = TableFormat.JSON,
) -> Response | BacktestTable:
    """Any table of its document: fills, events, denials and skipped days too."""
    return _table(await _document(session, viewer, run_id), name, form, run_id)


@router.get("/{run_id}/report/", response_class=HTMLResponse)
async def backtest_report(run_id: RunId, session: Transaction, viewer: SignedIn) -> HTMLResponse:
    """The self-contained report, for a frame of the desk or to be kept."""
    document = await _document(session, viewer, run_id)
    return HTMLResponse(await asyncio.to_thread(report_html, document))


async def _request(
    kind: type[Any], ask: BacktestAsk, desk: Resources, session: Transaction, viewer: Viewer
) -> Any:
    """The request as workers understand it, with paths of this desk's own history only."""
    _require_backtesting(viewer, ask.client_id)
    slug = None
    if ask.client_id is not None:
        slug = await session.scalar(select(Client.slug).where(Client.id == ask.client_id))
    said = ask.model_dump(mode="json", exclude={"client_id", "data", "side"})
    return understood(
        kind,
        {
            **said,
            "data": confined(desk.settings.history, ask.data, "data"),
            "side": confined(desk.settings.history, ask.side, "side"),
            "client": slug,
            "author": viewer.email,
            "user_id": str(viewer.user_id),
        },
    )


def _require_backtesting(viewer: Viewer, client_id: UUID | None) -> None:
    if viewer.may_backtest_for(client_id):
        return
    if client_id is not None and viewer.role_for(client_id) is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such client")
    raise GreenlightError(
        ErrorCode.FORBIDDEN,
        "the whole desk's backtests are an administrator's"
        if client_id is None
        else "backtests need another role than VIEWER",
    )


def _cleaned(row: AnyRow, desk: Resources) -> dict[str, Any]:
    return {**row._mapping, "errors": without_paths(row.errors, desk.settings.history)}


async def _document(session: Transaction, viewer: Viewer, run_id: UUID) -> BacktestDocument:
    row = found(await queries.backtest_document(session, viewer, run_id), NOTHING)
    if row.document is None:
        raise GreenlightError(ErrorCode.NO_RESULT_YET, f"the backtest is {row.status}")
    return await asyncio.to_thread(BacktestDocument.unpacked, row.document)


def _table(
    document: BacktestDocument, name: TableName, form: TableFormat, run_id: UUID
) -> Response | BacktestTable:
    table = document.table(name)
    if form is TableFormat.JSON:
        return BacktestTable(columns=list(table.columns), rows=[list(row) for row in table.rows])
    return Response(
        table.csv(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}-{run_id}.csv"'},
    )
