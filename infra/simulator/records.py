"""What the gateway must never forget: orders, executions, accounts. All persisted as JSON."""

from __future__ import annotations

from datetime import date, datetime
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
    open_close: int = 0


class Condition(Record):
    """What an order waits for: a price of a contract, or a time."""

    is_and: bool = True
    """How it joins the condition after it: both must hold, or one of them."""
    is_more: bool
    """Met at or above the price (at or after the time), else at or below (before)."""
    price: Decimal | None = None
    con_id: int = 0
    exchange: str = ""
    trigger_method: int = 0
    time: str = ""
    """As its client wrote it; empty for a condition on a price."""


class OrderTerms(Record):
    """An order as its client wrote it. Prices per share, quantity in contracts or shares."""

    account: str
    contract: ContractSpec
    legs: tuple[ComboLeg, ...] = ()
    side: Side
    quantity: Decimal = Field(gt=0)
    order_type: str
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    """What triggers a stop order (TWS's auxPrice)."""
    trigger_method: int = 0
    tif: str = "DAY"
    good_till: str = ""
    good_after: str = ""
    """Times as their client wrote them."""
    order_ref: str = ""
    open_close: str = ""
    origin: int = 0
    outside_rth: bool = False
    hidden: bool = False
    display_size: int | None = None
    oca_group: str = ""
    oca_type: int = 0
    parent_id: int = 0
    """The same client's order that must fill before this one may trade."""
    all_or_none: bool = False
    conditions: tuple[Condition, ...] = ()
    conditions_ignore_rth: bool = False
    conditions_cancel: bool = False
    """Meeting the conditions cancels the order instead of waking it."""
    routing_params: tuple[tuple[str, str], ...] = ()
    algo_strategy: str = ""
    algo_params: tuple[tuple[str, str], ...] = ()
    solicited: bool = False
    what_if: bool = False
    transmit: bool = True
    echo: dict[str, str] = Field(default_factory=dict)
    """What has no effect here and is only told back, by TWS's own names."""
    unsupported: str = ""
    """What this exchange cannot do with the order, in words; empty for an ordinary order."""

    @property
    def is_combo(self) -> bool:
        return bool(self.legs)

    @property
    def is_stop(self) -> bool:
        return self.order_type in {"STP", "STP LMT"}

    @property
    def has_limit(self) -> bool:
        return self.order_type in {"LMT", "STP LMT", "LOC"}

    @property
    def limit(self) -> Decimal | None:
        """The worst price it may trade at; None takes any."""
        return self.limit_price if self.has_limit else None

    @property
    def in_auction(self) -> bool:
        """Trades at the close, or at the open, and at no other time."""
        return self.order_type in {"MOC", "LOC"} or self.tif == "OPG"


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
    """For its options by the schedule, before the minimum per order."""
    stock_shares: Decimal = Decimal(0)
    stock_value: Decimal = Decimal(0)
    """Shares traded so far and what was paid for them: their commission depends on both."""
    commission_charged: Decimal = Decimal(0)
    created_at: datetime
    completed_at: datetime | None = None
    completed_reason: str = ""
    bound: bool = False
    """Entered by hand, and given its (negative) API order id."""
    parent_perm_id: int = 0
    transmitted: bool = True
    """Not held back by its client (transmit=False) any more."""
    released: bool = True
    """Has no parent, or its parent has filled."""
    activated: bool = True
    """Its good-after time and its conditions have come."""
    triggered: bool = False
    """A stop order whose stop price the market has reached."""

    @property
    def is_manual(self) -> bool:
        """Entered by a person in TWS; its order id is negative and private until bound."""
        return self.order_id < 0

    @property
    def api_order_id(self) -> int:
        """The order id clients are shown: 0 for what was entered by hand and is not bound."""
        return 0 if self.is_manual and not self.bound else self.order_id

    @property
    def is_live(self) -> bool:
        """Nothing about the order itself keeps it from trading during a session."""
        ready = self.transmitted and self.released and self.activated
        return ready and (self.triggered or not self.terms.is_stop) and not self.terms.in_auction

    @property
    def why_held(self) -> str:
        """What TWS says an order waits for."""
        child = [] if self.released else ["child"]
        stop = ["trigger"] if self.terms.is_stop and not self.triggered else []
        return ",".join(child + stop) if self.status.is_working else ""

    @property
    def oca_key(self) -> tuple[str, str] | None:
        """Orders with the same key are one group; None for an order in no group."""
        group = self.terms.oca_group
        return (self.terms.account, group) if group else None

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


class MarginModel(StrEnum):
    """How an account's margin is computed."""

    REGT = "regt"
    PORTFOLIO = "portfolio"


class DividendDue(Record):
    """A dividend whose ex-date has passed and whose pay date has not; negative is owed."""

    symbol: str
    pay_date: date
    amount: Decimal


class AccountRecord(Record):
    account: str
    cash: Decimal
    margin: MarginModel = MarginModel.REGT
    realized_pnl: Decimal = Decimal(0)
    """Since the start of the market day."""
    holdings: tuple[HoldingRecord, ...] = ()
    day_start_equity: Decimal | None = None
    accrued_interest: Decimal = Decimal(0)
    """Since it was last credited or charged; negative is owed."""
    dividends_due: tuple[DividendDue, ...] = ()


class LifecycleEvent(Record):
    """Something that changed an account without an order: what the API shows only by its effect."""

    at: datetime
    kind: str
    """assignment, dividend, dividend paid, interest, split or cash in lieu."""
    account: str
    con_id: int = 0
    quantity: Decimal = Decimal(0)
    """Contracts or shares concerned, signed as held before."""
    cash: Decimal = Decimal(0)
    """What it added to the cash balance."""
    detail: str = ""


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
