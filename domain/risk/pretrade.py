"""The controls between an approval and an order: each one small, all of them always evaluated.

A control answers with a RuleResult. What it cannot see, it refuses: a missing quote, account or
margin preview is a denial, never a guess. Closes proven to reduce risk are exempt from limits on
size and margin and from a halt, because refusing them would keep the risk on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime, Field

from domain.errors import ErrorCode
from domain.instruments import Frozen, OptionContract, Right, Side, plain
from domain.market import Quote, QuoteQuality
from domain.portfolio import ZERO, AccountState
from domain.recommendations import ApprovedTrade, RecommendationAction, RuleResult
from domain.risk.limits import Limits, TradingState
from domain.risk.state import RiskState, ratio

MISSING = "missing"


class Stage(StrEnum):
    """Whether the broker's margin preview is still to come or must be at hand."""

    BEFORE_PREVIEW = "BEFORE_PREVIEW"
    FINAL = "FINAL"


class MarginPreview(Frozen):
    """The broker's what-if for one order, in the account's currency."""

    init_margin_after: Decimal
    maint_margin_after: Decimal
    equity_with_loan_after: Decimal
    commission: Decimal | None = None


class PretradeInputs(Frozen):
    """Everything the controls look at. None means "not known" and denies where it matters.

    ``quantity`` and ``limit_price`` are those of the order about to be built, which may be less
    than the approval (a walk, a partial fill). ``account`` is the freshest reading;
    ``open_order_keys`` are other orders of ours on the same contract;
    ``committed_assignment_cash`` is what our other working short-put orders would need.
    """

    trade: ApprovedTrade
    quantity: int = Field(ge=1)
    limit_price: Decimal = Field(gt=0)
    quote: Quote | None
    account: AccountState | None
    risk: RiskState | None
    limits: Limits
    trading_state: TradingState
    market_now: AwareDatetime
    today: date = Field(description="exchange date at market_now")
    session_open: bool | None
    what_if: MarginPreview | None = None
    open_order_keys: tuple[str, ...] = ()
    committed_assignment_cash: Decimal = Field(default=ZERO, ge=0)
    stage: Stage = Stage.FINAL

    @property
    def contract(self) -> OptionContract:
        return self.trade.terms.contract

    @property
    def side(self) -> Side:
        return self.trade.terms.side

    @property
    def notional(self) -> Decimal:
        """What assignment of the whole order would move: strike × multiplier × contracts."""
        return self.contract.strike * self.contract.multiplier * self.quantity

    @property
    def reduces_risk(self) -> bool:
        """Whether this is a close of at most what the account is known to hold the other way."""
        if self.account is None or self.trade.terms.action is not RecommendationAction.CLOSE:
            return False
        held = self.account.held(self.contract.key)
        return held * self.side.sign < 0 and abs(held) >= self.quantity


def run_controls(inputs: PretradeInputs) -> tuple[RuleResult, ...]:
    """Every control's answer, in a stable order: identity, permission, market, price, account.

    Margin controls are left out only in the BEFORE_PREVIEW stage while there is no preview.
    """
    controls = BEFORE_PREVIEW_CONTROLS
    if inputs.stage is Stage.FINAL or inputs.what_if is not None:
        controls += PREVIEW_CONTROLS
    return tuple(control(inputs) for control in controls)


def first_denial(results: Iterable[RuleResult]) -> RuleResult | None:
    """The first control that refused, in the controls' order; None when all passed."""
    return next((result for result in results if not result.passed), None)


def _result(
    rule: str, value: object, threshold: object, passed: bool, code: ErrorCode
) -> RuleResult:
    return RuleResult(
        rule=rule,
        value=_text(value),
        threshold=_text(threshold),
        passed=passed,
        code=None if passed else code,
    )


def _text(value: object) -> str:
    if value is None:
        return MISSING
    return plain(value) if isinstance(value, Decimal) else str(value)


def _exempt(rule: str, value: object) -> RuleResult:
    """A limit that does not bind a close proven to reduce risk."""
    return RuleResult(rule=rule, value=_text(value), threshold="none: reduces risk", passed=True)


# --- identity and permission ---------------------------------------------------------------


