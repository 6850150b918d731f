from __future__ import annotations

import time
from datetime import timedelta

import ib_async
import pytest

from infra.simulator.app import SimulatedGateway
from tests.simulator.conftest import Connect, Recorder, StartGateway, qualified, settle, spy_put


@pytest.mark.parametrize(
    ("contract", "primary"),
    [
        (ib_async.Stock("AAPL", "SMART", "USD"), "NASDAQ"),
        (ib_async.Stock("SPY", "SMART", "USD"), "ARCA"),
        (ib_async.Index("SPX", "CBOE", "USD"), "CBOE"),
    ],
)
async def test_underlyings_qualify_by_symbol(
    ib: Recorder, contract: ib_async.Contract, primary: str
):
    assert (await qualified(ib, contract)).primaryExchange == primary


async def test_an_option_without_a_strike_gives_every_strike(ib: Recorder):
    wanted = ib_async.Option("SPY", "20261218", right="P", exchange="SMART")
    details = await ib.reqContractDetailsAsync(wanted)
    chain = (await ib.reqSecDefOptParamsAsync("SPY", "", "STK", details[0].underConId))[0]
    assert [d.contract.strike for d in details] == chain.strikes
    assert {d.contract.right for d in details} == {"P"}
    assert details[0].marketRuleIds.count(",") == details[0].validExchanges.count(",")


async def test_a_contract_id_alone_identifies_an_option(ib: Recorder):
    put = await spy_put(ib)
    again = await qualified(ib, ib_async.Contract(conId=put.conId, exchange="SMART"))
    assert (again.strike, again.right, again.localSymbol) == (640, "P", "SPY   261218P00640000")


async def test_a_local_symbol_identifies_an_option(ib: Recorder):
    wanted = ib_async.Contract(secType="OPT", localSymbol="SPXW  261218P06500000", exchange="SMART")
    assert (await qualified(ib, wanted)).tradingClass == "SPXW"


@pytest.mark.parametrize(
    "contract",
    [
        ib_async.Stock("ZZZZ", "SMART", "USD"),
        ib_async.Stock("SPY", "SMART", "EUR"),
        ib_async.Option("SPY", "20261219", 640, "P", "SMART"),
        ib_async.Option("SPY", "20261218", 640.5, "P", "SMART"),
        ib_async.Contract(conId=999),
        ib_async.Contract(secType="BAG", symbol="SPY"),
    ],
)
async def test_what_is_not_listed_has_no_definition(ib: Recorder, contract: ib_async.Contract):
    assert await ib.reqContractDetailsAsync(contract) == []
    assert ib.codes()[-1] == 200


async def test_holiday_fridays_expire_the_day_before(ib: Recorder):
    chain = (await ib.reqSecDefOptParamsAsync("AAPL", "", "STK", 0))[0]
    # Christmas day 2026 is a Friday.
    assert "20261224" in chain.expirations
    assert "20261225" not in chain.expirations


async def test_spx_lists_morning_and_afternoon_classes(ib: Recorder):
    chains = await ib.reqSecDefOptParamsAsync("SPX", "", "IND", 0)
    by_class = {c.tradingClass: c for c in chains}
    # The monthly of Friday 18 December settles that morning and last trades the day before.
    assert "20261217" in by_class["SPX"].expirations
    assert "20261218" in by_class["SPXW"].expirations
    details = await ib.reqContractDetailsAsync(
        ib_async.Option("SPX", "20261217", 6500, "P", "SMART", tradingClass="SPX")
    )
    assert details[0].realExpirationDate == "20261218"


@pytest.mark.parametrize(
    ("option", "bands"),
    [
        (ib_async.Option("SPY", "20261218", 640, "P", "SMART"), [(0, 0.01)]),
        (ib_async.Option("AAPL", "20261218", 260, "P", "SMART"), [(0, 0.01), (3, 0.05)]),
        (
            ib_async.Option("SPX", "20261218", 6500, "P", "SMART", tradingClass="SPXW"),
            [(0, 0.05), (3, 0.1)],
        ),
    ],
)
async def test_price_steps_come_from_the_contract_market_rule(
    ib: Recorder, option: ib_async.Contract, bands: list[tuple[float, float]]
):
    details = (await ib.reqContractDetailsAsync(option))[0]
    rule = await ib.reqMarketRuleAsync(int(details.marketRuleIds.split(",")[0]))
    assert [(band.lowEdge, band.increment) for band in rule] == bands


async def test_an_option_streams_quotes_greeks_and_open_interest(ib: Recorder):
    ticker = ib.reqMktData(await spy_put(ib), "100,101,104,106")
    await settle(ib)
    assert 0 < ticker.bid < ticker.ask
    assert ticker.bidSize > 0
    assert ticker.close > 0
    assert ticker.putOpenInterest > 0
    assert ticker.marketDataType == 1
    greeks = ticker.modelGreeks
    assert greeks is not None
    assert -0.5 < greeks.delta < 0 < greeks.impliedVol
    assert ticker.bid <= greeks.optPrice <= ticker.ask
    assert greeks.theta < 0
    assert abs(greeks.undPrice - 660) < 30


