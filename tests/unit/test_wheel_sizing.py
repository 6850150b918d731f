"""How many puts the Wheel offers, and on how many names."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.risk.limits import Limits
from tests.unit.test_wheel import cheap_chain, config, run
from tests.unit.trade_factories import (
    account,
    chain,
    contract,
    option_position,
    row,
    stock_position,
)


def test_one_put_per_name_the_best_by_score():
    better = row(con_id=1002, strike=645.0, bid=5.1, ask=5.2, delta=-0.27)
    result = run(chain(row(), better))
    assert [proposal.terms.contract.con_id for proposal in result.proposals] == [1002]
    assert [(each.rank, each.recommended) for each in result.opportunities] == [
        (1, True),
        (2, False),
    ]
    assert result.opportunities[1].why_not == "A better SPY put is proposed."
    assert result.opportunities[0].score > result.opportunities[1].score


def test_the_number_of_new_trades_is_limited_across_names():
    names = [cheap_chain(symbol, con_id) for con_id, symbol in enumerate(["AA", "BB", "CC"], 1)]
    result = run(*names, config=config(universe=("AA", "BB", "CC"), max_new_trades=2))
    assert len(result.proposals) == 2
    assert "limit of 2 new trades" in result.opportunities[2].why_not


def test_contracts_are_sized_by_capital_per_name():
    state = account(net_liquidation=Decimal(79_999), cash=Decimal(500_000))
    result = run(cheap_chain("AA", 1), state=state)
    assert result.proposals[0].terms.quantity == 3


@pytest.mark.parametrize(
    ("limit", "contracts"),
    [({"max_contracts": 2}, 2), ({"max_notional": "15000"}, 3), ({"max_loss": "9000"}, 1)],
)
def test_no_more_is_offered_than_the_accounts_limits_let_an_order_have(
    limit: dict[str, Any], contracts: int
):
    """More would be refused after its approval."""
    limits = Limits.model_validate(limit)
    assert run(cheap_chain("AA", 1)).proposals[0].terms.quantity > contracts
    result = run(cheap_chain("AA", 1), limits=limits)
    assert result.proposals[0].terms.quantity == contracts


def test_a_put_too_large_for_an_order_is_not_offered_and_the_limit_is_named():
    result = run(cheap_chain("AA", 1), limits=Limits(max_notional=Decimal(4_000)))
    assert result.proposals == ()
    assert "an order may have 4,000 (max_notional)" in result.opportunities[0].why_not


def test_exposure_already_held_counts_against_the_name():
    state = account(
        stock_position(1, "AA", market_value=Decimal(15_000)), net_liquidation=Decimal(100_000)
    )
    assert run(cheap_chain("AA", 1), state=state).proposals[0].terms.quantity == 2


def test_contracts_are_sized_by_free_cash():
    state = account(cash=Decimal(14_999))
    assert run(cheap_chain("AA", 1), state=state).proposals[0].terms.quantity == 2


def test_cash_called_for_by_other_puts_is_not_free():
    held = option_position(-1, contract(symbol="IWM", trading_class="IWM", strike=Decimal(200)))
    state = account(held, cash=Decimal(29_999))
    result = run(cheap_chain("AA", 1), state=state, committed_cash=Decimal(5_000))
    assert result.proposals == ()
    assert "4,999 of cash is free" in result.opportunities[0].why_not


def test_cash_spent_on_the_first_proposal_is_gone_for_the_second():
    names = [cheap_chain("AA", 1), cheap_chain("BB", 2)]
    result = run(*names, state=account(cash=Decimal(29_999)))
    assert [proposal.terms.quantity for proposal in result.proposals] == [5]
    assert "4,999 of cash is free" in result.opportunities[1].why_not


def test_all_proposals_together_are_secured_by_cash():
    names = [cheap_chain(symbol, con_id) for con_id, symbol in enumerate(["AA", "BB", "CC"], 1)]
    result = run(*names, state=account(cash=Decimal(42_000)))
    needed = sum(
        proposal.terms.contract.strike * 100 * proposal.terms.quantity
        for proposal in result.proposals
    )
    assert 0 < needed <= 42_000
