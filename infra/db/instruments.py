"""Matching the broker's contracts to our instruments: idempotent, and never by guess."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import OptionContract, Right, SecType, instrument_key
from domain.ports import BrokerContract
from infra.db.bulk import upsert
from infra.db.models import IbkrContract, Instrument


class InstrumentBook:
    """Instruments and their IBKR contracts within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def ensure(self, contract: BrokerContract) -> UUID:
        """The id of our instrument behind a broker's contract, created if it is new.

        Raises GreenlightError INSTRUMENT_AMBIGUOUS when the conId and our key point to different
        instruments, and nothing is written.
        """
        known = await self._session.scalar(
            select(Instrument)
            .join(IbkrContract, IbkrContract.instrument_id == Instrument.id)
            .where(IbkrContract.con_id == contract.con_id)
        )
        key = key_of(contract)
        if known is not None:
            if known.key != key:
                raise _ambiguous(contract, f"conId is on record as {known.key}, now it is {key}")
            return known.id
        if not contract.is_described:
            raise GreenlightError(
                ErrorCode.INSTRUMENT_UNKNOWN,
                f"{contract.local_symbol} (conId {contract.con_id}) is not on record, and the "
                "gateway describes it no more",
                con_id=contract.con_id,
            )
        underlying_id = None
        if contract.option is not None:
            underlying_id = await self._underlying(contract)
        return (await self._insert([contract], underlying_id))[contract.con_id]

    async def ensure_options(
        self, underlying_id: UUID, contracts: Sequence[BrokerContract]
    ) -> dict[int, UUID]:
        """Ids by conId of many options of one underlying, in a handful of statements."""
        con_ids = [contract.con_id for contract in contracts]
        rows = await self._session.execute(
            select(IbkrContract.con_id, IbkrContract.instrument_id, Instrument.key)
            .join(Instrument, Instrument.id == IbkrContract.instrument_id)
            .where(IbkrContract.con_id.in_(con_ids))
        )
        known = {con_id: (instrument_id, key) for con_id, instrument_id, key in rows}
        for contract in contracts:
            on_record = known.get(contract.con_id)
            if on_record is not None and on_record[1] != key_of(contract):
                raise _ambiguous(contract, f"conId is on record as {on_record[1]}")
        new = [contract for contract in contracts if contract.con_id not in known]
        ids = {con_id: instrument_id for con_id, (instrument_id, _) in known.items()}
        if new:
            ids |= await self._insert(new, underlying_id)
        return ids

    async def _underlying(self, contract: BrokerContract) -> UUID:
        """The instrument an option is written on, by the conId the broker names.

        Where the broker's description of the underlying has not been seen yet, the option's own
        symbol and the usual type stand in; its conId row follows with its first description.
        """
        by_con_id = await self._session.scalar(
            select(IbkrContract.instrument_id).where(IbkrContract.con_id == contract.under_con_id)
        )
        if by_con_id is not None:
            return by_con_id
        same_symbol = list(
            await self._session.scalars(
                select(Instrument).where(
                    Instrument.symbol == contract.symbol,
                    Instrument.currency == contract.currency,
                    Instrument.sec_type != SecType.OPTION,
                )
            )
        )
        if len(same_symbol) > 1:
            raise _ambiguous(contract, f"{len(same_symbol)} underlyings are called so")
        if same_symbol:
            return same_symbol[0].id
        raise GreenlightError(
            ErrorCode.INSTRUMENT_UNKNOWN,
            f"the underlying {contract.symbol} (conId {contract.under_con_id}) is not on record",
        )

    async def _insert(
        self, contracts: Sequence[BrokerContract], underlying_id: UUID | None
    ) -> dict[int, UUID]:
        ascending = sorted(contracts, key=lambda contract: contract.con_id)
        by_key = {key_of(contract): contract for contract in ascending}
        if len(by_key) != len(contracts):
            raise GreenlightError(
                ErrorCode.INSTRUMENT_AMBIGUOUS, "two contracts of one reading share an identity"
            )
        await upsert(
            self._session,
            Instrument,
            [_instrument(key, each, underlying_id) for key, each in by_key.items()],
            key=("key",),
        )
        rows = await self._session.execute(
            select(Instrument.key, Instrument.id).where(Instrument.key.in_(list(by_key)))
        )
        ids = dict(rows.all())
        written = await upsert(
            self._session,
            IbkrContract,
            [_contract(ids[key], contract) for key, contract in by_key.items()],
        )
        expected = {contract.con_id: ids[key] for key, contract in by_key.items()}
        if written.inserted != len(expected):
            await self._require_on_record(expected)
        return expected

    async def _require_on_record(self, expected: Mapping[int, UUID]) -> None:
        """A conId not inserted must be there already, on that very instrument."""
        on_record = await instruments_of(self._session, expected.keys())
        for con_id, instrument_id in expected.items():
            if on_record.get(con_id) != instrument_id:
                raise GreenlightError(
                    ErrorCode.INSTRUMENT_AMBIGUOUS,
                    f"conId {con_id} and the instrument it describes are on record differently",
                    con_id=con_id,
                )


async def instruments_of(session: AsyncSession, con_ids: Collection[int]) -> dict[int, UUID]:
    """The instruments on record, by conId."""
    rows = await session.execute(
        select(IbkrContract.con_id, IbkrContract.instrument_id).where(
            IbkrContract.con_id.in_(con_ids)
        )
    )
    return {row.con_id: row.instrument_id for row in rows}


def key_of(contract: BrokerContract) -> str:
    option = contract.option
    if option is not None:
        return option.key
    return instrument_key(contract.sec_type, contract.symbol, contract.currency)


def _ambiguous(contract: BrokerContract, detail: str) -> GreenlightError:
    return GreenlightError(
        ErrorCode.INSTRUMENT_AMBIGUOUS,
        f"{contract.local_symbol or contract.symbol} (conId {contract.con_id}): {detail}",
        con_id=contract.con_id,
    )


def _instrument(key: str, contract: BrokerContract, underlying_id: UUID | None) -> dict[str, Any]:
    option: OptionContract | None = contract.option
    right: Right | None = None if option is None else option.right
    return {
        "key": key,
        "sec_type": contract.sec_type,
        "symbol": contract.symbol,
        "currency": contract.currency,
        "name": contract.long_name,
        "multiplier": contract.multiplier,
        "underlying_id": underlying_id,
        "trading_class": None if option is None else option.trading_class,
        "expiry": None if option is None else option.expiry,
        "strike": None if option is None else option.strike,
        "right": right,
    }


def _contract(instrument_id: UUID, contract: BrokerContract) -> dict[str, Any]:
    return {
        "instrument_id": instrument_id,
        "con_id": contract.con_id,
        "sec_type": contract.sec_type,
        "symbol": contract.symbol,
        "local_symbol": contract.local_symbol,
        "trading_class": contract.trading_class,
        "exchange": contract.exchange,
        "primary_exchange": contract.primary_exchange,
        "currency": contract.currency,
        "multiplier": contract.multiplier,
        "min_tick": contract.min_tick,
        "increments": contract.increments.model_dump(mode="json"),
        "valid_exchanges": list(contract.valid_exchanges),
        "market_rule_ids": list(contract.market_rule_ids),
        "time_zone": contract.time_zone,
    }