async def test_a_stock_streams_volatilities(ib: Recorder):
    ticker = ib.reqMktData(await qualified(ib, ib_async.Stock("AAPL", "SMART", "USD")), "104,106")
    await settle(ib)
    assert 0.05 < ticker.impliedVolatility < 1
    assert 0.05 < ticker.histVolatility < 1


async def test_an_index_shows_a_last_price_and_no_market(ib: Recorder):
    ticker = ib.reqMktData(await qualified(ib, ib_async.Index("SPX", "CBOE", "USD")))
    await settle(ib)
    assert ticker.last > 5000
    assert not ticker.bidSize > 0


async def test_quotes_move_with_market_time(ib: Recorder, gateway: SimulatedGateway):
    ticker = ib.reqMktData(await qualified(ib, ib_async.Stock("SPY", "SMART", "USD")))
    await settle(ib)
    before = ticker.bid
    gateway.clock.advance(timedelta(minutes=5))
    await settle(ib)
    assert ticker.bid != before


async def test_outside_the_session_there_is_no_live_market_but_a_frozen_one(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    gateway.clock.advance(timedelta(hours=7))
    live = (await ib.reqTickersAsync(put))[0]
    assert live.bidSize == 0
    assert live.close > 0
    ib.reqMarketDataType(2)
    frozen = ib.reqMktData(put)
    await settle(ib)
    assert 0 < frozen.bid < frozen.ask
    assert frozen.marketDataType == 2


async def test_a_combo_is_quoted_net(ib: Recorder):
    sold, bought = await spy_put(ib, 640), await spy_put(ib, 620)
    combo = ib_async.Contract(
        symbol="SPY",
        secType="BAG",
        exchange="SMART",
        currency="USD",
        comboLegs=[
            ib_async.ComboLeg(sold.conId, 1, "SELL", "SMART"),
            ib_async.ComboLeg(bought.conId, 1, "BUY", "SMART"),
        ],
    )
    net, a, b = ib.reqMktData(combo), ib.reqMktData(sold), ib.reqMktData(bought)
    await settle(ib)
    assert net.bid == pytest.approx(b.bid - a.ask)
    assert net.ask == pytest.approx(b.ask - a.bid)


async def test_three_hundred_quotes_are_subscribed_and_answered_within_a_second(
    start_gateway: StartGateway, connect: Connect
):
    gateway = await start_gateway(market_data_lines=0, messages_per_second=0)
    ib = await connect(gateway)
    details = await ib.reqContractDetailsAsync(ib_async.Option("SPY", "20261218", exchange="SMART"))
    contracts = [d.contract for d in details[:300]]
    started = time.perf_counter()
    tickers = [ib.reqMktData(contract) for contract in contracts]
    await settle(ib)
    assert all(ticker.ask > 0 and ticker.modelGreeks for ticker in tickers)
    assert time.perf_counter() - started < 1.0


async def test_daily_and_minute_bars_agree(ib: Recorder, gateway: SimulatedGateway):
    spy = await qualified(ib, ib_async.Stock("SPY", "SMART", "USD"))
    year = await ib.reqHistoricalDataAsync(spy, "", "1 Y", "1 day", "TRADES", True)
    today = await ib.reqHistoricalDataAsync(spy, "", "1 D", "1 min", "TRADES", True)
    assert len(year) in range(249, 254)
    assert all(bar.low <= min(bar.open, bar.close) for bar in year)
    assert year[-1].close == today[-1].close
    assert year[-1].high == max(bar.high for bar in today)


async def test_history_of_implied_volatility_is_daily(ib: Recorder):
    spy = await qualified(ib, ib_async.Stock("SPY", "SMART", "USD"))
    bars = await ib.reqHistoricalDataAsync(
        spy, "", "3 M", "1 day", "OPTION_IMPLIED_VOLATILITY", True
    )
    assert len({bar.close for bar in bars}) > 30


async def test_history_that_is_not_kept_is_an_error_not_a_hang(ib: Recorder):
    spx = await qualified(ib, ib_async.Index("SPX", "CBOE", "USD"))
    bars = await ib.reqHistoricalDataAsync(spx, "", "1 D", "1 day", "BID", True)
    assert list(bars) == []
    assert ib.codes()[-1] == 162


async def test_symbols_are_found_by_name(ib: Recorder):
    found = await ib.reqMatchingSymbolsAsync("micro")
    assert [d.contract.symbol for d in found] == ["MSFT"]


async def test_the_gateway_computes_implied_volatility(ib: Recorder):
    put = await spy_put(ib)
    priced = await ib.calculateOptionPriceAsync(put, 0.2, 660)
    back = await ib.calculateImpliedVolatilityAsync(put, priced.optPrice, 660)
    assert back.impliedVol == pytest.approx(0.2, abs=1e-6)
