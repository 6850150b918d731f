"""Quotes and chains: subscribe, wait until the picture is complete, read, unsubscribe.

A streaming subscription is used even for one look, because snapshots carry no open interest.
What does not arrive in time is missing, and says so by its quality; nothing is guessed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal

from ib_async import Contract, Ticker

from domain.chain_grading import graded
from domain.corporate_actions import AnnouncedDividend
from domain.errors import ErrorCode, GreenlightError
from domain.instruments import ExerciseStyle, OptionContract, Right, Settlement
from domain.market import OptionChain, Quote, QuoteQuality, decimal_of
from domain.market_facts import DividendOutlook
from domain.ports import BrokerContract, ChainReading, IndexLevel
from domain.pricing.european import greeks
from domain.strategies.base import ChainWindow
from infra.ibkr.client import IbkrClient
from infra.ibkr.contracts import ContractBook, is_index
from infra.ibkr.lines import MarketDataLines
from infra.ibkr.mapping import ib_option

# Of the lines of the session, so that some stay free for quotes at the click.
CHAIN_LINES = 80
OPEN_INTEREST, IMPLIED_VOLATILITY, DIVIDENDS = "101", "106", "456"
# How far past the wanted deltas the estimate from one flat volatility may err.
DELTA_MARGIN = 0.12

_QUALITY = {
    1: QuoteQuality.LIVE,
    2: QuoteQuality.FROZEN,
    3: QuoteQuality.DELAYED,
    4: QuoteQuality.DELAYED,
}


class MarketData:
    """Looks at the market through one gateway."""

    def __init__(self, client: IbkrClient, contracts: ContractBook) -> None:
        self._client = client
        self._contracts = contracts
        self._lines = MarketDataLines(client)
        self._chain_lines = asyncio.Semaphore(CHAIN_LINES)
        self._dividends_of: date | None = None
        self._dividends: dict[int, DividendOutlook | None] = {}

    async def quote(self, contract: OptionContract, as_of: datetime) -> Quote:
        """One fresh look at an option, ahead of any background reading.

        Raises GreenlightError with the code of the broker's refusal.
        """
        look = await self._lines.look(ib_option(contract), "", _has_quote_and_greeks)
        ticker = look.require()
        model = ticker.modelGreeks
        return Quote(
            bid=_price(ticker.bid),
            ask=_price(ticker.ask),
            bid_size=_price(ticker.bidSize),
            ask_size=_price(ticker.askSize),
            last=_price(ticker.last),
            underlying_price=None if model is None else _price(model.undPrice),
            iv=None if model is None else _number(model.impliedVol),
            delta=None if model is None else _number(model.delta),
            quality=_quality(ticker),
            halted=_halted(ticker),
            as_of=as_of,
        )

    async def chain(
        self,
        symbol: str,
        window: ChainWindow,
        as_of: datetime,
        today: date,
        held: Sequence[OptionContract] = (),
    ) -> ChainReading:
        """The part of a chain that ``window`` asks for, read contract by contract.

        Options ``held`` are read wherever they lie: to be closed or rolled they must be priced.
        Raises GreenlightError QUOTE_MISSING when the underlying itself has no price.
        """
        self._contracts.start_day(today)
        underlying = await self._contracts.underlying(symbol)
        spot, volatility = await self._underlying(underlying)
        wanted = [
            contract
            for contract in await self._listed(underlying, window, today)
            if _is_inside(contract, window, spot, volatility, today)
        ]
        wanted += await self._described(held, {contract.con_id for contract in wanted})
        if not wanted:
            raise GreenlightError(
                ErrorCode.DATA_INVALID,
                f"{symbol} lists no option between {window.min_dte} and {window.max_dte} days "
                "in the wanted strikes",
                symbol=symbol,
            )
        tickers = await asyncio.gather(*(self._row(contract) for contract in wanted))
        return ChainReading(
            underlying=underlying,
            chain=_chain(underlying, spot, wanted, tickers, as_of),
            contracts=tuple(wanted),
        )

    async def chain_of(self, contracts: Sequence[OptionContract], as_of: datetime) -> ChainReading:
        """A chain of ``contracts`` alone, all of one underlying, read afresh.

        Raises GreenlightError QUOTE_MISSING where the underlying has no price, and
        INSTRUMENT_UNKNOWN for a contract that the broker describes no more.
        """
        found = [await self._contracts.by_con_id(ib_option(each)) for each in contracts]
        underlying = await self._contracts.underlying_of(found[0])
        assert underlying is not None
        spot, _ = await self._underlying(underlying)
        tickers = await asyncio.gather(*map(self._row, found))
        chain = _chain(underlying, spot, found, tickers, as_of)
        return ChainReading(underlying=underlying, chain=chain, contracts=tuple(found))

    async def index_level(self, index: BrokerContract, as_of: datetime) -> IndexLevel:
        """An index as quoted just now. Raises GreenlightError QUOTE_MISSING, or its refusal."""
        async with self._client.pacer:
            ticker = (await self._lines.look(ib_underlying(index), "", _has_price)).require()
        level = _price(ticker.marketPrice())
        if level is None:
            raise GreenlightError(ErrorCode.QUOTE_MISSING, f"no level of {index.symbol}")
        quality = _QUALITY.get(ticker.marketDataType, QuoteQuality.MISSING)
        return IndexLevel(index=index, level=level, quality=quality, as_of=as_of)

    async def dividend_outlook(
        self, underlying: BrokerContract, today: date
    ) -> DividendOutlook | None:
        """A stock's dividends to come; asked once a day, for they change seldom."""
        if self._dividends_of != today:
            self._dividends_of, self._dividends = today, {}
        if underlying.con_id not in self._dividends:
            self._dividends[underlying.con_id] = await self._ask_dividends(underlying)
        return self._dividends[underlying.con_id]

    async def _ask_dividends(self, underlying: BrokerContract) -> DividendOutlook | None:
        if is_index(underlying):
            return None
        async with self._client.pacer:
            look = await self._lines.look(ib_underlying(underlying), DIVIDENDS, _has_dividends)
        told = look.ticker.dividends
        if told is None:
            return None
        announced = None
        if told.nextDate is not None and told.nextAmount:
            announced = AnnouncedDividend(
                con_id=underlying.con_id,
                ex_date=told.nextDate,
                amount=decimal_of(told.nextAmount),
            )
        projected = None if told.next12Months is None else decimal_of(told.next12Months)
        return DividendOutlook(next_12_months=projected, announced=announced)

    async def _underlying(self, underlying: BrokerContract) -> tuple[float, float | None]:
        contract = ib_underlying(underlying)
        generic = "" if is_index(underlying) else IMPLIED_VOLATILITY
        async with self._client.pacer:
            ticker = (await self._lines.look(contract, generic, _has_price)).require()
        price = ticker.marketPrice()
        if math.isnan(price) or price <= 0:
            raise GreenlightError(ErrorCode.QUOTE_MISSING, f"no price for {underlying.symbol}")
        return float(price), _number(ticker.impliedVolatility)

    async def _listed(
        self, underlying: BrokerContract, window: ChainWindow, today: date
    ) -> list[BrokerContract]:
        rights = [*("P" * window.puts), *("C" * window.calls)]
        listed: list[BrokerContract] = []
        for trading_class, expiry in await self._contracts.expiries(underlying):
            if not window.min_dte <= (expiry - today).days <= window.max_dte:
                continue
            for right in rights:
                listed += await self._contracts.series(
                    underlying.symbol, trading_class, expiry, right
                )
        return listed

    async def _described(
        self, held: Sequence[OptionContract], known: Collection[int]
    ) -> list[BrokerContract]:
        """The contracts held but those ``known``; what the gateway describes no more has expired,
        and nothing can be done with it."""
        described: list[BrokerContract] = []
        for option in held:
            if option.con_id in known:
                continue
            try:
                described.append(await self._contracts.by_con_id(ib_option(option)))
            except GreenlightError as error:
                if error.code is not ErrorCode.INSTRUMENT_UNKNOWN:
                    raise
        return described

    async def _row(self, contract: BrokerContract) -> Ticker:
        assert contract.option is not None
        async with self._chain_lines:
            await self._client.pacer.acquire(2)  # the request and its cancellation
            # A row that is refused is missing from the chain; the rest of it stands.
            option = ib_option(contract.option)
            return (await self._lines.look(option, OPEN_INTEREST, _has_row)).ticker


