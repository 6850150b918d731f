"""Carrying out one approved trade: attempts at the broker, one after the other, never two.

Runs inside RecommendationWorkflow. It decides; the activities do. An order is worked at a price
for a while, then cancelled, the cancel proven, and a new attempt made at the next price.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NoReturn
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.orders import (
    OrderActivities,
    OrderReader,
    OrderRef,
    OrderView,
    Prepared,
    PreparedOutcome,
    PrepareOrder,
)
from domain.errors import ErrorCode
from domain.orders import OrderState
from domain.ports import RecommendationBrief
from domain.recommendations import RecommendationState
from workflows import policies
from workflows.ids import broker_queue
from workflows.messages import RecommendationInput, TradeProgress
from workflows.visibility import Visibility, WaitingOn, history_is_long


@dataclass
class OrderHints:
    """What signals have told since it was last looked at."""

    order_changed: bool = False
    withdrawn: bool = False


@dataclass(frozen=True)
class Ending:
    """How an approved trade ended."""

    state: RecommendationState
    code: ErrorCode | None
    reason: str


JUDGE_AND_SEND = "judge-and-send"
"""The patch by which judging and sending became one activity, begun by the signal at once."""
CANCEL_WHAT_IS_FOUND = "cancel-what-is-found"
"""The patch by which an order in doubt is cancelled once, and again only where it is found."""

KEEP_ITS_PLACE = "keep-its-place"
"""The patch by which an order stays at the broker where the next price is the one it has."""

_WAITS_FOR_PROOF = (OrderState.SENDING, OrderState.UNKNOWN, OrderState.CANCEL_PENDING)


def _is_over(order: OrderView) -> bool:
    """Whether an attempt needs no more watching. Quarantine once did not, and histories say so."""
    if order.state is OrderState.QUARANTINE:
        return not workflow.patched("quarantine-waits")
    return order.state.is_terminal


def _is_sought(order: OrderView) -> bool:
    """Whether an order is in doubt. Once its end was asked for all the same, over and over."""
    return order.state is OrderState.UNKNOWN and workflow.patched(CANCEL_WHAT_IS_FOUND)


class ApprovedTradeWork:
    """One approval, from its first check to its ending."""

    def __init__(
        self,
        brief: RecommendationBrief,
        decision_id: UUID,
        visibility: Visibility,
        hints: OrderHints,
    ) -> None:
        self._brief = brief
        self._decision_id = decision_id
        self._visibility = visibility
        self._hints = hints
        self._queue = broker_queue(brief.gateway)
        self._price_step = 1
        self._walking = False
        self._abandoned = 0
        self.filled = Decimal(0)
        self.order_keys: list[str] = []

    @classmethod
    def resumed(
        cls,
        brief: RecommendationBrief,
        progress: TradeProgress,
        visibility: Visibility,
        hints: OrderHints,
    ) -> ApprovedTradeWork:
        """The work of an earlier run of this workflow, where it left off."""
        work = cls(brief, progress.decision_id, visibility, hints)
        work._price_step = progress.price_step
        work._walking = progress.walking
        work._abandoned = progress.abandoned
        work.filled = progress.filled
        work.order_keys = list(progress.order_keys)
        hints.withdrawn = progress.withdrawn
        return work

    async def current(self) -> Prepared:
        """The attempt that was under way, as our records have it now."""
        reader = OrderRef(order_key=self.order_keys[-1])
        return Prepared(outcome=PreparedOutcome.ORDER, order=await self._read(reader))

    async def attempt(self) -> Prepared:
        """Have the approval judged against the market as it is now, and sent if it may be.

        One activity does both. Where it fails, what it did is read back, and only an order that
        was judged afresh is sent by an activity of its own.
        """
        self._show("CHECKING", WaitingOn.BROKER, "Checking quote, account and margin at the broker")
        if not workflow.patched(JUDGE_AND_SEND):
            return await self._prepare()
        try:
            return await workflow.execute_activity_method(
                OrderActivities.judge_and_send,
                self._asked(),
                task_queue=self._queue,
                summary="re-quote, re-risk, what-if, send once",
                **policies.BROKER_SEND,
            )
        except ActivityError as error:
            workflow.logger.warning("attempt not proven: %s", error.cause)
            found = await self._prepare(sender_failed=True)
        if found.order is None or found.order.state not in _WAITS_FOR_PROOF:
            return found
        return found.model_copy(update={"order": await self._resolve(found.order)})

    async def _prepare(self, *, sender_failed: bool = False) -> Prepared:
        return await workflow.execute_activity_method(
            OrderActivities.prepare_order,
            self._asked(sender_failed=sender_failed),
            task_queue=self._queue,
            summary="re-quote, re-risk, what-if",
            **policies.BROKER_READ,
        )

    def _asked(self, *, sender_failed: bool = False, price_step: int | None = None) -> PrepareOrder:
        return PrepareOrder(
            recommendation_id=self._brief.id,
            decision_id=self._decision_id,
            price_step=price_step or self._price_step,
            price_steps=policies.PRICE_STEPS,
            sender_failed=sender_failed,
        )

    async def carry_out(self, prepared: Prepared) -> Ending:
        """Work attempt after attempt until the trade is done, refused or given up."""
        while True:
            ending = self._ending_before_order(prepared)
            if ending is not None:
                return ending
            assert prepared.order is not None
            order = await self._work(prepared.order)
            self.filled += order.filled
            ending = self._ending_after(order)
            if ending is not None:
                return ending
            prepared = await self.attempt()

    def _ending_before_order(self, prepared: Prepared) -> Ending | None:
        match prepared.outcome:
            case PreparedOutcome.ORDER:
                return None
            case PreparedOutcome.NOTHING_LEFT:
                return Ending(RecommendationState.COMPLETED, None, "")
            case PreparedOutcome.DENIED | PreparedOutcome.NOT_APPROVED:
                if self.filled:
                    return self._lapsed(prepared.code, prepared.reason)
                return Ending(RecommendationState.DENIED, prepared.code, prepared.reason)

    def _ending_after(self, order: OrderView) -> Ending | None:
        """The ending a finished order means, or None where another attempt follows."""
        match order.state:
            case OrderState.FILLED:
                return Ending(RecommendationState.COMPLETED, None, "")
            case OrderState.ENDED if order.filled >= order.quantity:
                return Ending(RecommendationState.COMPLETED, order.reason_code, order.reason)
            case OrderState.CANCELLED if self._walking and not self._hints.withdrawn:
                self._walking = False
                self._price_step += 1
                return None
            case OrderState.DENIED if order.reason_code is ErrorCode.SEND_ABANDONED:
                self._abandoned += 1
                if self._abandoned < policies.ABANDONED_ATTEMPTS:
                    return None
                return self._lapsed(order.reason_code, "attempt after attempt was abandoned")
            case OrderState.DENIED if not self.filled:
                return Ending(RecommendationState.DENIED, order.reason_code, order.reason)
            case _:
                return self._lapsed(order.reason_code, order.reason)

    def _lapsed(self, code: ErrorCode | None, reason: str) -> Ending:
        if self.filled:
            reason = f"filled {self.filled} only; {reason}" if reason else f"filled {self.filled}"
        return Ending(RecommendationState.LAPSED, code, reason)

    async def _work(self, order: OrderView) -> OrderView:
        """One attempt until its state is final."""
        if order.state is OrderState.READY:
            self._name(order)
            order = await self._place(order)
        next_price_at = workflow.now() + policies.PRICE_STEP_AFTER
        cancelled_at: datetime | None = None
        while not _is_over(order):
            self._show_order(order)
            if history_is_long():
                self._go_on_afresh()
            walks = self._should_walk(order, next_price_at, cancelled_at)
            if walks and await self._stays(order):
                next_price_at = workflow.now() + policies.PRICE_STEP_AFTER
                continue
            if walks or self._should_cancel(order, cancelled_at):
                self._walking = self._walking or walks
                cancelled_at = workflow.now()
                order = await self._cancel(order)
                continue
            await self._until_changed(self._patience(order, next_price_at))
            if order.state in _WAITS_FOR_PROOF:
                order = await self._resolve(order)
                continue
            order = await self._read(order)
            if order.state in _WAITS_FOR_PROOF:
                order = await self._resolve(order)
        self._show_order(order)
        return order

    def _should_walk(self, order: OrderView, due_at: datetime, asked: datetime | None) -> bool:
        is_due = asked is None and workflow.now() >= due_at
        return is_due and not self._hints.withdrawn and self._may_walk(order)

    async def _stays(self, order: OrderView) -> bool:
        """Whether the next price is the order's own: sent anew it would only lose its place."""
        if not workflow.patched(KEEP_ITS_PLACE):
            return False
        try:
            following = await workflow.execute_activity_method(
                OrderActivities.next_price,
                self._asked(price_step=self._price_step + 1),
                task_queue=self._queue,
                summary="what the next price would be",
                **policies.BROKER_GLANCE,
            )
        except ActivityError as error:
            workflow.logger.info("the next price is not known: %s", error.cause)
            return False
        if following.limit_price != order.limit_price:
            return False
        self._price_step += 1
        return True

    def _should_cancel(self, order: OrderView, cancelled_at: datetime | None) -> bool:
        if cancelled_at is not None:
            # Asked before; ask again only if the broker still shows it a good while later.
            again = workflow.now() - cancelled_at >= policies.CANCEL_AGAIN_AFTER
            return again and order.state is not OrderState.SENDING and not _is_sought(order)
        return self._hints.withdrawn and order.state is not OrderState.SENDING

    def _may_walk(self, order: OrderView) -> bool:
        return (
            order.state in (OrderState.WORKING, OrderState.PARTIAL)
            and self._price_step < policies.PRICE_STEPS
        )

    def _patience(self, order: OrderView, next_price_at: datetime) -> timedelta:
        match order.state:
            case OrderState.CANCEL_PENDING:
                return policies.CANCEL_REREAD
            case OrderState.UNKNOWN | OrderState.SENDING:
                # Looking seldom spares the history; the broker session reads the books anyway.
                seldom = order.absent_looks >= policies.UNPROVEN_LOOKS
                return policies.UNPROVEN_SELDOM if seldom else policies.UNPROVEN_REREAD
            case OrderState.QUARANTINE:
                return policies.QUARANTINE_REREAD
            case _ if self._may_walk(order):
                left = max(next_price_at - workflow.now(), timedelta(seconds=1))
                return min(left, policies.ORDER_REREAD)
            case _:
                return policies.ORDER_REREAD

    async def _until_changed(self, at_most: timedelta) -> None:
        was_withdrawn = self._hints.withdrawn
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._hints.order_changed or self._hints.withdrawn != was_withdrawn,
                timeout=at_most,
                timeout_summary="next look at the order",
            )
        self._hints.order_changed = False

    async def _place(self, order: OrderView) -> OrderView:
        """The one send; whatever cannot be proven about it is looked up, never repeated."""
        self._show("SENDING", WaitingOn.BROKER, f"Sending at {order.limit_price}", order.order_key)
        try:
            return await workflow.execute_activity_method(
                OrderActivities.place_order,
                OrderRef(order_key=order.order_key),
                task_queue=self._queue,
                summary=f"send once: {order.order_key}",
                **policies.BROKER_SEND,
            )
        except ActivityError as error:
            workflow.logger.warning("sending %s not proven: %s", order.order_key, error.cause)
            return await self._resolve(order)

    async def _resolve(self, order: OrderView) -> OrderView:
        return await workflow.execute_activity_method(
            OrderActivities.resolve_order,
            OrderRef(order_key=order.order_key),
            task_queue=self._queue,
            summary=f"look up in the broker's books: {order.order_key}",
            **policies.BROKER_READ,
        )

    async def _cancel(self, order: OrderView) -> OrderView:
        self._show("CANCEL_PENDING", WaitingOn.BROKER, f"Cancelling {order.order_key}")
        return await workflow.execute_activity_method(
            OrderActivities.cancel_order,
            OrderRef(order_key=order.order_key),
            task_queue=self._queue,
            summary=f"cancel and prove it: {order.order_key}",
            **policies.BROKER_READ,
        )

    def _go_on_afresh(self) -> NoReturn:
        """Hand over to a new run: an order may stay in doubt, or in quarantine, for weeks."""
        progress = TradeProgress(
            decision_id=self._decision_id,
            price_step=self._price_step,
            walking=self._walking,
            abandoned=self._abandoned,
            filled=self.filled,
            order_keys=tuple(self.order_keys),
            withdrawn=self._hints.withdrawn,
        )
        workflow.continue_as_new(
            RecommendationInput(recommendation_id=self._brief.id, progress=progress)
        )

    async def _read(self, order: OrderView | OrderRef) -> OrderView:
        return await workflow.execute_activity_method(
            OrderReader.read_order,
            OrderRef(order_key=order.order_key),
            summary=f"read our record: {order.order_key}",
            **policies.RECORDS,
        )

    def _name(self, order: OrderView) -> str | None:
        """The order's key where it was not known before, to be shown this once."""
        if order.order_key in self.order_keys:
            return None
        self.order_keys.append(order.order_key)
        return order.order_key

    def _show_order(self, order: OrderView) -> None:
        key = self._name(order)
        progress = f"{order.filled} of {order.quantity} filled at {order.limit_price}"
        match order.state:
            case OrderState.UNKNOWN:
                self._show(
                    order.state,
                    WaitingOn.OPERATOR,
                    f"Not proven whether the order is at the broker: {order.reason}. "
                    f"Complete looks at its books without it: {order.absent_looks}",
                    key,
                )
            case OrderState.QUARANTINE:
                self._show(
                    order.state,
                    WaitingOn.OPERATOR,
                    f"The broker's record contradicts ours: {order.reason}. The account is halted "
                    "until a correction explains it or an operator declares the order over",
                    key,
                )
            case OrderState.WORKING | OrderState.PARTIAL:
                self._show(order.state, WaitingOn.MARKET, f"Working: {progress}", key)
            case _ if order.state.is_terminal:
                self._show(order.state, WaitingOn.NOTHING, f"{order.state}: {progress}", key)
            case _:
                self._show(order.state, WaitingOn.BROKER, f"{order.state}: {progress}", key)

    def _show(
        self, state: str, waiting_on: WaitingOn, detail: str, order_key: str | None = None
    ) -> None:
        self._visibility.show(state, waiting_on, detail, order_key)
