"""Opportunities as the API words them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from api.presenters.common import account_brief, contract_brief, option_brief
from api.schemas.opportunities import (
    FoundOpportunity,
    OpportunityFigures,
    OpportunityRow,
    RemovedBy,
    RunFindings,
    SignalAnswer,
)
from api.schemas.recommendations import StrategyBrief
from domain.strategies.base import Opportunity
from infra.db.queries.columns import AnyRow


def figures_of(stored: Mapping[str, Any]) -> OpportunityFigures:
    """Metrics as recorded; what an earlier version did not keep is null."""
    wanted = {name: stored.get(name) for name in OpportunityFigures.model_fields}
    try:
        return OpportunityFigures.model_validate(wanted)
    except ValidationError as error:
        wrong = {str(fault["loc"][0]) for fault in error.errors()}
        return OpportunityFigures.model_validate(
            {name: None if name in wrong else value for name, value in wanted.items()}
        )


def removed_by(counts: Mapping[str, int]) -> list[RemovedBy]:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return [RemovedBy(rule=rule, contracts=contracts) for rule, contracts in ordered if contracts]


def strategy_brief(row: AnyRow) -> StrategyBrief:
    return StrategyBrief(
        instance_id=row.strategy_instance_id, name=row.strategy_name, slug=row.strategy_slug
    )


def opportunity_row(row: AnyRow) -> OpportunityRow:
    return OpportunityRow(
        id=row.id,
        run_id=row.strategy_run_id,
        market_at=row.market_at,
        strategy=strategy_brief(row),
        account=account_brief(row),
        client_id=row.client_id,
        contract=contract_brief(row),
        side=row.side,
        action=row.action,
        rank=row.rank,
        score=row.score,
        figures=figures_of({**row.metrics, "bid": row.bid, "ask": row.ask}),
        recommended=row.recommended,
        why_not=row.why_not,
        rules=row.rules,
        recommendation_id=row.recommendation_id,
        recommendation_state=row.recommendation_state,
    )


def found_opportunity(found: Opportunity) -> FoundOpportunity:
    return FoundOpportunity(
        contract=option_brief(found.contract),
        side=found.side,
        action=found.action,
        rank=found.rank,
        score=found.score,
        figures=figures_of(found.metrics.model_dump()),
        recommended=found.recommended,
        why_not=found.why_not,
    )


def run_findings(row: AnyRow, signals: Sequence[AnyRow]) -> RunFindings:
    stats: Mapping[str, Any] = row.stats
    return RunFindings(
        run_id=row.id,
        market_at=row.market_at,
        strategy=strategy_brief(row),
        account=account_brief(row),
        client_id=row.client_id,
        opportunities=row.opportunities,
        recommended=row.recommended,
        removed=removed_by(stats.get("eliminated", {})),
        signals=[SignalAnswer.model_validate(signal) for signal in signals],
        no_trade_reason=stats.get("no_trade_reason"),
        errors=[str(error) for error in row.errors],
    )
