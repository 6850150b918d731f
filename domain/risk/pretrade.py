"""The controls between an approval and an order: each one small, all of them always evaluated.

A control answers with a RuleResult. What it cannot see, it refuses: a missing quote, account or
margin preview is a denial, never a guess. Closes proven to reduce risk are exempt from limits on
size and margin and from a halt, because refusing them would keep the risk on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from domain.recommendations import RuleResult
from domain.risk.account_controls import (
    account_fresh,
    account_matches,
    buying_power_left,
    close_covered,
    no_other_order,
    pm_usage_after,
    pm_usage_now,
    position_covered,
    quantity_within_approval,
    trading_state_allows,
    within_max_contracts,
    within_max_notional,
)
from domain.risk.market_controls import (
    contract_not_expired,
    limit_on_increment,
    limit_within_approval,
    market_within_floor,
    price_within_collar,
    quote_fresh,
    quote_live,
    quote_not_crossed,
    quote_two_sided,
    session_open,
    underlying_within_drift,
)
from domain.risk.pretrade_inputs import PretradeInputs, Stage

Control = Callable[[PretradeInputs], RuleResult]

BEFORE_PREVIEW_CONTROLS: tuple[Control, ...] = (
    account_matches,
    trading_state_allows,
    close_covered,
    quantity_within_approval,
    no_other_order,
    session_open,
    contract_not_expired,
    quote_live,
    quote_two_sided,
    quote_not_crossed,
    quote_fresh,
    market_within_floor,
    underlying_within_drift,
    limit_on_increment,
    limit_within_approval,
    price_within_collar,
    within_max_contracts,
    within_max_notional,
    account_fresh,
    position_covered,
    pm_usage_now,
)
"""Controls that need no answer from the broker's margin engine."""

PREVIEW_CONTROLS: tuple[Control, ...] = (buying_power_left, pm_usage_after)
"""Controls on the broker's margin preview of exactly this order."""


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
