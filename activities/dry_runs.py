"""Dry runs: what a strategy would find now, with nothing offered and nothing kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from temporalio import activity

from activities.heartbeat import heartbeating
from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen
from domain.ports import DryRunFindings, DryRunRequest, DryRunStore, DryTrade, RunPlan
from domain.risk.state import compute_risk_state
from domain.strategies.base import StrategyResult
from domain.strategies.registry import resolve_strategy

MOST_LISTED = 200
"""Opportunities told of: all of a long ranking would not fit into a workflow's message."""


class DryLook(Frozen):
    request: DryRunRequest
    plan: RunPlan
    chain_ids: tuple[UUID, ...]
    errors: tuple[str, ...] = ()


class DryRunActivities:
    def __init__(self, store: DryRunStore) -> None:
        self._store = store

    @activity.defn
    async def plan_dry_run(self, request: DryRunRequest) -> RunPlan:
        return await self._store.plan_dry_run(request)

    @activity.defn
    async def look_dryly(self, look: DryLook) -> DryRunFindings:
        """Run the strategy on the recorded market. STRATEGY_FAILED for whatever it raises."""
        async with heartbeating():
            code_ref, context, account = await self._store.dry_context(
                look.request, look.plan, look.chain_ids
            )
            try:
                result = resolve_strategy(code_ref)().generate_signals(
                    account, compute_risk_state(account), context
                )
            except GreenlightError:
                raise
            except Exception as error:
                raise GreenlightError(
                    ErrorCode.STRATEGY_FAILED, f"{type(error).__name__}: {error}"
                ) from error
            return _findings(result, look, context.market.as_of)


def _findings(result: StrategyResult, look: DryLook, market_at: datetime) -> DryRunFindings:
    return DryRunFindings(
        market_at=market_at,
        signals=result.signals,
        opportunities=result.opportunities[:MOST_LISTED],
        opportunities_found=len(result.opportunities),
        trades=tuple(
            DryTrade(
                opportunity_rank=proposal.opportunity_rank,
                summary=proposal.terms.describe(),
                rationale=proposal.rationale,
                confidence=proposal.confidence,
            )
            for proposal in result.proposals
        ),
        eliminated=result.eliminated,
        no_trade_reason=result.no_trade_reason,
        errors=look.errors,
    )
