"""What each pre-trade control is called, what it refuses, and how its answer reads.

The one source of these words: for the decision card, for the reason a denied trade ends with, and
for the list in ``docs/controls.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from domain.errors import ErrorCode as Code
from domain.recommendations import RuleResult
from domain.risk.answers import MISSING, NO_LIMIT, REDUCES_RISK


class Figure(StrEnum):
    """What the numbers in a control's value and threshold are."""

    PLAIN = "PLAIN"
    MONEY = "MONEY"
    PRICE = "PRICE"
    FRACTION = "FRACTION"


class ControlWords(NamedTuple):
    """``label`` names what is looked at; ``refuses`` completes "this control refuses …"."""

    label: str
    refuses: str
    codes: tuple[Code, ...]
    figure: Figure = Figure.PLAIN


_MONEY, _PRICE, _FRACTION = Figure.MONEY, Figure.PRICE, Figure.FRACTION

CONTROLS: Mapping[str, ControlWords] = {
    # Permission
    "approval_fresh": ControlWords(
        "Time of the check",
        "an approval that waited past its deadline",
        (Code.RECOMMENDATION_EXPIRED,),
    ),
    "terms_hash": ControlWords(
        "Approved terms", "terms other than those on screen", (Code.TERMS_CHANGED,)
    ),
    "account_known": ControlWords(
        "Account and currency",
        "figures of another account or currency",
        (Code.DATA_INVALID, Code.ACCOUNT_STALE),
    ),
    "paper_or_live": ControlWords(
        "Paper or live",
        "account code, gateway kind and `live_trading` that disagree",
        (Code.PAPER_LIVE_MISMATCH,),
    ),
    "trading_state": ControlWords(
        "Trading state",
        "opens while REDUCING or HALTED",
        (Code.TRADING_REDUCING, Code.TRADING_HALTED),
    ),
    "permitted_strategy": ControlWords(
        "Strategy", "a strategy that is not listed", (Code.STRATEGY_NOT_PERMITTED,)
    ),
    "restricted_symbol": ControlWords(
        "Underlying", "a restricted underlying", (Code.SYMBOL_RESTRICTED,)
    ),
    "close_covered": ControlWords(
        "Held of what is closed", "a close of more than is held", (Code.OUTSIDE_TERMS,)
    ),
    "side": ControlWords(
        "Held the other way",
        "an open that would close what is held the other way",
        (Code.WRONG_SIDE, Code.ACCOUNT_STALE),
    ),
    "approved_quantity": ControlWords(
        "Contracts against the approval", "more than was approved", (Code.OUTSIDE_TERMS,)
    ),
    "own_order_crossing": ControlWords(
        "Own orders on the other side",
        "an order that would trade with ours",
        (Code.OWN_ORDER_CROSSED,),
    ),
    "no_other_order": ControlWords(
        "Other orders on the contract", "a second order on a contract", (Code.DUPLICATE_ORDER,)
    ),
    "duplicate_trade": ControlWords(
        "Same trade made before",
        "the same legs traded for another approval moments ago",
        (Code.DUPLICATE_TRADE,),
    ),
    # Market and price
    "session_open": ControlWords("Market", "a closed market", (Code.MARKET_CLOSED,)),
    "not_expired": ControlWords("Exchange date", "an expired contract", (Code.CONTRACT_EXPIRED,)),
    "expiry_cutoff": ControlWords(
        "Time left before the contract's last close",
        "opens late on the last trading day",
        (Code.EXPIRY_CUTOFF,),
    ),
    "contract_unchanged": ControlWords(
        "Contract as the broker lists it",
        "a contract that the broker describes otherwise",
        (Code.CONTRACT_CHANGED,),
    ),
    "multiplier": ControlWords(
        "Multiplier", "a multiplier that is not the approved one", (Code.MULTIPLIER_CHANGED,)
    ),
    "not_halted": ControlWords(
        "Trading in the contract", "a halted name", (Code.INSTRUMENT_HALTED, Code.QUOTE_MISSING)
    ),
    "quote_live": ControlWords(
        "Kind of quote",
        "quotes that are not live",
        (Code.QUOTE_DELAYED, Code.QUOTE_STALE, Code.QUOTE_MISSING),
    ),
    "quote_two_sided": ControlWords(
        "Bid and ask", "a quote without a bid or an ask", (Code.QUOTE_MISSING,), _PRICE
    ),
    "quote_not_crossed": ControlWords(
        "Ask less bid", "a crossed quote", (Code.QUOTE_CROSSED, Code.QUOTE_MISSING), _PRICE
    ),
    "quote_age": ControlWords(
        "Age of the quote", "an old quote", (Code.QUOTE_STALE, Code.QUOTE_MISSING)
    ),
    "mid_within_floor": ControlWords(
        "Middle of the market",
        "a market that left the approved price",
        (Code.PRICE_OUTSIDE_FLOOR, Code.QUOTE_MISSING),
        _PRICE,
    ),
    "underlying_drift": ControlWords(
        "Move of the underlying since the offer",
        "an underlying that left the approved band",
        (Code.UNDERLYING_DRIFTED, Code.QUOTE_MISSING),
        _PRICE,
    ),
    "price_increment": ControlWords(
        "Limit price against its steps",
        "a price off the steps of the terms or of today",
        (Code.PRICE_INCREMENT,),
        _PRICE,
    ),
    "limit_within_floor": ControlWords(
        "Limit price against the approval",
        "a worse price than was approved",
        (Code.OUTSIDE_TERMS,),
        _PRICE,
    ),
    "price_collar": ControlWords(
        "Limit price against the market",
        "a limit far through or far beyond the market",
        (Code.PRICE_COLLAR, Code.QUOTE_MISSING),
        _PRICE,
    ),
    # Size and pace
    "max_contracts": ControlWords(
        "Contracts in the order", "too many contracts in one order", (Code.QUANTITY_LIMIT,)
    ),
    "max_notional": ControlWords(
        "Notional of the order", "too large an order", (Code.NOTIONAL_LIMIT,), _MONEY
    ),
    "orders_per_minute": ControlWords(
        "Orders within a minute", "orders too fast", (Code.ORDER_RATE,)
    ),
    "orders_today": ControlWords("Orders today", "too many orders in a day", (Code.DAILY_ORDERS,)),
    "notional_today": ControlWords(
        "Notional opened today", "too much opened in a day", (Code.DAILY_NOTIONAL,), _MONEY
    ),
    # Account
    "account_age": ControlWords(
        "Age of the account figures", "old account figures", (Code.ACCOUNT_STALE,)
    ),
    "daily_loss": ControlWords(
        "Lost since the day began",
        "opens after too great a loss since the day began",
        (Code.DAILY_LOSS, Code.ACCOUNT_STALE),
        _FRACTION,
    ),
    "covered": ControlWords(
        "Needed to cover it",
        "short puts without cash (a cash-settled spread: its width), short calls without shares",
        (Code.ASSIGNMENT_CASH, Code.NOT_COVERED, Code.ACCOUNT_STALE),
        _MONEY,
    ),
    "max_loss": ControlWords(
        "Largest loss of the order",
        "an order that could lose too much",
        (Code.MAX_LOSS_EXCEEDED, Code.ACCOUNT_STALE),
        _MONEY,
    ),
    "position_after": ControlWords(
        "Contracts after the trade",
        "too many contracts on one underlying",
        (Code.POSITION_LIMIT,),
    ),
    "concentration_after": ControlWords(
        "At stake in the underlying after the trade",
        "too much of the account on one underlying",
        (Code.CONCENTRATION_LIMIT,),
        _FRACTION,
    ),
    "delta_after": ControlWords(
        "Delta of the account after the trade",
        "too much delta, or unknown greeks",
        (Code.DELTA_LIMIT, Code.GREEKS_MISSING),
        _FRACTION,
    ),
    "vega_after": ControlWords(
        "Vega of the account after the trade",
        "too much vega, or unknown greeks",
        (Code.VEGA_LIMIT, Code.GREEKS_MISSING),
        _FRACTION,
    ),
    "pm_usage_now": ControlWords(
        "Margin usage now",
        "margin usage past the limit already",
        (Code.PM_USAGE_LIMIT, Code.ACCOUNT_STALE),
        _FRACTION,
    ),
    # The broker's margin preview
    "buying_power": ControlWords(
        "Available funds after the trade",
        "too little left by the broker's preview, or no preview",
        (Code.BUYING_POWER, Code.WHAT_IF_FAILED),
        _MONEY,
    ),
    "pm_usage_after": ControlWords(
        "Margin usage after the trade",
        "margin usage past the limit by the broker's preview, or no preview",
        (Code.PM_USAGE_LIMIT, Code.WHAT_IF_FAILED),
        _FRACTION,
    ),
}


