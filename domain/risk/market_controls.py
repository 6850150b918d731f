"""Controls on the market an order would meet and on the price it would ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from domain.errors import ErrorCode
from domain.instruments import OptionContract, Side, plain
from domain.market import QuoteQuality
from domain.packages import dearest_leg
from domain.risk.answers import (
    Answer,
    Words,
    at_least,
    at_most,
    at_most_seconds,
    exempt,
    judged,
    written,
)
from domain.risk.pretrade_inputs import PretradeInputs


def session_open(inputs: PretradeInputs) -> Answer:
    passed = inputs.session_open is True
    value = None if inputs.session_open is None else ("open" if passed else "closed")
    return judged("session_open", value, "open", passed, ErrorCode.MARKET_CLOSED)


def contract_not_expired(inputs: PretradeInputs) -> Answer:
    expiry = min(leg.contract.expiry for leg in inputs.legs)
    passed = inputs.today <= expiry
    code = ErrorCode.CONTRACT_EXPIRED
    return judged("not_expired", inputs.today, at_most(expiry), passed, code)


def before_expiry_cutoff(inputs: PretradeInputs) -> Answer:
    """Nothing opens in the last minutes of a contract's last session.

    A contract's ``expiry`` is its last trading day: of AM-settled index options the day before
    they settle, so their cut-off falls on that day.
    """
    minutes = inputs.limits.expiry_cutoff_minutes
    if inputs.reduces_risk:
        return exempt("expiry_cutoff", "closing trade")

    def threshold() -> str:
        return f"more than {minutes} min before the last close"

    if inputs.today < min(leg.contract.expiry for leg in inputs.legs):
        return judged("expiry_cutoff", "not its last day", threshold, True, ErrorCode.EXPIRY_CUTOFF)
    if inputs.session_close is None:
        return judged("expiry_cutoff", None, threshold, False, ErrorCode.EXPIRY_CUTOFF)
    left = inputs.session_close - inputs.market_now
    passed = left > timedelta(minutes=minutes)
    return judged(
        "expiry_cutoff",
        lambda: f"{left.total_seconds() / 60:.0f} min",
        threshold,
        passed,
        ErrorCode.EXPIRY_CUTOFF,
    )


def contract_unchanged(inputs: PretradeInputs) -> Answer:
    """The broker describes every leg today as it was approved: class, expiry, strike, right."""
    approved = [leg.contract for leg in inputs.legs]
    listed = None if inputs.listed is None else [each.contract for each in inputs.listed]
    passed = listed is not None and _identities(listed) == _identities(approved)
    return judged(
        "contract_unchanged",
        None if listed is None else lambda: _described(listed),
        lambda: _described(approved),
        passed,
        ErrorCode.CONTRACT_CHANGED,
    )


def _identities(contracts: Sequence[OptionContract]) -> list[tuple[object, ...]]:
    return [
        (each.con_id, each.trading_class, each.expiry, each.strike, each.right, each.currency)
        for each in contracts
    ]


def _described(contracts: Sequence[OptionContract]) -> str:
    return ", ".join(
        f"{each.con_id} {each.trading_class} {each.expiry} {plain(each.strike)} {each.right} "
        f"{each.currency}"
        for each in contracts
    )


def multiplier_unchanged(inputs: PretradeInputs) -> Answer:
    approved = [leg.contract.multiplier for leg in inputs.legs]
    found = None
    if inputs.listed is not None:
        found = [each.contract.multiplier for each in inputs.listed]
    return judged(
        "multiplier",
        None if found is None else lambda: ", ".join(map(plain, found)),
        lambda: ", ".join(map(plain, approved)),
        found == approved,
        ErrorCode.MULTIPLIER_CHANGED,
    )


# --- the quote -----------------------------------------------------------------------------


def not_halted(inputs: PretradeInputs) -> Answer:
    """Refused while the broker says halted.

    TWS need not speak of a contract that is not halted, so its silence passes; a halted contract
    has no live two-sided quote either, and that is asked for by rules of its own.
    """
    halted = inputs.quote.halted if inputs.quote else None
    value = "not told" if halted is None else "halted" if halted else "trading"
    code = ErrorCode.INSTRUMENT_HALTED
    if inputs.quote is None:
        return judged("not_halted", None, "trading", False, ErrorCode.QUOTE_MISSING)
    return judged("not_halted", value, "trading", halted is not True, code)


QUALITY_CODES = {
    QuoteQuality.DELAYED: ErrorCode.QUOTE_DELAYED,
    QuoteQuality.FROZEN: ErrorCode.QUOTE_STALE,
}


def quote_live(inputs: PretradeInputs) -> Answer:
    quality = inputs.quote.quality if inputs.quote else QuoteQuality.MISSING
    code = QUALITY_CODES.get(quality, ErrorCode.QUOTE_MISSING)
    passed = quality is QuoteQuality.LIVE
    return judged("quote_live", quality.value, QuoteQuality.LIVE.value, passed, code)


def quote_two_sided(inputs: PretradeInputs) -> Answer:
    quote = inputs.quote
    passed = quote is not None and quote.is_two_sided
    return judged(
        "quote_two_sided",
        None if quote is None else lambda: f"{written(quote.bid)} × {written(quote.ask)}",
        "bid and ask",
        passed,
        ErrorCode.QUOTE_MISSING,
    )


def quote_not_crossed(inputs: PretradeInputs) -> Answer:
    quote = inputs.quote
    if quote is None or quote.spread is None:
        return judged("quote_not_crossed", None, "≥ 0", False, ErrorCode.QUOTE_MISSING)
    passed = not quote.is_crossed
    return judged("quote_not_crossed", quote.spread, "≥ 0", passed, ErrorCode.QUOTE_CROSSED)


def quote_fresh(inputs: PretradeInputs) -> Answer:
    """A quote from the future is as suspect as an old one: one of two clocks is wrong."""
    limit = inputs.limits.max_quote_age_seconds
    threshold = at_most_seconds(limit)
    if inputs.quote is None:
        return judged("quote_age", None, threshold, False, ErrorCode.QUOTE_MISSING)
    age = inputs.quote.age(inputs.market_now)
    return judged(
        "quote_age",
        lambda: f"{age.total_seconds():.1f} s",
        threshold,
        abs(age) <= timedelta(seconds=limit),
        ErrorCode.QUOTE_STALE,
    )


# --- the price -----------------------------------------------------------------------------


def market_within_floor(inputs: PretradeInputs) -> Answer:
    """The market's middle must still be no worse than the floor that was offered.

    The offered floor counts, not a better limit the approver chose: their order may rest.
    """
    terms = inputs.trade.terms
    bound = _no_worse_than(inputs.side, terms.floor_price)
    mid = inputs.quote.mid if inputs.quote else None
    if mid is None:
        return judged("mid_within_floor", None, bound, False, ErrorCode.QUOTE_MISSING)
    passed = terms.is_no_worse(mid, terms.floor_price)
    return judged("mid_within_floor", mid, bound, passed, ErrorCode.PRICE_OUTSIDE_FLOOR)


def underlying_within_drift(inputs: PretradeInputs) -> Answer:
    terms = inputs.trade.terms
    now = inputs.quote.underlying_price if inputs.quote else None

    def threshold() -> str:
        return f"±{terms.max_drift:.2%} of {plain(terms.reference_underlying_price)}"

    if now is None or now <= 0:
        return judged("underlying_drift", now, threshold, False, ErrorCode.QUOTE_MISSING)
    drift = now / terms.reference_underlying_price - 1
    passed = abs(drift) <= terms.max_drift
    return judged(
        "underlying_drift",
        lambda: f"{drift:+.2%} at {plain(now)}",
        threshold,
        passed,
        ErrorCode.UNDERLYING_DRIFTED,
    )


def limit_on_increment(inputs: PretradeInputs) -> Answer:
    """On the steps of the terms and, for a single contract, on those the broker tells today."""
    price = inputs.limit_price
    steps = [inputs.trade.terms.increments]
    if inputs.listed is not None and not inputs.trade.terms.is_package:
        steps += [each.increments for each in inputs.listed]
    passed = inputs.trade.terms.price_problem(price) is None
    passed = passed and all(each.accepts(price) for each in steps)
    return judged(
        "price_increment",
        price,
        lambda: f"a multiple of {' and '.join({plain(each.at(price)): None for each in steps})}",
        passed,
        ErrorCode.PRICE_INCREMENT,
    )


def limit_within_approval(inputs: PretradeInputs) -> Answer:
    floor = inputs.trade.floor_price
    passed = inputs.trade.terms.is_no_worse(inputs.limit_price, floor)
    bound = _no_worse_than(inputs.side, floor)
    return judged("limit_within_floor", inputs.limit_price, bound, passed, ErrorCode.OUTSIDE_TERMS)


def _no_worse_than(side: Side, price: Decimal) -> Words:
    return at_least(price) if side is Side.SELL else at_most(price)


def price_within_collar(inputs: PretradeInputs) -> Answer:
    """A limit far through the market gives money away; one far beyond it is a slip of the hand."""
    quote, limits = inputs.quote, inputs.limits
    mid = quote.mid if quote else None
    if quote is None or mid is None or quote.bid is None or quote.ask is None:
        return judged("price_collar", None, "near market", False, ErrorCode.QUOTE_MISSING)
    scale = dearest_leg(quote)
    if scale is not None:
        # A net price may be close to nothing or below it: the dearest leg gives the measure.
        low = mid - scale * (limits.max_price_over_mid - 1)
        high = quote.ask + scale * limits.collar_fraction
    elif inputs.side is Side.SELL:
        low, high = quote.bid * (1 - limits.collar_fraction), mid * limits.max_price_over_mid
    else:
        low, high = mid / limits.max_price_over_mid, quote.ask * (1 + limits.collar_fraction)
    passed = low <= inputs.limit_price <= high
    return judged(
        "price_collar",
        inputs.limit_price,
        lambda: f"{low:.4f} … {high:.4f}",
        passed,
        ErrorCode.PRICE_COLLAR,
    )
