"""What is listed on the simulated exchange: underlyings, option classes and their constants.

Prices and volatilities are plausible, not quotations; contract ids are the simulator's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from domain.instruments import PriceBand, PriceIncrements, SecType

NEW_YORK = ZoneInfo("America/New_York")
RISK_FREE_RATE = 0.04
OPTION_MULTIPLIER = 100
CURRENCY = "USD"
OPENING_AUCTION = time(9, 30)

CENT = PriceIncrements.flat(Decimal("0.01"))
PENNY_CLASS = PriceIncrements(
    bands=(
        PriceBand(low_edge=Decimal(0), increment=Decimal("0.01")),
        PriceBand(low_edge=Decimal(3), increment=Decimal("0.05")),
    )
)
NICKEL_CLASS = PriceIncrements(
    bands=(
        PriceBand(low_edge=Decimal(0), increment=Decimal("0.05")),
        PriceBand(low_edge=Decimal(3), increment=Decimal("0.10")),
    )
)
NICKEL = PriceIncrements.flat(Decimal("0.05"))

# The numbering of market rules is private to a gateway; clients learn it from contract details.
MARKET_RULES: dict[int, PriceIncrements] = {
    26: CENT,
    32: PENNY_CLASS,
    109: NICKEL_CLASS,
    110: NICKEL,
}
RULE_CENT, RULE_PENNY, RULE_NICKEL_DIME, RULE_NICKEL = 26, 32, 109, 110


def exchange_date(at: datetime) -> date:
    """The exchange's own date at a moment."""
    return at.astimezone(NEW_YORK).date()


@dataclass(frozen=True, slots=True)
class Underlying:
    """A stock, fund or index, with the constants of its price process."""

    con_id: int
    symbol: str
    sec_type: SecType
    primary_exchange: str
    long_name: str
    stock_type: str
    base_price: float
    base_vol: float
    """Annualised at-the-money volatility of a one-month option, decimal."""
    dividend_yield: float
    market_beta: float
    """Weight of the common market shock in its returns, 0..1: sets the correlations."""
    skew: float
    """Change of volatility per standard deviation of log-moneyness (negative: puts dearer)."""
    average_volume: int
    annual_dividend: float
    index_scale: float = 1.0
    """An index derived from another's path: XSP is SPX divided by ten."""
    path_of: str = ""
    volatility_of: str = ""
    """An index of another's 30-day volatility in points, as VIX is of SPX; no price path."""
    earnings_move: float = 0.0
    """Standard deviation of the log move after its quarterly earnings; 0 without earnings."""

    @property
    def is_index(self) -> bool:
        return self.sec_type is SecType.INDEX

    @property
    def continuous_yield(self) -> float:
        """What option pricing discounts continuously; stocks and funds pay on their ex-dates."""
        return self.dividend_yield if self.is_index else 0.0

    @property
    def exchange(self) -> str:
        return self.primary_exchange if self.is_index else "SMART"

    @property
    def industry(self) -> tuple[str, str, str]:
        """Industry, category and subcategory as contract details name them."""
        if self.is_index:
            return ("Indices", "Broad Range Equity Index", "*")
        if self.stock_type == "ETF":
            return ("", "", "")
        return ("Technology", "Computers", "Large Cap")


@dataclass(frozen=True, slots=True)
class OptionClass:
    """A trading class: which expiries it lists, on which strikes, at which price steps."""

    number: int
    """1..15, part of every contract id of the class."""
    name: str
    symbol: str
    strike_unit: Decimal
    """Strikes are whole multiples of this."""
    near_step: int
    """Strike step near the money, in units."""
    far_step: int
    daily: bool
    weekly: bool
    am_settled: bool
    cash_settled: bool
    market_rule: int
    liquidity: float
    """1 for the tightest markets; spreads widen in proportion."""
    multiplier: int = OPTION_MULTIPLIER
    strike_scale: Fraction = Fraction(1)
    """What a split has made of each strike: adjusted strikes are rounded to the cent."""
    listed_from: date = date.min
    listed_until: date = date.max
    """Exchange dates between which the class trades: a split ends one and begins others."""
    adjusted_from: int = 0
    """Number of the class whose contracts a split turned into these; 0 for a standard class."""

    def strike(self, index: int) -> Decimal:
        """The strike that is ``index`` units high."""
        exact = self.strike_unit * index
        if self.strike_scale == 1:
            return exact
        scaled = exact * self.strike_scale.numerator / self.strike_scale.denominator
        return scaled.quantize(Decimal("0.01"))

    def strike_index(self, strike: Decimal) -> int | None:
        """The inverse of :meth:`strike`; None for a strike off the grid."""
        scale = self.strike_scale
        units = strike * scale.denominator / (scale.numerator * self.strike_unit)
        index = int(units.to_integral_value())
        return index if self.strike(index) == strike else None


