"""What reconciliation left behind on one account: a row of each kind."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from domain.corporate_actions import CorporateActionKind
from domain.discrepancies import DiscrepancyType
from domain.instruments import Side
from domain.market import QuoteQuality
from domain.order_evidence import BrokerStatus
from domain.position_events import PositionEventKind
from domain.risk.limits import LimitScope, TradingState
from domain.severity import Severity
from infra.db import models as m


def discrepancy(
    account: m.BrokerAccount, at: datetime, *, con_id: int = 756733, cleared: bool = False
) -> m.Discrepancy:
    """A position that differs, confirmed."""
    return m.Discrepancy(
        type=DiscrepancyType.POSITION_MISMATCH,
        severity=Severity.CRITICAL,
        subject=f"{account.code}:{con_id}",
        gateway_id=account.gateway_id,
        broker_account_id=account.id,
        con_id=con_id,
        expected="100",
        actual="50",
        detail="SPY: 50 at the broker, 100 by the record",
        looks=2,
        first_seen_at=at,
        first_seen_market_at=at,
        last_seen_at=at,
        raised_at=at,
        cleared_at=at if cleared else None,
    )


async def reconciled(
    session: AsyncSession, account: m.BrokerAccount, instrument_id: UUID, at: datetime
) -> m.Discrepancy:
    """One row of each kind; the open discrepancy."""
    found = discrepancy(account, at)
    session.add_all(
        [
            found,
            m.ReconciledPosition(
                broker_account_id=account.id, con_id=756733, quantity=Decimal(100)
            ),
            m.PositionEvent(
                broker_account_id=account.id,
                instrument_id=instrument_id,
                con_id=756733,
                kind=PositionEventKind.ASSIGNMENT,
                quantity=Decimal(100),
                cash=Decimal(-64000),
                market_at=at,
                detail="1 × SPY put was assigned",
            ),
            m.ExternalOrder(
                gateway_id=account.gateway_id,
                broker_account_id=account.id,
                instrument_id=instrument_id,
                con_id=756733,
                perm_id=int(account.code[2:]),
                client_number=0,
                side=Side.BUY,
                quantity=Decimal(1),
                status=BrokerStatus.WORKING,
                seen_at=at,
            ),
        ]
    )
    await session.flush()
    return found


def backtest_rows(at: datetime) -> list[m.Base]:
    """A sweep, and a backtest of it."""
    asked = {"author": "desk", "strategy": "theta", "request": {}}
    sweep = m.BacktestSweep(
        id=uuid4(), workflow_id="sweep-1", name="a sweep", total=2, started_at=at, **asked
    )
    run = m.StrategyRun(id=uuid4(), mode=m.RunMode.BACKTEST, workflow_id="sweep-1", started_at=at)
    backtest = m.Backtest(
        strategy_run_id=run.id, key="sweep-1/0", sweep_id=sweep.id, position=0, name="the first",
        request_digest="", **asked,
    )  # fmt: skip
    return [sweep, run, backtest]


def market_rows(instrument_id: UUID, at: datetime) -> list[m.Base]:
    """What is known of one instrument, and the desk's limits: a row of each kind."""
    return [
        m.UnderlyingFact(instrument_id=instrument_id, sector="Technology", stock_type="COMMON"),
        m.HistoryDay(instrument_id=instrument_id, day=at.date(), close=Decimal(655), iv=0.18),
        m.EarningsDate(symbol="AAPL", day=at.date(), known_to=at.date()),
        m.LimitVersion(
            scope=LimitScope.GLOBAL, version=1, limits={}, author="desk", reason="the first"
        ),
        m.Quote(instrument_id=instrument_id, as_of=at, quality=QuoteQuality.LIVE),
        m.CorporateAction(
            instrument_id=instrument_id,
            kind=CorporateActionKind.DIVIDEND,
            ex_date=at.date(),
            amount=Decimal("1.75"),
            seen_at=at,
        ),
    ]


def stopping_rows(recommendation_id: UUID) -> list[m.Base]:
    """A pressing of the kill switch, one trade that it withdrew, and the halt that came of it."""
    pressing = m.KillSwitch(id=uuid4(), digest="", reason="a test", author="desk")
    return [
        pressing,
        m.KillSwitchTrade(kill_switch_id=pressing.id, recommendation_id=recommendation_id),
        m.TradingStateChange(
            before=TradingState.ACTIVE, after=TradingState.HALTED, reason="a test", author="desk"
        ),
    ]
