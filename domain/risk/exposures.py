"""Greeks, sectors and liquidity: what an account leans on, and how easily it could let go."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import numpy as np
from pydantic import Field

from domain.instruments import Frozen
from domain.market import BoolArray, QuoteQuality
from domain.portfolio import ZERO, AccountState, PositionState
from domain.risk.products import BENCHMARK_SYMBOLS
from domain.risk.ratios import ratio
from domain.risk.valuation import Book

UNKNOWN_SECTOR = "unknown"


LARGEST_BETA = 100.0
"""No share moves a hundredfold with the market: a figure beyond is a fault of the data."""


class Greeks(Frozen):
    """Sums in the account's currency.

    ``delta`` gains that much if the underlyings rise by 100 % of their price at today's slope (1 %
    moves a hundredth of it); ``gamma_1pct`` is the change of ``delta`` per 1 %; ``vega_point`` the
    gain per volatility point; ``theta_per_day`` the gain per calendar day.
    """

    delta: float = 0.0
    gamma_1pct: float = 0.0
    vega_point: float = 0.0
    theta_per_day: float = 0.0


class PortfolioGreeks(Frozen):
    total: Greeks
    beta_weighted_delta: float = Field(description="in the account's currency, like delta")
    beta_weighted_units: float | None = Field(
        description="the same in shares (or index units) of the benchmark"
    )
    benchmark: str | None
    unknown_beta: tuple[str, ...] = Field(description="underlyings that are not in the beta sum")
    unpriced: tuple[str, ...] = Field(description="keys of positions that are in no sum")


class UnderlyingRisk(Frozen):
    """One underlying, everything on it together."""

    symbol: str
    price: float | None
    sector: str | None
    beta: float | None
    notional: Decimal
    unrealized_pnl: Decimal | None
    daily_pnl: Decimal | None
    delta_shares: float
    greeks: Greeks
    positions: int


class SectorConcentration(Frozen):
    sector: str
    notional: Decimal
    fraction: Decimal | None = Field(description="of net liquidation value")
    symbols: tuple[str, ...]


class PositionLiquidity(Frozen):
    """What it would take to get out of one option position; None where it is not known."""

    key: str
    description: str
    symbol: str
    contracts: Decimal
    spread_fraction: float | None = Field(description="spread over mid")
    cost_to_cross: Decimal | None = Field(description="half the spread on all of it")
    open_interest: float | None
    size_fraction: float | None = Field(description="contracts over open interest")
    quality: QuoteQuality
    is_crossed: bool
    quote_age: timedelta | None = Field(description="before the account's own time")


def portfolio_greeks(account: AccountState, book: Book) -> PortfolioGreeks:
    known = book.is_priced & np.isfinite(book.spot)
    betas = {symbol: beta_of(account, symbol) for symbol in account.symbols}
    beta = np.array([_nan(betas[position.symbol]) for position in book.positions])
    delta = book.units * book.delta * book.spot
    weighed = known & np.isfinite(beta)
    total = float(np.sum((beta * delta)[weighed]))
    benchmark = account.benchmark
    price = None if benchmark is None or benchmark.price is None else float(benchmark.price)
    return PortfolioGreeks(
        total=_greeks(book, known),
        beta_weighted_delta=total,
        beta_weighted_units=total / price if price else None,
        benchmark=benchmark.symbol if benchmark and price else None,
        unknown_beta=tuple(symbol for symbol, value in betas.items() if value is None),
        unpriced=book.unpriced,
    )


def beta_of(account: AccountState, symbol: str) -> float | None:
    """To the S&P 500; one for the index and its funds, None where it is not known or cannot be."""
    if symbol in BENCHMARK_SYMBOLS:
        return 1.0
    known = account.underlyings.get(symbol)
    beta = None if known is None else known.beta
    return beta if beta is not None and abs(beta) <= LARGEST_BETA else None


def underlying_risks(account: AccountState, book: Book) -> tuple[UnderlyingRisk, ...]:
    """Every underlying held, the one with most at stake first."""
    symbols = np.array([position.symbol for position in book.positions], dtype=object)
    known = book.is_priced & np.isfinite(book.spot)
    risks: list[UnderlyingRisk] = []
    for symbol, notional in account.exposure_by_underlying.items():
        rows = symbols == symbol
        counted = rows & known
        spots = book.spot[rows & np.isfinite(book.spot)]
        state = account.underlyings.get(symbol)
        held = account.on(symbol)
        risks.append(
            UnderlyingRisk(
                symbol=symbol,
                price=float(spots[0]) if len(spots) else None,
                sector=None if state is None else state.sector,
                beta=beta_of(account, symbol),
                notional=notional,
                unrealized_pnl=_pnl([position.unrealized_pnl for position in held]),
                daily_pnl=_pnl([position.daily_pnl for position in held]),
                delta_shares=float(np.sum((book.units * book.delta)[counted])),
                greeks=_greeks(book, counted),
                positions=len(held),
            )
        )
    return tuple(risks)


def sector_concentration(account: AccountState) -> tuple[SectorConcentration, ...]:
    """Exposure by sector, largest first; names whose sector is not known stand together."""
    by_sector: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
    for symbol, notional in account.exposure_by_underlying.items():
        known = account.underlyings.get(symbol)
        sector = (known.sector if known is not None else None) or UNKNOWN_SECTOR
        by_sector[sector].append((symbol, notional))
    found = [
        SectorConcentration(
            sector=sector,
            notional=sum((notional for _, notional in names), ZERO),
            fraction=ratio(sum((n for _, n in names), ZERO), account.values.net_liquidation),
            symbols=tuple(symbol for symbol, _ in names),
        )
        for sector, names in by_sector.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.notional, each.sector)))


def liquidity(account: AccountState) -> tuple[PositionLiquidity, ...]:
    """Every option held."""
    return tuple(_liquidity(position, account) for position in account.positions if position.option)


def _liquidity(position: PositionState, account: AccountState) -> PositionLiquidity:
    quote, contracts = position.quote, abs(position.quantity)
    mid = spread = None
    if quote is not None and not quote.is_crossed:
        mid, spread = quote.mid, quote.spread
    interest = position.open_interest
    if interest is not None and not (np.isfinite(interest) and (interest == 0 or interest >= 1)):
        interest = None
    return PositionLiquidity(
        key=position.key,
        description=position.option.describe() if position.option else position.description,
        symbol=position.symbol,
        contracts=contracts,
        spread_fraction=float(spread / mid) if mid and spread is not None else None,
        cost_to_cross=None if spread is None else spread / 2 * contracts * position.multiplier,
        open_interest=interest,
        size_fraction=float(contracts) / interest if interest else None,
        quality=QuoteQuality.MISSING if quote is None else quote.quality,
        is_crossed=quote is not None and quote.is_crossed,
        quote_age=None if quote is None else quote.age(account.as_of),
    )


def _greeks(book: Book, rows: BoolArray) -> Greeks:
    def total(per_share: np.ndarray) -> float:
        return float(np.sum((book.units * per_share)[rows]))

    return Greeks(
        delta=total(book.delta * book.spot),
        gamma_1pct=total(book.gamma * book.spot**2) / 100,
        vega_point=total(book.vega) / 100,
        theta_per_day=total(book.theta_per_day),
    )


def _pnl(told: list[Decimal | None]) -> Decimal | None:
    """The sum; None unless every part is known."""
    known = [each for each in told if each is not None]
    return sum(known, ZERO) if len(known) == len(told) else None


def _nan(value: float | None) -> float:
    return np.nan if value is None else value
