"""What the gateway checks before an order exists: contract, terms, price steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.instruments import PriceIncrements
from infra.simulator.contracts import ContractBook, Security
from infra.simulator.order_times import parse_time
from infra.simulator.records import OrderTerms
from infra.simulator.reference import MARKET_RULES, RULE_CENT, RULE_NICKEL

SUPPORTED_TYPES = frozenset({"LMT", "MKT", "STP", "STP LMT", "MOC", "LOC"})
STOCKS_ONLY = "Auction orders are for stocks."
SUPPORTED_TIFS = frozenset({"DAY", "GTC", "GTD", "IOC", "FOK", "OPG"})
SUPPORTED_ALGOS = frozenset({"", "Adaptive"})
OCA_TYPES = frozenset({0, 1, 2, 3})
TRIGGER_METHODS = frozenset({0, 1, 2, 3, 4, 7, 8})
MAX_LEGS = 4
LARGEST = 100_000_000
"""Prices and sizes beyond it are slips of the keyboard."""
UNSUPPORTED = "Unsupported order type for this exchange and security type."
BAD_TIME = "The date, time, or time-zone entered is invalid."


class OrderRejectedError(Exception):
    """A TWS error code and message for an order that will not work."""

    def __init__(self, code: int, message: str, *, by_exchange: bool = False) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.by_exchange = by_exchange
        """Refused after acceptance: the order exists, as Inactive. Else it never existed."""


def invalid(cause: str) -> OrderRejectedError:
    return OrderRejectedError(321, f"Error validating request.-'bN' : cause - {cause}")


NO_DEFINITION = OrderRejectedError(200, "No security definition has been found for the request")


@dataclass(frozen=True, slots=True)
class Leg:
    """A security and its signed count in one unit of the order's package, as if bought."""

    security: Security
    ratio: int


def validate(
    terms: OrderTerms,
    accounts: frozenset[str],
    book: ContractBook,
    today: date,
    reference_prices: dict[str, float],
) -> tuple[Leg, ...]:
    """The legs of an acceptable order (one for an ordinary order); raises OrderRejectedError."""
    if terms.account not in accounts:
        raise invalid(f"Invalid account code '{terms.account}'")
    if terms.unsupported:
        raise OrderRejectedError(387, f"{UNSUPPORTED} {terms.unsupported}")
    if terms.order_type not in SUPPORTED_TYPES:
        raise OrderRejectedError(387, UNSUPPORTED)
    _check_time_in_force(terms)
    _check_attributes(terms)
    legs = _legs(terms, book, today, reference_prices)
    if terms.in_auction and any(leg.security.is_option for leg in legs):
        raise OrderRejectedError(387, f"{UNSUPPORTED} {STOCKS_ONLY}")
    _check_prices(terms, legs)
    for condition in terms.conditions:
        if not condition.time and book.by_id(condition.con_id) is None:
            raise NO_DEFINITION
    return legs


def _check_attributes(terms: OrderTerms) -> None:
    if terms.algo_strategy not in SUPPORTED_ALGOS:
        raise OrderRejectedError(439, "The order processing failed. Algorithm is not supported.")
    if terms.algo_strategy and terms.order_type not in {"LMT", "MKT"}:
        raise OrderRejectedError(442, "Invalid parameters for the algorithm: order type.")
    if terms.oca_type not in OCA_TYPES:
        raise invalid(f"Invalid OCA type {terms.oca_type}")
    if terms.trigger_method not in TRIGGER_METHODS:
        raise invalid(f"Invalid trigger method {terms.trigger_method}")
    if terms.quantity >= LARGEST:
        raise invalid("The order size is out of range")
    if terms.quantity != terms.quantity.to_integral_value():
        raise OrderRejectedError(
            10243, "Fractional-sized order cannot be placed via API. Please use desktop version."
        )


def _check_time_in_force(terms: OrderTerms) -> None:
    if terms.tif not in SUPPORTED_TIFS:
        raise invalid(f"The time-in-force {terms.tif} is invalid for this combination of exchange")
    if terms.order_type in {"MOC", "LOC"} and terms.tif != "DAY":
        raise OrderRejectedError(113, "The Tif option should be set to DAY for MOC and LOC orders.")
    if terms.tif == "OPG" and terms.order_type not in {"LMT", "MKT"}:
        raise OrderRejectedError(111, "The TIF (Tif type) and the order type are incompatible.")
    if terms.tif == "GTD" and not terms.good_till:
        raise OrderRejectedError(343, f"{BAD_TIME} A GTD order needs its good-till date.")
    times = [terms.good_till, terms.good_after, *(c.time for c in terms.conditions)]
    for text in filter(None, times):
        try:
            parse_time(text)
        except ValueError:
            raise OrderRejectedError(
                343, f"{BAD_TIME} The correct format is yyyymmdd hh:mm:ss xx/xxxx: '{text}'"
            ) from None


def increments_of(legs: Sequence[Leg]) -> PriceIncrements:
    """The steps an order's price must follow; index combos trade in nickels, others in cents."""
    if len(legs) == 1:
        return legs[0].security.increments
    index = any(leg.security.underlying.is_index for leg in legs)
    return MARKET_RULES[RULE_NICKEL if index else RULE_CENT]


def _legs(
    terms: OrderTerms, book: ContractBook, today: date, reference_prices: dict[str, float]
) -> tuple[Leg, ...]:
    if terms.contract.sec_type == "BAG" or terms.legs:
        return _combo_legs(terms, book, today)
    found = list(book.find(terms.contract, today, reference_prices))
    if len(found) > 1:
        raise OrderRejectedError(200, "The contract description specified is ambiguous.")
    if not found:
        raise NO_DEFINITION
    if not found[0].tradable:
        raise OrderRejectedError(
            201, "Order rejected - reason:No trading permissions.", by_exchange=True
        )
    return (Leg(found[0], 1),)


def _combo_legs(terms: OrderTerms, book: ContractBook, today: date) -> tuple[Leg, ...]:
    if not 2 <= len(terms.legs) <= MAX_LEGS:
        raise OrderRejectedError(312, "The combo details are invalid. Too many or too few legs.")
    legs = []
    for leg in terms.legs:
        security = book.by_id(leg.con_id)
        if security is None or not book.is_listed(security, today):
            raise NO_DEFINITION
        if not security.tradable or (not security.is_option and leg.ratio < security.multiplier):
            raise OrderRejectedError(313, "The combo details for leg are invalid.")
        legs.append(Leg(security, leg.side.sign * leg.ratio))
    if len({leg.security.symbol for leg in legs}) > 1:
        raise OrderRejectedError(312, "The combo details are invalid. One underlying is allowed.")
    if len({leg.security.con_id for leg in legs}) < len(legs):
        raise OrderRejectedError(312, "The combo details are invalid. Legs repeat.")
    return tuple(legs)


def _check_prices(terms: OrderTerms, legs: tuple[Leg, ...]) -> None:
    prices = {}
    if terms.has_limit:
        prices["limit"] = terms.limit_price
    if terms.is_stop:
        prices["stop"] = terms.stop_price
    for name, price in prices.items():
        if price is None:
            raise invalid(f"The order needs a {name} price")
        if abs(price) >= LARGEST:
            raise invalid(f"The {name} price is out of range")
        if len(legs) == 1 and price <= 0:
            raise invalid(f"The {name} price must be positive")
        if not increments_of(legs).accepts(price):
            raise OrderRejectedError(
                110, "The price does not conform to the minimum price variation for this contract."
            )