def ib_underlying(underlying: BrokerContract) -> Contract:
    return Contract(
        conId=underlying.con_id,
        secType=underlying.sec_type.value,
        symbol=underlying.symbol,
        exchange=underlying.exchange or "SMART",
        currency=underlying.currency,
    )


def _has_dividends(ticker: Ticker) -> bool:
    return ticker.dividends is not None


def _has_quote_and_greeks(ticker: Ticker) -> bool:
    return ticker.hasBidAsk() and ticker.modelGreeks is not None


def _has_row(ticker: Ticker) -> bool:
    """A chain's row also wants open interest, which may come after the quote."""
    known = (ticker.callOpenInterest, ticker.putOpenInterest)
    return _has_quote_and_greeks(ticker) and not all(math.isnan(each) for each in known)


def _has_price(ticker: Ticker) -> bool:
    return not math.isnan(ticker.marketPrice())


def _quality(ticker: Ticker) -> QuoteQuality:
    if not ticker.hasBidAsk():
        return QuoteQuality.MISSING
    return _QUALITY.get(ticker.marketDataType, QuoteQuality.MISSING)


def _halted(ticker: Ticker) -> bool | None:
    """Tick 49: 0 is not halted, 1 and 2 are; -1, or no tick, says nothing.

    TWS need not send it for a contract that was not halted since the subscription began.
    """
    told = _number(ticker.halted)
    return None if told is None or told < 0 else told > 0


