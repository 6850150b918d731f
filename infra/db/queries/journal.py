"""What trading has brought: results by contract, turns of the wheel, and decisions as they aged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.expiration import SettlementTime, settlement_moment, settlement_time
from domain.instruments import OptionContract, Side
from domain.journal import ContractResult, Mark, contract_results, value_at_expiry
from domain.market import QuoteQuality
from domain.recommendations import DecisionAction
from domain.strategies.wheel_cycle import WheelCycle, fold_cycles
from infra.calendars import EXCHANGE_ZONE, exchange_date, trading_calendar
from infra.db.models import (
    BrokerAccount,
    Decision,
    Execution,
    Gateway,
    HistoryDay,
    IbkrContract,
    Instrument,
    Order,
    Portfolio,
    Position,
    PositionEvent,
    Quote,
    Recommendation,
    Strategy,
    StrategyInstance,
    StrategyVersion,
    User,
)
from infra.db.queries.columns import ACCOUNT, INSTRUMENT, AnyRow, Rowed, with_account
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows
from infra.db.queries.viewer import Viewer
from infra.db.wheel_cycles import recorded_entries, recorded_opening


@dataclass(frozen=True, slots=True)
class Opener:
    """Who and what first opened a contract through the desk; None of both for other trades."""

    instance_id: UUID | None = None
    strategy: str | None = None
    user_id: UUID | None = None
    approver: str | None = None


@dataclass(frozen=True, slots=True)
class AccountJournal:
    """One account's contracts and turns; ``market_values`` and ``instruments`` are by conId."""

    account: AnyRow
    results: Sequence[ContractResult]
    cycles: Sequence[WheelCycle]
    market_values: Mapping[int, Decimal | None]
    instruments: Mapping[int, AnyRow]
    openers: Mapping[int, Opener]


async def account_journals(
    session: AsyncSession,
    viewer: Viewer,
    *,
    client_id: UUID | None,
    account_id: UUID | None,
) -> list[AccountJournal]:
    """Of every account the viewer sees, in order of their codes."""
    statement: Rowed = select(*ACCOUNT).select_from(BrokerAccount)
    statement = (
        statement.join(Gateway, Gateway.id == BrokerAccount.gateway_id)
        .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
        .where(viewer.sees(BrokerAccount.id))
        .order_by(BrokerAccount.code)
    )
    if client_id is not None:
        statement = statement.where(Portfolio.client_id == client_id)
    if account_id is not None:
        statement = statement.where(BrokerAccount.id == account_id)
    accounts = (await session.execute(statement)).all()
    return [await _journal(session, account) for account in accounts]


async def _journal(session: AsyncSession, account: AnyRow) -> AccountJournal:
    account_id: UUID = account.account_id
    symbols = await _symbols(session, account_id)
    entries = await recorded_entries(session, account_id, symbols)
    opening = await recorded_opening(session, account_id, symbols)
    results: list[ContractResult] = []
    cycles: list[WheelCycle] = []
    for symbol in symbols:
        results += contract_results(entries[symbol], opening[symbol])
        cycles += fold_cycles(symbol, entries[symbol], opening[symbol])
    con_ids = [result.con_id for result in results]
    return AccountJournal(
        account=account,
        results=results,
        cycles=cycles,
        market_values=await _market_values(session, account_id),
        instruments=await _instruments(session, con_ids),
        openers=await _openers(session, account_id),
    )


async def _symbols(session: AsyncSession, account_id: UUID) -> list[str]:
    traded = (
        select(Instrument.symbol)
        .join(Execution, Execution.instrument_id == Instrument.id)
        .where(Execution.broker_account_id == account_id)
    )
    held = (
        select(Instrument.symbol)
        .join(Position, Position.instrument_id == Instrument.id)
        .where(Position.broker_account_id == account_id)
    )
    return sorted(await session.scalars(traded.union(held)))


async def _market_values(session: AsyncSession, account_id: UUID) -> dict[int, Decimal | None]:
    rows = await session.execute(
        select(IbkrContract.con_id, Position.market_value)
        .join(IbkrContract, IbkrContract.instrument_id == Position.instrument_id)
        .where(Position.broker_account_id == account_id)
    )
    return {row.con_id: row.market_value for row in rows}