def _account_matches(inputs: PretradeInputs) -> RuleResult:
    """Terms, account and risk must speak of one account, in one currency.

    Adding amounts of different currencies would make every later limit meaningless.
    """
    wanted = f"{inputs.trade.terms.account_code} {inputs.contract.currency}"
    if inputs.account is None or inputs.risk is None:
        return _result("account_known", None, wanted, False, ErrorCode.ACCOUNT_STALE)
    codes = {inputs.account.account_code, inputs.risk.account_code}
    found = f"{'/'.join(sorted(codes))} {inputs.account.values.currency}"
    return _result("account_known", found, wanted, found == wanted, ErrorCode.DATA_INVALID)


def _trading_state(inputs: PretradeInputs) -> RuleResult:
    state = inputs.trading_state
    passed = state is TradingState.ACTIVE or inputs.reduces_risk
    halted = state is TradingState.HALTED
    code = ErrorCode.TRADING_HALTED if halted else ErrorCode.TRADING_REDUCING
    threshold = "ACTIVE, or a close that reduces risk"
    return _result("trading_state", state.value, threshold, passed, code)


def _close_is_covered(inputs: PretradeInputs) -> RuleResult:
    """A close of what is not held would open a position nobody approved."""
    if inputs.trade.terms.action is not RecommendationAction.CLOSE:
        return _result("close_covered", "opening trade", "held", True, ErrorCode.OUTSIDE_TERMS)
    held = inputs.account.held(inputs.contract.key) if inputs.account else None
    threshold = f"at least {inputs.quantity} held the other way"
    return _result("close_covered", held, threshold, inputs.reduces_risk, ErrorCode.OUTSIDE_TERMS)


def _within_approval(inputs: PretradeInputs) -> RuleResult:
    approved = inputs.trade.quantity
    passed = inputs.quantity <= approved
    return _result(
        "approved_quantity", inputs.quantity, f"≤ {approved}", passed, ErrorCode.OUTSIDE_TERMS
    )


def _no_duplicate(inputs: PretradeInputs) -> RuleResult:
    keys = inputs.open_order_keys
    value = ", ".join(keys) or "none"
    return _result("no_other_order", value, "none", not keys, ErrorCode.DUPLICATE_ORDER)


# --- the market ----------------------------------------------------------------------------


def _session_open(inputs: PretradeInputs) -> RuleResult:
    passed = inputs.session_open is True
    value = None if inputs.session_open is None else ("open" if passed else "closed")
    return _result("session_open", value, "open", passed, ErrorCode.MARKET_CLOSED)


def _not_expired(inputs: PretradeInputs) -> RuleResult:
    expiry = inputs.contract.expiry
    passed = inputs.today <= expiry
    return _result("not_expired", inputs.today, f"≤ {expiry}", passed, ErrorCode.CONTRACT_EXPIRED)


QUALITY_CODES = {
    QuoteQuality.DELAYED: ErrorCode.QUOTE_DELAYED,
    QuoteQuality.FROZEN: ErrorCode.QUOTE_STALE,
}


def _quote_live(inputs: PretradeInputs) -> RuleResult:
    quality = inputs.quote.quality if inputs.quote else QuoteQuality.MISSING
    code = QUALITY_CODES.get(quality, ErrorCode.QUOTE_MISSING)
    passed = quality is QuoteQuality.LIVE
    return _result("quote_live", quality.value, QuoteQuality.LIVE.value, passed, code)


def _quote_two_sided(inputs: PretradeInputs) -> RuleResult:
    quote = inputs.quote
    value = f"{_text(quote.bid)} × {_text(quote.ask)}" if quote else None
    passed = quote is not None and quote.is_two_sided
    return _result("quote_two_sided", value, "bid and ask", passed, ErrorCode.QUOTE_MISSING)


def _quote_not_crossed(inputs: PretradeInputs) -> RuleResult:
    quote = inputs.quote
    if quote is None or quote.spread is None:
        return _result("quote_not_crossed", None, "bid ≤ ask", False, ErrorCode.QUOTE_MISSING)
    passed = not quote.is_crossed
    return _result("quote_not_crossed", quote.spread, "≥ 0", passed, ErrorCode.QUOTE_CROSSED)


def _quote_fresh(inputs: PretradeInputs) -> RuleResult:
    """A quote from the future is as suspect as an old one: one of two clocks is wrong."""
    limit = inputs.limits.max_quote_age_seconds
    if inputs.quote is None:
        return _result("quote_age", None, f"≤ {limit} s", False, ErrorCode.QUOTE_MISSING)
    age = inputs.quote.age(inputs.market_now)
    passed = abs(age) <= timedelta(seconds=limit)
    value = f"{age.total_seconds():.1f} s"
    return _result("quote_age", value, f"≤ {limit} s", passed, ErrorCode.QUOTE_STALE)