def _price(value: float | None) -> Decimal | None:
    """A price or size; TWS writes -1 (or 0 with no size) where there is none."""
    number = _number(value)
    return None if number is None or number <= 0 else decimal_of(number)


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _is_inside(
    contract: BrokerContract,
    window: ChainWindow,
    spot: float,
    volatility: float | None,
    today: date,
) -> bool:
    """Whether a contract may matter, judged before any quote of its own is known."""
    option = contract.option
    if option is None:
        return False
    moneyness = float(option.strike) / spot
    if not window.min_moneyness <= moneyness <= window.max_moneyness:
        return False
    if volatility is None:
        return True
    years = max((option.expiry - today).days, 1) / 365
    estimate = greeks(
        spot=spot,
        strike=float(option.strike),
        years=years,
        rate=0.0,
        dividend_yield=0.0,
        vol=volatility,
        is_call=option.right is Right.CALL,
    )
    delta = abs(float(estimate.delta))
    return window.min_abs_delta - DELTA_MARGIN <= delta <= window.max_abs_delta + DELTA_MARGIN


def _chain(
    underlying: BrokerContract,
    spot: float,
    contracts: Sequence[BrokerContract],
    tickers: Sequence[Ticker],
    as_of: datetime,
) -> OptionChain:
    options = [contract.option for contract in contracts if contract.option is not None]
    qualities = {_quality(ticker) for ticker in tickers} - {QuoteQuality.MISSING}
    models = [ticker.modelGreeks for ticker in tickers]
    columns: dict[str, object] = {
        "symbol": underlying.symbol,
        "currency": underlying.currency,
        "as_of": as_of,
        "underlying_price": spot,
        "quality": qualities.pop() if len(qualities) == 1 else QuoteQuality.MISSING,
        "style": ExerciseStyle.EUROPEAN if is_index(underlying) else ExerciseStyle.AMERICAN,
        "settlement": Settlement.CASH if is_index(underlying) else Settlement.PHYSICAL,
        "increments": contracts[0].increments,
        "trading_class": tuple(option.trading_class for option in options),
        "multiplier": [float(option.multiplier) for option in options],
        "con_id": [option.con_id for option in options],
        "expiry": [(option.expiry - date(1970, 1, 1)).days for option in options],
        "strike": [float(option.strike) for option in options],
        "is_call": [option.right is Right.CALL for option in options],
        "bid": [_price(ticker.bid) for ticker in tickers],
        "ask": [_price(ticker.ask) for ticker in tickers],
        "iv": [None if model is None else _number(model.impliedVol) for model in models],
        "delta": [None if model is None else _number(model.delta) for model in models],
        "volume": [_number(ticker.volume) for ticker in tickers],
        "open_interest": [
            _number(_open_interest(option, ticker))
            for option, ticker in zip(options, tickers, strict=True)
        ],
    }
    return graded(OptionChain.model_validate(columns))


def _open_interest(option: OptionContract, ticker: Ticker) -> float:
    return ticker.callOpenInterest if option.right is Right.CALL else ticker.putOpenInterest
