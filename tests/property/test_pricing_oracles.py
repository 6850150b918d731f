"""European prices, greeks and volatilities against published tables, QuantLib and a real market."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813  # its own usual name  # pyright: ignore
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.pricing import european
from domain.pricing.forwards import implied_forward
from domain.pricing.implied_vol import implied_greeks, implied_vol
from domain.pricing.quality import QuoteCode, grade_quotes

SHARED = Path(__file__).parents[3] / "shared" / "data"


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs {name} of the shared market data, which is not here")
    return path


def haug() -> Iterator[dict[str, str]]:
    with shared("reference_tables/european_haug.csv").open(newline="", encoding="utf-8") as table:
        yield from csv.DictReader(table)


def test_every_row_of_haug_s_tables_is_reproduced():
    checked = 0
    for row in haug():
        spot, strike, years, rate, paid, vol = (
            float(row[name]) for name in ("S", "K", "T", "r", "q", "vol")
        )
        g = european.greeks(spot, strike, years, rate, paid, vol, row["type"] == "call")
        ours = {
            "price": g.price,
            "delta": g.delta,
            "elasticity": g.delta * spot / g.price,
            "gamma": g.gamma,
            "vega": g.vega,
            "theta_per_year": g.theta_per_day * 365,
            "theta_per_day_365": g.theta_per_day,
            "rho": g.rho,
            # Against the carry at a fixed rate, which is minus against the yield.
            "dividend_rho": abs(g.delta) * spot * years,
        }[row["quantity"]]
        # The tables' terms are rounded to eight digits, the check column to six.
        assert float(ours) == pytest.approx(float(row["check"]), abs=2e-6, rel=2e-7), row
        assert float(ours) == pytest.approx(float(row["published"]), abs=1.1e-4), row
        checked += 1
    assert checked > 40


prices = st.floats(20, 500)
rates = st.floats(-0.02, 0.12)


@settings(deadline=None, max_examples=50)
@given(prices, st.floats(-3, 3), st.integers(1, 1500), rates, rates, st.floats(0.05, 1.5),
       st.booleans())  # fmt: skip
def test_quantlib_agrees_on_price_and_greeks(
    spot: float, far: float, days: int, rate: float, paid: float, vol: float, is_call: bool
):
    years = days / 365
    strike = spot * float(np.exp(far * vol * np.sqrt(years)))
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike)
    forward = spot * float(np.exp((rate - paid) * years))
    deviation, discount = vol * float(np.sqrt(years)), float(np.exp(-rate * years))
    oracle = ql.BlackCalculator(payoff, forward, deviation, discount)
    g = european.greeks(spot, strike, years, rate, paid, vol, is_call)
    size = max(spot, strike, forward)
    for ours, theirs, scale in (
        (g.price, oracle.value(), size),
        (g.delta, oracle.delta(spot), 1.0),
        (g.gamma, oracle.gamma(spot), 1 / (spot * vol * np.sqrt(years))),
        (g.vega, oracle.vega(years), size),
        (g.rho, oracle.rho(years), size * years),
        (g.theta_per_day * 365, oracle.theta(spot, years), size * (vol / np.sqrt(years) + 1)),
    ):
        assert float(ours) == pytest.approx(theirs, abs=1e-11 * scale, rel=1e-10)
    solved = implied_greeks(g.price, spot, strike, years, rate, paid, is_call)
    if g.vega > 1e-4 * spot and g.price > 1e-6 * spot:
        assert float(solved.vol) == pytest.approx(vol, abs=1e-9)
        assert float(solved.delta) == pytest.approx(oracle.delta(spot), abs=1e-8)


def day_number(month_day_year: str) -> int:
    month, day, year = (int(part) for part in month_day_year.split("/"))
    return date(year, month, day).toordinal()


class Chain:
    """One session of SPX and SPXW, column by column; an option's last day ends at 16:00."""

    def __init__(self, session: str) -> None:
        with gzip.open(shared(f"spx_2019/SPX_{session}.csv.gz"), "rt", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        floats = ("strike", "bid", "ask", "underlying_last", "impliedvol", "delta")
        columns = {name: np.array([float(row[name]) for row in rows]) for name in floats}
        self.strike, self.bid, self.ask = columns["strike"], columns["bid"], columns["ask"]
        self.published_vol, self.published_delta = columns["impliedvol"], columns["delta"]
        self.spot = columns["underlying_last"]
        self.is_call = np.array([row["type"] == "call" for row in rows])
        self.is_weekly = np.array([row["optionroot"].startswith("SPXW") for row in rows])
        self.expiry = np.array([day_number(row["expiration"]) for row in rows])
        quoted = day_number(rows[0]["quotedate"])
        self.years = (self.expiry - quoted) / 365

    def rates(self) -> tuple[np.ndarray, np.ndarray]:
        """Rate and yield of every row by its expiry's own parity; nan where it is not known."""
        rate, paid = np.full(len(self.spot), np.nan), np.full(len(self.spot), np.nan)
        for expiry, weekly in set(zip(self.expiry.tolist(), self.is_weekly.tolist(), strict=True)):
            rows = (self.expiry == expiry) & (self.is_weekly == weekly)
            call, put = (rows & (self.is_call == side) for side in (True, False))
            strikes, c, p = np.intersect1d(self.strike[call], self.strike[put], return_indices=True)
            spot, years = float(self.spot[rows][0]), float(self.years[rows][0])
            known = implied_forward(
                strikes, self.bid[call][c], self.ask[call][c], self.bid[put][p],
                self.ask[put][p], spot=spot, years=years, given_rate=0.024,
            )  # fmt: skip
            if known.is_known:
                rate[rows], paid[rows] = known.rate, known.dividend_yield(spot, years)
        return rate, paid


def test_volatilities_of_a_real_index_chain_agree_with_its_publisher():
    chain = Chain("20190425")
    rate, paid = chain.rates()
    terms = (chain.spot, chain.strike, chain.years, rate, paid, chain.is_call)
    codes = grade_quotes(chain.bid, chain.ask, *terms)
    ok = codes == QuoteCode.OK
    vol = implied_vol((chain.bid + chain.ask) / 2, *terms)
    assert np.isfinite(vol[ok]).all()
    # Where both mean the same: out of the money, quoted to within a tenth, a week to a year ahead.
    same = ok & (chain.published_vol > 0) & (chain.years > 7 / 365) & (chain.years < 1)
    same &= chain.is_call == (chain.strike > chain.spot)
    same &= (chain.ask - chain.bid) < 0.1 * (chain.ask + chain.bid) / 2
    gaps = np.abs(vol - chain.published_vol)[same]
    assert same.sum() > 1500
    # Half a point: the publisher's clock, rates and spot are not ours.
    assert np.median(gaps) < 0.005
    assert np.quantile(gaps, 0.95) < 0.02


def test_a_holiday_s_snapshot_is_coded_stale_to_its_last_row():
    chain = Chain("20190527")
    codes = grade_quotes(
        chain.bid, chain.ask, chain.spot, chain.strike, chain.years, 0.024, 0.019, chain.is_call,
        is_stale=True,
    )  # fmt: skip
    assert set(codes.tolist()) <= {QuoteCode.STALE, QuoteCode.EXPIRED}
    assert len(codes) > 1000


def test_real_rows_without_a_bid_are_coded_and_priced_by_nobody():
    chain = Chain("20190425")
    terms = (chain.spot, chain.strike, chain.years, 0.024, 0.019, chain.is_call)
    codes = grade_quotes(chain.bid, chain.ask, *terms)
    empty = (chain.bid <= 0) & (chain.ask > 0) & (chain.years > 0)
    assert empty.any()
    assert (codes[empty] == QuoteCode.NO_BID).all()
    crossed = np.where(np.arange(len(codes)) % 7 == 0, chain.bid + 1, chain.ask)
    swapped = grade_quotes(crossed, chain.bid, *terms)
    assert not (swapped[(crossed > chain.bid) & (chain.bid > 0)] == QuoteCode.OK).any()
