"""Option chains as last recorded."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from api.schemas.common import Answer, Exact, UtcTime
from domain.market import QuoteQuality


class RecordedUnderlying(Answer):
    symbol: str
    as_of: UtcTime = Field(description="market time of the latest chain")
    underlying_price: Exact
    contracts: int


class StrategyPick(Answer):
    """What a strategy's latest run made of a contract."""

    strategy: str
    rank: int
    score: float
    recommended: bool
    why_not: str


class ChainSide(Answer):
    """One contract. Greeks are the holder's, per share of one unit; null where unknown."""

    con_id: int
    description: str
    bid: float | None
    ask: float | None
    mid: float | None
    iv: float | None = Field(description="annualised, decimal")
    delta: float | None
    gamma: float | None
    theta_per_day: float | None
    vega_point: float | None
    volume: float | None
    open_interest: float | None
    code: str | None = Field(description="why it may not be priced; OK, or null: not graded")
    picks: list[StrategyPick]


class StrikeRow(Answer):
    strike: float
    call: ChainSide | None
    put: ChainSide | None


class Series(Answer):
    """The contracts of one trading class that expire on one day."""

    key: str = Field(description="`trading class:expiry`, to ask for its rows")
    trading_class: str
    expiry: date
    dte: int
    contracts: int
    atm_iv: float | None = Field(description="of the strike nearest to the forward, or to spot")
    forward: float | None


class ChainAnswer(Answer):
    """The chain of one underlying: every series, and the rows of one of them."""

    symbol: str
    as_of: UtcTime = Field(description="market time")
    quality: QuoteQuality
    underlying_price: float
    series: list[Series] = Field(description="the next expiry first")
    chosen: str | None = Field(description="key of the series whose rows these are")
    rows: list[StrikeRow] = Field(description="by strike")
