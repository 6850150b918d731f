"""What the gateway must never forget: orders, executions, accounts. All persisted as JSON."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from domain.instruments import Side
from infra.simulator.contracts import ContractSpec


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OrderStatus(StrEnum):
    """TWS's own words for the life of an order."""

    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    INACTIVE = "Inactive"

    @property
    def is_working(self) -> bool:
        return self in {OrderStatus.PRE_SUBMITTED, OrderStatus.SUBMITTED}


class ComboLeg(Record):
    con_id: int
    ratio: int = Field(ge=1)
    side: Side
    exchange: str = ""


class OrderTerms(Record):
    """An order as its client wrote it. Prices per share, quantity in contracts or shares."""

    account: str
    contract: ContractSpec
    legs: tuple[ComboLeg, ...] = ()
    side: Side
    quantity: Decimal = Field(gt=0)
    order_type: str
    limit_price: Decimal | None = None
    tif: str = "DAY"
    order_ref: str = ""
    open_close: str = ""
    origin: int = 0
    outside_rth: bool = False
    hidden: bool = False
    display_size: int | None = None
    oca_group: str = ""
    routing_params: tuple[tuple[str, str], ...] = ()
    algo_strategy: str = ""
    algo_params: tuple[tuple[str, str], ...] = ()
    solicited: bool = False
    what_if: bool = False
    transmit: bool = True
    unsupported: str = ""
    """What this exchange cannot do with the order, in words; empty for an ordinary order."""

    @property
    def is_combo(self) -> bool:
        return bool(self.legs)


class OrderRecord(Record):
    """One order and where it stands."""

    perm_id: int
    client_id: int
    order_id: int
    terms: OrderTerms
    status: OrderStatus
    filled: Decimal = Decimal(0)
    filled_value: Decimal = Decimal(0)
    """Sum of price times quantity over its fills."""
    last_fill_price: Decimal = Decimal(0)
    commission_due: Decimal = Decimal(0)
    """By the schedule, before the minimum per order."""
    commission_charged: Decimal = Decimal(0)
    created_at: datetime
    completed_at: datetime | None = None
    completed_reason: str = ""
    bound: bool = False
    """Entered by hand, and given its (negative) API order id."""

    @property
    def is_manual(self) -> bool:
        """Entered by a person in TWS; its order id is negative and private until bound."""
        return self.order_id < 0

    @property
    def api_order_id(self) -> int:
        """The order id clients are shown: 0 for what was entered by hand and is not bound."""
        return 0 if self.is_manual and not self.bound else self.order_id

    @property
    def remaining(self) -> Decimal:
        return self.terms.quantity - self.filled

    @property
    def average_price(self) -> Decimal:
        return self.filled_value / self.filled if self.filled else Decimal(0)

    @property
    def order_ref(self) -> str:
        return self.terms.order_ref


class ExecutionRecord(Record):
    """One fill of a security, or of a combo as a whole (``con_id`` BAG_CON_ID)."""

    exec_id: str
    perm_id: int
    client_id: int
    order_id: int
    order_ref: str
    account: str
    con_id: int
    symbol: str
    sec_type: str
    side: Side
    quantity: Decimal
    price: Decimal
    cumulative: Decimal
    average_price: Decimal
    at: datetime
    exchange: str
    commission: Decimal
    realized_pnl: Decimal | None = None
    """None for an opening trade."""


def execution_root(exec_id: str) -> str:
    """What all revisions of one execution share: the id without its last two digits."""
    return exec_id.rpartition(".")[0]


class HoldingRecord(Record):
    con_id: int
    quantity: Decimal
    """Signed: negative is short."""
    average_cost: Decimal
    """Per share, or per option contract including its multiplier, commissions included."""


class AccountRecord(Record):
    account: str
    cash: Decimal
    realized_pnl: Decimal = Decimal(0)
    """Since the start of the market day."""
    holdings: tuple[HoldingRecord, ...] = ()
    day_start_equity: Decimal | None = None


class OrderEvent(Record):
    """One line of an order's history, as the ledger keeps it."""

    sequence: int
    perm_id: int
    order_ref: str
    at: datetime
    kind: str
    """accepted, status, modified or filled."""
    status: OrderStatus
    filled: Decimal
    detail: str


class FaultEvent(Record):
    """A fault that struck, as the ledger keeps it."""

    sequence: int
    at: datetime
    """Market time."""
    kind: str
    detail: str
    client_id: int | None
    """The client it struck; None when it struck nobody in particular."""
