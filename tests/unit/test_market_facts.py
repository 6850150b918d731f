"""What follows from an underlying's past and from what the broker tells of its dividends."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.corporate_actions import AnnouncedDividend
from domain.market_facts import BETA_SESSIONS, DailyHistory, DividendOutlook, beta, dividends_ahead

TODAY = date(2026, 11, 23)
DAYS = np.arange(20_000, 20_400)


def prices(returns: np.ndarray) -> np.ndarray:
    return 100 * np.exp(np.append(0.0, np.cumsum(returns)))


def outlook(amount: str | None, projected: str | None, ex: date = date(2026, 12, 18)):
    announced = None
    if amount is not None:
        announced = AnnouncedDividend(con_id=1, ex_date=ex, amount=Decimal(amount))
    return DividendOutlook(
        next_12_months=None if projected is None else Decimal(projected), announced=announced
    )


# --- beta --------------------------------------------------------------------------------------


@given(slope=st.floats(-3, 3), seed=st.integers(0, 10_000))
def test_a_price_that_follows_the_market_by_a_factor_has_that_beta(slope: float, seed: int):
    market = np.random.default_rng(seed).normal(0, 0.01, 399)
    found = beta(DAYS, prices(slope * market), DAYS, prices(market))
    assert found == pytest.approx(slope, abs=1e-9)


def test_noise_of_its_own_leaves_the_slope():
    rng = np.random.default_rng(1)
    market, own = rng.normal(0, 0.01, (2, 399))
    found = beta(DAYS, prices(1.3 * market + own), DAYS, prices(market), window=399)
    assert found == pytest.approx(np.polyfit(market, 1.3 * market + own, 1)[0])


def test_only_common_sessions_count():
    market = np.random.default_rng(2).normal(0, 0.01, 399)
    closes = prices(market)
    absent = np.arange(0, 400, 40)
    kept = np.delete(np.arange(400), absent)
    assert beta(DAYS[kept], closes[kept] ** 2, DAYS, closes) == pytest.approx(2)


def test_there_is_no_beta_of_too_few_sessions_or_of_a_market_that_stands_still():
    market = np.random.default_rng(3).normal(0, 0.01, BETA_SESSIONS)
    few, enough = market[:-1], market
    days = DAYS[: len(enough) + 1]
    assert beta(days[:-1], prices(few), days[:-1], prices(few)) is None
    assert beta(days, prices(enough), days, prices(enough)) == pytest.approx(1)
    assert beta(days, prices(enough), days, np.full(len(days), 5.0)) is None


def test_faulty_prices_are_left_out():
    market = np.random.default_rng(4).normal(0, 0.01, 399)
    closes = prices(market)
    faulty = closes.copy()
    faulty[[10, 390]] = np.nan, 0.0
    assert beta(DAYS, faulty, DAYS, closes) == pytest.approx(1)


# --- dividends ---------------------------------------------------------------------------------


def test_a_quarterly_payer_is_expected_to_go_on():
    coming, known_to = dividends_ahead(outlook("1.95", "7.80"), TODAY)
    assert [(each.ex_date, each.is_estimate) for each in coming] == [
        (date(2026, 12, 18), False),
        (date(2027, 3, 19), True),
        (date(2027, 6, 18), True),
        (date(2027, 9, 17), True),
    ]
    assert {each.amount for each in coming} == {Decimal("1.95")}
    # The one after the announced could be declared for three weeks earlier.
    assert known_to == date(2027, 2, 26)


@pytest.mark.parametrize(("projected", "times"), [("1.00", 1), ("2.00", 2), ("12.00", 12)])
def test_the_projection_over_the_amount_is_the_rhythm(projected: str, times: int):
    coming, _ = dividends_ahead(outlook("1", projected), TODAY)
    assert len(coming) == times


@pytest.mark.parametrize("projected", [None, "0", "7"])
def test_without_a_rhythm_nothing_is_known_beyond_the_one_announced(projected: str | None):
    coming, known_to = dividends_ahead(outlook("1", projected), TODAY)
    assert [each.is_estimate for each in coming] == [False]
    assert known_to == date(2026, 12, 18)


def test_a_stock_that_pays_nothing_is_known_to_for_a_while():
    assert dividends_ahead(outlook(None, "0"), TODAY) == ((), TODAY + timedelta(days=90))


@pytest.mark.parametrize("projected", [None, "4.00"])
def test_what_is_not_announced_is_not_known(projected: str | None):
    assert dividends_ahead(outlook(None, projected), TODAY) == ((), None)


# --- histories ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        {"days": (TODAY,), "values": ()},
        {"days": (TODAY, TODAY), "values": (1.0, 1.0)},
        {"days": (TODAY, TODAY - timedelta(days=1)), "values": (1.0, 1.0)},
        {"days": (TODAY,), "values": (1.0,), "opens": (1.0, 1.0)},
    ],
    ids=["too few values", "a day twice", "backwards", "too many opens"],
)
def test_a_history_that_contradicts_itself_is_refused(columns: dict[str, object]):
    with pytest.raises(ValueError, match="days"):
        DailyHistory.model_validate(columns)