# --- the price -----------------------------------------------------------------------------


def _market_within_floor(inputs: PretradeInputs) -> RuleResult:
    """The market's middle must still be no worse than the floor that was offered.

    The offered floor counts, not a better limit the approver chose: their order may rest.
    """
    terms = inputs.trade.terms
    bound = f"{'≥' if inputs.side is Side.SELL else '≤'} {plain(terms.floor_price)}"
    mid = inputs.quote.mid if inputs.quote else None
    if mid is None:
        return _result("mid_within_floor", None, bound, False, ErrorCode.QUOTE_MISSING)
    passed = terms.is_no_worse(mid, terms.floor_price)
    return _result("mid_within_floor", mid, bound, passed, ErrorCode.PRICE_OUTSIDE_FLOOR)


def _underlying_within_drift(inputs: PretradeInputs) -> RuleResult:
    terms = inputs.trade.terms
    threshold = f"±{terms.max_drift:.2%} of {plain(terms.reference_underlying_price)}"
    now = inputs.quote.underlying_price if inputs.quote else None
    if now is None or now <= 0:
        return _result("underlying_drift", now, threshold, False, ErrorCode.QUOTE_MISSING)
    drift = now / terms.reference_underlying_price - 1
    passed = abs(drift) <= terms.max_drift
    value = f"{drift:+.2%} at {plain(now)}"
    return _result("underlying_drift", value, threshold, passed, ErrorCode.UNDERLYING_DRIFTED)


def _on_increment(inputs: PretradeInputs) -> RuleResult:
    increments = inputs.trade.terms.increments
    price = inputs.limit_price
    threshold = f"a multiple of {plain(increments.at(price))}"
    passed = increments.accepts(price)
    return _result("price_increment", price, threshold, passed, ErrorCode.PRICE_INCREMENT)


def _limit_within_approval(inputs: PretradeInputs) -> RuleResult:
    floor = inputs.trade.floor_price
    passed = inputs.trade.terms.is_no_worse(inputs.limit_price, floor)
    bound = f"{'≥' if inputs.side is Side.SELL else '≤'} {plain(floor)}"
    return _result("limit_within_floor", inputs.limit_price, bound, passed, ErrorCode.OUTSIDE_TERMS)


def _collar(inputs: PretradeInputs) -> RuleResult:
    """A limit far through the market gives money away; one far beyond it is a slip of the hand."""
    quote, limits = inputs.quote, inputs.limits
    mid = quote.mid if quote else None
    if quote is None or mid is None or quote.bid is None or quote.ask is None:
        return _result("price_collar", None, "near market", False, ErrorCode.QUOTE_MISSING)
    if inputs.side is Side.SELL:
        low, high = quote.bid * (1 - limits.collar_fraction), mid * limits.max_price_over_mid
    else:
        low, high = mid / limits.max_price_over_mid, quote.ask * (1 + limits.collar_fraction)
    passed = low <= inputs.limit_price <= high
    threshold = f"{low:.4f} … {high:.4f}"
    return _result(
        "price_collar", inputs.limit_price, threshold, passed, ErrorCode.PRICE_OUTSIDE_FLOOR
    )


# --- size and account ----------------------------------------------------------------------


def _max_contracts(inputs: PretradeInputs) -> RuleResult:
    if inputs.reduces_risk:
        return _exempt("max_contracts", inputs.quantity)
    limit = inputs.limits.max_contracts
    passed = inputs.quantity <= limit
    return _result("max_contracts", inputs.quantity, f"≤ {limit}", passed, ErrorCode.QUANTITY_LIMIT)


def _max_notional(inputs: PretradeInputs) -> RuleResult:
    if inputs.reduces_risk:
        return _exempt("max_notional", inputs.notional)
    limit = inputs.limits.max_notional
    passed = inputs.notional <= limit
    threshold = f"≤ {plain(limit)}"
    return _result("max_notional", inputs.notional, threshold, passed, ErrorCode.NOTIONAL_LIMIT)


def _account_fresh(inputs: PretradeInputs) -> RuleResult:
    limit = inputs.limits.max_account_age_seconds
    if inputs.account is None:
        return _result("account_age", None, f"≤ {limit} s", False, ErrorCode.ACCOUNT_STALE)
    age = inputs.market_now - inputs.account.as_of
    passed = abs(age) <= timedelta(seconds=limit)
    value = f"{age.total_seconds():.0f} s"
    return _result("account_age", value, f"≤ {limit} s", passed, ErrorCode.ACCOUNT_STALE)


