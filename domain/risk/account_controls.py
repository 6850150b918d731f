"""Controls on what the account can bear: fresh figures, cover, margin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from domain.errors import ErrorCode
from domain.instruments import Right, Side, plain
from domain.packages import assignment_change
from domain.portfolio import ZERO, AccountState
from domain.risk.answers import Answer, at_most, at_most_seconds, exempt, judged
from domain.risk.pretrade_inputs import PretradeInputs
from domain.risk.ratios import ratio


def account_fresh(inputs: PretradeInputs) -> Answer:
    limit = inputs.limits.max_account_age_seconds
    threshold = at_most_seconds(limit)
    if inputs.account is None:
        return judged("account_age", None, threshold, False, ErrorCode.ACCOUNT_STALE)
    age = inputs.market_now - inputs.account.as_of
    return judged(
        "account_age",
        lambda: f"{age.total_seconds():.0f} s",
        threshold,
        abs(age) <= timedelta(seconds=limit),
        ErrorCode.ACCOUNT_STALE,
    )


def position_covered(inputs: PretradeInputs) -> Answer:
    """Every short put secured by cash, every short call by shares, this order included.

    A long put of the same order is cover where both settle in cash at one price and instant; any
    other long leg may be sold, expire or be exercised apart from the short one and covers nothing.
    """
    sold = {leg.contract.right for leg in inputs.opening_legs if leg.side is Side.SELL}
    if not sold or inputs.reduces_risk or not inputs.limits.require_covered:
        return judged("covered", "not required", "any", True, ErrorCode.ASSIGNMENT_CASH)
    if inputs.account is None:
        return judged("covered", None, "cash or shares", False, ErrorCode.ACCOUNT_STALE)
    results = [_secured_by(right)(inputs, inputs.account) for right in Right if right in sold]
    return next((result for result in results if not result.passed), results[0])


def _secured_by(right: Right) -> Callable[[PretradeInputs, AccountState], Answer]:
    return _cash_secured if right is Right.PUT else _share_covered


def _cash_secured(inputs: PretradeInputs, account: AccountState) -> Answer:
    """Cash-settled puts count in full too, a spread of them at its width: a secured account can
    pay whatever they cost.

    A roll that asks for no more cash than it gives back passes even where cash is short already.
    """
    terms = inputs.trade.terms
    proven = [leg for leg in inputs.legs if leg not in inputs.opening_legs]
    change = assignment_change(inputs.legs, inputs.quantity, closing=proven)
    held = account.assignment_cash + account.cash_settled_put_notional
    needed = held + inputs.committed_assignment_cash + change
    passed = needed <= account.values.cash or (terms.is_roll and change <= 0)
    return judged(
        "covered",
        needed,
        lambda: f"≤ {plain(account.values.cash)} in cash",
        passed,
        ErrorCode.ASSIGNMENT_CASH,
    )


def _share_covered(inputs: PretradeInputs, account: AccountState) -> Answer:
    terms = inputs.trade.terms
    symbol = inputs.contract.symbol
    needed = sum(
        (abs(p.quantity) * p.multiplier for p in account.on(symbol) if p.is_short_call), ZERO
    )
    for leg in terms.legs_of(Right.CALL):
        if leg.side is Side.SELL or terms.is_roll:
            needed -= leg.side.sign * leg.contract.multiplier * inputs.contracts(leg)
    shares = account.shares(symbol)
    return judged(
        "covered",
        needed,
        lambda: f"≤ {plain(shares)} shares",
        needed <= shares,
        ErrorCode.NOT_COVERED,
    )


def pm_usage_now(inputs: PretradeInputs) -> Answer:
    """An account already past the limit is refused before the broker is even asked."""
    usage = inputs.risk.pm_usage if inputs.risk else None
    return _usage_result(inputs, "pm_usage_now", usage, ErrorCode.ACCOUNT_STALE)


def _usage_result(
    inputs: PretradeInputs, rule: str, usage: Decimal | None, missing: ErrorCode
) -> Answer:
    if inputs.reduces_risk:
        return exempt(rule, usage)
    limit = inputs.limits.max_pm_usage
    code = missing if usage is None else ErrorCode.PM_USAGE_LIMIT
    passed = usage is not None and usage <= limit
    return judged(rule, usage, at_most(limit), passed, code)


# --- the broker's margin preview -----------------------------------------------------------


def buying_power_left(inputs: PretradeInputs) -> Answer:
    preview = inputs.what_if
    left = preview.equity_with_loan_after - preview.init_margin_after if preview else None
    if inputs.reduces_risk:
        return exempt("buying_power", left)
    limit = inputs.limits.min_available_funds
    code = ErrorCode.WHAT_IF_FAILED if left is None else ErrorCode.BUYING_POWER
    passed = left is not None and left >= limit
    value = left if left is not None or not inputs.what_if_refusal else inputs.what_if_refusal
    return judged("buying_power", value, lambda: f"≥ {plain(limit)} left", passed, code)


def pm_usage_after(inputs: PretradeInputs) -> Answer:
    preview = inputs.what_if
    if preview is None:
        return _usage_result(inputs, "pm_usage_after", None, ErrorCode.WHAT_IF_FAILED)
    usage = ratio(preview.maint_margin_after, preview.equity_with_loan_after)
    return _usage_result(inputs, "pm_usage_after", usage, ErrorCode.PM_USAGE_LIMIT)
