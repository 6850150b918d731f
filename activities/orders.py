"""Orders at the broker: prepare, place once, resolve, cancel. Runs on a gateway's own queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from pydantic import Field
from temporalio import activity

from activities.crash_points import crash_point
from activities.heartbeat import heartbeating
from activities.judging import Judge, Look, PriceStep
from activities.sending import OrderSender, Search, required
from domain.errors import BrokerUnavailable, ErrorCode, GreenlightError
from domain.ids import order_key
from domain.instruments import Frozen
from domain.order_evidence import CancelRequested, Denied, Unproven
from domain.orders import OrderState
from domain.ports import (
    Broker,
    OrderLedger,
    OrderRecord,
    OrderWatch,
    TradeContext,
)
from domain.risk.control_words import sentence_of

ACKNOWLEDGEMENT_SECONDS = 5.0
CANCEL_SECONDS = 3.0
STALE_JUDGEMENTS = 4
"""How often a trade is judged again at once because its account changed meanwhile."""


class PrepareOrder(Frozen):
    recommendation_id: UUID
    decision_id: UUID
    price_step: int = Field(ge=1, description="how far the price has been walked, from 1")
    price_steps: int = Field(ge=1)
    sender_failed: bool = Field(
        default=False,
        description="an order found READY was left by a sender that failed: it is closed, not sent",
    )


class NextPrice(Frozen):
    """What the next attempt would be sent at; None where nothing would be sent."""

    limit_price: Decimal | None


class OrderRef(Frozen):
    order_key: str


class OrderView(Frozen):
    """An order as its workflow needs to see it."""

    order_key: str
    state: OrderState
    quantity: Decimal
    filled: Decimal
    limit_price: Decimal
    average_price: Decimal | None = None
    absent_looks: int = 0
    reason_code: ErrorCode | None = None
    reason: str = ""


class PreparedOutcome(StrEnum):
    ORDER = "ORDER"
    DENIED = "DENIED"
    NOTHING_LEFT = "NOTHING_LEFT"
    NOT_APPROVED = "NOT_APPROVED"


class Prepared(Frozen):
    outcome: PreparedOutcome
    order: OrderView | None = None
    code: ErrorCode | None = None
    reason: str = ""


class _Made(NamedTuple):
    """An order made just now, and what was seen when it was judged."""

    record: OrderRecord
    look: Look


def _refused(outcome: PreparedOutcome, error: GreenlightError) -> Prepared:
    return Prepared(outcome=outcome, code=error.code, reason=error.detail)


def view_of(record: OrderRecord) -> OrderView:
    order = record.order
    return OrderView(
        order_key=order.order_key,
        state=order.state,
        quantity=order.quantity,
        filled=order.traded,
        limit_price=record.intent.limit_price,
        average_price=order.average_price,
        absent_looks=order.absent_looks,
        reason_code=order.reason_code,
        reason=order.reason,
    )


class OrderActivities:
    """One gateway's orders."""

    def __init__(self, broker: Broker, ledger: OrderLedger, watch: OrderWatch) -> None:
        self._broker = broker
        self._judge = Judge(broker)
        self._ledger = ledger
        self._watch = watch
        self._sender = OrderSender(broker, ledger)

    @activity.defn
    async def judge_and_send(self, request: PrepareOrder) -> Prepared:
        """``prepare_order`` and ``place_order`` without the way through the workflow in between.

        Must run with a single attempt. It sends only an order that it made itself just now: one
        that it finds READY was left by a sender that failed, on a judgement that has gone stale,
        and is closed.
        """
        alone = request.model_copy(update={"sender_failed": True})
        async with heartbeating(), self._searching() as searching:
            prepared, made = await self._judged(alone)
            if made is None:
                return prepared
            sent = await self._sent(made.record, await searching)
            await self._keep_own_margin(made)
            return prepared.model_copy(update={"order": view_of(sent)})

    @asynccontextmanager
    async def _searching(self) -> AsyncGenerator[asyncio.Task[Search]]:
        """The search of the broker's books, under way while the block runs."""
        searching = asyncio.create_task(self._sender.search())
        # Where nothing is sent, nobody asks what came of it.
        searching.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            yield searching
        finally:
            searching.cancel()

    @activity.defn
    async def prepare_order(self, request: PrepareOrder) -> Prepared:
        """Re-read the approval, re-quote, re-risk, ask the broker for a preview, and judge.

        Inside every bound an order is recorded as READY; outside, the controls are recorded and
        the answer is DENIED. So it is for whatever no repetition would mend: an approval must
        end, not fail. Sends nothing, so it may be retried.
        """
        async with heartbeating():
            prepared, made = await self._judged(request)
            if made is not None:
                await self._keep_own_margin(made)
            return prepared

    @activity.defn
    async def next_price(self, request: PrepareOrder) -> NextPrice:
        """The limit of the attempt that ``request`` asks for, were it made now. Reads only."""
        try:
            context = await self._ledger.trade_context(
                request.recommendation_id, request.decision_id
            )
        except GreenlightError as error:
            if error.is_transient:
                raise
            return NextPrice(limit_price=None)
        step = PriceStep(request.price_step, request.price_steps)
        return NextPrice(limit_price=await self._judge.price(context.trade, step))

    async def _judged(self, request: PrepareOrder) -> tuple[Prepared, _Made | None]:
        """The answer to ``request``, and the order if it was made just now.

        What the account does meanwhile makes the judgement stale: it is judged again at once, for
        where many orders fill, whoever waits first comes too late again.
        """
        for _ in range(STALE_JUDGEMENTS):
            try:
                return await self._judged_once(request)
            except GreenlightError as error:
                if error.code is not ErrorCode.ACCOUNT_STALE:
                    raise
                activity.logger.info("judged again: %s", error.detail)
        return await self._judged_once(request)

    async def _judged_once(self, request: PrepareOrder) -> tuple[Prepared, _Made | None]:
        try:
            context = await self._ledger.trade_context(
                request.recommendation_id, request.decision_id
            )
        except GreenlightError as error:
            if error.is_transient:
                raise
            return _refused(PreparedOutcome.NOT_APPROVED, error), None
        crash_point("decision.read")
        if context.open_attempt is not None:
            known = await required(self._ledger, context.open_attempt)
            if request.sender_failed and known.order.state is OrderState.READY:
                known = await self._abandon(known)
            return Prepared(outcome=PreparedOutcome.ORDER, order=view_of(known)), None
        if context.trade.quantity <= context.already_filled:
            return Prepared(outcome=PreparedOutcome.NOTHING_LEFT), None
        try:
            return await self._prepare(request, context)
        except GreenlightError as error:
            await self._ledger.note_read(request.decision_id)
            if error.is_transient:
                raise
            return _refused(PreparedOutcome.DENIED, error), None

    async def _prepare(
        self, request: PrepareOrder, context: TradeContext
    ) -> tuple[Prepared, _Made | None]:
        attempt = context.attempts + 1
        key = order_key(request.recommendation_id, request.decision_id, attempt)
        step = PriceStep(request.price_step, request.price_steps)
        intent, judgement, denial, look = await self._judge.judge(context, key, step)
        if denial is not None:
            if judgement.what_if is not None:
                own_margin = await self._judge.estimate(look)
                judgement = judgement.model_copy(update={"own_margin": own_margin})
            await self._ledger.record_denial(context, judgement)
            denied = Prepared(
                outcome=PreparedOutcome.DENIED,
                code=denial.code,
                reason=sentence_of(denial),
            )
            return denied, None
        crash_point("prepare_order.judged")
        record = await self._ledger.make_ready(context, intent, attempt, judgement)
        crash_point("prepare_order.stored")
        return Prepared(outcome=PreparedOutcome.ORDER, order=view_of(record)), _Made(record, look)

    async def _keep_own_margin(self, made: _Made) -> None:
        """Put our own estimate beside the broker's preview. Its failure is no failure of an order,
        and no order waits for it."""
        own_margin = await self._judge.estimate(made.look)
        if own_margin is None:
            return
        try:
            await self._ledger.keep_own_margin(made.record.order.order_key, own_margin)
        except Exception:
            activity.logger.exception("own margin not kept")

    @activity.defn
    async def place_order(self, request: OrderRef) -> OrderView:
        """Send one READY order, at most once. Must run with a single attempt.

        The claim (READY → SENDING) is committed before the wire is touched, and only one claim
        per key can ever succeed. Whatever goes wrong after it leaves the order UNKNOWN.
        """
        async with heartbeating():
            record = await required(self._ledger, request.order_key)
            if record.order.state is not OrderState.READY:
                return view_of(record)
            return view_of(await self._sent(record))

    async def _sent(self, ready: OrderRecord, search: Search | None = None) -> OrderRecord:
        """The order after its one send: acknowledged, or UNKNOWN."""
        key = ready.order.order_key
        unsent = await self._sender.send(ready, search)
        if unsent is not None:
            return unsent
        seen = await self._watch.until_state_leaves(
            key, OrderState.SENDING, ACKNOWLEDGEMENT_SECONDS
        )
        if seen.order.state is OrderState.SENDING:
            silence = Unproven(reason=f"no acknowledgement within {ACKNOWLEDGEMENT_SECONDS:g} s")
            seen = await self._ledger.record(key, silence)
        crash_point("place_order.acknowledged")
        return seen

    @activity.defn
    async def resolve_order(self, request: OrderRef) -> OrderView:
        """Find out what became of an order by reading the broker's books. Sends nothing.

        An order still READY was never claimed: it is closed here, so that a sender that is late
        or presumed dead cannot claim it any more.
        """
        async with heartbeating():
            record = await required(self._ledger, request.order_key)
            if record.order.state is OrderState.READY:
                return view_of(await self._abandon(record))
            if record.order.state.is_terminal:
                return view_of(record)
            books = await self._broker.read_books()
            crash_point("resolve_order.read")
            await self._ledger.record_books(record.gateway, books)
            crash_point("resolve_order.folded")
            return view_of(await required(self._ledger, request.order_key))

    @activity.defn
    async def cancel_order(self, request: OrderRef) -> OrderView:
        """Ask for an order's end and look at the books. Repeating it is harmless.

        CANCELLED is reached only with the broker's word and its executions read afterwards.
        """
        async with heartbeating():
            record = await required(self._ledger, request.order_key)
            if record.order.state is OrderState.READY:
                withdrawn = Denied(
                    code=ErrorCode.ORDER_CANCELLED, message="cancelled before it was sent"
                )
                return view_of(await self._record_or_reread(request.order_key, withdrawn))
            if record.order.state.is_terminal:
                return view_of(record)
            if record.broker_order_id is None:
                return view_of(record)  # quarantined before it was ever sent: not ours to cancel
            broker_order_id = self._require_own(record)
            record = await self._record_or_reread(request.order_key, CancelRequested())
            if record.order.state.is_terminal:
                return view_of(record)
            crash_point("cancel_order.requested")
            await self._broker.send_cancel(broker_order_id)
            crash_point("cancel_order.sent")
            await self._watch.until_broker_ends(request.order_key, CANCEL_SECONDS)
            books = await self._broker.read_books()
            crash_point("cancel_order.proven")
            await self._ledger.record_books(record.gateway, books)
            crash_point("cancel_order.folded")
            return view_of(await required(self._ledger, request.order_key))

    def _require_own(self, record: OrderRecord) -> int:
        """The order's id, which belongs to one API client: for another it is any order at all."""
        assert record.broker_order_id is not None
        if record.client_id != self._broker.client_id:
            raise BrokerUnavailable(
                f"the order was sent as API client {record.client_id}, and only that client can "
                f"cancel it; this worker is client {self._broker.client_id}"
            )
        return record.broker_order_id

    async def _abandon(self, ready: OrderRecord) -> OrderRecord:
        """Close an order that was never claimed, so that no late sender can claim it any more."""
        abandoned = Denied(
            code=ErrorCode.SEND_ABANDONED, message="the attempt ended before it was sent"
        )
        return await self._record_or_reread(ready.order.order_key, abandoned)

    async def _record_or_reread(self, key: str, move: Denied | CancelRequested) -> OrderRecord:
        """Make a move of our own; where the order has moved on meanwhile, say what it is now."""
        try:
            return await self._ledger.record(key, move)
        except GreenlightError as error:
            if error.code is not ErrorCode.ILLEGAL_TRANSITION:
                raise
            return await required(self._ledger, key)


class OrderReader:
    """Orders as our own records have them; needs no broker."""

    def __init__(self, ledger: OrderLedger) -> None:
        self._ledger = ledger

    @activity.defn
    async def read_order(self, request: OrderRef) -> OrderView:
        """The order as last written by the listener or a reconciliation."""
        return view_of(await required(self._ledger, request.order_key))
