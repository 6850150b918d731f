"""The controls between an approval and an order: each one small, all of them always evaluated.

A control answers with a RuleResult. What it cannot see, it refuses: a missing quote, account or
margin preview is a denial, never a guess. Closes proven to reduce risk are exempt from limits on
size, pace and margin and from a stop of trading, because refusing them would keep the risk on;
the rules of the market bind them like any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from domain.recommendations import RuleResult
from domain.risk.account_controls import (
    account_fresh,
    buying_power_left,
    pm_usage_after,
    pm_usage_now,
    position_covered,
)
from domain.risk.answers import Answer
from domain.risk.exposure_controls import (
    concentration_after,
    delta_after,
    position_after,
    vega_after,
    within_max_contracts,
    within_max_loss,
    within_max_notional,
)
from domain.risk.market_controls import (
    before_expiry_cutoff,
    contract_not_expired,
    contract_unchanged,
    limit_on_increment,
    limit_within_approval,
    market_within_floor,
    multiplier_unchanged,
    not_halted,
    price_within_collar,
    quote_fresh,
    quote_live,
    quote_not_crossed,
    quote_two_sided,
    session_open,
    underlying_within_drift,
)
from domain.risk.pace_controls import (
    crosses_no_own_order,
    daily_loss,
    no_other_order,
    not_made_before,
    within_daily_notional,
    within_daily_orders,
    within_order_rate,
)
from domain.risk.permission_controls import (
    account_matches,
    close_covered,
    paper_or_live,
    quantity_within_approval,
    side_opens,
    strategy_permitted,
    symbol_unrestricted,
    terms_unchanged,
    trading_state_allows,
)
from domain.risk.pretrade_inputs import PretradeInputs, Stage

Control = Callable[[PretradeInputs], Answer]

PERMISSION_CONTROLS: tuple[Control, ...] = (
    terms_unchanged,
    account_matches,
    paper_or_live,
    trading_state_allows,
    strategy_permitted,
    symbol_unrestricted,
    close_covered,
    side_opens,
    quantity_within_approval,
    crosses_no_own_order,
    no_other_order,
    not_made_before,
)
MARKET_CONTROLS: tuple[Control, ...] = (
    session_open,
    contract_not_expired,
    before_expiry_cutoff,
    contract_unchanged,
    multiplier_unchanged,
    not_halted,
    quote_live,
    quote_two_sided,
    quote_not_crossed,
    quote_fresh,
    market_within_floor,
    underlying_within_drift,
    limit_on_increment,
    limit_within_approval,
    price_within_collar,
)
SIZE_CONTROLS: tuple[Control, ...] = (
    within_max_contracts,
    within_max_notional,
    within_order_rate,
    within_daily_orders,
    within_daily_notional,
)
ACCOUNT_CONTROLS: tuple[Control, ...] = (
    account_fresh,
    daily_loss,
    position_covered,
    within_max_loss,
    position_after,
    concentration_after,
    delta_after,
    vega_after,
    pm_usage_now,
)
BEFORE_PREVIEW_CONTROLS = PERMISSION_CONTROLS + MARKET_CONTROLS + SIZE_CONTROLS + ACCOUNT_CONTROLS
"""Controls that need no answer from the broker's margin engine."""

PREVIEW_CONTROLS: tuple[Control, ...] = (buying_power_left, pm_usage_after)
"""Controls on the broker's margin preview of exactly this order."""


def run_controls(inputs: PretradeInputs) -> tuple[RuleResult, ...]:
    """Every control's answer, in a stable order: permission, market, price, size, account.

    Margin controls are left out only in the BEFORE_PREVIEW stage while there is no preview.
    """
    return tuple(control(inputs).told() for control in _controls_of(inputs))


def run_preview_controls(inputs: PretradeInputs) -> tuple[RuleResult, ...]:
    """The answers that only the margin preview gives, where the others were given before it."""
    return tuple(control(inputs).told() for control in PREVIEW_CONTROLS)


def first_refusal(inputs: PretradeInputs) -> RuleResult | None:
    """``first_denial(run_controls(inputs))``, for who reads nothing else: no word is written of
    the controls that pass, and those after the first refusal are not asked."""
    return _first_of(_controls_of(inputs), inputs)


def first_preview_refusal(inputs: PretradeInputs) -> RuleResult | None:
    """``first_denial(run_preview_controls(inputs))``, likewise."""
    return _first_of(PREVIEW_CONTROLS, inputs)


def _controls_of(inputs: PretradeInputs) -> tuple[Control, ...]:
    if inputs.stage is Stage.FINAL or inputs.what_if is not None:
        return BEFORE_PREVIEW_CONTROLS + PREVIEW_CONTROLS
    return BEFORE_PREVIEW_CONTROLS


def _first_of(controls: Iterable[Control], inputs: PretradeInputs) -> RuleResult | None:
    for control in controls:
        answer = control(inputs)
        if not answer.passed:
            return answer.told()
    return None


def first_denial(results: Iterable[RuleResult]) -> RuleResult | None:
    """The first control that refused, in the controls' order; None when all passed."""
    return next((result for result in results if not result.passed), None)
