from __future__ import annotations

from decimal import Decimal

from domain.instruments import Right
from domain.risk.state import compute_risk_state
from tests.unit.trade_factories import account, contract, option_position, stock_position


def test_pm_usage_is_maintenance_margin_over_equity_with_loan():
    risk = compute_risk_state(account(maint_margin=Decimal(125_000), init_margin=Decimal(150_000)))
    assert risk.pm_usage == Decimal("0.25")
    assert risk.init_usage == Decimal("0.3")


def test_an_empty_account_has_a_complete_state():
    risk = compute_risk_state(account())
    assert risk.pm_usage == 0
    assert risk.positions_count == 0
    assert risk.largest_name is None
    assert risk.assignment_coverage is None
    assert risk.cash_shortfall == 0


def test_without_positive_equity_ratios_are_unknown_and_nothing_raises():
    for equity in (Decimal(0), Decimal(-5)):
        broke = account(
            stock_position(10), equity_with_loan=equity, net_liquidation=equity, cash=equity
        )
        risk = compute_risk_state(broke)
        assert risk.pm_usage is None
        assert risk.init_usage is None
        assert risk.largest_name is not None
        assert risk.largest_name.fraction is None


def test_coverage_is_cash_over_what_assignment_would_cost():
    risk = compute_risk_state(account(option_position(-2, contract()), cash=Decimal(64_000)))
    assert risk.assignment_cash == 128_000
    assert risk.assignment_coverage == Decimal("0.5")
    assert risk.cash_shortfall == 64_000


def test_concentration_is_a_fraction_of_net_liquidation_largest_first():
    risk = compute_risk_state(account(stock_position(100, "IWM"), option_position(-2, contract())))
    assert [(name.symbol, name.fraction) for name in risk.concentration] == [
        ("SPY", Decimal("0.256")),
        ("IWM", Decimal("0.13")),
    ]
    assert risk.largest_name is not None
    assert risk.largest_name.symbol == "SPY"


def test_counts_tell_puts_calls_and_options_apart():
    call = contract(right=Right.CALL, con_id=5)
    risk = compute_risk_state(
        account(stock_position(100), option_position(-2, contract()), option_position(-1, call))
    )
    assert (risk.positions_count, risk.options_count) == (3, 2)
    assert (risk.short_put_contracts, risk.short_call_contracts) == (2, 1)


def test_positions_without_a_market_value_are_named():
    risk = compute_risk_state(account(stock_position(1, market_value=None), stock_position(1, "A")))
    assert risk.unpriced_positions == ("STK:SPY:USD",)
