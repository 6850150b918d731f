"""Which of the broker's contracts are the same instrument, and which only look alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import OptionContract, PriceIncrements, Right, SecType
from domain.ports import BrokerContract, BrokerPosition
from infra.db import models as m
from infra.db.ingestion import PostgresIngestion
from infra.db.instruments import InstrumentBook
from infra.db.session import create_engine, sessions
from tests.integration.trading_world import ACCOUNT, MONDAY_10, SLUG, TradingWorld

pytestmark = pytest.mark.integration
CENT = Decimal("0.01")


def contract(con_id: int, sec_type: SecType, symbol: str, **fields: Any) -> BrokerContract:
    usual: dict[str, Any] = {
        "con_id": con_id,
        "sec_type": sec_type,
        "symbol": symbol,
        "local_symbol": symbol,
        "trading_class": symbol,
        "exchange": "SMART",
        "primary_exchange": "",
        "currency": "USD",
        "multiplier": Decimal(1),
        "min_tick": CENT,
        "increments": PriceIncrements.flat(CENT),
    }
    return BrokerContract(**usual | fields)


def option(
    con_id: int,
    symbol: str,
    *,
    trading_class: str = "",
    multiplier: int = 100,
    strike: str = "200",
    under: int = 1,
) -> BrokerContract:
    terms = OptionContract(
        symbol=symbol,
        trading_class=trading_class or symbol,
        expiry=date(2026, 12, 18),
        strike=Decimal(strike),
        right=Right.PUT,
        multiplier=Decimal(multiplier),
        con_id=con_id,
    )
    return contract(
        con_id,
        SecType.OPTION,
        symbol,
        trading_class=terms.trading_class,
        multiplier=terms.multiplier,
        under_con_id=under,
        option=terms,
    )


AAPL = contract(1, SecType.STOCK, "AAPL")
SPX = contract(2, SecType.INDEX, "SPX")


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TradingWorld]:
    engine = create_engine(database_url)
    yield await TradingWorld(sessions(engine)).build()
    await engine.dispose()


async def kept(world: TradingWorld, *contracts: BrokerContract) -> list[Any]:
    async with world.sessions.begin() as session:
        book = InstrumentBook(session)
        return [await book.ensure(each) for each in contracts]


async def refused(session: AsyncSession, each: BrokerContract) -> ErrorCode:
    with pytest.raises(GreenlightError) as raised:
        await InstrumentBook(session).ensure(each)
    return raised.value.code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (option(11, "AAPL"), option(12, "AAPL", trading_class="AAPL1")),
        (option(11, "AAPL"), option(12, "AAPL", multiplier=10)),
        (option(11, "AAPL"), option(12, "AAPL", trading_class="AAPL7", multiplier=10)),
        (option(11, "SPX", under=2), option(12, "SPX", trading_class="SPXW", under=2)),
        (option(11, "AAPL"), option(12, "AAPL", strike="200.5")),
    ],
    ids=["adjusted class", "multiplier 10", "mini", "SPX and SPXW", "strike"],
)
async def test_contracts_that_look_alike_are_instruments_of_their_own(
    world: TradingWorld, one: BrokerContract, other: BrokerContract
):
    _, _, first, second = await kept(world, AAPL, SPX, one, other)
    assert first != second
    assert await kept(world, other, one) == [second, first]


async def test_the_same_reading_again_finds_the_same_instrument(world: TradingWorld):
    first = await kept(world, AAPL, option(11, "AAPL"))
    assert await kept(world, AAPL, option(11, "AAPL")) == first


async def test_a_conid_that_means_something_else_now_is_refused(world: TradingWorld):
    await kept(world, AAPL, option(11, "AAPL"))
    async with world.sessions() as session:
        assert await refused(session, option(11, "AAPL", strike="100")) is (
            ErrorCode.INSTRUMENT_AMBIGUOUS
        )


async def test_an_instrument_under_a_second_conid_is_refused(world: TradingWorld):
    await kept(world, AAPL, option(11, "AAPL"))
    async with world.sessions() as session:
        assert await refused(session, option(12, "AAPL")) is ErrorCode.INSTRUMENT_AMBIGUOUS


async def test_an_expired_contract_on_record_keeps_what_was_stored_at_trade_time(
    world: TradingWorld,
):
    _, known = await kept(world, AAPL, option(11, "AAPL"))
    told_of = option(11, "AAPL").model_copy(
        update={"is_described": False, "exchange": "", "min_tick": Decimal(1)}
    )
    assert await kept(world, told_of) == [known]
    (stored,) = [each for each in await world.all(m.IbkrContract) if each.con_id == 11]
    assert (stored.exchange, stored.min_tick) == ("SMART", CENT)


async def test_an_expired_contract_that_was_never_stored_is_refused(world: TradingWorld):
    await kept(world, AAPL)
    told_of = option(11, "AAPL").model_copy(update={"is_described": False})
    async with world.sessions() as session:
        assert await refused(session, told_of) is ErrorCode.INSTRUMENT_UNKNOWN


# --- in positions ----------------------------------------------------------------------------


def held(each: BrokerContract, quantity: int = -1) -> BrokerPosition:
    return BrokerPosition(
        account_code=ACCOUNT,
        contract=each,
        underlying=AAPL,
        quantity=Decimal(quantity),
        average_cost=Decimal(400),
    )


async def test_a_contract_changed_under_its_conid_is_noted_told_and_not_guessed(
    world: TradingWorld,
):
    store = PostgresIngestion(world.sessions)
    await store.save_positions(SLUG, ACCOUNT, [held(option(11, "AAPL"))], MONDAY_10)
    changed = held(option(11, "AAPL", strike="100", multiplier=200))
    for _ in range(2):
        counts = await store.save_positions(SLUG, ACCOUNT, [changed], MONDAY_10)
        assert counts.unmatched
    assert await world.all(m.Position) == []
    (action,) = await world.all(m.CorporateAction)
    assert action.kind.value == "CONTRACT_CHANGED"
    assert "INSTRUMENT_AMBIGUOUS" in await world.alert_codes()
    await store.save_positions(SLUG, ACCOUNT, [held(option(11, "AAPL"))], MONDAY_10)
    assert "INSTRUMENT_AMBIGUOUS" not in await world.alert_codes()


async def test_an_adjusted_contract_is_told_of_while_it_is_held(world: TradingWorld):
    store = PostgresIngestion(world.sessions)
    adjusted = held(option(12, "AAPL", trading_class="AAPL1"))
    await store.save_positions(SLUG, ACCOUNT, [adjusted], MONDAY_10)
    assert "ADJUSTED_CONTRACT" in await world.alert_codes()
    await store.save_positions(SLUG, ACCOUNT, [], MONDAY_10)
    assert "ADJUSTED_CONTRACT" not in await world.alert_codes()


async def test_the_same_positions_twice_change_nothing(world: TradingWorld):
    store = PostgresIngestion(world.sessions)
    rows = [held(AAPL, 100).model_copy(update={"underlying": None}), held(option(11, "AAPL"))]
    first = await store.save_positions(SLUG, ACCOUNT, rows, MONDAY_10)
    before = {row.id: (row.quantity, row.updated_at) for row in await world.all(m.Position)}
    again = await store.save_positions(SLUG, ACCOUNT, rows, MONDAY_10)
    assert (first.inserted, again.inserted, again.updated, again.unchanged) == (2, 0, 0, 2)
    assert {r.id: (r.quantity, r.updated_at) for r in await world.all(m.Position)} == before
