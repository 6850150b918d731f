"""What moves the synthetic market, and what its quotes may never allow."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.instruments import Right
from infra.calendars import trading_calendar
from infra.simulator.contracts import ContractSpec, Security
from infra.simulator.market import Quote
from infra.simulator.market_events import (
    Announcement,
    Dividend,
    Earnings,
    EventPlan,
    EventPlanError,
    Halt,
    Jump,
    Split,
    load_event_plan,
)
from infra.simulator.reference import RISK_FREE_RATE, UNDERLYINGS
from infra.simulator.synthetic import SyntheticMarket

MONDAY = date(2026, 11, 23)
TEN = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CALENDAR = trading_calendar()


def _market(*events: object, seed: int = 7, ordinary: bool = True) -> SyntheticMarket:
    plan = EventPlan.model_validate({"events": events, "ordinary": ordinary})
    return SyntheticMarket(seed, CALENDAR, MONDAY, plan)


def _option(market: SyntheticMarket, name: str, expiry: date, at: datetime, right: Right):
    """The option struck nearest to the money."""
    option_class = market.book.listings.named(name)[0]
    spot = market.spot(option_class.symbol, at)
    strikes = market.book.strikes(option_class, spot)
    return market.book.option(name, expiry, min(strikes, key=lambda k: abs(float(k) - spot)), right)


def _one_expiry(
    market: SyntheticMarket, name: str, nth: int, at: datetime
) -> dict[Right, list[tuple[Security, Quote]]]:
    """Calls and puts of one of the class's expiries, each by ascending strike."""
    option_class = market.book.listings.named(name)[0]
    expiries = market.book.expiries(option_class, at.date())
    price = market.reference_prices(at)[option_class.symbol]
    chain = market.book.chain(option_class, expiries[nth % len(expiries)], price)
    rows: dict[Right, list[tuple[Security, Quote]]] = {Right.CALL: [], Right.PUT: []}
    for security, quote in zip(chain, market.quotes(chain, at), strict=True):
        rows[Right.CALL if security.is_call else Right.PUT].append((security, quote))
    return rows


anywhere = {
    "seed": st.integers(0, 500),
    "days": st.integers(0, 250),
    "minute": st.integers(1, 200),
    "name": st.sampled_from(["SPX", "SPXW", "XSP", "SPY", "AAPL", "NVDA"]),
    "nth": st.integers(0, 30),
}


def _moment(days: int, minute: int) -> datetime:
    day = CALENDAR.add_sessions(MONDAY, days)
    return CALENDAR.session_on(day).open_at + timedelta(minutes=minute)


@settings(max_examples=15, deadline=None)
@given(**anywhere)
def test_no_vertical_or_butterfly_can_be_had_for_less_than_nothing(
    seed: int, days: int, minute: int, name: str, nth: int
):
    market, at = _market(seed=seed), _moment(days, minute)
    sides = _one_expiry(market, name, nth, at)
    for right, side in sides.items():
        for (low, below), (high, above) in pairwise(side):
            cheap, dear = (below, above) if right is Right.PUT else (above, below)
            assert cheap.bid <= dear.ask, (low, high)
            width = float((high.strike or 0) - (low.strike or 0))
            assert dear.bid - cheap.ask <= width, (low, high)
        for (a, left), (b, middle), (c, far) in zip(side, side[1:], side[2:], strict=False):
            x, y, z = (float(s.strike or 0) for s in (a, b, c))
            weight = (z - y) / (z - x)
            assert weight * left.ask + (1 - weight) * far.ask >= middle.bid - 1e-9


@settings(max_examples=15, deadline=None)
@given(**anywhere | {"name": st.sampled_from(["SPX", "SPXW", "XSP"])})
def test_calls_puts_and_the_forward_agree_within_their_spreads(
    seed: int, days: int, minute: int, name: str, nth: int
):
    market, at = _market(seed=seed), _moment(days, minute)
    sides = _one_expiry(market, name, nth, at)
    for (call, c), (_, p) in zip(sides[Right.CALL], sides[Right.PUT], strict=True):
        years, strike = market.years_left(call, at), float(call.strike or 0)
        spot = market.spot(call.symbol, at) * exp(-call.underlying.dividend_yield * years)
        forward = spot - strike * exp(-RISK_FREE_RATE * years)
        assert c.bid - p.ask <= forward + 1e-6
        assert c.ask - p.bid >= forward - 1e-6


@settings(max_examples=15, deadline=None)
@given(seed=anywhere["seed"], days=anywhere["days"], symbol=st.sampled_from(list(UNDERLYINGS)))
def test_more_time_is_never_less_variance_at_the_money(seed: int, days: int, symbol: str):
    market, at = _market(seed=seed), _moment(days, 90)
    tenors = np.linspace(0.005, 1.0, 60)
    total = [market.atm_vol(UNDERLYINGS[symbol], at, t) ** 2 * t for t in tenors]
    assert (np.diff(total) > 0).all()


