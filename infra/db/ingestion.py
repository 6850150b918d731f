"""Storing what the broker reports: clocks, instruments, positions, account values, chains.

Every write is idempotent: the same report twice leaves the tables as they were. An instrument is
matched by the broker's conId first and by our own key second; where the two disagree nothing is
written and an alert is raised, for a guess could merge two different contracts.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import Session as TradingSession
from domain.corporate_actions import AnnouncedDividend
from domain.errors import ErrorCode, GreenlightError
from domain.instruments import OptionContract
from domain.market import MarketClock
from domain.portfolio import AccountValues
from domain.ports import BrokerContract, BrokerPosition, ChainReading, MarketPlan, SyncCounts
from infra.db.accounts import lock_account
from infra.db.alerts import clear_alerts_but, raise_alert
from infra.db.bulk import upsert
from infra.db.corporate_actions import keep_dividend, note_contract_change, report_adjusted
from infra.db.instruments import InstrumentBook
from infra.db.market_hours import is_reading_due
from infra.db.market_plan import market_plan, unquoted_options
from infra.db.models import (
    AccountSnapshot,
    BrokerAccount,
    Gateway,
    Position,
    RecordedChain,
    Severity,
)
from infra.db.quotes import keep_quotes
from infra.db.session import Sessions

_POSITION_FIELDS = (
    "quantity", "average_cost", "market_price", "market_value", "unrealized_pnl", "realized_pnl",
    "daily_pnl",
)  # fmt: skip
_SNAPSHOT_FIELDS = (
    "currency", "net_liquidation", "cash", "equity_with_loan", "buying_power", "available_funds",
    "excess_liquidity", "init_margin", "maint_margin", "gross_position_value",
)  # fmt: skip


class PostgresIngestion:
    """``domain.ports.IngestionStore`` over Postgres."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def save_clock(
        self,
        gateway: str,
        clock: MarketClock,
        trading_session: TradingSession | None,
        epoch: int | None = None,
    ) -> None:
        """Keep the gateway's clock and the session it lies in (None while the market is closed).

        With ``epoch`` only under that lease: a worker that lost it writes nothing.
        """
        async with self._sessions.begin() as session:
            await session.execute(
                update(Gateway)
                .where(
                    Gateway.slug == gateway,
                    Gateway.lease_epoch == (Gateway.lease_epoch if epoch is None else epoch),
                )
                .values(
                    market_at=clock.market_at,
                    clock_read_at=clock.observed_at,
                    clock_rate=clock.rate,
                    session_open=trading_session is not None,
                    session_close_at=(
                        None if trading_session is None else trading_session.close_at
                    ),
                )
            )

    async def account_codes(self, gateway: str) -> list[str]:
        async with self._sessions() as session:
            codes = await session.scalars(
                select(BrokerAccount.code)
                .join(Gateway, Gateway.id == BrokerAccount.gateway_id)
                .where(Gateway.slug == gateway)
                .order_by(BrokerAccount.code)
            )
            return list(codes)

    async def save_positions(
        self, gateway: str, account_code: str, rows: Sequence[BrokerPosition], as_of: datetime
    ) -> SyncCounts:
        """Make the stored positions equal to ``rows``; those no longer held are removed."""
        async with self._sessions.begin() as session:
            account = await lock_account(session, gateway, account_code)
            book = InstrumentBook(session)
            wanted: dict[UUID, BrokerPosition] = {}
            unmatched: list[str] = []
            refused: set[str] = set()
            changed: list[tuple[BrokerContract, GreenlightError]] = []
            for row in rows:
                try:
                    if row.underlying is not None:
                        await book.ensure(row.underlying)
                    wanted[await book.ensure(row.contract)] = row
                except GreenlightError as error:
                    unmatched.append(f"{row.contract.local_symbol}: {error.detail}")
                    await _report_unmatched(session, account, row, error)
                    refused.add(_subject(account, row))
                    changed.append((row.contract, error))
            counts = await _write_positions(session, account.id, wanted, as_of)
            for code in (ErrorCode.INSTRUMENT_AMBIGUOUS, ErrorCode.INSTRUMENT_UNKNOWN):
                await clear_alerts_but(session, code, account.id, refused)
            await report_adjusted(session, account, rows)
            for contract, error in changed:
                await note_contract_change(session, contract, error, as_of)
            account.positions_synced_at = as_of
        return counts.model_copy(update={"unmatched": tuple(unmatched)})

    async def save_account_snapshot(
        self, gateway: str, account_code: str, values: AccountValues
    ) -> SyncCounts:
        """Keep ``values`` unless they equal the latest snapshot."""
        async with self._sessions.begin() as session:
            account = await lock_account(session, gateway, account_code)
            account.snapshot_synced_at = values.as_of
            latest = await session.scalar(
                select(AccountSnapshot)
                .where(AccountSnapshot.broker_account_id == account.id)
                .order_by(AccountSnapshot.as_of.desc())
                .limit(1)
            )
            fields = {name: getattr(values, name) for name in _SNAPSHOT_FIELDS}
            if latest is not None and all(
                getattr(latest, name) == value for name, value in fields.items()
            ):
                return SyncCounts(unchanged=1)
            statement = insert(AccountSnapshot).values(
                broker_account_id=account.id, as_of=values.as_of, **fields
            )
            # Two reads within one second of market time: the later one counts.
            inserted = await session.scalar(
                statement.on_conflict_do_update(
                    index_elements=["broker_account_id", "as_of"],
                    set_={name: statement.excluded[name] for name in _SNAPSHOT_FIELDS},
                ).returning(AccountSnapshot.created_at == func.now())
            )
        return SyncCounts(inserted=1) if inserted else SyncCounts(updated=1)

    async def save_chain(self, gateway: str, reading: ChainReading) -> UUID:
        """Keep a chain and every instrument in it; the id of the stored chain."""
        async with self._sessions.begin() as session:
            book = InstrumentBook(session)
            underlying_id = await book.ensure(reading.underlying)
            ids = await book.ensure_options(underlying_id, reading.contracts)
            await keep_quotes(session, underlying_id, reading.chain, ids)
            gateway_id = await session.scalar(select(Gateway.id).where(Gateway.slug == gateway))
            assert gateway_id is not None
            recorded = RecordedChain(
                instrument_id=underlying_id,
                gateway_id=gateway_id,
                as_of=reading.chain.as_of,
                underlying_price=Decimal(repr(round(reading.chain.underlying_price, 6))),
                contracts=len(reading.chain),
                columns=gzip.compress(reading.chain.to_json(), compresslevel=5),
            )
            session.add(recorded)
            await session.flush()
            return recorded.id

    async def unquoted_options(self, gateway: str, account_code: str) -> list[OptionContract]:
        async with self._sessions() as session:
            return await unquoted_options(session, gateway, account_code)

    async def save_market(self, reading: ChainReading) -> int:
        """Keep a chain's instruments and quotes, not the chain; how many contracts it has."""
        async with self._sessions.begin() as session:
            book = InstrumentBook(session)
            underlying_id = await book.ensure(reading.underlying)
            ids = await book.ensure_options(underlying_id, reading.contracts)
            await keep_quotes(session, underlying_id, reading.chain, ids)
        return len(reading.contracts)

    async def save_dividend(self, dividend: AnnouncedDividend, as_of: datetime) -> None:
        """Keep what a stock has announced; a stock that is not on record has no use for it."""
        async with self._sessions.begin() as session:
            await keep_dividend(session, dividend, as_of)

    async def market_plan(self, gateway: str) -> MarketPlan:
        async with self._sessions() as session:
            return await market_plan(session, gateway)

    async def is_positions_reading_due(self, gateway: str) -> bool:
        async with self._sessions() as session:
            return await is_reading_due(session, gateway, BrokerAccount.positions_synced_at)


