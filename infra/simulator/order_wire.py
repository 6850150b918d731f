"""Reads a placeOrder message (3), whose length depends on what the order contains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from domain.instruments import Side
from infra.simulator.contracts import ContractSpec
from infra.simulator.order_fields import OrderFields
from infra.simulator.records import ComboLeg, Condition, OrderTerms
from infra.simulator.validation import OrderRejectedError, invalid
from infra.simulator.wire import Fields, WireError

PRICE, TIME, MARGIN, EXECUTION, VOLUME, CHANGE = 1, 3, 4, 5, 6, 7
"""Kinds of order conditions."""

_OTHER_CONDITIONS = {
    MARGIN: ("isMore", "percent"),
    EXECUTION: ("secType", "exch", "symbol"),
    VOLUME: ("isMore", "volume", "conId", "exch"),
    CHANGE: ("isMore", "changePercent", "conId", "exch"),
}
_ADDED_SINCE = (
    (158, "duration"),
    (160, "postToAts"),
    (162, "autoCancelParent"),
    (166, "advancedErrorOverride"),
    (169, "manualOrderTime"),
)
"""Fields at the end of an order and the server versions that brought them."""


def read_order(fields: Fields, version: int, default_account: str) -> OrderTerms:
    """The terms of an order, read from behind its order id.

    Raises WireError, which names the field, when the fields do not follow the layout,
    OrderRejectedError when they are in place and make no order. Whatever this exchange does not
    simulate is named in ``unsupported``; what makes no difference here is kept in ``echo``.
    """
    read = OrderFields(fields)
    contract = fields.contract()
    read.skip("secIdType", "secId")
    found = _head(read)
    if contract.sec_type == "BAG":
        contract = replace(contract, con_id=0)
        found |= _combo(read)
    found |= _middle(read, version)
    found |= _flags(read)
    found |= _tail(read, str(found["order_type"]), version, contract)
    return _terms(found, contract, read, default_account)


def _head(read: OrderFields) -> dict[str, object]:
    action = read.text("action")
    quantity = read.number("totalQuantity")
    if action not in {"BUY", "SELL"}:
        raise invalid(f"Invalid action '{action}'")
    if quantity is None or quantity <= 0:
        raise OrderRejectedError(434, "The order size cannot be zero or negative.")
    found: dict[str, object] = {
        "side": Side(action),
        "quantity": _plain(quantity),
        "order_type": read.text("orderType"),
        "limit_price": read.number("lmtPrice"),
        "stop_price": read.number("auxPrice"),
        "tif": read.text("tif") or "DAY",
        "oca_group": read.text("ocaGroup"),
        "account": read.text("account"),
        "open_close": read.text("openClose"),
        "origin": read.integer("origin"),
        "order_ref": read.text("orderRef"),
        "transmit": read.flag("transmit"),
        "parent_id": read.integer("parentId"),
    }
    read.keep("blockOrder", "sweepToFill")
    found |= {
        "display_size": read.integer("displaySize"),
        "trigger_method": read.integer("triggerMethod"),
        "outside_rth": read.flag("outsideRth"),
        "hidden": read.flag("hidden"),
    }
    return found


def _combo(read: OrderFields) -> dict[str, object]:
    legs = []
    for _ in range(read.count("comboLegsCount")):
        con_id, ratio = read.integer("comboLeg.conId"), read.integer("comboLeg.ratio")
        action, exchange = read.text("comboLeg.action"), read.text("comboLeg.exchange")
        open_close = read.integer("comboLeg.openClose")
        read.skip("comboLeg.shortSaleSlot", "comboLeg.designatedLocation", "comboLeg.exemptCode")
        if action not in {"BUY", "SELL"} or ratio < 1:
            raise WireError(f"combo leg {con_id}: action {action!r}, ratio {ratio}")
        legs.append(
            ComboLeg(
                con_id=con_id,
                ratio=ratio,
                side=Side(action),
                exchange=exchange,
                open_close=open_close,
            )
        )
    for _ in range(read.count("orderComboLegsCount")):
        if read.number("orderComboLeg.price") is not None:
            read.unsupported.append("Prices per combo leg.")
    routing = read.pairs("smartComboRoutingParams")
    return {"legs": tuple(legs), "routing_params": routing}


def _middle(read: OrderFields, version: int) -> dict[str, object]:
    """From the deprecated shares allocation up to the algo."""
    read.skip("sharesAllocation")
    read.refuse_amount("discretionaryAmt", "Discretionary amounts.")
    good_after, good_till = read.text("goodAfterTime"), read.text("goodTillDate")
    read.keep("faGroup", "faMethod", "faPercentage")
    if version < 177:
        read.skip("faProfile")
    read.keep("modelCode", "shortSaleSlot", "designatedLocation", "exemptCode")
    oca_type = read.integer("ocaType")
    read.keep("rule80A", "settlingFirm")
    all_or_none = read.flag("allOrNone")
    read.refuse_amount("minQty", "Minimum quantities.")
    read.refuse_amount("percentOffset", "Relative orders.")
    read.skip("eTradeOnly", "firmQuoteOnly", "nbboPriceCap")
    read.skip("auctionStrategy", "startingPrice", "stockRefPrice", "delta")
    read.skip("stockRangeLower", "stockRangeUpper", "overridePercentageConstraints")
    read.skip("volatility", "volatilityType")
    delta_neutral = read.text("deltaNeutralOrderType")
    read.skip("deltaNeutralAuxPrice")
    if delta_neutral and delta_neutral != "None":
        read.unsupported.append("Delta-neutral orders.")
    if delta_neutral:
        read.skip("deltaNeutralConId", "deltaNeutralSettlingFirm", "deltaNeutralClearingAccount")
        read.skip("deltaNeutralClearingIntent", "deltaNeutralOpenClose", "deltaNeutralShortSale")
        read.skip("deltaNeutralShortSaleSlot", "deltaNeutralDesignatedLocation")
    read.skip("continuousUpdate", "referencePriceType", "trailStopPrice", "trailingPercent")
    _scale(read)
    read.skip("activeStartTime", "activeStopTime")
    if read.text("hedgeType"):
        read.unsupported.append("Hedge orders.")
        read.skip("hedgeParam")
    read.keep("optOutSmartRouting", "clearingAccount", "clearingIntent", "notHeld")
    if read.flag("deltaNeutralContract"):
        read.unsupported.append("Delta-neutral contracts.")
        read.skip("deltaNeutralContract.conId", "deltaNeutralContract.delta")
        read.skip("deltaNeutralContract.price")
    return {
        "good_after": good_after,
        "good_till": good_till,
        "oca_type": oca_type,
        "all_or_none": all_or_none,
    }


def _scale(read: OrderFields) -> None:
    read.skip("scaleInitLevelSize", "scaleSubsLevelSize")
    increment = read.number("scalePriceIncrement")
    if increment is not None and increment > 0:
        read.unsupported.append("Scale orders.")
        read.skip("scalePriceAdjustValue", "scalePriceAdjustInterval", "scaleProfitOffset")
        read.skip("scaleAutoReset", "scaleInitPosition", "scaleInitFillQty", "scaleRandomPercent")
    read.skip("scaleTable")


def _flags(read: OrderFields) -> dict[str, object]:
    algo = read.text("algoStrategy")
    algo_params = read.pairs("algoParams") if algo else ()
    read.skip("algoId")
    what_if = read.flag("whatIf")
    read.skip("orderMiscOptions")
    solicited = read.flag("solicited")
    read.keep("randomizeSize", "randomizePrice")
    return {
        "algo_strategy": algo,
        "algo_params": algo_params,
        "what_if": what_if,
        "solicited": solicited,
    }


def _tail(
    read: OrderFields, order_type: str, version: int, contract: ContractSpec
) -> dict[str, object]:
    """What follows the algo and its flags."""
    if order_type in {"PEG BENCH", "PEGBENCH"}:
        read.skip("referenceContractId", "isPeggedChangeAmountDecrease", "peggedChangeAmount")
        read.skip("referenceChangeAmount", "referenceExchangeId")
    found = _conditions(read)
    adjusted = read.text("adjustedOrderType")
    if adjusted not in {"", "None"}:
        read.unsupported.append("Adjusted stop orders.")
    read.skip("triggerPrice", "lmtPriceOffset", "adjustedStopPrice", "adjustedStopLimitPrice")
    read.skip("adjustedTrailingAmount", "adjustableTrailingUnit")
    read.skip("extOperator", "softDollarTier.name", "softDollarTier.val")
    read.refuse_amount("cashQty", "Cash quantities.")
    read.skip("mifid2DecisionMaker", "mifid2DecisionAlgo")
    read.skip("mifid2ExecutionTrader", "mifid2ExecutionAlgo")
    read.skip("dontUseAutoPriceForHedge", "isOmsContainer", "discretionaryUpToLimitPrice")
    read.skip("usePriceMgmtAlgo")
    read.skip(*(name for since, name in _ADDED_SINCE if version >= since))
    if version < 170:
        return found
    if contract.exchange == "IBKRATS":
        read.skip("minTradeQty")
    if order_type in {"PEG BEST", "PEGBEST"}:
        # Offsets follow for "up to mid" alone; the order is refused, so nothing is lost.
        read.skip("minCompeteSize", "competeAgainstBestOffset")
    elif order_type in {"PEG MID", "PEGMID"}:
        read.skip("midOffsetAtWhole", "midOffsetAtHalf")
    return found


def _conditions(read: OrderFields) -> dict[str, object]:
    count = read.count("conditionsCount")
    conditions: list[Condition] = []
    for _ in range(count):
        kind = read.integer("condition.type")
        readers: dict[int, Callable[[OrderFields], Condition]] = {
            PRICE: _price_condition,
            TIME: _time_condition,
        }
        if kind in readers:
            conditions.append(readers[kind](read))
        elif kind in _OTHER_CONDITIONS:
            read.unsupported.append("Conditions other than on a price or a time.")
            read.skip("condition.conjunction", *_OTHER_CONDITIONS[kind])
        else:
            raise WireError(f"condition type {kind}")
    ignore_rth = read.flag("conditionsIgnoreRth") if count else False
    cancel = read.flag("conditionsCancelOrder") if count else False
    return {
        "conditions": tuple(conditions),
        "conditions_ignore_rth": ignore_rth,
        "conditions_cancel": cancel,
    }


def _price_condition(read: OrderFields) -> Condition:
    is_and, is_more = _joint(read), read.flag("condition.isMore")
    price, con_id = read.number("condition.price"), read.integer("condition.conId")
    if price is None:
        raise WireError("condition.price is empty")
    exchange, method = read.text("condition.exch"), read.integer("condition.triggerMethod")
    return Condition(
        is_and=is_and,
        is_more=is_more,
        price=price,
        con_id=con_id,
        exchange=exchange,
        trigger_method=method,
    )


def _time_condition(read: OrderFields) -> Condition:
    is_and, is_more = _joint(read), read.flag("condition.isMore")
    time = read.text("condition.time")
    if not time:
        raise WireError("condition.time is empty")
    return Condition(is_and=is_and, is_more=is_more, time=time)


def _joint(read: OrderFields) -> bool:
    conjunction = read.text("condition.conjunction")
    if conjunction not in {"a", "o"}:
        raise WireError(f"condition.conjunction {conjunction!r}")
    return conjunction == "a"


def _terms(
    found: dict[str, object], contract: ContractSpec, read: OrderFields, default_account: str
) -> OrderTerms:
    terms = OrderTerms.model_validate(
        {**found, "contract": contract, "echo": read.kept, "unsupported": read.refusal}
    )
    return terms.model_copy(
        update={
            "account": terms.account or default_account,
            # Clients write 0 where a price means nothing.
            "limit_price": terms.limit_price if terms.has_limit else None,
            "stop_price": terms.stop_price if terms.is_stop else None,
        }
    )


def _plain(quantity: Decimal) -> Decimal:
    """10.0 as 10: TWS echoes whole quantities as integers."""
    whole = quantity.to_integral_value()
    return whole if whole == quantity else quantity
