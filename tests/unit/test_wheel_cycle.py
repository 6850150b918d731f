"""Turns of the wheel folded from what happened: premiums, what shares cost, what was earned."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instruments import SecType
from domain.strategies.wheel_cycle import (
    CycleEntry,
    CycleEntryKind,
    WheelCycle,
    fold_cycles,
    open_cycle,
)
from tests.unit.trade_factories import NOW

PUT, CALL, NEXT, SHARES = 1, 2, 3, 9


def option(day: int, con_id: int, quantity: int, cash: object = 0, *, traded: bool = True):
    return CycleEntry(
        at=NOW + timedelta(days=day),
        kind=CycleEntryKind.TRADE if traded else CycleEntryKind.GONE,
        sec_type=SecType.OPTION,
        con_id=con_id,
        quantity=Decimal(quantity),
        cash=Decimal(str(cash)),
    )


def shares(day: int, quantity: int, cash: object, kind: CycleEntryKind = CycleEntryKind.DELIVERY):
    return CycleEntry(
        at=NOW + timedelta(days=day),
        kind=kind,
        sec_type=SecType.STOCK,
        con_id=SHARES,
        quantity=Decimal(quantity),
        cash=Decimal(str(cash)),
    )


WHOLE_TURN = (
    option(0, PUT, -1, 400),
    option(28, PUT, 1, traded=False),
    shares(28, 100, -64_000),
    shares(40, 0, 150, CycleEntryKind.DIVIDEND),
    option(41, CALL, -1, 300),
    option(70, CALL, 1, traded=False),
    shares(70, -100, 65_000),
)


def test_a_whole_turn_from_put_to_called_away_is_one_finished_cycle():
    (cycle,) = fold_cycles("SPY", WHOLE_TURN)
    assert not cycle.is_open
    assert (cycle.premium, cycle.dividends, cycle.realised) == (700, 150, 1000)
    assert cycle.result == sum(entry.cash for entry in WHOLE_TURN) == 1850
    assert cycle.assignments == 2
    assert cycle.complete


def test_premiums_and_dividends_lower_what_assigned_shares_have_cost():
    (cycle,) = fold_cycles("SPY", WHOLE_TURN[:5])
    assert cycle.is_open
    assert cycle.adjusted_basis == (Decimal(64_000) - 400 - 300 - 150) / 100


def test_a_new_turn_starts_afresh_after_the_shares_are_called_away():
    cycles = fold_cycles("SPY", (*WHOLE_TURN, option(71, NEXT, -1, 500)))
    assert [cycle.is_open for cycle in cycles] == [False, True]
    assert open_cycle(cycles) == cycles[1]
    assert cycles[1].premium == 500
    assert open_cycle(cycles[:1]) is None


def test_a_dividend_paid_after_the_shares_are_gone_belongs_to_their_cycle():
    (cycle,) = fold_cycles("SPY", (*WHOLE_TURN, shares(90, 0, 60, CycleEntryKind.DIVIDEND)))
    assert cycle.dividends == 210


def test_a_put_that_expires_ends_its_cycle_with_its_premium():
    (cycle,) = fold_cycles("SPY", (option(0, PUT, -1, 400), option(28, PUT, 1, traded=False)))
    assert (cycle.is_open, cycle.result) == (False, 400)


def test_a_roll_goes_on_with_the_cycle_and_marks_its_high_water():
    entries = (option(0, PUT, -1, 400), option(20, PUT, 1, -700), option(20, NEXT, -1, 650))
    (cycle,) = fold_cycles("SPY", entries)
    assert cycle.is_open
    assert (cycle.rolls, cycle.premium, cycle.premium_high) == (1, 350, 400)


def test_shares_sold_in_part_keep_the_cost_of_the_rest():
    entries = (shares(0, 200, -20_000), shares(5, -100, 10_500))
    (cycle,) = fold_cycles("SPY", entries)
    assert (cycle.shares, cycle.share_cost, cycle.realised) == (100, 10_000, 500)
    assert cycle.adjusted_basis == Decimal(95)


def test_a_split_changes_the_shares_and_not_what_they_cost():
    (cycle,) = fold_cycles(
        "SPY", (shares(0, 100, -64_000), shares(1, 100, 0, CycleEntryKind.SPLIT))
    )
    assert cycle.adjusted_basis == 320


@pytest.mark.parametrize("opening", [True, False])
def test_what_is_not_known_to_the_cent_is_marked(opening: bool):
    unknown = shares(0, 100, -60_000, CycleEntryKind.TRADE)
    if opening:
        (cycle,) = fold_cycles("SPY", (option(1, CALL, -1, 300),), opening=(unknown,))
        assert (cycle.shares, cycle.started_at) == (100, None)
    else:
        accepted = shares(2, 100, 0, CycleEntryKind.CORRECTION)
        (cycle,) = fold_cycles("SPY", (unknown, accepted))
    assert not cycle.complete


def test_nothing_traded_is_no_cycle():
    assert fold_cycles("SPY", ()) == ()


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 3), st.sampled_from([-2, -1, 1, 2])),
        max_size=12,
    )
)
def test_whatever_was_traded_every_cent_of_it_is_in_one_cycle(steps: list[tuple[int, int, int]]):
    entries = [option(day, con_id, count, -100 * count) for day, con_id, count in steps]
    cycles: tuple[WheelCycle, ...] = fold_cycles("SPY", entries)
    assert sum(cycle.premium for cycle in cycles) == sum(entry.cash for entry in entries)
    assert all(not cycle.is_open for cycle in cycles[:-1])
