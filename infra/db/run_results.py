"""Turning a strategy's result into rows: signals, opportunities, recommendations.

A recommendation is never edited; which are made and which they replace is decided in ``offers``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Right, Side
from domain.offers import Choice, choose
from domain.ports import RunOutcome, RunPlan
from domain.recommendations import RecommendationState, Terms
from domain.strategies.base import Opportunity, Proposal, StrategyResult
from infra.db.accounts import account_state
from infra.db.clock import host_now
from infra.db.models import (
    IbkrContract,
    Instrument,
    Recommendation,
    Signal,
    StrategyInstance,
    StrategyRun,
)
from infra.db.models import Opportunity as OpportunityRow
from infra.db.offers import standing
from infra.db.queries.outlooks import market_of


async def keep_result(
    session: AsyncSession,
    run: StrategyRun,
    instance: StrategyInstance,
    plan: RunPlan,
    result: StrategyResult,
) -> RunOutcome:
    """Write all of ``result``; the caller commits."""
    symbols = await _underlyings(session, result)
    session.add_all(
        Signal(
            strategy_run_id=run.id,
            instrument_id=symbols.get(signal.symbol),
            symbol=signal.symbol,
            kind=signal.kind.value,
            summary=signal.summary,
            facts=signal.facts,
        )
        for signal in result.signals
    )
    rows = await _opportunities(session, run, result.opportunities)
    proposed: list[Recommendation] = []
    superseded: list[UUID] = []
    choice = await _choose(session, instance, result.proposals)
    for number, why_not in choice.refused.items():
        refused, _ = rows[result.proposals[number].opportunity_rank]
        refused.recommended, refused.why_not = False, why_not
    for number in choice.made:
        proposal = result.proposals[number]
        row = _recommendation(run, instance, plan, proposal, rows[proposal.opportunity_rank])
        session.add(row)
        await session.flush()
        proposed.append(row)
        for old in choice.replaced[number]:
            old.state = RecommendationState.SUPERSEDED
            old.superseded_by_id = row.id
            old.concluded_at = host_now()
            superseded.append(old.id)
    await _estimate_margin(session, instance.broker_account_id, proposed)
    await session.flush()
    return RunOutcome(
        run_id=run.id,
        proposed=tuple(row.id for row in proposed),
        summaries=tuple(row.summary for row in proposed),
        superseded=tuple(superseded),
        signals=len(result.signals),
        opportunities=len(result.opportunities),
    )


async def _estimate_margin(
    session: AsyncSession, account_id: UUID, proposed: Sequence[Recommendation]
) -> None:
    """What each would do to margin by our own estimate: it is shown before the broker is asked."""
    if not proposed:
        return
    # The pricing library: loaded where it works.
    from domain.risk.own_margin import trade_margin  # noqa: PLC0415

    try:
        account = await account_state(session, account_id)
    except GreenlightError as error:
        if error.code is not ErrorCode.ACCOUNT_STALE:
            raise
        return
    for row in proposed:
        market = await market_of(session, Terms.model_validate(row.terms))
        estimate = await asyncio.to_thread(trade_margin, account, market.trade)
        row.own_margin = estimate.model_dump(mode="json")


async def _underlyings(session: AsyncSession, result: StrategyResult) -> dict[str, UUID]:
    rows = await session.execute(
        select(Instrument.symbol, Instrument.id).where(
            Instrument.symbol.in_({signal.symbol for signal in result.signals}),
            Instrument.underlying_id.is_(None),
        )
    )
    return dict(rows.all())


async def _opportunities(
    session: AsyncSession, run: StrategyRun, opportunities: Sequence[Opportunity]
) -> dict[int, tuple[OpportunityRow, Opportunity]]:
    """The stored opportunities by rank."""
    found = await session.execute(
        select(IbkrContract.con_id, IbkrContract.instrument_id).where(
            IbkrContract.con_id.in_([each.contract.con_id for each in opportunities])
        )
    )
    instruments = dict(found.all())
    rows = {
        each.rank: (
            OpportunityRow(
                strategy_run_id=run.id,
                instrument_id=instruments[each.contract.con_id],
                action=each.action,
                side=each.side,
                rank=each.rank,
                score=each.score,
                bid=each.metrics.bid,
                ask=each.metrics.ask,
                metrics=each.metrics.model_dump(mode="json"),
                rules=[rule.model_dump(mode="json") for rule in each.rules],
                recommended=each.recommended,
                why_not=each.why_not,
            ),
            each,
        )
        for each in opportunities
    }
    session.add_all(row for row, _ in rows.values())
    await session.flush()
    return rows


async def _choose(
    session: AsyncSession, instance: StrategyInstance, proposals: Sequence[Proposal]
) -> Choice[Recommendation]:
    symbols = {proposal.terms.contract.symbol for proposal in proposals}
    if not symbols:
        return Choice[Recommendation]()
    before = await standing(session, instance.broker_account_id, symbols)
    return choose(proposals, before, instance.id)


def _recommendation(
    run: StrategyRun,
    instance: StrategyInstance,
    plan: RunPlan,
    proposal: Proposal,
    opportunity: tuple[OpportunityRow, Opportunity],
) -> Recommendation:
    terms = proposal.terms
    row, found = opportunity
    return Recommendation(
        strategy_run_id=run.id,
        strategy_instance_id=instance.id,
        strategy_version_id=instance.strategy_version_id,
        portfolio_id=instance.portfolio_id,
        broker_account_id=instance.broker_account_id,
        opportunity_id=row.id,
        instrument_id=row.instrument_id,
        action=terms.action,
        side=terms.side,
        quantity=terms.quantity,
        limit_price=terms.limit_price,
        floor_price=terms.floor_price,
        terms=terms.model_dump(mode="json"),
        terms_hash=terms.hash,
        deadline=terms.deadline,
        proposed_at=terms.quoted_at,
        summary=terms.describe(),
        rationale=" ".join(proposal.rationale),
        confidence=proposal.confidence,
        rule_trace=[rule.model_dump(mode="json") for rule in proposal.rule_trace],
        metrics=found.metrics.model_dump(mode="json")
        | {"assignment_cash": _assignment_cash(terms)},
        predecessor_id=plan.predecessor_id,
    )


def _assignment_cash(terms: Terms) -> str | None:
    """What the shares would cost if every put sold is assigned; None where no put is sold."""
    sells_puts = any(leg.side is Side.SELL for leg in terms.legs_of(Right.PUT))
    return str(terms.assignment_cash) if sells_puts else None