async def _instruments(session: AsyncSession, con_ids: Collection[int]) -> dict[int, AnyRow]:
    statement: Rowed = select(*INSTRUMENT).select_from(Instrument)
    statement = statement.join(IbkrContract, IbkrContract.instrument_id == Instrument.id)
    rows = await session.execute(statement.where(IbkrContract.con_id.in_(con_ids)))
    return {row.contract_con_id: row for row in rows}


async def _openers(session: AsyncSession, account_id: UUID) -> dict[int, Opener]:
    """By conId. What an option delivered is its opener's, too."""
    statement: Rowed = (
        select(
            Execution.con_id,
            StrategyInstance.id.label("instance_id"),
            StrategyInstance.name.label("strategy"),
            User.id.label("user_id"),
            User.name.label("approver"),
        )
        .ext(distinct_on(Execution.con_id))
        .join(Order, Order.id == Execution.order_id)
        .join(Decision, Decision.id == Order.decision_id)
        .join(User, User.id == Decision.user_id)
        .join(Recommendation, Recommendation.id == Order.recommendation_id)
        .join(StrategyInstance, StrategyInstance.id == Recommendation.strategy_instance_id)
        .where(Execution.broker_account_id == account_id, Execution.superseded.is_(False))
        .order_by(Execution.con_id, Execution.executed_at)
    )
    found = {
        row.con_id: Opener(row.instance_id, row.strategy, row.user_id, row.approver)
        for row in await session.execute(statement)
    }
    delivered = await session.execute(
        select(PositionEvent.con_id, PositionEvent.cause_con_id)
        .where(
            PositionEvent.broker_account_id == account_id,
            PositionEvent.con_id.is_not(None),
            PositionEvent.cause_con_id.is_not(None),
        )
        .order_by(PositionEvent.market_at)
    )
    for con_id, cause in delivered:
        if con_id not in found and cause in found:
            found[con_id] = found[cause]
    return found


DECISIONS = Ordering(
    Decision.id,
    "-decided_at",
    decided_at=Decision.decided_at,
    decision=Decision.action,
    strategy=StrategyInstance.name,
    approver=User.name,
    account=BrokerAccount.code,
    quantity=Recommendation.quantity,
    proposed_at=Recommendation.proposed_at,
)


@dataclass(frozen=True, slots=True)
class WantedDecisions:
    client_id: UUID | None = None
    account_id: UUID | None = None
    action: DecisionAction | None = None
    instance_id: UUID | None = None
    user_id: UUID | None = None


async def decision_rows(
    session: AsyncSession,
    viewer: Viewer,
    wanted: WantedDecisions,
    *,
    page: PageAsk,
) -> Rows[AnyRow]:
    """Decisions with what was decided on, the latest first."""
    statement: Rowed = select(
        Decision.id.label("decision_id"),
        Decision.action.label("decision"),
        Decision.decided_at,
        Decision.reason.label("decision_reason"),
        User.id.label("user_id"),
        User.name.label("approver"),
        Recommendation.id.label("recommendation_id"),
        Recommendation.state,
        Recommendation.action,
        Recommendation.side,
        Recommendation.quantity,
        Recommendation.limit_price,
        Recommendation.terms,
        Recommendation.proposed_at,
        Gateway.market_at,
        StrategyInstance.id.label("strategy_instance_id"),
        StrategyInstance.name.label("strategy_name"),
        Strategy.slug.label("strategy_slug"),
        *ACCOUNT,
    ).select_from(Decision)
    statement = (
        statement.join(Recommendation, Recommendation.id == Decision.recommendation_id)
        .join(User, User.id == Decision.user_id)
        .join(StrategyInstance, StrategyInstance.id == Recommendation.strategy_instance_id)
        .join(StrategyVersion, StrategyVersion.id == Recommendation.strategy_version_id)
        .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
    )
    statement = with_account(statement, Recommendation.broker_account_id)
    statement = statement.where(viewer.sees(Recommendation.broker_account_id))
    if wanted.client_id is not None:
        statement = statement.where(Portfolio.client_id == wanted.client_id)
    if wanted.account_id is not None:
        statement = statement.where(Recommendation.broker_account_id == wanted.account_id)
    if wanted.action is not None:
        statement = statement.where(Decision.action == wanted.action)
    if wanted.instance_id is not None:
        statement = statement.where(StrategyInstance.id == wanted.instance_id)
    if wanted.user_id is not None:
        statement = statement.where(Decision.user_id == wanted.user_id)
    return await page_rows(session, statement, DECISIONS, page)


@dataclass(frozen=True, slots=True)
class Traded:
    """What a recommendation's orders did: units of it that were filled, and the cash they moved."""

    quantity: Decimal
    cash: Decimal


