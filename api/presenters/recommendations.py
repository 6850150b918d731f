"""Recommendations as the API words them: the queue's rows, and the decision card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from api.links import workflow_url
from api.presenters.common import (
    account_fields,
    advice_on,
    contract_fields,
    leg_fields,
    stored_legs,
)
from api.presenters.orders import orders_with_executions
from api.presenters.timeline import timeline
from api.schemas.recommendations import (
    ApprovalAnswer,
    ControlAnswer,
    DecisionAnswer,
    Metrics,
    RecommendationDetail,
    Refusal,
)
from domain.errors import GreenlightError
from domain.four_eyes import ApprovalPolicy, needs_two
from domain.instruments import Right, Side
from domain.market import MarketClock
from domain.packages import describe_legs
from domain.recommendations import (
    RecommendationAction,
    RecommendationState,
    RuleResult,
    Terms,
)
from domain.risk.control_words import figure_of, label_of, sentence_of
from infra.db.approvals import max_loss_each
from infra.db.queries.columns import AnyRow
from infra.db.queries.viewer import Viewer
from infra.settings import Settings
from workflows.ids import recommendation_workflow_id


@dataclass(frozen=True, slots=True)
class Card:
    """Everything read for one decision card."""

    recommendation: AnyRow
    decision: AnyRow | None
    approvals: Sequence[AnyRow]
    orders: Sequence[AnyRow]
    executions: Sequence[AnyRow]
    events: Sequence[AnyRow]


_METRICS = tuple(Metrics.model_fields)


def metrics_fields(stored: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures of the queue. Stored decimals are text; whatever is no number is null."""
    return {name: _number(stored.get(name)) for name in _METRICS}


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) else None


def credit(row: AnyRow) -> Decimal:
    """What the whole trade brings at its limit, before commission; negative is paid."""
    value: Decimal = row.limit_price * row.multiplier * row.quantity
    return value if row.side is Side.SELL else -value


def assignment_cash(terms: Terms) -> Decimal | None:
    """What the puts a trade sells would newly take if assigned; None where it opens none."""
    sells_put = any(leg.side is Side.SELL for leg in terms.legs_of(Right.PUT))
    opens = terms.action is not RecommendationAction.CLOSE
    return terms.assignment_cash if sells_put and opens else None


def control_answer(result: RuleResult) -> ControlAnswer:
    return ControlAnswer(
        **result.model_dump(),
        label=label_of(result.rule),
        sentence=sentence_of(result),
        figure=figure_of(result.rule),
    )


def recommendation_fields(row: AnyRow) -> dict[str, Any]:
    """A row of the queue, as `RecommendationRow` names its fields."""
    legs = stored_legs(row.terms)
    is_roll = row.action is RecommendationAction.ROLL
    return {
        "id": row.id,
        "state": row.state,
        "action": row.action,
        "side": row.side,
        "summary": row.summary,
        "symbol": row.symbol,
        "contract": contract_fields(row),
        "legs": leg_fields(legs),
        "trade": describe_legs(legs, row.quantity, is_roll=is_roll),
        "quantity": row.quantity,
        "limit_price": row.limit_price,
        "floor_price": row.floor_price,
        "credit": credit(row),
        "terms_hash": row.terms_hash,
        "deadline": row.deadline,
        "proposed_at": row.proposed_at,
        "confidence": row.confidence,
        "metrics": metrics_fields(row.metrics),
        "margin_change": row.margin_change,
        "quote_quality": row.quote_quality,
        "account": account_fields(row),
        "client_id": row.client_id,
        "strategy": {
            "instance_id": row.strategy_instance_id,
            "name": row.strategy_name,
            "slug": row.strategy_slug,
        },
        "reason_code": row.reason_code,
        "reason": row.reason,
        "order_state": row.order_state,
        "filled_quantity": row.filled_quantity,
        "first_approved_at": row.first_approved_at,
        "created_at": row.created_at,
    }


def recommendation_detail(
    card: Card, viewer: Viewer, settings: Settings, host_now: datetime
) -> RecommendationDetail:
    row = card.recommendation
    terms = Terms.model_validate(row.terms)
    why_not = why_no_decision(row, viewer, host_now)
    if why_not is None and viewer.user_id in {each.by_id for each in card.approvals}:
        why_not = "You have approved it; another person must as well."
    workflow_id = recommendation_workflow_id(row.id)
    return RecommendationDetail(
        **recommendation_fields(row),
        terms=terms,
        rationale=row.rationale,
        advice=advice_on(row.reason_code),
        rule_trace=row.rule_trace,
        controls=[control_answer(RuleResult.model_validate(each)) for each in row.controls],
        what_if=row.what_if,
        own_margin=row.own_margin,
        assignment_cash=assignment_cash(terms),
        decision=None if card.decision is None else DecisionAnswer.model_validate(card.decision),
        needs_two_approvers=_needs_two(row, terms),
        approvals=[ApprovalAnswer.model_validate(each) for each in card.approvals],
        orders=orders_with_executions(card.orders, card.executions, viewer, settings),
        timeline=timeline(row, card.decision, card.orders, card.events, card.executions),
        workflow_id=workflow_id,
        workflow_url=workflow_url(settings, workflow_id),
        predecessor_id=row.predecessor_id,
        successor_id=row.successor_id,
        superseded_by_id=row.superseded_by_id,
        may_decide=why_not is None,
        may_decide_why_not=why_not,
    )


def _needs_two(row: AnyRow, terms: Terms) -> bool:
    policy = ApprovalPolicy(
        two_above_notional=row.two_approvers_above_notional,
        two_above_max_loss=row.two_approvers_above_max_loss,
    )
    return needs_two(policy, terms, terms.quantity, max_loss_each(row.metrics))


_WHY_NOT_WAITING = {
    RecommendationState.EXPIRED: "The deadline has passed.",
    RecommendationState.SUPERSEDED: "A newer recommendation has taken its place.",
    RecommendationState.REJECTED: "It has been rejected.",
}


def why_no_decision(row: AnyRow, viewer: Viewer, host_now: datetime) -> str | None:
    """Why this person cannot decide this recommendation now; None if they can.

    For the buttons only: the decision itself is checked again, under a lock, when it is made.
    """
    if row.state is not RecommendationState.PROPOSED:
        return _WHY_NOT_WAITING.get(row.state, "It has been approved.")
    if not viewer.may_decide_for(row.client_id, row.account_portfolio_id):
        return "Your role for this client does not allow decisions."
    if row.market_at is None or row.clock_read_at is None:
        return "Market time is not known: the gateway has not been reached yet."
    clock = MarketClock(market_at=row.market_at, observed_at=row.clock_read_at, rate=row.clock_rate)
    return "The deadline has passed." if clock.now(host_now) >= row.deadline else None


def refusal(error: GreenlightError) -> Refusal:
    """One of several that was refused, in the words of its guidance."""
    guidance = error.guidance
    return Refusal(
        code=error.code, title=guidance.title, detail=error.detail, advice=guidance.advice
    )
