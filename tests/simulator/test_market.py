from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from domain.instruments import Right
from infra.calendars import trading_calendar
from infra.simulator.contracts import ContractSpec
from infra.simulator.margin import MarkedPosition, naked_requirement, requirement
from infra.simulator.reference import OPTION_CLASSES, UNDERLYINGS
from infra.simulator.synthetic import SyntheticMarket

MONDAY = date(2026, 11, 23)
TEN = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
EXPIRY = date(2026, 12, 18)


def _market(seed: int = 7) -> SyntheticMarket:
    return SyntheticMarket(seed, trading_calendar(), MONDAY)


def _chain(market: SyntheticMarket, symbol: str = "SPY", right: str = "P"):
    spec = ContractSpec(symbol=symbol, sec_type="OPT", expiry="20261218", right=right)
    return list(market.book.find(spec, MONDAY, market.reference_prices(TEN)))


def test_the_same_seed_and_time_give_the_same_quotes_however_one_got_there():
    direct = _market()
    stepped = _market()
    for minute in range(0, 60, 7):
        stepped.quotes(_chain(stepped), TEN + timedelta(minutes=minute))
    later = TEN + timedelta(hours=1)
    assert direct.quotes(_chain(direct), later) == stepped.quotes(_chain(stepped), later)


def test_another_seed_gives_other_prices():
    later = TEN + timedelta(hours=1)
    assert _market(7).spot("SPY", later) != _market(8).spot("SPY", later)


def test_prices_start_from_their_base_and_move_like_the_volatility_says():
    market = _market()
    assert market.paths.previous_close(UNDERLYINGS["SPY"], TEN) == pytest.approx(660)
    days = [s.date for s in market.calendar.sessions_between(date(2027, 1, 4), date(2031, 1, 3))]
    for symbol, expected in (("SPX", 0.155), ("NVDA", 0.42)):
        closes = [market.paths.close_on(UNDERLYINGS[symbol], day) for day in days]
        realised = np.std(np.diff(np.log(closes))) * np.sqrt(252)
        assert realised == pytest.approx(expected * 0.85, rel=0.1)


def test_the_market_moves_together():
    market = _market()
    days = [s.date for s in market.calendar.sessions_between(date(2027, 1, 4), date(2029, 1, 3))]
    returns = [
        np.diff(np.log([market.paths.close_on(UNDERLYINGS[s], day) for day in days]))
        for s in ("SPX", "QQQ")
    ]
    assert np.corrcoef(returns)[0, 1] > 0.85
    assert market.spot("XSP", TEN) == pytest.approx(market.spot("SPX", TEN) / 10)


def test_seconds_join_the_minutes_without_a_jump():
    market = _market()
    opening = TEN.replace(hour=14, minute=30)
    prices = [market.spot("SPY", opening + timedelta(seconds=s)) for s in range(600)]
    steps = np.abs(np.diff(np.log(prices)))
    assert steps.max() < 0.0005
    assert steps.min() >= 0


@pytest.mark.parametrize("symbol", list(UNDERLYINGS))
def test_every_chain_is_quoted_on_its_grid_without_crossing(symbol: str):
    market = _market()
    spec = ContractSpec(symbol=symbol, sec_type="OPT", expiry="202612")
    chain = list(market.book.find(spec, MONDAY, market.reference_prices(TEN)))
    for security, quote in zip(chain, market.quotes(chain, TEN), strict=True):
        assert 0 <= quote.bid < quote.ask
        assert security.increments.accepts(Decimal(str(quote.ask))), (security, quote)
        assert security.increments.accepts(Decimal(str(quote.bid))), (security, quote)
        assert quote.bid <= quote.model_price <= quote.ask


def test_puts_are_dearer_the_lower_the_strike():
    market = _market()
    chain = [s for s in _chain(market) if 585 <= float(s.strike or 0) <= 660]
    vols = market.implied_vols(chain, TEN)
    assert (np.diff(vols) < 0).all()


def test_volatility_rises_when_the_market_has_fallen():
    market = _market()
    spx = UNDERLYINGS["SPX"]
    days = market.calendar.sessions_between(date(2027, 1, 4), date(2028, 1, 3))
    stretch = [market.paths.stretch(spx, s.close_at) for s in days]
    vols = [market.atm_vol(spx, s.close_at, 30 / 365) for s in days]
    assert np.corrcoef(stretch, vols)[0, 1] < -0.9


def test_contract_ids_are_unique_and_stand_for_the_contract():
    market = _market()
    prices = market.reference_prices(TEN)
    everything = [
        security
        for symbol in UNDERLYINGS
        for kind in ("", "OPT")
        for security in market.book.find(ContractSpec(symbol=symbol, sec_type=kind), MONDAY, prices)
    ]
    assert len(everything) > 20_000
    assert len({s.con_id for s in everything}) == len(everything)
    assert max(s.con_id for s in everything) < 2**31
    assert all(market.book.by_id(s.con_id) == s for s in everything)


def test_a_listed_contract_stays_listed_until_it_expires():
    market = _market()
    for name in ("SPY", "SPX", "AAPL"):
        option_class = OPTION_CLASSES[name]
        listed = set(market.book.expiries(option_class, MONDAY))
        for session in market.calendar.sessions_between(MONDAY, date(2027, 3, 1)):
            today = set(market.book.expiries(option_class, session.date))
            assert {day for day in listed if day >= session.date} <= today
            listed = today


def _position(symbol: str, quantity: float, strike: float = 0, right: Right = Right.PUT):
    market = _market()
    if not strike:
        security = market.book.underlying(symbol)
    else:
        security = market.book.option(symbol, EXPIRY, Decimal(str(strike)), right)
    quote = market.quote(security, TEN)
    return MarkedPosition(security, quantity, quote.mark, quote.underlying_price)


def test_a_short_put_needs_its_premium_and_a_fifth_of_the_underlying_less_its_distance():
    put = _position("SPY", -1, 640)
    expected = (put.mark + 0.2 * put.spot - (put.spot - 640)) * 100
    assert requirement([put]).initial == pytest.approx(expected)
    far = _position("SPY", -1, 480)
    assert naked_requirement(far) == pytest.approx((far.mark + 48) * 100)


def test_an_index_put_needs_fifteen_percent():
    put = _position("SPXW", -1, 6500)
    expected = (put.mark + 0.15 * put.spot - (put.spot - 6500)) * 100
    assert requirement([put]).initial == pytest.approx(expected)


def test_a_covered_call_needs_no_margin_beyond_its_shares():
    shares, call = _position("AAPL", 100), _position("AAPL", -1, 285, Right.CALL)
    assert requirement([shares, call]) == requirement([shares])
    assert requirement([shares]).initial == pytest.approx(0.5 * shares.value)
    two = _position("AAPL", -2, 285, Right.CALL)
    assert requirement([shares, two]).initial > requirement([shares]).initial


def test_a_vertical_spread_needs_its_width():
    spread = [_position("SPY", -1, 640), _position("SPY", 1, 630)]
    assert requirement(spread).initial == pytest.approx(1000)