async def _write_positions(
    session: AsyncSession, account_id: UUID, wanted: dict[UUID, BrokerPosition], as_of: datetime
) -> SyncCounts:
    removed = await session.scalars(
        delete(Position)
        .where(Position.broker_account_id == account_id, Position.instrument_id.not_in(wanted))
        .returning(Position.id)
    )
    removed_count = len(removed.all())
    if not wanted:
        return SyncCounts(removed=removed_count)
    written = await upsert(
        session,
        Position,
        [
            {
                "broker_account_id": account_id,
                "instrument_id": instrument_id,
                "as_of": as_of,
                **{name: getattr(row, name) for name in _POSITION_FIELDS},
            }
            for instrument_id, row in wanted.items()
        ],
        key=("broker_account_id", "instrument_id"),
        update=(*_POSITION_FIELDS, "as_of"),
        news=_POSITION_FIELDS,
    )
    return SyncCounts(**written._asdict(), removed=removed_count)


async def _report_unmatched(
    session: AsyncSession, account: BrokerAccount, row: BrokerPosition, error: GreenlightError
) -> None:
    await raise_alert(
        session,
        error.code,
        _subject(account, row),
        Severity.CRITICAL,
        f"A position in {row.contract.local_symbol} could not be matched to an instrument",
        detail=error.detail,
        account_id=account.id,
        context={"con_id": row.contract.con_id},
    )


def _subject(account: BrokerAccount, row: BrokerPosition) -> str:
    return f"{account.code}:{row.contract.con_id}"
