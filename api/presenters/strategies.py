"""Strategy instances, their runs and dry runs as the API words them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.links import workflow_url
from api.presenters.common import account_brief
from api.presenters.opportunities import found_opportunity, removed_by
from api.schemas.opportunities import SignalAnswer
from api.schemas.strategies import (
    ConfigProposalAnswer,
    ConfigVersionAnswer,
    DryRunAnswer,
    DryTradeAnswer,
    StrategyDetail,
    StrategyKind,
    StrategyRow,
    StrategyRunRow,
)
from domain.errors import GreenlightError
from domain.ports import DryRunFindings
from domain.strategies.registry import resolve_strategy, validate_config
from infra.db.models import ConfigProposal, ConnectionState
from infra.db.queries.columns import AnyRow
from infra.db.queries.viewer import Viewer
from infra.settings import Settings


def run_row(row: AnyRow, settings: Settings, prefix: str = "") -> StrategyRunRow:
    """From the columns of a run, each named with ``prefix``."""

    def of(name: str) -> Any:
        return getattr(row, f"{prefix}{name}")

    stats: Mapping[str, Any] = of("stats")
    started, finished = of("started_at"), of("finished_at")
    return StrategyRunRow(
        id=of("id"),
        status=of("status"),
        started_at=started,
        finished_at=finished,
        duration_seconds=None if finished is None else (finished - started).total_seconds(),
        market_at=of("market_at"),
        signals=stats.get("signals", 0),
        opportunities=stats.get("opportunities", 0),
        proposed=len(stats.get("proposed", ())),
        superseded=len(stats.get("superseded", ())),
        removed=removed_by(stats.get("eliminated", {})),
        no_trade_reason=stats.get("no_trade_reason"),
        errors=[str(error) for error in of("errors")],
        workflow_url=workflow_url(settings, of("workflow_id")),
    )


def _row_fields(
    row: AnyRow, viewer: Viewer, settings: Settings, next_run_at: datetime | None
) -> dict[str, Any]:
    note = _why_no_run(row, next_run_at)
    return {
        "id": row.id,
        "name": row.name,
        "slug": row.slug,
        "strategy_name": row.strategy_name,
        "version": row.version,
        "account": account_brief(row),
        "portfolio": row.portfolio_name,
        "client_id": row.client_id,
        "enabled": row.enabled,
        "config_version": row.config_version,
        "universe": list(row.config.get("universe", ())),
        "waiting": row.waiting,
        "last_run": None if row.run_id is None else run_row(row, settings, "run_"),
        "next_run_at": None if note else next_run_at,
        "next_run_note": note,
        "may_configure": viewer.may_configure_for(row.client_id, row.account_portfolio_id),
    }


def strategy_row(
    row: AnyRow, viewer: Viewer, settings: Settings, next_run_at: datetime | None
) -> StrategyRow:
    return StrategyRow(**_row_fields(row, viewer, settings, next_run_at))


def _why_no_run(row: AnyRow, next_run_at: datetime | None) -> str:
    if not row.enabled:
        return "Switched off."
    if row.connection is not ConnectionState.CONNECTED:
        return "Runs once the broker is connected."
    if not row.session_open:
        return "Runs once the market opens."
    return "" if next_run_at is not None else "The schedule is paused or cannot be read."


def strategy_detail(
    row: AnyRow,
    history: Sequence[AnyRow],
    proposal: ConfigProposal | None,
    viewer: Viewer,
    settings: Settings,
    next_run_at: datetime | None,
) -> StrategyDetail:
    config, error, schema = _as_code_sees_it(row.code_ref, row.config)
    return StrategyDetail(
        **_row_fields(row, viewer, settings, next_run_at),
        config=config,
        config_error=error,
        config_schema=schema,
        description=_description(row.code_ref),
        two_people_configure=row.two_people_configure,
        proposal=None if proposal is None else _proposal(proposal, viewer),
        history=[ConfigVersionAnswer.model_validate(each) for each in history],
    )


def _proposal(proposal: ConfigProposal, viewer: Viewer) -> ConfigProposalAnswer:
    return ConfigProposalAnswer(
        id=proposal.id,
        based_on=proposal.based_on,
        config=proposal.config,
        author=proposal.author,
        reason=proposal.reason,
        proposed_at=proposal.created_at,
        is_own=proposal.user_id == viewer.user_id,
    )


def _as_code_sees_it(
    code_ref: str, config: dict[str, Any]
) -> tuple[dict[str, Any], str | None, dict[str, Any]]:
    """The config with today's defaults, why it cannot be used, and the schema of its form."""
    try:
        strategy = resolve_strategy(code_ref)
    except GreenlightError as error:
        return config, error.detail, {}
    schema = strategy.Config.model_json_schema()
    try:
        return validate_config(strategy, config).model_dump(mode="json"), None, schema
    except GreenlightError as error:
        return config, error.detail, schema


def _description(code_ref: str) -> str:
    try:
        words = resolve_strategy(code_ref).__doc__ or ""
    except GreenlightError:
        return ""
    return " ".join(words.split("\n\n")[0].split())


def strategy_kind(row: AnyRow) -> StrategyKind:
    _, error, schema = _as_code_sees_it(row.code_ref, {})
    properties: Mapping[str, Any] = schema.get("properties", {})
    return StrategyKind(
        version_id=row.id,
        slug=row.slug,
        name=row.name,
        version=row.version,
        description=_description(row.code_ref),
        config_schema=schema,
        defaults={name: each["default"] for name, each in properties.items() if "default" in each},
        error=None if schema else error,
    )


def dry_run_answer(findings: DryRunFindings) -> DryRunAnswer:
    return DryRunAnswer(
        market_at=findings.market_at,
        trades=[DryTradeAnswer.model_validate(trade) for trade in findings.trades],
        opportunities=[found_opportunity(each) for each in findings.opportunities],
        opportunities_found=findings.opportunities_found,
        signals=[SignalAnswer.model_validate(signal) for signal in findings.signals],
        removed=removed_by(findings.eliminated),
        no_trade_reason=findings.no_trade_reason,
        errors=list(findings.errors),
    )