def label_of(rule: str) -> str:
    """The control's name for people; of a rule unknown here its code, made readable."""
    known = CONTROLS.get(rule)
    return known.label if known else rule.replace("_", " ").capitalize()


def figure_of(rule: str) -> Figure:
    known = CONTROLS.get(rule)
    return known.figure if known else Figure.PLAIN


def sentence_of(result: RuleResult) -> str:
    """One control's answer in words: ``Contracts after the trade: 12, limit 10``."""
    label, figure = label_of(result.rule), figure_of(result.rule)
    if result.rule == "terms_hash":
        return f"{label}: {'unchanged' if result.passed else 'not those that were on screen'}"
    value, bound = _shown(result.value, figure), _shown(result.threshold, figure)
    if not result.passed and value == bound.removeprefix("≤ ").removeprefix("≥ "):
        # Rounding must not hide by how little a limit is missed.
        value, bound = result.value, result.threshold
    if result.threshold == REDUCES_RISK:
        return f"{label}: {value}, not limited because the trade reduces risk"
    if result.threshold == NO_LIMIT:
        return f"{label}: {value}, no limit"
    if result.value == MISSING:
        return f"{label}: not known, and what is not known is refused; {_bound(bound)}"
    return f"{label}: {value}, {_bound(bound)}"


