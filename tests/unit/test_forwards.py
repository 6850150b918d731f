from __future__ import annotations

import numpy as np
import pytest

from domain.pricing import european
from domain.pricing.forwards import ForwardCode, ImpliedForward, implied_forward

SPOT, YEARS, RATE, YIELD = 3000.0, 0.25, 0.024, 0.019
FORWARD = SPOT * np.exp((RATE - YIELD) * YEARS)


def quotes(width: float = 0.4) -> dict[str, np.ndarray]:
    strike = np.arange(2600.0, 3400.0, 25.0)
    call, put = (
        european.price(SPOT, strike, YEARS, RATE, YIELD, 0.15, is_call) for is_call in (True, False)
    )
    half = width / 2
    return {
        "strike": strike,
        "call_bid": call - half,
        "call_ask": call + half,
        "put_bid": put - half,
        "put_ask": put + half,
    }


def found(given: dict[str, np.ndarray], **changed: float) -> ImpliedForward:
    return implied_forward(
        **given, **({"spot": SPOT, "years": YEARS, "given_rate": 0.02} | changed)
    )


def test_forward_and_rate_come_back_from_exact_quotes():
    got = found(quotes())
    assert got.code is ForwardCode.OK
    assert got.forward == pytest.approx(FORWARD, rel=1e-9)
    assert got.rate == pytest.approx(RATE, abs=1e-9)
    assert got.dividend_yield(SPOT, YEARS) == pytest.approx(YIELD, abs=1e-9)


def test_stale_crossed_and_absent_quotes_move_nothing():
    given = quotes()
    given["call_bid"][12] += 40  # stale, both sides
    given["call_ask"][12] += 40
    given["put_bid"][15] = 0.0
    given["put_ask"][16] = np.nan
    given["call_bid"][17] = given["call_ask"][17] + 5
    got = found(given)
    assert got.code is ForwardCode.OK
    assert got.forward == pytest.approx(FORWARD, rel=1e-9)


def test_wide_quotes_tell_the_forward_but_not_the_rate():
    given = quotes(width=6.0)
    rng = np.random.default_rng(2)
    for side in ("call", "put"):
        shift = rng.uniform(-2.0, 2.0, len(given["strike"]))
        given[f"{side}_bid"] = given[f"{side}_bid"] + shift
        given[f"{side}_ask"] = given[f"{side}_ask"] + shift
    got = found(given)
    assert got.code is ForwardCode.RATE_ASSUMED
    assert got.rate == 0.02
    assert got.forward == pytest.approx(FORWARD, abs=2.0)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"spot": float("nan")}, ForwardCode.BAD_INPUT),
        ({"spot": -1.0}, ForwardCode.BAD_INPUT),
        ({"years": 0.0}, ForwardCode.EXPIRED),
        ({"spot": 9000.0}, ForwardCode.NO_QUOTES),
    ],
)
def test_what_cannot_be_known_has_a_code_and_no_number(
    changed: dict[str, float], code: ForwardCode
):
    got = found(quotes(), **changed)
    assert got.code is code
    assert np.isnan(got.forward)
    assert not got.is_known


def test_quotes_that_agree_on_nothing_are_inconsistent():
    given = quotes()
    rng = np.random.default_rng(4)
    noise = rng.uniform(-200, 200, len(given["strike"]))
    given |= {side: given[side] + 300 + noise for side in ("call_bid", "call_ask")}
    assert found(given).code is ForwardCode.INCONSISTENT
