"""Translation between ib_async objects and the domain, in both directions. No I/O.

Numbers arrive as binary floats; ``decimal_of`` gives back the decimal they were printed as.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

from ib_async import (
    Bag,
    ComboLeg,
    Contract,
    ContractDetails,
    LimitOrder,
    Option,
    OrderState,
    PriceIncrement,
)
from ib_async import Execution as IbExecution
from ib_async import Order as IbOrder
from ib_async.util import UNSET_DOUBLE

from domain.instruments import (
    OptionContract,
    PriceBand,
    PriceIncrements,
    Right,
    SecType,
    Side,
)
from domain.market import decimal_of
from domain.order_evidence import BrokerStatus, Fill
from domain.orders import OrderIntent
from domain.ports import (
    BrokerContract,
    BrokerExecution,
    BrokerLeg,
    BrokerOrder,
    RefusedMessage,
    WhatIf,
)
from infra.ibkr.recorder import BrokerMessage, CommissionSeen, ExecutionSeen, OrderSeen

# Refusals of an order by validation or by the exchange. Everything else that names an order
# (399 warnings, 404 locate, 161/10147/10148 on cancels, 202 confirmations) only means "look".
REJECTION_CODES = frozenset(
    {103, 104, 105, 106, 107, 109, 110, 111, 113, 114, 116, 117, 118, 119, 121, 122, 123, 124,
     125, 126, 129, 131, 132, 133, 134, 135, 136, 140, 141, 144, 146, 147, 148, 151, 152, 157,
     158, 160, 163, 164, 166, 167, 168, 200, 201, 203, 312, 313, 321, 325, 328, 331, 332, 333,
     334, 335, 336, 337, 338, 339, 340, 341, 342, 343, 344, 345, 346, 347, 348, 349, 350, 351,
     352, 353, 355, 356, 358, 359, 360, 361, 362, 363, 367, 368, 369, 370, 371, 372, 373, 374,
     375, 376, 377, 378, 379, 380, 381, 382, 383, 384, 385, 386, 387, 388, 389, 390, 391, 392,
     393, 394, 395, 396, 398, 400, 401, 402, 403, 405, 406, 407, 408, 409, 410, 411, 412, 413,
     416, 417, 418, 419, 421, 422, 423, 424, 425, 426, 427, 428, 429, 431, 432, 433, 434, 435,
     436, 437, 438, 439, 440, 441, 442, 443, 460, 461, 463, 464, 465, 466, 10020, 10052, 10289}
)  # fmt: skip

UNKNOWN_STEP = Decimal("0.01")


def broker_status(status: str, why_held: str = "") -> BrokerStatus | None:
    """What a TWS status amounts to; None for words that carry no news.

    ``Inactive`` is a rejection unless the order is only held to locate shares.
    """
    match status:
        case "PendingSubmit" | "ApiPending" | "PreSubmitted":
            return BrokerStatus.PENDING
        case "Submitted":
            return BrokerStatus.WORKING
        case "Filled":
            return BrokerStatus.FILLED
        case "PendingCancel":
            return BrokerStatus.CANCEL_PENDING
        case "Cancelled" | "ApiCancelled":
            return BrokerStatus.CANCELLED
        case "Inactive":
            return BrokerStatus.PENDING if "locate" in why_held else BrokerStatus.REJECTED
        case _:
            return None


def option_contract(contract: Contract) -> OptionContract:
    """Our identity of an IBKR option contract with a conId and a full description."""
    return OptionContract(
        symbol=contract.symbol,
        trading_class=contract.tradingClass,
        expiry=parse_date(contract.lastTradeDateOrContractMonth),
        strike=decimal_of(contract.strike),
        right=Right(contract.right[:1]),
        multiplier=Decimal(contract.multiplier or "100"),
        currency=contract.currency or "USD",
        con_id=contract.conId,
    )


def parse_date(text: str) -> date:
    """``YYYYMMDD``, with or without the time and zone TWS may add."""
    return datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone


def ib_option(contract: OptionContract) -> Option:
    """The contract as TWS wants it for orders and data: the conId decides, the rest must agree."""
    return Option(
        conId=contract.con_id,
        symbol=contract.symbol,
        lastTradeDateOrContractMonth=f"{contract.expiry:%Y%m%d}",
        strike=float(contract.strike),
        right=contract.right.value,
        exchange="SMART",
        multiplier=f"{contract.multiplier.normalize():f}",
        currency=contract.currency,
        tradingClass=contract.trading_class,
    )


def ib_order_contract(intent: OrderIntent) -> Contract:
    """What an order trades, as TWS wants it: an option, or a BAG of options.

    The BAG is bought, with each leg's own action, at a net price that is negative for a credit.
    Without a routing parameter of ours TWS guarantees the combo: no leg trades without the others.
    """
    if not intent.is_package:
        return ib_option(intent.legs[0].contract)
    contract = intent.legs[0].contract
    return Bag(
        symbol=contract.symbol,
        exchange="SMART",
        currency=contract.currency,
        comboLegs=[
            ComboLeg(
                conId=leg.contract.con_id,
                ratio=leg.ratio,
                action=leg.side.value,
                exchange="SMART",
            )
            for leg in intent.legs
        ],
    )


def limit_order(intent: OrderIntent) -> LimitOrder:
    """The order for the wire. Every field that TWS presets could change is set here."""
    return LimitOrder(
        action=intent.side.value,
        totalQuantity=float(intent.quantity),
        lmtPrice=float(intent.limit_price),
        tif=intent.tif,
        account=intent.account_code,
        orderRef=intent.order_key,
        openClose="",
        outsideRth=False,
        transmit=True,
    )


def increments_of(rule: list[PriceIncrement]) -> PriceIncrements:
    return PriceIncrements(
        bands=tuple(
            PriceBand(low_edge=decimal_of(band.lowEdge), increment=decimal_of(band.increment))
            for band in rule
        )
    )


def broker_contract(details: ContractDetails, increments: PriceIncrements) -> BrokerContract:
    contract = details.contract
    assert contract is not None
    sec_type = SecType(contract.secType)
    return BrokerContract(
        con_id=contract.conId,
        sec_type=sec_type,
        symbol=contract.symbol,
        local_symbol=contract.localSymbol,
        trading_class=contract.tradingClass,
        exchange=contract.exchange,
        primary_exchange=contract.primaryExchange,
        currency=contract.currency,
        multiplier=Decimal(contract.multiplier or "1"),
        min_tick=decimal_of(details.minTick),
        increments=increments,
        valid_exchanges=tuple(filter(None, details.validExchanges.split(","))),
        market_rule_ids=tuple(int(rule) for rule in details.marketRuleIds.split(",") if rule),
        long_name=details.longName,
        industry=details.industry,
        category=details.category,
        stock_type=details.stockType,
        time_zone=details.timeZoneId,
        under_con_id=details.underConId,
        option=option_contract(contract) if sec_type is SecType.OPTION else None,
    )


def is_supported(contract: Contract) -> bool:
    """Whether the desk knows this kind of instrument; others are named, never guessed at."""
    return contract.secType in set(SecType)


def undescribed_contract(contract: Contract) -> BrokerContract:
    """What a position tells of its contract where the gateway describes it no more.

    Price steps and exchanges are unknown, so it serves to find a contract on record, not to
    trade one.
    """
    sec_type = SecType(contract.secType)
    return BrokerContract(
        con_id=contract.conId,
        sec_type=sec_type,
        symbol=contract.symbol,
        local_symbol=contract.localSymbol,
        trading_class=contract.tradingClass,
        exchange=contract.exchange,
        primary_exchange=contract.primaryExchange,
        currency=contract.currency,
        multiplier=Decimal(contract.multiplier or "1"),
        min_tick=UNKNOWN_STEP,
        increments=PriceIncrements.flat(UNKNOWN_STEP),
        option=option_contract(contract) if sec_type is SecType.OPTION else None,
        is_described=False,
    )


def broker_order(
    contract: Contract, order: IbOrder, status: BrokerStatus, message: str = ""
) -> BrokerOrder:
    return BrokerOrder(
        order_ref=order.orderRef,
        perm_id=order.permId,
        broker_order_id=order.orderId,
        client_id=order.clientId,
        account_code=order.account,
        con_id=contract.conId,
        legs=tuple(
            BrokerLeg(con_id=leg.conId, side=_side(leg.action), ratio=leg.ratio)
            for leg in contract.comboLegs
        ),
        side=_side(order.action),
        quantity=_quantity(order),
        limit_price=None if is_unset(order.lmtPrice) else decimal_of(float(order.lmtPrice)),
        order_type=order.orderType,
        tif=order.tif,
        status=status,
        message=message,
    )


def _side(word: str) -> Side:
    """TWS orders BUY, its executions are BOT."""
    return Side.BUY if word in ("BUY", "BOT") else Side.SELL


def _quantity(order: IbOrder) -> Decimal:
    """Completed orders may carry only what was filled."""
    total = order.totalQuantity or 0
    filled = 0 if is_unset(order.filledQuantity) else order.filledQuantity
    return decimal_of(float(total or filled))


def broker_execution(
    contract: Contract,
    execution: IbExecution,
    commission: Decimal | None = None,
    commission_currency: str | None = None,
    realized_pnl: Decimal | None = None,
) -> BrokerExecution:
    return BrokerExecution(
        fill=Fill(
            exec_id=execution.execId,
            side=_side(execution.side),
            quantity=decimal_of(execution.shares),
            price=decimal_of(execution.price),
            executed_at=execution.time.astimezone(UTC),
            con_id=contract.conId,
            is_package=contract.secType == "BAG",
        ),
        order_ref=execution.orderRef,
        perm_id=execution.permId,
        broker_order_id=execution.orderId,
        client_id=execution.clientId,
        account_code=execution.acctNumber,
        con_id=contract.conId,
        commission=commission,
        commission_currency=commission_currency,
        realized_pnl=realized_pnl,
    )


def refused_message(message: BrokerMessage, error: Exception) -> RefusedMessage:
    """A message that cannot be read or stored, as text, with what it says of whom it means."""
    order_ref, exec_id, perm_id = "", "", 0
    match message:
        case OrderSeen():
            order_ref, perm_id = message.order.orderRef, message.order.permId
        case ExecutionSeen(execution=execution):
            order_ref, exec_id, perm_id = execution.orderRef, execution.execId, execution.permId
        case CommissionSeen(report=report):
            exec_id = report.execId
        case _:
            pass
    return RefusedMessage(
        text=repr(message),
        error=repr(error),
        order_ref=order_ref,
        exec_id=exec_id,
        perm_id=perm_id,
    )


def what_if(state: OrderState) -> WhatIf:
    """The broker's preview. Raises ValueError naming the field it left unset."""
    return WhatIf(
        init_margin_before=_margin(state, "initMarginBefore"),
        init_margin_after=_margin(state, "initMarginAfter"),
        maint_margin_before=_margin(state, "maintMarginBefore"),
        maint_margin_after=_margin(state, "maintMarginAfter"),
        equity_with_loan_before=_margin(state, "equityWithLoanBefore"),
        equity_with_loan_after=_margin(state, "equityWithLoanAfter"),
        commission=optional_amount(state.commission),
        max_commission=optional_amount(state.maxCommission),
        currency=state.commissionCurrency or "USD",
        warning=state.warningText,
    )


def _margin(state: OrderState, field: str) -> Decimal:
    amount = optional_amount(getattr(state, field))
    if amount is None:
        raise ValueError(f"the broker's margin preview has no {field}")
    return amount


def optional_amount(value: float | str | None) -> Decimal | None:
    """A number that TWS may leave blank or fill with its largest double."""
    if value in (None, ""):
        return None
    number = float(value)  # type: ignore[arg-type]
    return None if is_unset(number) else decimal_of(number)


def is_unset(value: float | Decimal | None) -> bool:
    if value is None:
        return True
    number = float(value)
    return math.isnan(number) or number == UNSET_DOUBLE