async def traded(session: AsyncSession, recommendations: Collection[UUID]) -> dict[UUID, Traded]:
    """By recommendation; those without an execution are absent."""
    filled = await session.execute(
        select(Order.recommendation_id, func.sum(Order.filled_quantity))
        .where(Order.recommendation_id.in_(recommendations), Order.filled_quantity > 0)
        .group_by(Order.recommendation_id)
    )
    quantities: dict[UUID, Decimal] = {row[0]: row[1] for row in filled}
    sign = case((Execution.side == Side.BUY, -1), else_=1)
    amount = sign * Execution.quantity * Execution.price * Instrument.multiplier
    moved = await session.execute(
        select(
            Order.recommendation_id,
            func.sum(amount - func.coalesce(Execution.commission, 0)),
        )
        .join(Order, Order.id == Execution.order_id)
        .join(Instrument, Instrument.id == Execution.instrument_id)
        .where(
            Order.recommendation_id.in_(list(quantities)),
            Execution.superseded.is_(False),
            # The legs of a package have rows of their own.
            Execution.is_package.is_(False),
        )
        .group_by(Order.recommendation_id)
    )
    return {identity: Traded(quantities[identity], cash) for identity, cash in moved}


async def marks(
    session: AsyncSession, options: Collection[OptionContract], market_day: date
) -> dict[int, Mark]:
    """What each option is worth by what the desk has seen of it: of one that has settled, what was
    left by the price that settles it; else the middle of its latest two-sided quote."""
    wanted = {option.con_id: option for option in options}
    settled_on = {
        con_id: day
        for con_id, option in wanted.items()
        if option.expiry < market_day and (day := _settlement_day(option)) < market_day
    }
    underlying = aliased(Instrument)
    rows = await session.execute(
        select(
            IbkrContract.con_id,
            underlying.id.label("underlying_id"),
            Quote.as_of,
            Quote.bid,
            Quote.ask,
            Quote.quality,
        )
        .join(Instrument, Instrument.id == IbkrContract.instrument_id)
        .outerjoin(Quote, Quote.instrument_id == Instrument.id)
        .outerjoin(underlying, underlying.id == Instrument.underlying_id)
        .where(IbkrContract.con_id.in_(list(wanted)))
    )
    found_rows = rows.all()
    history = await _history(
        session, {row.underlying_id for row in found_rows}, settled_on.values()
    )
    found: dict[int, Mark] = {}
    for row in found_rows:
        option = wanted[row.con_id]
        day = settled_on.get(row.con_id)
        if day is not None:
            final = _settled(option, history.get((row.underlying_id, day)))
            if final is not None:
                found[row.con_id] = final
        elif row.bid is not None and row.ask is not None and row.quality in _QUOTED:
            found[row.con_id] = Mark(price=(row.bid + row.ask) / 2, at=row.as_of, is_final=False)
    return found


def _settlement_day(option: OptionContract) -> date:
    """The session whose close, or of some index options whose opening, says what is left."""
    if settlement_time(option.trading_class) is SettlementTime.PM:
        return option.expiry
    return exchange_date(settlement_moment(option, trading_calendar()))


async def _history(
    session: AsyncSession, underlyings: Collection[UUID | None], days: Iterable[date]
) -> dict[tuple[UUID, date], HistoryDay]:
    rows = await session.scalars(
        select(HistoryDay).where(
            HistoryDay.instrument_id.in_([each for each in underlyings if each is not None]),
            HistoryDay.day.in_(set(days)),
        )
    )
    return {(row.instrument_id, row.day): row for row in rows}


def _settled(option: OptionContract, history: HistoryDay | None) -> Mark | None:
    """By the session's close, or by its first price: the exchange's own settlement value is made
    of the components' opening prices, and no feed of ours tells it."""
    if history is None:
        return None
    is_morning = settlement_time(option.trading_class) is SettlementTime.AM
    price = history.open if is_morning else history.close
    if price is None:
        return None
    at = datetime.combine(history.day, _OPEN if is_morning else _CLOSE, tzinfo=EXCHANGE_ZONE)
    return Mark(price=value_at_expiry(option, price), at=at.astimezone(UTC), is_final=True)


_QUOTED = frozenset({QuoteQuality.LIVE, QuoteQuality.FROZEN, QuoteQuality.DELAYED})
_OPEN, _CLOSE = time(9, 30), time(16)
