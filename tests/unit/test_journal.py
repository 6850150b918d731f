"""What contracts have earned, folded from executions and from what happened without them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from domain.instruments import Leg, OptionContract, Right, SecType, Side
from domain.journal import Mark, contract_results, value_at_expiry, worth_of
from domain.strategies.wheel_cycle import CycleEntry, CycleEntryKind

MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)
PUT, SHARES = 7001, 7002


def entry(
    day: int,
    quantity: int,
    cash: str,
    kind: CycleEntryKind = CycleEntryKind.TRADE,
    con_id: int = PUT,
) -> CycleEntry:
    return CycleEntry(
        at=MONDAY + timedelta(days=day),
        kind=kind,
        sec_type=SecType.OPTION if con_id == PUT else SecType.STOCK,
        con_id=con_id,
        quantity=Decimal(quantity),
        cash=Decimal(cash),
    )


def test_a_short_put_bought_back_in_parts_realises_each_part_against_its_mean_credit():
    (put,) = contract_results([entry(0, -2, "800"), entry(1, 1, "-250"), entry(2, 1, "-500")])
    assert [each.amount for each in put.realised] == [Decimal(150), Decimal(-100)]
    assert (put.quantity, put.cost, put.ended_at) == (0, 0, MONDAY + timedelta(days=2))
    assert put.realised_since(MONDAY + timedelta(days=2)) == Decimal(-100)


def test_what_expires_realises_its_premium_and_what_is_assigned_leaves_shares_at_the_strike():
    put, shares = contract_results(
        [
            entry(0, -1, "400"),
            entry(5, 1, "0", CycleEntryKind.GONE),
            entry(5, 100, "-64000", CycleEntryKind.DELIVERY, SHARES),
            entry(9, 0, "150", CycleEntryKind.DIVIDEND, SHARES),
        ]
    )
    assert put.realised_since(None) == Decimal(400)
    assert (shares.quantity, shares.cost) == (100, Decimal(64000))
    assert shares.realised_since(None) == Decimal(150)
    assert shares.unrealised(Decimal(63000)) == Decimal(-1000)
    assert shares.unrealised(None) is None


def test_a_trade_through_zero_ends_one_side_and_opens_the_other():
    (shares,) = contract_results(
        [entry(0, 100, "-1000", con_id=SHARES), entry(1, -150, "1800", con_id=SHARES)]
    )
    assert shares.realised_since(None) == Decimal(200)
    assert (shares.quantity, shares.cost) == (-50, Decimal(-600))


def test_a_split_changes_units_at_equal_cost():
    (shares,) = contract_results(
        [
            entry(0, 100, "-1000", con_id=SHARES),
            entry(1, 100, "0", CycleEntryKind.SPLIT, SHARES),
            entry(2, -100, "700", con_id=SHARES),
        ]
    )
    assert (shares.realised_since(None), shares.cost) == (Decimal(200), Decimal(500))


def test_a_change_of_unknown_cash_realises_nothing_and_is_told_as_incomplete():
    (put,) = contract_results([entry(0, -1, "400"), entry(5, 1, "0", CycleEntryKind.CORRECTION)])
    assert (put.complete, put.realised, put.cost, put.quantity) == (False, [], 0, 0)


def test_what_was_held_before_the_record_is_incomplete_at_its_known_cost_and_has_no_first_day():
    (shares,) = contract_results(
        [entry(1, -100, "1200", con_id=SHARES)], [entry(0, 100, "-1000", con_id=SHARES)]
    )
    assert (shares.complete, shares.realised_since(None)) == (False, Decimal(200))
    assert shares.opened_at is None


def test_legs_are_worth_their_marks_and_nothing_is_guessed_for_one_without():
    def option(strike: int, con_id: int) -> OptionContract:
        return OptionContract(
            symbol="SPY",
            trading_class="SPY",
            expiry=date(2026, 12, 18),
            strike=Decimal(strike),
            right=Right.PUT,
            multiplier=Decimal(100),
            con_id=con_id,
        )

    legs = [
        Leg(contract=option(640, 1), side=Side.SELL),
        Leg(contract=option(630, 2), side=Side.BUY),
    ]
    marks = {
        1: Mark(price=Decimal(5), at=MONDAY, is_final=False),
        2: Mark(price=Decimal(3), at=MONDAY, is_final=False),
    }
    assert worth_of(legs, Decimal(2), marks) == Decimal(-400)
    assert worth_of(legs, Decimal(2), {1: marks[1]}) is None
    assert value_at_expiry(legs[0].contract, Decimal("632.5")) == Decimal("7.5")
    assert value_at_expiry(legs[0].contract, Decimal(700)) == 0