def test_the_first_sessions_are_calm():
    for seed in range(12):
        market = _market(seed=seed)
        last = CALENDAR.add_sessions(MONDAY, 2)
        for symbol in UNDERLYINGS:
            assert market.dividends(symbol, MONDAY - timedelta(days=1), last) == []
            assert market.events.earnings(symbol, MONDAY, last) == []
        assert market.events.announcements(MONDAY, last) == []


def test_a_year_brings_four_dividends_four_earnings_and_eight_announcements():
    market = _market()
    first, last = date(2028, 1, 1), date(2028, 12, 31)
    for symbol in ("SPY", "AAPL"):
        assert len(market.dividends(symbol, first, last)) == 4
    assert len(market.events.earnings("AAPL", first, last)) == 4
    assert market.events.earnings("SPY", first, last) == []
    assert len(market.events.announcements(first, last)) == 8


def test_a_stock_opens_lower_by_its_dividend():
    ex = date(2026, 12, 9)
    paid = Dividend(symbol="AAPL", ex_date=ex, pay_date=date(2026, 12, 30), amount=Decimal("20"))
    plain, paying = _market(ordinary=False), _market(paid, ordinary=False)
    aapl = UNDERLYINGS["AAPL"]
    before = CALENDAR.session_on(date(2026, 12, 8)).close_at
    assert paying.spot("AAPL", before) == plain.spot("AAPL", before)
    cum = plain.paths.close_on(aapl, date(2026, 12, 8))
    gap = plain.paths.open_on(aapl, ex) / cum
    assert paying.paths.open_on(aapl, ex) == pytest.approx((cum - 20) * gap)
    # Nobody gains by waiting: options have known it all along.
    call = _option(plain, "AAPL", date(2026, 12, 18), TEN, Right.CALL)
    assert paying.quote(call, TEN).model_price < plain.quote(call, TEN).model_price - 5
    put = _option(plain, "AAPL", date(2026, 12, 18), TEN, Right.PUT)
    assert paying.quote(put, TEN).model_price > plain.quote(put, TEN).model_price + 8
    # What one pays for a forward falls by the dividend's present value.
    short = _option(plain, "AAPL", date(2026, 12, 4), TEN, Right.CALL)
    assert paying.quote(short, TEN).model_price == plain.quote(short, TEN).model_price


def test_volatility_runs_up_to_earnings_and_is_crushed_after():
    results = Earnings(symbol="NVDA", on=date(2026, 12, 9), move=0.08)
    plain, moved = _market(ordinary=False), _market(results, ordinary=False)
    option = _option(plain, "NVDA", date(2026, 12, 11), TEN, Right.CALL)
    vols = [
        moved.quote(option, CALENDAR.session_on(day).open_at + timedelta(hours=1)).iv
        for day in (MONDAY, date(2026, 12, 7), date(2026, 12, 9), date(2026, 12, 10))
    ]
    assert vols[0] < vols[1] < vols[2]
    assert vols[3] < 0.6 * vols[2]
    sooner = _option(plain, "NVDA", date(2026, 12, 4), TEN, Right.CALL)
    assert moved.quote(sooner, TEN).iv == pytest.approx(plain.quote(sooner, TEN).iv)
    nvda = UNDERLYINGS["NVDA"]
    opens = [m.paths.open_on(nvda, date(2026, 12, 10)) for m in (plain, moved)]
    assert opens[0] != pytest.approx(opens[1])


def test_an_announcement_moves_everything_at_its_minute():
    at = CALENDAR.session_on(date(2026, 12, 16)).open_at + timedelta(minutes=270)
    plain = _market(ordinary=False)
    moved = _market(Announcement(at=at, move=0.05), ordinary=False)
    for symbol in UNDERLYINGS:
        assert moved.spot(symbol, at) == plain.spot(symbol, at)
    later = at + timedelta(minutes=1)
    ratios = [log(moved.spot(s, later) / plain.spot(s, later)) for s in ("SPX", "SPY", "QQQ")]
    assert len({r > 0 for r in ratios}) == 1
    assert min(abs(r) for r in ratios) > 0.002


def test_a_scripted_jump_comes_at_once_or_at_the_next_open():
    opens = CALENDAR.session_on(date(2026, 12, 2)).open_at
    jumps = [Jump(symbol="AAPL", at=opens + timedelta(minutes=30), size=-0.2)]
    night = Jump(symbol="*", at=opens + timedelta(hours=12), size=-0.1)
    plain, moved = _market(ordinary=False), _market(*jumps, night, ordinary=False)

    def change(symbol: str, at: datetime) -> float:
        return log(moved.spot(symbol, at) / plain.spot(symbol, at))

    assert change("AAPL", opens + timedelta(minutes=30)) == pytest.approx(0)
    assert change("AAPL", opens + timedelta(minutes=31)) == pytest.approx(-0.2)
    assert change("SPY", opens + timedelta(minutes=31)) == pytest.approx(0)
    assert change("SPY", opens + timedelta(days=1)) == pytest.approx(-0.1)
    assert change("XSP", opens + timedelta(days=1)) == pytest.approx(-0.1)


