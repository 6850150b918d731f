"""The entries of a fault plan, one model for each kind of fault."""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from infra.simulator.faults import Faults
from infra.simulator.records import ExecutionRecord
from infra.simulator.refusals import RefusalShape
from infra.simulator.shaping import ORDER_CALLBACKS, Aim

REQUESTS = {
    "reqMktData": 1, "cancelMktData": 2, "placeOrder": 3, "cancelOrder": 4, "reqOpenOrders": 5,
    "reqAccountUpdates": 6, "reqExecutions": 7, "reqIds": 8, "reqContractDetails": 9,
    "reqAllOpenOrders": 16, "reqManagedAccts": 17, "reqHistoricalData": 20,
    "reqCurrentTime": 49, "reqGlobalCancel": 58, "reqPositions": 61, "reqAccountSummary": 62,
    "startApi": 71, "reqAccountUpdatesMulti": 76, "reqSecDefOptParams": 78,
    "reqMatchingSymbols": 81, "reqMarketRule": 91, "reqPnL": 92, "reqCompletedOrders": 99,
}  # fmt: skip
CALLBACKS = {
    "orderStatus": 3, "error": 4, "openOrder": 5, "execDetails": 11, "commissionReport": 59,
    "updateAccountValue": 6, "updatePortfolio": 7, "position": 61,
}  # fmt: skip


def _request(value: object) -> object:
    return _named(value, REQUESTS)


def _callback(value: object) -> object:
    return _named(value, CALLBACKS)


def _named(value: object, names: dict[str, int]) -> object:
    if not isinstance(value, str):
        return value
    if value not in names:
        raise ValueError(f"{value!r} is not one of {', '.join(sorted(names))}")
    return names[value]