def _bound(threshold: str) -> str:
    sign, rest = threshold[:2], threshold[2:]
    if sign == "≤ ":
        return f"limit {rest}"
    if sign == "≥ ":
        return f"at least {rest}"
    if "…" in threshold:
        low, _, high = threshold.partition(" … ")
        return f"limits {low} and {high}"
    return f"limit {threshold}" if threshold.startswith("±") else f"needed: {threshold}"


# A number on its own: not a part of a code or a date, and no percentage already.
_NUMBER = re.compile(r"(?<![\w.:-])-?\d+(?:\.\d+)?(?![\w%:.-])")


def _shown(written: str, figure: Figure) -> str:
    shape = _SHAPES.get(figure)
    written = written.replace(MISSING, "none")
    if shape is None:
        return written
    return _NUMBER.sub(lambda found: shape(Decimal(found.group())), written)


def _money(amount: Decimal) -> str:
    return f"{amount:,.0f}" if amount == amount.to_integral_value() else f"{amount:,.2f}"


def _price(amount: Decimal) -> str:
    written = f"{amount:,.4f}"
    return written[:-2] if written.endswith("00") else written.rstrip("0")


def _per_cent(fraction: Decimal) -> str:
    return f"{fraction * 100:.2f}".rstrip("0").rstrip(".") + "%"


_SHAPES: dict[Figure, Callable[[Decimal], str]] = {
    Figure.MONEY: _money,
    Figure.PRICE: _price,
    Figure.FRACTION: _per_cent,
}