UNDERLYINGS: dict[str, Underlying] = {
    u.symbol: u
    for u in (
        Underlying(
            10001, "SPY", SecType.STOCK, "ARCA", "SPDR S&P 500 ETF TRUST", "ETF",
            660.0, 0.155, 0.012, 1.0, -0.032, 70_000_000, 7.8, index_scale=0.1, path_of="SPX",
        ),
        Underlying(
            10002, "QQQ", SecType.STOCK, "NASDAQ", "INVESCO QQQ TRUST SERIES 1", "ETF",
            600.0, 0.19, 0.006, 0.94, -0.030, 45_000_000, 3.4,
        ),
        Underlying(
            10003, "IWM", SecType.STOCK, "ARCA", "ISHARES RUSSELL 2000 ETF", "ETF",
            240.0, 0.21, 0.012, 0.85, -0.028, 30_000_000, 2.7,
        ),
        Underlying(
            10004, "AAPL", SecType.STOCK, "NASDAQ", "APPLE INC", "COMMON",
            270.0, 0.25, 0.004, 0.68, -0.018, 50_000_000, 1.04, earnings_move=0.04,
        ),
        Underlying(
            10005, "MSFT", SecType.STOCK, "NASDAQ", "MICROSOFT CORP", "COMMON",
            500.0, 0.23, 0.007, 0.70, -0.018, 22_000_000, 3.64, earnings_move=0.04,
        ),
        Underlying(
            10006, "NVDA", SecType.STOCK, "NASDAQ", "NVIDIA CORP", "COMMON",
            180.0, 0.42, 0.0003, 0.66, -0.014, 180_000_000, 0.04, earnings_move=0.07,
        ),
        Underlying(
            10007, "SPX", SecType.INDEX, "CBOE", "S&P 500 Stock Index", "",
            6600.0, 0.155, 0.012, 1.0, -0.032, 0, 0.0,
        ),
        Underlying(
            10008, "XSP", SecType.INDEX, "CBOE", "S&P 500 Mini SPX Options Index", "",
            660.0, 0.155, 0.012, 1.0, -0.032, 0, 0.0, index_scale=0.1, path_of="SPX",
        ),
        Underlying(
            10009, "RUT", SecType.INDEX, "RUSSELL", "Russell 2000 Stock Index", "",
            2400.0, 0.21, 0.012, 0.85, -0.028, 0, 0.0, index_scale=10.0, path_of="IWM",
        ),
        Underlying(
            10010, "VIX", SecType.INDEX, "CBOE", "CBOE Volatility Index", "",
            16.0, 0.9, 0.0, 0.0, 0.0, 0, 0.0, path_of="SPX", volatility_of="SPX",
        ),
    )
}  # fmt: skip

OPTION_CLASSES: dict[str, OptionClass] = {
    c.name: c
    for c in (
        OptionClass(1, "SPY", "SPY", Decimal(1), 1, 5, True, True, False, False, 26, 1.0),
        OptionClass(2, "QQQ", "QQQ", Decimal(1), 1, 5, True, True, False, False, 26, 1.2),
        OptionClass(3, "IWM", "IWM", Decimal(1), 1, 5, False, True, False, False, 26, 1.5),
        OptionClass(4, "AAPL", "AAPL", Decimal("2.5"), 1, 4, False, True, False, False, 32, 1.5),
        OptionClass(5, "MSFT", "MSFT", Decimal("2.5"), 1, 4, False, True, False, False, 32, 1.8),
        OptionClass(6, "NVDA", "NVDA", Decimal("2.5"), 1, 4, False, True, False, False, 32, 1.3),
        OptionClass(7, "SPX", "SPX", Decimal(5), 5, 20, False, False, True, True, 109, 1.6),
        OptionClass(8, "SPXW", "SPX", Decimal(5), 1, 10, True, True, False, True, 109, 1.2),
        OptionClass(9, "XSP", "XSP", Decimal(1), 1, 5, True, True, False, True, 26, 2.0),
        OptionClass(10, "RUT", "RUT", Decimal(5), 2, 10, False, False, True, True, 109, 2.4),
        OptionClass(11, "RUTW", "RUT", Decimal(5), 1, 5, False, True, False, True, 109, 2.0),
    )
}  # fmt: skip

CLASSES_BY_SYMBOL: dict[str, tuple[OptionClass, ...]] = {
    symbol: tuple(c for c in OPTION_CLASSES.values() if c.symbol == symbol)
    for symbol in UNDERLYINGS
}
CLASSES_BY_NUMBER: dict[int, OptionClass] = {c.number: c for c in OPTION_CLASSES.values()}
