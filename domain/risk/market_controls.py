"""Controls on the market an order would meet and on the price it would ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from domain.errors import ErrorCode
from domain.instruments import OptionContract, Side, plain
from domain.market import QuoteQuality
from domain.packages import dearest_leg
from domain.recommendations import RuleResult
from domain.risk.pretrade_inputs import PretradeInputs, exempt, judged, written


def session_open(inputs: PretradeInputs) -> RuleResult:
    passed = inputs.session_open is True
    value = None if inputs.session_open is None else ("open" if passed else "closed")
    return judged("session_open", value, "open", passed, ErrorCode.MARKET_CLOSED)


def contract_not_expired(inputs: PretradeInputs) -> RuleResult:
    expiry = min(leg.contract.expiry for leg in inputs.legs)
    passed = inputs.today <= expiry
    return judged("not_expired", inputs.today, f"≤ {expiry}", passed, ErrorCode.CONTRACT_EXPIRED)


def before_expiry_cutoff(inputs: PretradeInputs) -> RuleResult:
    """Nothing opens in the last minutes of a contract's last session.

    A contract's ``expiry`` is its last trading day: of AM-settled index options the day before
    they settle, so their cut-off falls on that day.
    """
    minutes = inputs.limits.expiry_cutoff_minutes
    threshold = f"more than {minutes} min before the last close"
    if inputs.reduces_risk:
        return exempt("expiry_cutoff", "closing trade")
    if inputs.today < min(leg.contract.expiry for leg in inputs.legs):
        return judged("expiry_cutoff", "not its last day", threshold, True, ErrorCode.EXPIRY_CUTOFF)
    if inputs.session_close is None:
        return judged("expiry_cutoff", None, threshold, False, ErrorCode.EXPIRY_CUTOFF)
    left = inputs.session_close - inputs.market_now
    passed = left > timedelta(minutes=minutes)
    value = f"{left.total_seconds() / 60:.0f} min"
    return judged("expiry_cutoff", value, threshold, passed, ErrorCode.EXPIRY_CUTOFF)


def contract_unchanged(inputs: PretradeInputs) -> RuleResult:
    """The broker describes every leg today as it was approved: class, expiry, strike, right."""
    approved = _identities([leg.contract for leg in inputs.legs])
    listed = None if inputs.listed is None else [each.contract for each in inputs.listed]
    found = None if listed is None else _identities(listed)
    passed = found == approved
    return judged("contract_unchanged", found, approved, passed, ErrorCode.CONTRACT_CHANGED)


def _identities(contracts: Sequence[OptionContract]) -> str:
    return ", ".join(
        f"{each.con_id} {each.trading_class} {each.expiry} {plain(each.strike)} {each.right} "
        f"{each.currency}"
        for each in contracts
    )


def multiplier_unchanged(inputs: PretradeInputs) -> RuleResult:
    approved = ", ".join(plain(leg.contract.multiplier) for leg in inputs.legs)
    found = None
    if inputs.listed is not None:
        found = ", ".join(plain(each.contract.multiplier) for each in inputs.listed)
    passed = found == approved
    return judged("multiplier", found, approved, passed, ErrorCode.MULTIPLIER_CHANGED)


# --- the quote -----------------------------------------------------------------------------


def not_halted(inputs: PretradeInputs) -> RuleResult:
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


def quote_live(inputs: PretradeInputs) -> RuleResult:
    quality = inputs.quote.quality if inputs.quote else QuoteQuality.MISSING
    code = QUALITY_CODES.get(quality, ErrorCode.QUOTE_MISSING)
    passed = quality is QuoteQuality.LIVE
    return judged("quote_live", quality.value, QuoteQuality.LIVE.value, passed, code)


def quote_two_sided(inputs: PretradeInputs) -> RuleResult:
    quote = inputs.quote
    value = f"{written(quote.bid)} × {written(quote.ask)}" if quote else None
    passed = quote is not None and quote.is_two_sided
    return judged("quote_two_sided", value, "bid and ask", passed, ErrorCode.QUOTE_MISSING)


def quote_not_crossed(inputs: PretradeInputs) -> RuleResult:
    quote = inputs.quote
    if quote is None or quote.spread is None:
        return judged("quote_not_crossed", None, "≥ 0", False, ErrorCode.QUOTE_MISSING)
    passed = not quote.is_crossed
    return judged("quote_not_crossed", quote.spread, "≥ 0", passed, ErrorCode.QUOTE_CROSSED)


def quote_fresh(inputs: PretradeInputs) -> RuleResult:
    """A quote from the future is as suspect as an old one: one of two clocks is wrong."""
    limit = inputs.limits.max_quote_age_seconds
    if inputs.quote is None:
        return judged("quote_age", None, f"≤ {limit} s", False, ErrorCode.QUOTE_MISSING)
    age = inputs.quote.age(inputs.market_now)
    passed = abs(age) <= timedelta(seconds=limit)
    value = f"{age.total_seconds():.1f} s"
    return judged("quote_age", value, f"≤ {limit} s", passed, ErrorCode.QUOTE_STALE)


# --- the price -----------------------------------------------------------------------------


def market_within_floor(inputs: PretradeInputs) -> RuleResult:
    """The market's middle must still be no worse than the floor that was offered.

    The offered floor counts, not a better limit the approver chose: their order may rest.
    """
    terms = inputs.trade.terms
    bound = f"{'≥' if inputs.side is Side.SELL else '≤'} {plain(terms.floor_price)}"
    mid = inputs.quote.mid if inputs.quote else None
    if mid is None:
        return judged("mid_within_floor", None, bound, False, ErrorCode.QUOTE_MISSING)
    passed = terms.is_no_worse(mid, terms.floor_price)
    return judged("mid_within_floor", mid, bound, passed, ErrorCode.PRICE_OUTSIDE_FLOOR)


def underlying_within_drift(inputs: PretradeInputs) -> RuleResult:
    terms = inputs.trade.terms
    threshold = f"±{terms.max_drift:.2%} of {plain(terms.reference_underlying_price)}"
    now = inputs.quote.underlying_price if inputs.quote else None
    if now is None or now <= 0:
        return judged("underlying_drift", now, threshold, False, ErrorCode.QUOTE_MISSING)
    drift = now / terms.reference_underlying_price - 1
    passed = abs(drift) <= terms.max_drift
    value = f"{drift:+.2%} at {plain(now)}"
    return judged("underlying_drift", value, threshold, passed, ErrorCode.UNDERLYING_DRIFTED)


def limit_on_increment(inputs: PretradeInputs) -> RuleResult:
    """On the steps of the terms and, for a single contract, on those the broker tells today."""
    price = inputs.limit_price
    steps = [inputs.trade.terms.increments]
    if inputs.listed is not None and not inputs.trade.terms.is_package:
        steps += [each.increments for each in inputs.listed]
    threshold = f"a multiple of {' and '.join({plain(each.at(price)): None for each in steps})}"
    passed = inputs.trade.terms.price_problem(price) is None
    passed = passed and all(each.accepts(price) for each in steps)
    return judged("price_increment", price, threshold, passed, ErrorCode.PRICE_INCREMENT)


def limit_within_approval(inputs: PretradeInputs) -> RuleResult:
    floor = inputs.trade.floor_price
    passed = inputs.trade.terms.is_no_worse(inputs.limit_price, floor)
    bound = f"{'≥' if inputs.side is Side.SELL else '≤'} {plain(floor)}"
    return judged("limit_within_floor", inputs.limit_price, bound, passed, ErrorCode.OUTSIDE_TERMS)


def price_within_collar(inputs: PretradeInputs) -> RuleResult:
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
    threshold = f"{low:.4f} … {high:.4f}"
    return judged("price_collar", inputs.limit_price, threshold, passed, ErrorCode.PRICE_COLLAR)
