"""One client with one account on one gateway, and approved trades in one SPY put."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from domain.ids import order_key
from domain.instruments import OptionContract, PriceIncrements, Right, SecType, Side
from domain.orders import OrderIntent, OrderState
from domain.ports import (
    Judgement,
    TradeContext,
    WhatIf,
)
from domain.recommendations import (
    DecisionAction,
    Leg,
    RecommendationAction,
    RecommendationState,
    Terms,
)
from domain.risk.limits import TradingState
from infra.db import models as m
from infra.db.broker_record import BrokerRecord
from infra.db.commands import Declaration
from infra.db.decisions import DecisionRequest, record_decision
from infra.db.lease import Lease, acquire_lease
from infra.db.ledger import LeaseHolder, PostgresLedger
from infra.db.session import Sessions

SLUG = "test"
ACCOUNT = "DU1000001"
CLIENT_NUMBER = 17
MONDAY_10 = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""10:00 in New York on a trading day."""

PUT = OptionContract(
    symbol="SPY",
    trading_class="SPY",
    expiry=date(2026, 12, 18),
    strike=Decimal(640),
    right=Right.PUT,
    multiplier=Decimal(100),
    con_id=700001,
)
PREVIEW = WhatIf(
    init_margin_before=Decimal(0),
    init_margin_after=Decimal(1000),
    maint_margin_before=Decimal(0),
    maint_margin_after=Decimal(1000),
    equity_with_loan_before=Decimal(100_000),
    equity_with_loan_after=Decimal(100_000),
)


SNAPSHOT = (
    *("net_liquidation", "cash", "equity_with_loan", "buying_power", "available_funds"),
    *("excess_liquidity", "init_margin", "maint_margin", "gross_position_value"),
)
EQUITY = dict.fromkeys(SNAPSHOT[:6], Decimal(1_000_000))


@dataclass(frozen=True)
class Approval:
    recommendation_id: UUID
    decision_id: UUID

    def key(self, attempt: int = 1) -> str:
        return order_key(self.recommendation_id, self.decision_id, attempt)


