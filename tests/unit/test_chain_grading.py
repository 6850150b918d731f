from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from domain.chain_grading import code_of, graded
from domain.instruments import ExerciseStyle, Settlement
from domain.market import OptionChain, QuoteCode, QuoteQuality
from domain.pricing import european
from domain.pricing.quality import Arbitrage
from domain.risk.state import compute_risk_state
from domain.risk.valuation import expiry_moment
from domain.strategies.wheel import Wheel
from domain.strategies.wheel_config import WheelConfig
from tests.unit.trade_factories import EXPIRY, NOW, account, chain, context, row

NAN = math.nan
EXPIRY_DAY = EXPIRY.toordinal() - 719163
YEARS = (expiry_moment(EXPIRY) - NOW).total_seconds() / (365 * 86400)


def index_chain(forward: float, rate: float, *, half: float = 0.05) -> OptionChain:
    """Calls and puts of one expiry priced on one forward, quoted ``half`` either side."""
    rows: list[dict[str, Any]] = []
    for number, strike in enumerate(range(610, 710, 10), start=1):
        for is_call in (True, False):
            fair = float(european.black76_price(forward, strike, YEARS, rate, 0.16, is_call))
            rows.append(
                row(
                    trading_class="XSP", con_id=10 * number + is_call, strike=float(strike),
                    is_call=is_call, bid=fair - half, ask=fair + half, expiry=EXPIRY_DAY,
                )
            )  # fmt: skip
    european_style = {"style": ExerciseStyle.EUROPEAN, "settlement": Settlement.CASH}
    return chain(*rows, symbol="XSP", **european_style)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, QuoteCode.OK),
        ({"bid": 0.0}, QuoteCode.NO_BID),
        ({"ask": NAN}, QuoteCode.NO_ASK),
        ({"bid": 9.0}, QuoteCode.CROSSED),
        ({"strike": 0.0}, QuoteCode.BAD_STRIKE),
        ({"expiry": EXPIRY_DAY - 60}, QuoteCode.EXPIRED),
        ({"bid": 700.0, "ask": 700.5}, QuoteCode.ABOVE_BOUND),
        ({"strike": 690.0}, QuoteCode.BELOW_INTRINSIC),
    ],
)
def test_every_row_gets_its_code(changes: dict[str, Any], code: QuoteCode):
    found = graded(chain(row(), row(con_id=2, **changes)))
    assert found.code is not None
    assert found.code.tolist() == [QuoteCode.OK, code]


@pytest.mark.parametrize(
    "given",
    [
        chain(row(), row(con_id=2, bid=9.0), row(con_id=3, strike=690.0)),
        index_chain(forward=662.0, rate=0.04),
        # The deep puts are sound by the forward of these quotes alone.
        index_chain(forward=650.0, rate=0.02, half=0.5),
    ],
)
def test_one_row_graded_alone_has_the_code_it_has_among_all(given: OptionChain):
    whole = graded(given).code
    assert whole is not None
    assert [code_of(given, each) for each in range(len(given))] == whole.tolist()


def test_the_rows_of_a_chain_that_is_not_live_are_stale():
    found = graded(chain(row(), quality=QuoteQuality.FROZEN))
    assert found.code is not None
    assert found.code.tolist() == [QuoteCode.STALE]


def test_an_index_chain_tells_the_forward_its_calls_and_puts_agree_on():
    found = graded(index_chain(forward=662.0, rate=0.04))
    (carry,) = found.carries
    assert carry.forward == pytest.approx(662.0, abs=0.01)
    assert (carry.trading_class, carry.expiry) == ("XSP", EXPIRY_DAY)
    assert found.code is not None
    assert not found.code.any()


def test_by_its_forward_a_deep_index_put_below_todays_exercise_value_is_sound():
    """No one can exercise it today: on the forward it is worth what it is quoted at."""
    sound = graded(index_chain(forward=662.0, rate=0.04))
    deep = (sound.strike == 700.0) & ~sound.is_call
    assert float(sound.mid[deep][0]) < 700 - sound.underlying_price
    assert sound.code is not None
    assert sound.code[deep].tolist() == [QuoteCode.OK]


def test_american_chains_imply_no_forward():
    priced = index_chain(662.0, 0.04).model_copy(update={"style": ExerciseStyle.AMERICAN})
    assert graded(priced).carries == ()


def test_rows_that_contradict_a_neighbour_are_flagged_and_keep_their_code():
    cheap = row(con_id=2, strike=645.0, bid=1.0, ask=1.1)
    found = graded(chain(row(), cheap))
    assert found.arbitrage is not None
    assert found.arbitrage.tolist() == [Arbitrage.VERTICAL] * 2
    assert found.code is not None
    assert not found.code.any()


def test_the_grading_survives_the_record_and_a_part():
    whole = graded(index_chain(662.0, 0.04))
    again = OptionChain.from_json(whole.to_json())
    assert again.code is not None
    assert again.carries == whole.carries
    part = again.part(np.array([1, 2], dtype=np.int64))
    assert part.code is not None
    assert len(part.code) == 2


def test_a_chain_recorded_before_grading_reads_as_not_graded():
    ungraded = chain(row())
    assert OptionChain.from_json(ungraded.to_json()).code is None


def test_a_row_with_a_bad_code_is_refused_by_a_rule_of_its_own_and_counted():
    good = graded(chain(row(), row(con_id=2, strike=635.0)))
    marked = good.model_copy(update={"code": np.array([QuoteCode.OK, QuoteCode.STALE])})
    state = account()
    instance = context(marked, config=WheelConfig(universe=("SPY",)))
    result = Wheel().generate_signals(state, compute_risk_state(state), instance)
    assert list(result.eliminated_con_ids["quote_sound"]) == [2]
    assert [each.contract.con_id for each in result.opportunities] == [1001]
    (signal,) = result.signals
    assert signal.facts["grades"] == {"OK": 1, "STALE": 1}


def test_nothing_a_chain_may_hold_raises():
    wild = [NAN, math.inf, -math.inf, -1.0, 0.0, 1e-300, 1e300]
    rows = [
        row(con_id=100 * i + j, bid=bid, ask=ask, strike=strike)
        for i, bid in enumerate(wild)
        for j, (ask, strike) in enumerate((a, k) for a in wild for k in wild)
    ]
    for style in ExerciseStyle:
        found = graded(chain(*rows, style=style))
        assert found.code is not None
        assert found.code.all()
