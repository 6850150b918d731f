"""Controls on permission, size and what the account can bear."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from domain.errors import ErrorCode
from domain.instruments import Right, Side, plain
from domain.packages import assignment_change
from domain.portfolio import ZERO, AccountState
from domain.recommendations import RuleResult
from domain.risk.limits import TradingState
from domain.risk.pretrade_inputs import PretradeInputs, exempt, judged
from domain.risk.state import ratio

# --- identity and permission ---------------------------------------------------------------


def account_matches(inputs: PretradeInputs) -> RuleResult:
    """Terms, account and risk must speak of one account, in one currency.

    Adding amounts of different currencies would make every later limit meaningless.
    """
    wanted = f"{inputs.trade.terms.account_code} {inputs.contract.currency}"
    if inputs.account is None or inputs.risk is None:
        return judged("account_known", None, wanted, False, ErrorCode.ACCOUNT_STALE)
    codes = {inputs.account.account_code, inputs.risk.account_code}
    found = f"{'/'.join(sorted(codes))} {inputs.account.values.currency}"
    return judged("account_known", found, wanted, found == wanted, ErrorCode.DATA_INVALID)


def trading_state_allows(inputs: PretradeInputs) -> RuleResult:
    state = inputs.trading_state
    passed = state is TradingState.ACTIVE or inputs.reduces_risk
    halted = state is TradingState.HALTED
    code = ErrorCode.TRADING_HALTED if halted else ErrorCode.TRADING_REDUCING
    threshold = "ACTIVE, or a close that reduces risk"
    return judged("trading_state", state.value, threshold, passed, code)


def close_covered(inputs: PretradeInputs) -> RuleResult:
    """A close of what is not held would open a position nobody approved."""
    closing = inputs.closing_legs
    if not closing:
        return judged("close_covered", "opening trade", "held", True, ErrorCode.OUTSIDE_TERMS)
    value = None
    if inputs.account is not None:
        value = ", ".join(plain(inputs.account.held(leg.contract.key)) for leg in closing)
    wanted = ", ".join(str(inputs.contracts(leg)) for leg in closing)
    passed = all(inputs.is_held(leg) for leg in closing)
    threshold = f"at least {wanted} held the other way"
    return judged("close_covered", value, threshold, passed, ErrorCode.OUTSIDE_TERMS)


def quantity_within_approval(inputs: PretradeInputs) -> RuleResult:
    approved = inputs.trade.quantity
    passed = inputs.quantity <= approved
    return judged(
        "approved_quantity", inputs.quantity, f"≤ {approved}", passed, ErrorCode.OUTSIDE_TERMS
    )


def no_other_order(inputs: PretradeInputs) -> RuleResult:
    keys = inputs.open_order_keys
    value = ", ".join(keys) or "none"
    return judged("no_other_order", value, "none", not keys, ErrorCode.DUPLICATE_ORDER)


# --- size and account ----------------------------------------------------------------------


def within_max_contracts(inputs: PretradeInputs) -> RuleResult:
    """Of a package, the contracts of all legs that open something."""
    if inputs.reduces_risk:
        return exempt("max_contracts", inputs.quantity)
    opened = sum(inputs.contracts(leg) for leg in inputs.opening_legs)
    limit = inputs.limits.max_contracts
    passed = opened <= limit
    return judged("max_contracts", opened, f"≤ {limit}", passed, ErrorCode.QUANTITY_LIMIT)


def within_max_notional(inputs: PretradeInputs) -> RuleResult:
    if inputs.reduces_risk:
        return exempt("max_notional", inputs.notional)
    limit = inputs.limits.max_notional
    passed = inputs.notional <= limit
    threshold = f"≤ {plain(limit)}"
    return judged("max_notional", inputs.notional, threshold, passed, ErrorCode.NOTIONAL_LIMIT)


def account_fresh(inputs: PretradeInputs) -> RuleResult:
    limit = inputs.limits.max_account_age_seconds
    if inputs.account is None:
        return judged("account_age", None, f"≤ {limit} s", False, ErrorCode.ACCOUNT_STALE)
    age = inputs.market_now - inputs.account.as_of
    passed = abs(age) <= timedelta(seconds=limit)
    value = f"{age.total_seconds():.0f} s"
    return judged("account_age", value, f"≤ {limit} s", passed, ErrorCode.ACCOUNT_STALE)


def position_covered(inputs: PretradeInputs) -> RuleResult:
    """Every short put secured by cash, every short call by shares, this order included.

    A long leg of the same order covers nothing: it may be sold or expire before the short one.
    """
    sold = {leg.contract.right for leg in inputs.opening_legs if leg.side is Side.SELL}
    if not sold or inputs.reduces_risk or not inputs.limits.require_covered:
        return judged("covered", "not required", "any", True, ErrorCode.ASSIGNMENT_CASH)
    if inputs.account is None:
        return judged("covered", None, "cash or shares", False, ErrorCode.ACCOUNT_STALE)
    results = [_secured_by(right)(inputs, inputs.account) for right in Right if right in sold]
    return next((result for result in results if not result.passed), results[0])


def _secured_by(right: Right) -> Callable[[PretradeInputs, AccountState], RuleResult]:
    return _cash_secured if right is Right.PUT else _share_covered


def _cash_secured(inputs: PretradeInputs, account: AccountState) -> RuleResult:
    """Cash-settled puts count in full too: a secured account can pay whatever they cost.

    A roll that asks for no more cash than it gives back passes even where cash is short already.
    """
    terms = inputs.trade.terms
    change = assignment_change(inputs.legs, inputs.quantity, is_roll=terms.is_roll)
    held = account.assignment_cash + account.cash_settled_put_notional
    needed = held + inputs.committed_assignment_cash + change
    passed = needed <= account.values.cash or (terms.is_roll and change <= 0)
    threshold = f"≤ cash {plain(account.values.cash)}"
    return judged("covered", needed, threshold, passed, ErrorCode.ASSIGNMENT_CASH)


def _share_covered(inputs: PretradeInputs, account: AccountState) -> RuleResult:
    terms = inputs.trade.terms
    symbol = inputs.contract.symbol
    needed = sum(
        (abs(p.quantity) * p.multiplier for p in account.on(symbol) if p.is_short_call), ZERO
    )
    for leg in terms.legs_of(Right.CALL):
        if leg.side is Side.SELL or terms.is_roll:
            needed -= leg.side.sign * leg.contract.multiplier * inputs.contracts(leg)
    shares = account.shares(symbol)
    threshold = f"≤ {plain(shares)} shares"
    return judged("covered", needed, threshold, needed <= shares, ErrorCode.QUANTITY_LIMIT)


def pm_usage_now(inputs: PretradeInputs) -> RuleResult:
    """An account already past the limit is refused before the broker is even asked."""
    usage = inputs.risk.pm_usage if inputs.risk else None
    return _usage_result(inputs, "pm_usage_now", usage, ErrorCode.ACCOUNT_STALE)


def _usage_result(
    inputs: PretradeInputs, rule: str, usage: Decimal | None, missing: ErrorCode
) -> RuleResult:
    if inputs.reduces_risk:
        return exempt(rule, usage)
    limit = inputs.limits.max_pm_usage
    code = missing if usage is None else ErrorCode.PM_USAGE_LIMIT
    passed = usage is not None and usage <= limit
    return judged(rule, usage, f"≤ {plain(limit)}", passed, code)


# --- the broker's margin preview -----------------------------------------------------------


def buying_power_left(inputs: PretradeInputs) -> RuleResult:
    preview = inputs.what_if
    left = preview.equity_with_loan_after - preview.init_margin_after if preview else None
    if inputs.reduces_risk:
        return exempt("buying_power", left)
    limit = inputs.limits.min_available_funds
    code = ErrorCode.WHAT_IF_FAILED if left is None else ErrorCode.BUYING_POWER
    passed = left is not None and left >= limit
    return judged("buying_power", left, f"≥ {plain(limit)} left", passed, code)


def pm_usage_after(inputs: PretradeInputs) -> RuleResult:
    preview = inputs.what_if
    if preview is None:
        return _usage_result(inputs, "pm_usage_after", None, ErrorCode.WHAT_IF_FAILED)
    usage = ratio(preview.maint_margin_after, preview.equity_with_loan_after)
    return _usage_result(inputs, "pm_usage_after", usage, ErrorCode.PM_USAGE_LIMIT)