class TradingWorld:
    """Rows of a small desk, and short ways to make and look at more of them."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.record = BrokerRecord(sessions)
        self.owners: dict[str, UUID] = {}
        self.instruments: dict[int, UUID] = {}
        self.gateway_id = self.account_id = self.user_id = UUID(int=0)
        self._count = 0
        self.at = MONDAY_10

    async def build(self, port: int = 4002, at: datetime = MONDAY_10) -> TradingWorld:
        self.at = at
        async with self.sessions.begin() as session:

            async def add(row: Any) -> UUID:
                session.add(row)
                await session.flush()
                return row.id

            session.add(m.Setting(key="trading_state", value="ACTIVE"))
            self.gateway_id = await add(
                m.Gateway(
                    slug=SLUG,
                    name="Test",
                    kind=m.GatewayKind.SIMULATED,
                    host="127.0.0.1",
                    port=port,
                    client_number=CLIENT_NUMBER,
                    market_at=at,
                    clock_read_at=datetime.now(UTC),
                    session_open=True,
                )
            )
            client = await add(m.Client(slug="a", name="A"))
            portfolio = await add(m.Portfolio(client_id=client, name="Main"))
            self.account_id = await add(
                m.BrokerAccount(portfolio_id=portfolio, gateway_id=self.gateway_id, code=ACCOUNT)
            )
            await add(
                m.AccountSnapshot(
                    broker_account_id=self.account_id,
                    as_of=at - timedelta(hours=1),
                    currency="USD",
                    **dict.fromkeys(SNAPSHOT, Decimal(0)) | EQUITY,
                )
            )
            self.user_id = await add(
                m.User(email="p@desk.test", name="P", password_hash="-", is_admin=True)
            )
            strategy = await add(m.Strategy(slug="wheel", name="Wheel"))
            version = await add(
                m.StrategyVersion(
                    strategy_id=strategy,
                    version="1",
                    code_ref="domain.strategies.wheel:Wheel",
                    config_schema={},
                )
            )
            instance = await add(
                m.StrategyInstance(
                    strategy_version_id=version,
                    portfolio_id=portfolio,
                    broker_account_id=self.account_id,
                    name="SPY wheel",
                    config={},
                )
            )
            run = await add(
                m.StrategyRun(
                    strategy_instance_id=instance,
                    mode=m.RunMode.LIVE,
                    status=m.RunStatus.COMPLETED,
                    workflow_id="run",
                    started_at=at,
                    finished_at=at,
                )
            )
            self.underlying_id = await add(
                m.Instrument(
                    key="STK:SPY:USD",
                    sec_type=SecType.STOCK,
                    symbol="SPY",
                    currency="USD",
                    multiplier=Decimal(1),
                )
            )
            self.owners = {
                "strategy_run_id": run,
                "strategy_instance_id": instance,
                "strategy_version_id": version,
                "portfolio_id": portfolio,
                "broker_account_id": self.account_id,
            }
        return self

    async def approve(self, contract: OptionContract = PUT, **terms: Any) -> Approval:
        """A recommendation on ``contract``, proposed and approved as offered."""
        return await self.decide(await self.propose(contract, **terms))

    async def decide(self, recommendation_id: UUID) -> Approval:
        """An approval of what was offered, on record."""
        async with self.sessions.begin() as session:
            row = await session.get(m.Recommendation, recommendation_id)
            assert row is not None
            decided = await record_decision(
                session,
                DecisionRequest(
                    recommendation_id=recommendation_id,
                    action=DecisionAction.APPROVE,
                    user_id=self.user_id,
                    user_email="p@desk.test",
                    terms_hash=row.terms_hash,
                    idempotency_key=f"key-{recommendation_id}",
                ),
            )
        return Approval(recommendation_id, decided.id)

    async def propose(self, contract: OptionContract = PUT, **changes: Any) -> UUID:
        instrument_id = await self.instrument(contract)
        fields: dict[str, Any] = {
            "account_code": ACCOUNT,
            "action": RecommendationAction.OPEN,
            "legs": (Leg(contract=contract, side=Side.SELL),),
            "quantity": 2,
            "limit_price": Decimal("4.15"),
            "floor_price": Decimal("4.00"),
            "max_drift": Decimal("0.05"),
            "reference_underlying_price": Decimal("655.10"),
            "reference_bid": Decimal("4.10"),
            "reference_ask": Decimal("4.20"),
            "increments": PriceIncrements.flat(Decimal("0.01")),
            "quoted_at": self.at,
            "deadline": self.at + timedelta(hours=2),
        }
        terms = Terms(**fields | changes)
        async with self.sessions.begin() as session:
            opportunity = m.Opportunity(
                strategy_run_id=await self._run(session),
                instrument_id=instrument_id,
                action=terms.action,
                side=terms.side,
                rank=1,
                score=0.5,
                bid=terms.reference_bid,
                ask=terms.reference_ask,
                metrics={},
                rules=[],
                recommended=True,
            )
            session.add(opportunity)
            await session.flush()
            row = m.Recommendation(
                **self.owners,
                opportunity_id=opportunity.id,
                instrument_id=instrument_id,
                action=terms.action,
                side=terms.side,
                quantity=terms.quantity,
                limit_price=terms.limit_price,
                floor_price=terms.floor_price,
                terms=terms.model_dump(mode="json"),
                terms_hash=terms.hash,
                deadline=terms.deadline,
                proposed_at=terms.quoted_at,
                summary=terms.describe(),
                rationale="",
                confidence=0.5,
                rule_trace=[],
                metrics={},
            )
            session.add(row)
            await session.flush()
            return row.id

    async def _run(self, session: Any) -> UUID:
        """A run of its own for each proposal: a run offers one contract once."""
        self._count += 1
        run = m.StrategyRun(
            strategy_instance_id=self.owners["strategy_instance_id"],
            mode=m.RunMode.LIVE,
            status=m.RunStatus.COMPLETED,
            workflow_id=f"run-{self._count}",
            started_at=MONDAY_10,
            finished_at=MONDAY_10,
        )
        session.add(run)
        await session.flush()
        return run.id

    async def instrument(self, contract: OptionContract) -> UUID:
        if contract.con_id not in self.instruments:
            async with self.sessions.begin() as session:
                row = await session.scalar(
                    select(m.Instrument).where(m.Instrument.key == contract.key)
                )
                if row is None:
                    row = m.Instrument(
                        key=contract.key,
                        sec_type=SecType.OPTION,
                        symbol=contract.symbol,
                        currency="USD",
                        multiplier=contract.multiplier,
                        underlying_id=self.underlying_id,
                        trading_class=contract.trading_class,
                        expiry=contract.expiry,
                        strike=contract.strike,
                        right=contract.right,
                    )
                    session.add(row)
                    await session.flush()
                self.instruments[contract.con_id] = row.id
        return self.instruments[contract.con_id]

    # --- orders without a broker -----------------------------------------------------------

    async def leased_ledger(self, owner: str = "worker") -> tuple[PostgresLedger, Lease]:
        lease = await acquire_lease(self.sessions, SLUG, owner)
        assert lease is not None
        holder = LeaseHolder()
        holder.lease = lease
        return PostgresLedger(self.sessions, holder), lease

    async def ready(self, ledger: PostgresLedger, approval: Approval, attempt: int = 1) -> str:
        """A READY order for ``approval``; its key."""
        context = await ledger.trade_context(approval.recommendation_id, approval.decision_id)
        return await self.ready_in(ledger, context, approval, attempt)

    async def ready_in(
        self, ledger: PostgresLedger, context: TradeContext, approval: Approval, attempt: int = 1
    ) -> str:
        """A READY order judged in ``context``; its key."""
        terms = context.trade.terms
        notional = terms.contract.strike * terms.contract.multiplier * terms.quantity
        record = await ledger.make_ready(
            context,
            intent_for(approval, terms, attempt),
            attempt,
            Judgement(notional=notional, what_if=PREVIEW),
        )
        return record.order.order_key

    async def sent(
        self, ledger: PostgresLedger, order_id: int = 1, contract: OptionContract = PUT
    ) -> str:
        """The key of an order that was claimed and is being sent."""
        key = await self.ready(ledger, await self.approve(contract))
        assert await ledger.claim(key, order_id, CLIENT_NUMBER)
        return key

    # --- looking ---------------------------------------------------------------------------

    async def order(self, key: str) -> m.Order:
        async with self.sessions() as session:
            row = await session.scalar(select(m.Order).where(m.Order.order_key == key))
            assert row is not None
            return row

    async def state(self, key: str) -> OrderState:
        return (await self.order(key)).state

    async def all(self, entity: type[Any]) -> list[Any]:
        async with self.sessions() as session:
            return list(await session.scalars(select(entity).order_by(entity.id)))

    async def alert_codes(self) -> set[str]:
        return {alert.code for alert in await self.all(m.Alert) if alert.state != "CLEARED"}

    async def recommendation_state(self, approval: Approval) -> RecommendationState:
        async with self.sessions() as session:
            row = await session.get(m.Recommendation, approval.recommendation_id)
            assert row is not None
            return row.state

    # --- changing --------------------------------------------------------------------------

    async def halt(self, state: TradingState = TradingState.HALTED) -> None:
        async with self.sessions.begin() as session:
            await session.execute(
                update(m.Setting).where(m.Setting.key == "trading_state").values(value=state.value)
            )

    async def withdraw(self, approval: Approval) -> None:
        async with self.sessions.begin() as session:
            await session.execute(
                update(m.Recommendation)
                .where(m.Recommendation.id == approval.recommendation_id)
                .values(withdrawn_at=MONDAY_10)
            )


def intent_for(approval: Approval, terms: Terms, attempt: int = 1) -> OrderIntent:
    return OrderIntent(
        order_key=approval.key(attempt),
        account_code=terms.account_code,
        legs=terms.legs,
        quantity=terms.quantity,
        limit_price=terms.limit_price,
    )


def person(world: TradingWorld) -> Declaration:
    return Declaration(world.user_id, "p@desk.test", "", "looked")
