"""Trading states and the kill switch, as the API words them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api.presenters.common import account_brief
from api.schemas.stopping import (
    AccountState,
    KillSwitchPreview,
    KillSwitchReport,
    Pressing,
    ScopeState,
    TradeToWithdraw,
    TradingStates,
    WithdrawnOrder,
    WithdrawnTrade,
)
from domain.kill_switch import preview_digest, withdrawal_of
from domain.risk.limits import TradingState
from infra.db.models import TradingStateChange
from infra.db.queries.columns import AnyRow
from infra.db.queries.stopping import StatesOnRecord, TradeUnderWay
from infra.db.queries.viewer import Viewer
from infra.db.trading_state import stricter


def trading_states(on_record: StatesOnRecord, viewer: Viewer, *, everywhere: bool) -> TradingStates:
    """``everywhere``: whether the viewer operates the whole desk."""
    changes = on_record.changes
    return TradingStates(
        desk=ScopeState(
            state=on_record.desk,
            **_said(changes.get(None)),
            may_halt=everywhere,
            may_resume=everywhere,
        ),
        accounts=[
            _account(row, on_record.desk, changes.get(row.account_id), viewer)
            for row in on_record.accounts
        ],
    )


def _account(
    row: AnyRow, desk: TradingState, change: TradingStateChange | None, viewer: Viewer
) -> AccountState:
    return AccountState(
        account=account_brief(row),
        client_id=row.client_id,
        state=row.trading_state,
        effective=stricter(desk, row.trading_state),
        **_said(change),
        may_halt=viewer.may_halt_for(row.client_id, row.account_portfolio_id),
        may_resume=viewer.may_operate_for(row.client_id, row.account_portfolio_id),
    )


def _said(change: TradingStateChange | None) -> dict[str, Any]:
    if change is None:
        return {"reason": "", "changed_by": None, "changed_at": None}
    return {
        "reason": change.reason,
        "changed_by": change.author,
        "changed_at": change.created_at,
    }


def preview(
    account_id: UUID | None, state: TradingState, trades: Sequence[TradeUnderWay]
) -> KillSwitchPreview:
    orders = [order for trade in trades for order in trade.orders]
    return KillSwitchPreview(
        digest=preview_digest(account_id, (trade.recommendation.id for trade in trades)),
        account_id=account_id,
        state=state,
        trades=[TradeToWithdraw(**_trade(trade)) for trade in trades],
        working_orders=sum(order.state.may_be_at_broker for order in orders),
        unsent_trades=sum(
            not any(order.state.may_be_at_broker for order in trade.orders) for trade in trades
        ),
    )


def pressing(row: AnyRow) -> Pressing:
    return Pressing(**_pressing(row))


def report(row: AnyRow, trades: Sequence[TradeUnderWay], *, as_previewed: bool) -> KillSwitchReport:
    withdrawn = [_withdrawn(trade) for trade in trades]
    unconfirmed = sum(not trade.confirmed for trade in withdrawn)
    return KillSwitchReport(
        **_pressing(row),
        trades=withdrawn,
        as_previewed=as_previewed,
        unconfirmed=unconfirmed,
        complete=not unconfirmed,
    )


def _pressing(row: AnyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "account": None if row.account_id is None else account_brief(row),
        "reason": row.reason,
        "pressed_by": row.author,
        "pressed_at": row.created_at,
    }


def _withdrawn(trade: TradeUnderWay) -> WithdrawnTrade:
    outcome = withdrawal_of([order.state for order in trade.orders])
    return WithdrawnTrade(**_trade(trade), outcome=outcome, confirmed=outcome.is_confirmed)


def _trade(trade: TradeUnderWay) -> dict[str, Any]:
    row = trade.recommendation
    return {
        "recommendation_id": row.id,
        "summary": row.summary,
        "state": row.state,
        "account": account_brief(row),
        "client_id": row.client_id,
        "orders": [WithdrawnOrder.model_validate(order) for order in trade.orders],
    }
