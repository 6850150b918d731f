"""Facts about underlyings: what is known is told, what is not is None."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from pydantic import ValidationError

from domain.underlyings import ComingDividend, UnderlyingFacts

NOW = datetime(2026, 6, 1, 15, tzinfo=UTC)


def facts(iv: list[float | None], **changes: object) -> UnderlyingFacts:
    n = len(iv)
    values = {"sessions": np.arange(n), "close": np.linspace(100, 110, n), "iv": iv} | changes
    return UnderlyingFacts(symbol="SPY", as_of=NOW, **values)  # type: ignore[arg-type]


def test_iv_rank_places_the_present_between_the_lowest_and_highest_of_a_year():
    assert facts([0.10, 0.20, 0.30] * 30).iv_rank(0.25) == pytest.approx(0.75)


def test_iv_rank_beyond_the_past_range_is_one_or_zero():
    past = facts([0.10, 0.20] * 40)
    assert past.iv_rank(0.5) == 1
    assert past.iv_rank(0.05) == 0


def test_iv_rank_of_a_short_or_flat_past_is_not_known():
    assert facts([0.1, 0.2] * 20).iv_rank(0.15) is None
    assert facts([0.2] * 100).iv_rank(0.2) is None
    assert facts([None] * 250).iv_rank(0.2) is None


def test_average_close_needs_every_session():
    past = facts([None] * 10)
    assert past.average_close(10) == pytest.approx(105)
    assert past.average_close(11) is None


def test_dividends_until_a_day_include_it():
    first, second = (
        ComingDividend(ex_date=date(2026, 6, day), amount=Decimal(1)) for day in (5, 19)
    )
    known = facts([], dividends=(first, second))
    assert known.dividends_until(date(2026, 6, 5)) == (first,)


@pytest.mark.parametrize("wrong", [{"sessions": [2, 1, 3]}, {"close": [1.0]}])
def test_columns_that_do_not_fit_are_refused(wrong: dict[str, object]):
    with pytest.raises(ValidationError):
        facts([0.1, 0.1, 0.1], **wrong)
