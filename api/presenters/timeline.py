"""The life of one recommendation as a list of steps, told in plain words.

Host time throughout, so that the order of the steps holds even where market time runs faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from api.presenters.common import advice_on, instrument_brief
from api.schemas.recommendations import TimelineEntry
from domain.instruments import Side, plain, price_text
from domain.orders import OrderIntent, OrderState
from domain.packages import net_price_words, price_words
from domain.recommendations import DecisionAction, RecommendationState
from infra.db.queries.columns import AnyRow

_ORDER_TITLES = {
    OrderState.READY: "ready to send",
    OrderState.DENIED: "denied by the pre-trade controls",
    OrderState.SENDING: "being sent",
    OrderState.WORKING: "working at the broker",
    OrderState.PARTIAL: "partly filled",
    OrderState.FILLED: "filled",
    OrderState.CANCEL_PENDING: "being cancelled",
    OrderState.CANCELLED: "cancelled",
    OrderState.LAPSED: "ended without a full fill",
    OrderState.REJECTED: "rejected by the broker",
    OrderState.UNKNOWN: "not proven; the broker's books are being searched",
    OrderState.NOT_SENT: "declared not sent",
    OrderState.ENDED: "declared over by a person",
    OrderState.QUARANTINE: "quarantined; the account is halted",
}
_CONCLUSIONS = {
    RecommendationState.EXPIRED: "Expired without a decision",
    RecommendationState.SUPERSEDED: "Superseded by a newer recommendation",
    RecommendationState.DENIED: "Denied by the pre-trade controls",
    RecommendationState.COMPLETED: "Completed",
    RecommendationState.LAPSED: "Lapsed",
}


def timeline(
    recommendation: AnyRow,
    decision: AnyRow | None,
    orders: Sequence[AnyRow],
    events: Sequence[AnyRow],
    executions: Sequence[AnyRow],
) -> list[TimelineEntry]:
    """Every step so far, oldest first; steps of the same instant keep the order of this list."""
    attempts: dict[UUID, int] = {order.id: order.attempt for order in orders}
    steps = [
        _step(recommendation.created_at, "proposed", "Proposed", recommendation.summary),
        *_decided(decision),
        *_withdrawn(recommendation),
        *_prepared(orders),
        *_moved(events, attempts),
        *_executed(executions, _packages(orders)),
        *_concluded(recommendation),
    ]
    return sorted(steps, key=lambda step: step.at)


def _step(at: Any, kind: str, title: str, detail: str = "") -> TimelineEntry:
    return TimelineEntry(at=at, kind=kind, title=title, detail=detail)


def _decided(decision: AnyRow | None) -> Iterable[TimelineEntry]:
    if decision is None:
        return
    if decision.action is DecisionAction.REJECT:
        title = f"Rejected by {decision.by}"
        yield _step(decision.decided_at, "decision.rejected", title, decision.reason or "")
        return
    narrowed = []
    if decision.quantity is not None:
        narrowed.append(f"quantity {decision.quantity}")
    if decision.limit_price is not None:
        narrowed.append(f"limit {price_text(decision.limit_price)}")
    title = f"Approved by {decision.by}"
    yield _step(decision.decided_at, "decision.approved", title, ", ".join(narrowed))


def _withdrawn(recommendation: AnyRow) -> Iterable[TimelineEntry]:
    if recommendation.withdrawn_at is not None:
        title, detail = "Cancel requested", "No further attempt is made."
        yield _step(recommendation.withdrawn_at, "withdrawn", title, detail)


def _prepared(orders: Sequence[AnyRow]) -> Iterable[TimelineEntry]:
    for order in orders:
        legs = OrderIntent.model_validate(order.intent).legs
        verb = "Trade" if len(legs) > 1 else order.side.capitalize()
        detail = f"{verb} {plain(order.quantity)} {price_words(legs, order.limit_price)}"
        yield _step(order.created_at, "order.ready", f"Attempt {order.attempt}: prepared", detail)


def _moved(events: Sequence[AnyRow], attempts: Mapping[UUID, int]) -> Iterable[TimelineEntry]:
    for event in events:
        if event.state_after is None or event.state_after is event.state_before:
            continue
        if event.state_after is OrderState.READY:
            continue
        title = f"Attempt {attempts[event.order_id]}: {_ORDER_TITLES[event.state_after]}"
        kind = f"order.{event.state_after.lower()}"
        yield _step(event.created_at, kind, title, _message(event.payload))


def _message(payload: Mapping[str, Any]) -> str:
    """The words that came with a piece of evidence, whichever kind it was."""
    words = payload.get("message") or payload.get("reason") or ""
    return words if isinstance(words, str) else ""


def _packages(orders: Sequence[AnyRow]) -> frozenset[UUID]:
    """The orders that trade several legs at one price."""
    return frozenset(
        order.id for order in orders if OrderIntent.model_validate(order.intent).is_package
    )


def _executed(executions: Sequence[AnyRow], packages: frozenset[UUID]) -> Iterable[TimelineEntry]:
    for row in executions:
        title = f"Executed {plain(row.quantity)} at {price_text(row.price)}"
        if row.is_package:
            title = f"Executed {plain(row.quantity)} for {net_price_words(row.price)}"
        elif row.order_id in packages and row.sec_type is not None:
            verb = "bought" if row.side is Side.BUY else "sold"
            what = instrument_brief(row).description
            title = f"Leg {verb}: {plain(row.quantity)} {what} at {price_text(row.price)}"
        detail = row.exec_id
        if row.superseded:
            detail = f"{row.exec_id}, corrected by the broker since"
        elif row.commission is not None:
            currency = row.commission_currency or row.instrument_currency or ""
            detail = f"commission {price_text(row.commission)} {currency}".rstrip()
        yield _step(row.created_at, "execution", title, detail)


def _concluded(recommendation: AnyRow) -> Iterable[TimelineEntry]:
    title = _CONCLUSIONS.get(recommendation.state)
    if title is None or recommendation.concluded_at is None:
        return
    advice = advice_on(recommendation.reason_code)
    detail = " ".join(part for part in (recommendation.reason, advice) if part)
    kind = f"recommendation.{recommendation.state.lower()}"
    yield _step(recommendation.concluded_at, kind, title, detail)