def _covered(inputs: PretradeInputs) -> RuleResult:
    """Every short put secured by cash, every short call by shares, this order included."""
    opens_short = inputs.side is Side.SELL and not inputs.reduces_risk
    if not opens_short or not inputs.limits.require_covered:
        return _result("covered", "not required", "any", True, ErrorCode.ASSIGNMENT_CASH)
    if inputs.account is None:
        return _result("covered", None, "cash or shares", False, ErrorCode.ACCOUNT_STALE)
    if inputs.contract.right is Right.PUT:
        return _cash_secured(inputs, inputs.account)
    return _share_covered(inputs, inputs.account)


def _cash_secured(inputs: PretradeInputs, account: AccountState) -> RuleResult:
    """Cash-settled puts count in full too: a secured account can pay whatever they cost."""
    held = account.assignment_cash + account.cash_settled_put_notional
    needed = held + inputs.committed_assignment_cash + inputs.notional
    passed = needed <= account.values.cash
    threshold = f"≤ cash {plain(account.values.cash)}"
    return _result("covered", needed, threshold, passed, ErrorCode.ASSIGNMENT_CASH)


def _share_covered(inputs: PretradeInputs, account: AccountState) -> RuleResult:
    symbol = inputs.contract.symbol
    called = sum(
        (abs(p.quantity) * p.multiplier for p in account.on(symbol) if p.is_short_call), ZERO
    )
    needed = called + inputs.contract.multiplier * inputs.quantity
    shares = account.shares(symbol)
    threshold = f"≤ {plain(shares)} shares"
    return _result("covered", needed, threshold, needed <= shares, ErrorCode.QUANTITY_LIMIT)


def _pm_usage_now(inputs: PretradeInputs) -> RuleResult:
    """An account already past the limit is refused before the broker is even asked."""
    usage = inputs.risk.pm_usage if inputs.risk else None
    return _usage_result(inputs, "pm_usage_now", usage, ErrorCode.ACCOUNT_STALE)


def _usage_result(
    inputs: PretradeInputs, rule: str, usage: Decimal | None, missing: ErrorCode
) -> RuleResult:
    if inputs.reduces_risk:
        return _exempt(rule, usage)
    limit = inputs.limits.max_pm_usage
    code = missing if usage is None else ErrorCode.PM_USAGE_LIMIT
    passed = usage is not None and usage <= limit
    return _result(rule, usage, f"≤ {plain(limit)}", passed, code)


# --- the broker's margin preview -----------------------------------------------------------


def _buying_power(inputs: PretradeInputs) -> RuleResult:
    preview = inputs.what_if
    left = preview.equity_with_loan_after - preview.init_margin_after if preview else None
    if inputs.reduces_risk:
        return _exempt("buying_power", left)
    limit = inputs.limits.min_available_funds
    code = ErrorCode.WHAT_IF_FAILED if left is None else ErrorCode.BUYING_POWER
    passed = left is not None and left >= limit
    return _result("buying_power", left, f"≥ {plain(limit)} left", passed, code)


def _pm_usage_after(inputs: PretradeInputs) -> RuleResult:
    preview = inputs.what_if
    if preview is None:
        return _usage_result(inputs, "pm_usage_after", None, ErrorCode.WHAT_IF_FAILED)
    usage = ratio(preview.maint_margin_after, preview.equity_with_loan_after)
    return _usage_result(inputs, "pm_usage_after", usage, ErrorCode.PM_USAGE_LIMIT)


Control = Callable[[PretradeInputs], RuleResult]

BEFORE_PREVIEW_CONTROLS: tuple[Control, ...] = (
    _account_matches,
    _trading_state,
    _close_is_covered,
    _within_approval,
    _no_duplicate,
    _session_open,
    _not_expired,
    _quote_live,
    _quote_two_sided,
    _quote_not_crossed,
    _quote_fresh,
    _market_within_floor,
    _underlying_within_drift,
    _on_increment,
    _limit_within_approval,
    _collar,
    _max_contracts,
    _max_notional,
    _account_fresh,
    _covered,
    _pm_usage_now,
)
"""Controls that need no answer from the broker's margin engine."""

PREVIEW_CONTROLS: tuple[Control, ...] = (_buying_power, _pm_usage_after)
"""Controls on the broker's margin preview of exactly this order."""
