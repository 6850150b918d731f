"""Rows of orders and executions, as the API words them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.links import workflow_url
from api.presenters.common import (
    account_fields,
    advice_on,
    contract_fields,
    instrument_fields,
    leg_fields,
    stored_legs,
)
from api.schemas.orders import (
    EndingEvidence,
    ExecutionRow,
    OrderDetail,
    OrderEventRow,
    OrderRow,
    OrderWithExecutions,
)
from domain.orders import OrderState
from domain.packages import describe_legs
from domain.recommendations import RecommendationAction
from infra.db.book_comparison import LastLook
from infra.db.commands import LOOKS_NEEDED, may_be_declared_over
from infra.db.position_evidence import PositionEvidence
from infra.db.queries.columns import AnyRow
from infra.db.queries.viewer import Viewer
from infra.settings import Settings
from workflows.ids import recommendation_workflow_id


def is_cancellable(state: OrderState) -> bool:
    """Whether a cancel can still mean anything.

    It can before the send, which it prevents, and while a cancel is under way, which may be but
    a step to the next price.
    """
    return not state.is_terminal


def execution_fields(row: AnyRow) -> dict[str, Any]:
    """As `ExecutionRow` names its fields."""
    return {
        "id": row.id,
        "exec_id": row.exec_id,
        "order_id": row.order_id,
        "recommendation_id": row.recommendation_id,
        "side": row.side,
        "quantity": row.quantity,
        "price": row.price,
        "commission": row.commission,
        "commission_currency": row.commission_currency,
        "realized_pnl": row.realized_pnl,
        "executed_at": row.executed_at,
        "superseded": row.superseded,
        "contract": None if row.sec_type is None else instrument_fields(row),
        "con_id": row.con_id,
        "is_package": row.is_package,
        "account": account_fields(row),
        "client_id": row.client_id,
        "external": row.order_id is None,
    }


def execution_row(row: AnyRow) -> ExecutionRow:
    return ExecutionRow(**execution_fields(row))


def order_fields(row: AnyRow, viewer: Viewer, settings: Settings) -> dict[str, Any]:
    """As `OrderRow` names its fields."""
    never_seen = row.state is OrderState.UNKNOWN and row.perm_id is None
    missed = never_seen and row.absent_looks >= LOOKS_NEEDED
    workflow_id = recommendation_workflow_id(row.recommendation_id)
    legs = stored_legs(row.intent)
    is_roll = row.action is RecommendationAction.ROLL
    return {
        "id": row.id,
        "order_key": row.order_key,
        "recommendation_id": row.recommendation_id,
        "attempt": row.attempt,
        "state": row.state,
        "side": row.side,
        "quantity": row.quantity,
        "filled_quantity": row.filled_quantity,
        "average_price": row.average_price,
        "limit_price": row.limit_price,
        "tif": row.tif,
        "contract": contract_fields(row),
        "legs": leg_fields(legs),
        "trade": describe_legs(legs, row.quantity, is_roll=is_roll),
        "account": account_fields(row),
        "client_id": row.client_id,
        "broker_order_id": row.broker_order_id,
        "perm_id": row.perm_id,
        "broker_status": row.broker_status,
        "reason_code": row.reason_code,
        "reason": row.reason,
        "advice": advice_on(row.reason_code),
        "absent_looks": row.absent_looks,
        "may_cancel": is_cancellable(row.state)
        and viewer.may_decide_for(row.client_id, row.account_portfolio_id),
        "may_declare_not_sent": missed
        and not row.filled_quantity
        and viewer.may_operate_for(row.client_id, row.account_portfolio_id),
        "may_declare_ended": may_be_declared_over(row.state, row.last_look)
        and viewer.may_operate_for(row.client_id, row.account_portfolio_id),
        "declared_quantity": row.declared_quantity,
        "commission_total": row.commission_total,
        "sent_at": row.sent_at,
        "acknowledged_at": row.acknowledged_at,
        "ended_at": row.ended_at,
        "created_at": row.created_at,
        "workflow_url": workflow_url(settings, workflow_id),
    }


def order_row(row: AnyRow, viewer: Viewer, settings: Settings) -> OrderRow:
    return OrderRow(**order_fields(row, viewer, settings))


def orders_with_executions(
    orders: Sequence[AnyRow],
    executions: Sequence[AnyRow],
    viewer: Viewer,
    settings: Settings,
) -> list[OrderWithExecutions]:
    return [
        OrderWithExecutions(
            **order_fields(order, viewer, settings),
            executions=[execution_row(row) for row in executions if row.order_id == order.id],
        )
        for order in orders
    ]


def order_detail(
    order: AnyRow,
    executions: Sequence[AnyRow],
    events: Sequence[AnyRow],
    evidence: tuple[LastLook | None, PositionEvidence | None],
    viewer: Viewer,
    settings: Settings,
) -> OrderDetail:
    return OrderDetail(
        **order_fields(order, viewer, settings),
        executions=[execution_row(row) for row in executions],
        events=[
            OrderEventRow(
                id=row.id,
                at=row.created_at,
                kind=row.kind,
                state_before=row.state_before,
                state_after=row.state_after,
                perm_id=row.perm_id,
                exec_id=row.exec_id,
                payload=row.payload,
            )
            for row in events
        ],
        what_if=order.what_if,
        own_margin=order.own_margin,
        ending_evidence=_ending_evidence(*evidence),
    )


def _ending_evidence(
    look: LastLook | None, positions: PositionEvidence | None
) -> EndingEvidence | None:
    if look is None and positions is None:
        return None
    return EndingEvidence(
        looks=0 if look is None else look.looks,
        looked_at=None if look is None else look.read_at,
        shown_as=None if look is None else look.status,
        position_before=None if positions is None else positions.before.quantity,
        position_now=None if positions is None else positions.now.quantity,
        missed=None if positions is None else positions.missed,
    )
