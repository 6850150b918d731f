"""Why a trade is offered, in sentences a person can check against their own screen."""

from __future__ import annotations

from decimal import Decimal

from domain.instruments import Right, plain, price_text
from domain.recommendations import Terms
from domain.strategies.base import OpportunityMetrics
from domain.strategies.holdings import HeldShort
from domain.strategies.managing import Verdict
from domain.strategies.short_options import ShareCost


def put_rationale(terms: Terms, metrics: OpportunityMetrics, cash_left: Decimal) -> tuple[str, ...]:
    """Why this cash-secured put."""
    currency, shares = terms.contract.currency, terms.contract.multiplier * terms.quantity
    needed = metrics.collateral * terms.quantity
    return (
        *_sale(terms, metrics, "the cash it ties up"),
        _put_breakeven(terms, metrics),
        f"Cash needed if assigned: {needed:,.0f} {currency} for {plain(shares)} shares; "
        f"{cash_left:,.0f} of cash then stays free.",
        _market(metrics),
    )


def call_rationale(terms: Terms, metrics: OpportunityMetrics, cost: ShareCost) -> tuple[str, ...]:
    """Why this covered call."""
    contract, currency = terms.contract, terms.contract.currency
    shares = contract.multiplier * terms.quantity
    gain = (contract.strike - cost.basis + terms.limit_price) * shares
    outcome = "gain" if gain >= 0 else "loss"
    return (
        *_sale(terms, metrics, "the value of the shares under it"),
        f"It is covered by {plain(shares)} shares that have cost {price_text(_cents(cost.basis))} "
        "each, premiums and dividends taken off.",
        f"If called away at {price_text(contract.strike)}, the cycle ends with a {outcome} of "
        f"{abs(gain):,.0f} {currency}.",
        _market(metrics),
    )


def index_put_rationale(
    terms: Terms, metrics: OpportunityMetrics, settles: str, sizing: str
) -> tuple[str, ...]:
    """Why this cash-settled put."""
    notional = metrics.collateral * terms.quantity
    return (
        *_sale(terms, metrics, "its notional"),
        _put_breakeven(terms, metrics),
        f"It settles in cash {settles}: no shares are delivered, and the most it could cost is "
        f"{notional:,.0f} {terms.contract.currency}.",
        sizing,
        _market(metrics),
    )


def put_spread_rationale(
    terms: Terms, metrics: OpportunityMetrics, settles: str, sizing: str
) -> tuple[str, ...]:
    """Why this spread of cash-settled puts."""
    assert metrics.wing_strike is not None
    most, width = metrics.max_loss * terms.quantity, metrics.collateral * terms.quantity
    return (
        *_sale(terms, metrics, "its width"),
        _put_breakeven(terms, metrics),
        f"It settles in cash {settles}; the {plain(metrics.wing_strike)} put settles with it, so "
        f"no more than {most:,.0f} {terms.contract.currency} can be lost: the width of "
        f"{width:,.0f} less the credit at mid.",
        sizing,
        _market(metrics, "the short put's mid"),
    )


def close_rationale(terms: Terms, held: HeldShort, verdict: Verdict) -> tuple[str, ...]:
    """Why a short option is bought in."""
    per_contract = (held.credit - terms.limit_price) * held.option.multiplier
    total = per_contract * terms.quantity
    outcome = "gain" if total >= 0 else "loss"
    return (
        f"{terms.describe()}, never above {price_text(terms.floor_price)}.",
        verdict.reason,
        f"Sold for {price_text(_cents(held.credit))} after costs: a {outcome} of "
        f"{abs(total):,.0f} {terms.contract.currency} at the limit.",
        f"Bid {price_text(held.bid)}, ask {price_text(held.ask)}; {held.dte} days to expiry.",
    )


def _sale(terms: Terms, metrics: OpportunityMetrics, tied_up: str) -> tuple[str, ...]:
    credit = abs(terms.limit_price) * terms.contract.multiplier * terms.quantity
    volatility = "" if metrics.iv is None else f", implied volatility {metrics.iv:.0%}"
    if metrics.iv is not None and metrics.iv_rank is not None:
        volatility += f", the year's volatility rank {metrics.iv_rank:.0%}"
    chance = "" if metrics.pop is None else f", about {metrics.pop:.0%} likely to expire worthless"
    return (
        f"{terms.describe()}, never below {price_text(abs(terms.floor_price))}.",
        f"{metrics.dte} days to expiry, delta {_signed(metrics.delta)}{chance}{volatility}.",
        f"A credit of {credit:,.0f} {terms.contract.currency} is {metrics.ror:.2%} of {tied_up}, "
        f"{metrics.ror_annualised:.1%} a year.",
    )


def _put_breakeven(terms: Terms, metrics: OpportunityMetrics) -> str:
    assert terms.contract.right is Right.PUT
    cushion = 1 - metrics.breakeven / metrics.underlying_price
    return (
        f"Break-even {price_text(metrics.breakeven)}, {cushion:.1%} below "
        f"{terms.contract.symbol} at {price_text(metrics.underlying_price)}."
    )


def _market(metrics: OpportunityMetrics, scale: str = "mid") -> str:
    interest = "" if metrics.open_interest is None else f"; open interest {metrics.open_interest:,}"
    return (
        f"Bid {price_text(metrics.bid)}, ask {price_text(metrics.ask)}, a spread of "
        f"{metrics.spread_fraction:.1%} of {scale}{interest}."
    )


def _signed(delta: float | None) -> str:
    return "unknown" if delta is None else f"{delta:.2f}".replace("-", "−")


def _cents(price: Decimal) -> Decimal:
    return price.quantize(Decimal("0.01"))
