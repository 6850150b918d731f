"""Option chains, as the API words them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from api.schemas.chains import ChainAnswer, ChainSide, Series, StrategyPick, StrikeRow
from domain.chain_grading import years_to_expiry, yield_of
from domain.market import OptionChain, QuoteCode
from domain.pricing import european
from domain.risk.valuation import STANDARD, exchange_today
from infra.db.queries.chains import Pick

_EPOCH = date(1970, 1, 1)
SeriesKey = tuple[str, int]


def chain_answer(
    chain: OptionChain, wanted: str | None, picks: Mapping[int, Sequence[Pick]]
) -> ChainAnswer:
    """Every series of the chain, and the rows of ``wanted``, else of the one nearest 30 days."""
    rows_of: defaultdict[SeriesKey, list[int]] = defaultdict(list)
    for row, key in enumerate(zip(chain.trading_class, chain.expiry.tolist(), strict=True)):
        rows_of[key].append(row)
    keys = sorted(rows_of, key=lambda key: (key[1], key[0]))
    series = [_series(chain, key, rows_of[key]) for key in keys]
    by_name = {each.key: key for each, key in zip(series, keys, strict=True)}
    chosen = wanted if wanted in by_name else _nearest_month(series)
    return ChainAnswer(
        symbol=chain.symbol,
        as_of=chain.as_of,
        quality=chain.quality,
        underlying_price=chain.underlying_price,
        series=series,
        chosen=chosen,
        rows=[] if chosen is None else _rows(chain, rows_of[by_name[chosen]], picks),
    )


def _nearest_month(series: Sequence[Series]) -> str | None:
    return min(series, key=lambda each: abs(each.dte - 30)).key if series else None


def _series(chain: OptionChain, key: SeriesKey, rows: Sequence[int]) -> Series:
    trading_class, days = key
    expiry = _EPOCH + timedelta(days=days)
    carry = next(
        (c for c in chain.carries if (c.trading_class, c.expiry) == key),
        None,
    )
    forward = None if carry is None else carry.forward
    return Series(
        key=f"{trading_class}:{expiry.isoformat()}",
        trading_class=trading_class,
        expiry=expiry,
        dte=(expiry - exchange_today(chain.as_of)).days,
        contracts=len(rows),
        atm_iv=_atm_iv(chain, np.array(rows), forward or chain.underlying_price),
        forward=forward,
    )


def _atm_iv(chain: OptionChain, rows: np.ndarray, level: float) -> float | None:
    """Of the strike nearest to ``level`` that has a volatility: call and put in the middle."""
    known = rows[np.isfinite(chain.iv[rows])]
    if not len(known):
        return None
    distance = np.abs(chain.strike[known] - level)
    nearest = known[distance == distance.min()]
    return float(chain.iv[nearest].mean())


def _rows(
    chain: OptionChain, rows: Sequence[int], picks: Mapping[int, Sequence[Pick]]
) -> list[StrikeRow]:
    part = chain.part(np.array(rows))
    greeks = _greeks(part)
    strikes: defaultdict[float, dict[bool, ChainSide]] = defaultdict(dict)
    for row, (strike, is_call) in enumerate(
        zip(part.strike.tolist(), part.is_call.tolist(), strict=True)
    ):
        strikes[strike][is_call] = _side(part, row, greeks, picks)
    return [
        StrikeRow(strike=strike, call=sides.get(True), put=sides.get(False))
        for strike, sides in sorted(strikes.items())
    ]


def _greeks(chain: OptionChain) -> european.Greeks:
    """By the chain's own volatilities and the carry it implies; the early exercise is left out."""
    years = years_to_expiry(chain)
    rate = np.full(len(chain), STANDARD.rate)
    dividend_yield = np.zeros(len(chain))
    for carry in chain.carries:
        here = (np.array(chain.trading_class) == carry.trading_class) & (
            chain.expiry == carry.expiry
        )
        if here.any():
            rate[here] = carry.rate
            dividend_yield[here] = yield_of(carry, chain, float(years[here][0]))
    with np.errstate(all="ignore"):
        return european.greeks(
            chain.underlying_price,
            chain.strike,
            years,
            rate,
            dividend_yield,
            chain.iv,
            chain.is_call,
        )


def _side(
    chain: OptionChain,
    row: int,
    greeks: european.Greeks,
    picks: Mapping[int, Sequence[Pick]],
) -> ChainSide:
    con_id = int(chain.con_id[row])
    return ChainSide(
        con_id=con_id,
        description=chain.describe(row),
        bid=_known(chain.bid[row]),
        ask=_known(chain.ask[row]),
        mid=_known(chain.mid[row]),
        iv=_known(chain.iv[row]),
        delta=_known(chain.delta[row]),
        gamma=_known(greeks.gamma[row]),
        theta_per_day=_known(greeks.theta_per_day[row]),
        vega_point=_known(greeks.vega[row] / 100),
        volume=_known(chain.volume[row]),
        open_interest=_known(chain.open_interest[row]),
        code=None if chain.code is None else QuoteCode(int(chain.code[row])).name,
        picks=[
            StrategyPick(
                strategy=pick.instance,
                rank=pick.rank,
                score=pick.score,
                recommended=pick.recommended,
                why_not=pick.why_not,
            )
            for pick in picks.get(con_id, ())
        ],
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
