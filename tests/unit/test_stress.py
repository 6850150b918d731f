from __future__ import annotations

import numpy as np
import pytest

from domain.pricing import american, european
from domain.risk.stress import OptionBook, StressGrid, stress_options

GRID = StressGrid(spot_moves=(-0.3, -0.15, -0.08, 0.0, 0.06, 0.15), vol_shifts=(-0.25, 0.0, 0.5))


def book(**columns: object) -> OptionBook:
    """Two short European puts and a long call on one underlying, but for what is given."""
    rows = len(np.atleast_1d(np.asarray(columns.get("quantity", [0, 0, 0]))))
    fields: dict[str, object] = {
        "quantity": 1.0 if rows > 3 else [-2.0, -1.0, 3.0][:rows],
        "multiplier": 100.0,
        "spot": 100.0,
        "strike": 100.0 if rows > 3 else [95.0, 100.0, 110.0][:rows],
        "years": 0.2,
        "vol": 0.25,
        "rate": 0.04,
        "dividend_yield": 0.01,
        "is_call": False if rows > 3 else [False, False, True][:rows],
        "is_american": False,
        "underlying": 0,
        **columns,
    }
    kinds = {"is_call": np.bool_, "is_american": np.bool_, "underlying": np.int64}
    return OptionBook(
        **{
            name: np.array(np.broadcast_to(np.asarray(value, kinds.get(name, np.float64)), rows))
            for name, value in fields.items()
        }
    )


def test_every_cell_is_the_sum_of_the_positions_revalued_one_by_one():
    positions = book(underlying=[0, 1, 1])
    result = stress_options(positions, GRID, underlyings=2)
    expected = np.zeros((2, 6, 3))
    for row in range(3):
        p = OptionBook(*(column[row] for column in positions))
        terms = (p.strike, p.years, p.rate, p.dividend_yield)
        now = european.price(p.spot, *terms, p.vol, p.is_call)
        for i, move in enumerate(GRID.spot_moves):
            for j, shift in enumerate(GRID.vol_shifts):
                then = european.price(p.spot * (1 + move), *terms, p.vol * (1 + shift), p.is_call)
                expected[p.underlying, i, j] += p.quantity * p.multiplier * (then - now)
    np.testing.assert_allclose(result.pnl, expected, atol=1e-7)
    np.testing.assert_allclose(result.total, expected.sum(axis=0), atol=1e-7)


def test_nothing_moves_and_nothing_is_lost():
    result = stress_options(book(is_american=True), GRID, underlyings=1)
    assert result.total[3, 1] == 0


def test_american_positions_move_as_their_exact_values_do():
    rng = np.random.default_rng(5)
    rows = 300
    positions = book(
        quantity=np.ones(rows),
        multiplier=1.0,
        strike=100 * np.exp(rng.normal(0, 0.15, rows)),
        years=rng.uniform(0.01, 1.5, rows),
        vol=rng.uniform(0.12, 0.8, rows),
        rate=rng.uniform(0.0, 0.06, rows),
        dividend_yield=rng.uniform(0.0, 0.05, rows),
        is_call=rng.random(rows) < 0.5,
        is_american=True,
        underlying=np.arange(rows),
    )
    p = OptionBook(*(column[:, None, None] for column in positions))
    spots = p.spot * (1 + np.array(GRID.spot_moves)[:, None])
    terms = (p.strike, p.years, p.rate, p.dividend_yield)
    then = american.value(spots, *terms, p.vol * (1 + np.array(GRID.vol_shifts)), p.is_call)[0]
    now = american.value(p.spot, *terms, p.vol, p.is_call)[0]
    error = np.abs(stress_options(positions, GRID, rows).pnl - (then - now)) / p.strike
    assert error.max() < 4e-3
    assert np.sqrt((error**2).mean()) < 6e-4


def test_a_shift_stops_at_the_floor_and_a_lower_volatility_stays():
    floored = StressGrid(spot_moves=(0.0,), vol_shifts=(-0.9,), vol_floor=0.2)
    at_floor = StressGrid(spot_moves=(0.0,), vol_shifts=(-0.2,), vol_floor=0.0)
    assert stress_options(book(), floored, 1).total == pytest.approx(
        stress_options(book(), at_floor, 1).total
    )
    assert stress_options(book(vol=0.1), floored, 1).total == pytest.approx(0)


def test_an_american_option_is_worth_at_least_its_exercise_after_the_fall():
    deep = {"quantity": [-1.0], "strike": [100.0], "years": 2.0, "rate": 0.08, "is_call": [False]}
    crash = StressGrid(spot_moves=(-0.6,))
    european_loss = stress_options(book(**deep), crash, 1).total[0, 0]
    american_loss = stress_options(book(**deep, is_american=True), crash, 1).total[0, 0]
    assert american_loss < european_loss - 500


@pytest.mark.parametrize(
    "fault", [{"vol": np.nan}, {"spot": -1.0}, {"strike": 0.0}, {"years": np.inf}, {"vol": 0.0}]
)
def test_a_position_without_usable_inputs_is_named_and_in_no_sum(fault: dict[str, float]):
    name, value = next(iter(fault.items()))
    good = book()
    column = getattr(good, name).copy()
    column[1] = value
    result = stress_options(good._replace(**{name: column}), GRID, 1)
    assert result.unpriced.tolist() == [False, True, False]
    without = stress_options(OptionBook(*(c[[0, 2]] for c in good)), GRID, 1)
    np.testing.assert_allclose(result.pnl, without.pnl)


def test_an_expired_option_moves_with_its_intrinsic_value():
    expired = book(quantity=[1.0], years=0.0, strike=[100.0], is_call=[False])
    result = stress_options(expired, StressGrid(spot_moves=(-0.1, 0.1)), 1)
    np.testing.assert_allclose(result.total[:, 0], [1000.0, 0.0], atol=1e-6)


def test_an_empty_book_loses_nothing():
    empty = OptionBook(*(column[:0] for column in book()))
    assert stress_options(empty, GRID, 2).pnl.shape == (2, 6, 3)
    assert not stress_options(empty, GRID, 2).pnl.any()