def test_a_halted_symbol_has_no_market_and_one_price_and_others_go_on():
    start = TEN + timedelta(days=8)
    halt = Halt(symbol="AAPL", start=start, until=start + timedelta(minutes=30))
    market = _market(halt)
    during = start + timedelta(minutes=20)
    option = _option(market, "AAPL", date(2026, 12, 18), TEN, Right.PUT)
    for security in (option, market.book.underlying("AAPL")):
        quote = market.quote(security, during)
        assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size) == (0, 0, 0, 0)
        assert quote.last > 0
        assert market.quote(security, halt.until).bid > 0
    assert market.spot("AAPL", during) == market.spot("AAPL", start)
    assert market.is_halted("AAPL", during)
    assert not market.is_halted("MSFT", during)
    assert market.quote(market.book.underlying("MSFT"), during).bid > 0


def test_random_halts_come_as_often_as_asked():
    market = SyntheticMarket(7, CALENDAR, MONDAY, EventPlan(halts_per_year=25))
    days = CALENDAR.sessions_between(date(2027, 1, 1), date(2029, 12, 31))
    halted = [
        any(market.is_halted("AAPL", s.open_at + timedelta(minutes=m)) for m in range(10, 245, 5))
        for s in days
    ]
    assert 50 < sum(halted) < 100


def test_a_split_rescales_prices_and_turns_contracts_into_others():
    day = date(2026, 12, 8)
    before = CALENDAR.session_on(date(2026, 12, 7)).close_at - timedelta(minutes=1)
    after = CALENDAR.session_on(day).open_at + timedelta(minutes=5)
    split = Split(symbol="AAPL", effective=day, new=3, old=2)
    plain, market = _market(ordinary=False), _market(split, ordinary=False)
    assert market.spot("AAPL", before) == plain.spot("AAPL", before)
    assert market.spot("AAPL", after) == pytest.approx(plain.spot("AAPL", after) / 1.5)
    assert market.previous_close("AAPL", after) == pytest.approx(
        plain.previous_close("AAPL", after) / 1.5
    )
    old = _option(plain, "AAPL", date(2026, 12, 18), TEN, Right.PUT)
    new = market.book.adjusted(old)
    assert (new.trading_class, new.multiplier) == ("AAPL1", 150)
    assert new.strike == (Decimal(2) * (old.strike or 0) / 3).quantize(Decimal("0.01"))
    assert market.book.by_id(new.con_id) == new
    assert not market.book.is_listed(old, day)
    assert market.book.is_listed(new, day)
    value = plain.quote(old, after).model_price * 100
    assert market.quote(new, after).model_price * 150 == pytest.approx(value, rel=0.01)
    names = {c.name: c.multiplier for c in market.book.classes("AAPL", day)}
    assert names == {"AAPL": 100, "AAPL1": 150}


def test_after_a_whole_split_every_contract_is_found_once():
    day = date(2026, 12, 8)
    market = _market(Split(symbol="AAPL", effective=day, new=2, old=1), ordinary=False)
    at = CALENDAR.session_on(day).open_at
    spec = ContractSpec(symbol="AAPL", sec_type="OPT", expiry="20261218", right="P")
    found = list(market.book.find(spec, day, market.reference_prices(at)))
    assert len({s.local_symbol for s in found}) == len(found)
    assert {s.multiplier for s in found} == {100}
    assert all(market.book.by_id(s.con_id) == s for s in found)
    old = _option(market, "AAPL", date(2026, 12, 18), TEN, Right.PUT)
    assert market.book.adjusted(old) in found


@pytest.mark.parametrize("symbol", ["AAPL", "SPY"])
def test_events_keep_prices_a_function_of_seed_plan_and_time(symbol: str):
    events = [
        Dividend(
            symbol=symbol, ex_date=date(2026, 12, 9), pay_date=date(2026, 12, 9), amount=Decimal(2)
        ),
        Split(symbol=symbol, effective=date(2026, 12, 14), new=2, old=1),
        Jump(symbol="*", at=TEN + timedelta(days=9), size=-0.05),
    ]
    late, stepped = _market(*events), _market()
    for day in range(3):
        stepped.quote(stepped.book.underlying(symbol), TEN + timedelta(days=day))
    for event in events:
        stepped.schedule(event)
    at = TEN + timedelta(days=30)
    spec = ContractSpec(symbol=symbol, sec_type="OPT", expiry="202701", right="C")
    today = at.date()
    chain = list(late.book.find(spec, today, late.reference_prices(at)))
    assert chain == list(stepped.book.find(spec, today, stepped.reference_prices(at)))
    assert late.quotes(chain, at) == stepped.quotes(chain, at)


def test_a_bad_plan_says_which_entry_and_why(tmp_path: Path):
    path = tmp_path / "plan.json"
    path.write_text('{"events": [{"kind": "split", "symbol": "ACME", "effective": "x"}]}')
    with pytest.raises(EventPlanError, match=r"events\.0\.split\.effective"):
        load_event_plan(path)
    path.write_text(
        '{"events": [{"kind": "split", "symbol": "ACME", "effective": "2027-01-04",'
        ' "new": 2, "old": 1}]}'
    )
    with pytest.raises(EventPlanError, match="no underlying ACME"):
        load_event_plan(path)
