"""Trading states, and the kill switch: what it would withdraw, and how far it has come."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import AccountBrief, Answer, Ask, Exact, UtcTime
from domain.kill_switch import Withdrawal
from domain.orders import OrderState
from domain.recommendations import RecommendationState
from domain.risk.limits import TradingState

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class ScopeState(Answer):
    """The trading state of the whole desk or of one account, and who set it."""

    state: TradingState
    reason: str = Field(description="empty while nobody changed it")
    changed_by: str | None
    changed_at: UtcTime | None
    may_halt: bool = Field(description="whether the asker may halt, or press the kill switch")
    may_resume: bool = Field(description="whether the asker may set ACTIVE or REDUCING")


class AccountState(ScopeState):
    account: AccountBrief
    client_id: UUID
    effective: TradingState = Field(description="the stricter of the account's and the desk's")


class TradingStates(Answer):
    desk: ScopeState
    accounts: list[AccountState]


class ChangeStateAsk(Ask):
    state: TradingState
    reason: Reason


class WithdrawnOrder(Answer):
    """One order of a trade under way."""

    id: UUID
    order_key: str
    attempt: int
    state: OrderState
    quantity: Exact
    filled_quantity: Exact
    ended_at: UtcTime | None = Field(description="when the broker's books proved its end")


class TradeToWithdraw(Answer):
    """One approved trade under way."""

    recommendation_id: UUID
    summary: str
    state: RecommendationState
    account: AccountBrief
    client_id: UUID
    orders: list[WithdrawnOrder]


class KillSwitchPreview(Answer):
    """What pressing would do now. ``digest`` stands for it and goes into the pressing."""

    digest: str
    account_id: UUID | None
    state: TradingState = Field(description="of the scope now; pressing makes it HALTED")
    trades: list[TradeToWithdraw]
    working_orders: int = Field(description="that may be at the broker and would be cancelled")
    unsent_trades: int = Field(description="approved, nothing at the broker; none will be sent")


class PressAsk(Ask):
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="of the preview")]
    reason: Reason
    account: UUID | None = Field(default=None, description="left out: the whole desk")


class WithdrawnTrade(TradeToWithdraw):
    outcome: Withdrawal
    confirmed: bool = Field(description="nothing of it can trade any more")


class Pressing(Answer):
    """One pressing of the kill switch."""

    id: UUID
    account: AccountBrief | None = Field(description="null: the whole desk")
    reason: str
    pressed_by: str
    pressed_at: UtcTime


class KillSwitchReport(Pressing):
    """A pressing and every trade it withdrew, as the broker's books show them now."""

    trades: list[WithdrawnTrade]
    as_previewed: bool = Field(description="the very trades that the preview had shown")
    unconfirmed: int = Field(description="trades that may still trade or are in doubt")
    complete: bool = Field(description="every trade is confirmed")