RequestId = Annotated[int, BeforeValidator(_request), Field(ge=1)]
CallbackId = Annotated[int, BeforeValidator(_callback), Field(ge=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
MomentWord = Literal["before", "after"]
DirectionWord = Literal["received", "sent"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class When(_Model):
    """One moment: wall seconds after the start, the nth message, or the nth execution."""

    seconds: float | None = Field(default=None, ge=0, le=36_000_000)
    message: RequestId | None = None
    nth: int = Field(default=1, ge=1)
    moment: MomentWord = "after"
    execution: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_moment(self) -> Self:
        if sum(x is not None for x in (self.seconds, self.message, self.execution)) != 1:
            raise ValueError("give exactly one of seconds, message and execution")
        return self


class Entry(_Model, ABC):
    """Something that strikes once its moment has come."""

    when: When | None = None

    @abstractmethod
    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        """Call the fault; ``execution`` is the one that triggered it, if one did."""


class DropConnection(Entry):
    fault: Literal["drop_connection"] = "drop_connection"
    message: RequestId
    moment: MomentWord = "after"
    nth: int = Field(default=1, ge=1)

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.drop_connection(self.moment, self.message, self.nth)


class CutAfterBytes(Entry):
    fault: Literal["cut_after_bytes"] = "cut_after_bytes"
    direction: DirectionWord
    count: int = Field(ge=0)
    client_id: int | None = None

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.cut_after_bytes(self.direction, self.count, self.client_id)


class DropEveryone(Entry):
    fault: Literal["drop_everyone"] = "drop_everyone"
    refuse_seconds: Seconds = 0.0

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.drop_everyone(self.refuse_seconds)


class Restart(Entry):
    fault: Literal["restart"] = "restart"
    refuse_seconds: Seconds = 0.0
    keep_day: bool = True

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.restart(self.refuse_seconds, keep_day=self.keep_day)


class SlowAccept(Entry):
    fault: Literal["slow_accept"] = "slow_accept"
    seconds: Seconds

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.slow_accept(self.seconds)


class HalfOpen(Entry):
    fault: Literal["half_open"] = "half_open"
    direction: DirectionWord | None = None
    client_id: int | None = None
    linger_seconds: Seconds = 0.0

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.half_open(self.direction, self.client_id, self.linger_seconds)


class RefuseClientId(Entry):
    fault: Literal["refuse_client_id"] = "refuse_client_id"
    times: int = Field(default=1, ge=1)

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.refuse_client_id(self.times)


class ResetSocketPort(Entry):
    fault: Literal["reset_socket_port"] = "reset_socket_port"
    port: int = Field(ge=1, le=65535)

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.reset_socket_port(self.port)


class HoldCallbacks(Entry):
    fault: Literal["hold_callbacks"] = "hold_callbacks"
    for_seconds: Seconds

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.hold_callbacks()
        faults.later(self.for_seconds, faults.release_callbacks)


class DelayMessages(Entry):
    fault: Literal["delay"] = "delay"
    seconds: Seconds
    jitter: Seconds = 0.0
    direction: DirectionWord = "sent"
    messages: tuple[int | str, ...] | None = None
    """Requests where received, callbacks where sent."""

    @field_validator("messages")
    @classmethod
    def _known(cls, messages: tuple[object, ...] | None, info: ValidationInfo) -> object:
        if messages is None:
            return None
        names = REQUESTS if info.data.get("direction") == "received" else CALLBACKS
        return tuple(_named(message, names) for message in messages)

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        ids = None if self.messages is None else [int(message) for message in self.messages]
        faults.delay(self.seconds, self.jitter, ids, self.direction)


class SliceFrames(Entry):
    fault: Literal["slice_frames"] = "slice_frames"
    largest_piece: int = Field(default=8, ge=1)

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.slice_frames(self.largest_piece)


class Coalesce(Entry):
    fault: Literal["coalesce"] = "coalesce"
    seconds: Seconds

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.coalesce(self.seconds)


class _Aimed(Entry):
    messages: tuple[CallbackId, ...] = tuple(sorted(ORDER_CALLBACKS))
    rate: float = Field(default=1.0, gt=0, le=1)
    nth: int | None = Field(default=None, ge=1)
    times: int | None = Field(default=None, ge=1)

    @property
    def aim(self) -> Aim:
        return Aim(frozenset(self.messages), self.rate, self.nth, self.times)


class DuplicateCallbacks(_Aimed):
    fault: Literal["duplicate"] = "duplicate"
    after_seconds: Seconds = 0.0

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.duplicate(self.aim, self.after_seconds)


class DropCallbacks(_Aimed):
    fault: Literal["drop_callbacks"] = "drop_callbacks"

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.drop_callbacks(self.aim)


class LateCallbacks(_Aimed):
    fault: Literal["late"] = "late"
    messages: tuple[CallbackId, ...] = (CALLBACKS["commissionReport"],)
    seconds: Seconds

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.late(self.seconds, self.aim)


class ReorderCallbacks(_Aimed):
    fault: Literal["reorder"] = "reorder"
    window: int = Field(default=4, ge=2)
    seconds: Seconds = 0.2

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.reorder(self.window, self.seconds, self.aim)


class OvertakeCallbacks(Entry):
    fault: Literal["overtake"] = "overtake"
    early: CallbackId
    late: CallbackId

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.overtake(self.early, self.late)


class RegressStatus(_Aimed):
    fault: Literal["regress_status"] = "regress_status"
    messages: tuple[CallbackId, ...] = (CALLBACKS["orderStatus"],)

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.regress_status(self.aim)


class CorrectExecution(Entry):
    """Without ``exec_id``, the execution whose number is its moment."""

    fault: Literal["correct_execution"] = "correct_execution"
    exec_id: str | None = None
    quantity: Decimal | None = Field(default=None, ge=0)
    price: Decimal | None = None

    @model_validator(mode="after")
    def _has_an_execution(self) -> Self:
        if self.exec_id is None and (self.when is None or self.when.execution is None):
            raise ValueError("give exec_id, or a when with an execution")
        return self

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        exec_id = self.exec_id or (execution.exec_id if execution else "")
        faults.correct_execution(exec_id, self.quantity, self.price)


class RejectOrders(Entry):
    fault: Literal["reject_orders"] = "reject_orders"
    code: int = 201
    message: str = ""
    shape: RefusalShape = RefusalShape.INACTIVE
    times: int = Field(default=1, ge=1)
    skip: int = Field(default=0, ge=0)
    order_ref: str | None = None

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.reject_orders(
            self.code, self.message, self.shape,
            times=self.times, skip=self.skip, order_ref=self.order_ref,
        )  # fmt: skip


class RejectCancels(Entry):
    fault: Literal["reject_cancels"] = "reject_cancels"
    code: int = 10147
    message: str = ""
    times: int = Field(default=1, ge=1)

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.reject_cancels(self.code, self.message, times=self.times)


class CancelAccepted(Entry):
    fault: Literal["cancel_accepted"] = "cancel_accepted"
    times: int = Field(default=1, ge=1)

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.cancel_accepted(self.times)


class LoseConnectivity(Entry):
    """1100, and after ``for_seconds`` 1102 or 1101."""

    fault: Literal["lose_connectivity"] = "lose_connectivity"
    for_seconds: Seconds
    data_kept: bool = True
    missed_kept: bool = False

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.lose_connectivity()
        restore = partial(
            faults.restore_connectivity, data_kept=self.data_kept, missed_kept=self.missed_kept
        )
        faults.later(self.for_seconds, restore)


class FarmNotice(Entry):
    """A notice of a data farm, and after ``for_seconds`` that the farm is well (code + 1)."""

    fault: Literal["farm_notice"] = "farm_notice"
    code: Literal[2103, 2105, 2157]
    farm: str = "usfarm"
    for_seconds: Seconds

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.farm_notice(self.code, self.farm)
        faults.later(self.for_seconds, partial(faults.farm_notice, self.code + 1, self.farm))


class CompetingSession(Entry):
    fault: Literal["competing_session"] = "competing_session"

    def strike(self, faults: Faults, execution: ExecutionRecord | None) -> None:
        faults.competing_session()


FaultEntry = Annotated[
    DropConnection | CutAfterBytes | DropEveryone | Restart | SlowAccept | HalfOpen
    | RefuseClientId | ResetSocketPort | HoldCallbacks | DelayMessages | SliceFrames | Coalesce
    | DuplicateCallbacks | DropCallbacks | LateCallbacks | ReorderCallbacks | OvertakeCallbacks
    | RegressStatus | CorrectExecution | RejectOrders | RejectCancels | CancelAccepted
    | LoseConnectivity | FarmNotice | CompetingSession,
    Field(discriminator="fault"),
]  # fmt: skip
