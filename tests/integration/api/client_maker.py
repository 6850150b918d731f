"""One client with everything a client has: holdings, a strategy run, orders and executions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.ids import order_key
from domain.instruments import OptionContract, PriceIncrements, Right, Side
from domain.orders import OrderIntent, OrderState
from domain.recommendations import (
    DecisionAction,
    Leg,
    RecommendationAction,
    RecommendationState,
    RuleResult,
    Terms,
)
from domain.risk.limits import TradingState
from infra.db import models as m

Row = TypeVar("Row", bound=m.Base)


@dataclass
class ClientWorld:
    """The rows of one client."""

    client: m.Client
    portfolio: m.Portfolio
    account: m.BrokerAccount
    waiting: m.Recommendation
    approved: m.Recommendation
    order: m.Order
    execution: m.Execution
    alert: m.Alert


def expiry_after(now: datetime) -> date:
    """Of the option that is held and offered: a Friday some four weeks on."""
    day = now.date() + timedelta(days=25)
    return day + timedelta(days=(4 - day.weekday()) % 7)


def terms_for(code: str, con_id: int, now: datetime, **changes: object) -> Terms:
    contract = OptionContract(
        symbol="SPY",
        trading_class="SPY",
        expiry=expiry_after(now),
        strike=Decimal(640),
        right=Right.PUT,
        multiplier=Decimal(100),
        con_id=con_id,
    )
    fields: dict[str, object] = {
        "account_code": code,
        "action": RecommendationAction.OPEN,
        "legs": (Leg(contract=contract, side=Side.SELL),),
        "quantity": 2,
        "limit_price": Decimal("4.15"),
        "floor_price": Decimal("4.02"),
        "max_drift": Decimal("0.01"),
        "reference_underlying_price": Decimal("655.10"),
        "reference_bid": Decimal("4.10"),
        "reference_ask": Decimal("4.20"),
        "increments": PriceIncrements.flat(Decimal("0.01")),
        "quoted_at": now,
        "deadline": now + timedelta(minutes=30),
    }
    return Terms.model_validate({**fields, **changes})


async def add(session: AsyncSession, row: Row) -> Row:
    """Insert at once: rows point at each other by key."""
    session.add(row)
    await session.flush()
    return row


def alert_on(code: str, subject: str, account_id: UUID | None, at: datetime) -> m.Alert:
    return m.Alert(
        code=code,
        severity=m.Severity.WARNING,
        subject=subject,
        title=f"{code} on {subject}",
        broker_account_id=account_id,
        raised_at=at,
    )


@dataclass
class ClientMaker:
    """Makes one client with everything a client has."""

    session: AsyncSession
    gateway: m.Gateway
    instrument: m.Instrument
    version: m.StrategyVersion
    decider: m.User
    at: datetime

    async def make(self, slug: str, code: str) -> ClientWorld:
        session = self.session
        client = await add(session, m.Client(slug=slug, name=f"Client {slug.upper()}"))
        portfolio = await add(session, m.Portfolio(client_id=client.id, name="Main"))
        account = await add(
            session,
            m.BrokerAccount(
                portfolio_id=portfolio.id,
                gateway_id=self.gateway.id,
                code=code,
                alias="Main",
                trading_state=TradingState.ACTIVE,
            ),
        )
        await self._holdings(account)
        run, instance, opportunity = await self._run(portfolio, account)
        owners = {
            "strategy_run_id": run.id,
            "strategy_instance_id": instance.id,
            "strategy_version_id": self.version.id,
            "portfolio_id": portfolio.id,
            "broker_account_id": account.id,
            "opportunity_id": opportunity.id,
            "instrument_id": self.instrument.id,
        }
        waiting = await add(session, self.recommendation(code, owners))
        approved = await add(
            session, self.recommendation(code, owners, RecommendationState.APPROVED)
        )
        order, execution = await self._order(approved, account)
        alert = await add(session, alert_on("ORDER_UNPROVEN", order.order_key, account.id, self.at))
        return ClientWorld(client, portfolio, account, waiting, approved, order, execution, alert)

    async def _holdings(self, account: m.BrokerAccount) -> None:
        for age, cash in ((timedelta(minutes=5), 90_000), (timedelta(0), 100_000)):
            amount = Decimal(cash)
            self.session.add(
                m.AccountSnapshot(
                    broker_account_id=account.id,
                    as_of=self.at - age,
                    currency="USD",
                    net_liquidation=amount + 50_000,
                    cash=amount,
                    equity_with_loan=amount,
                    buying_power=amount * 4,
                    available_funds=amount,
                    excess_liquidity=amount,
                    init_margin=Decimal(0),
                    maint_margin=Decimal(0),
                    gross_position_value=Decimal(0),
                )
            )
        await add(
            self.session,
            m.Position(
                broker_account_id=account.id,
                instrument_id=self.instrument.id,
                quantity=Decimal(-1),
                average_cost=Decimal(410),
                as_of=self.at,
            ),
        )

    async def _run(
        self, portfolio: m.Portfolio, account: m.BrokerAccount
    ) -> tuple[m.StrategyRun, m.StrategyInstance, m.Opportunity]:
        instance = await add(
            self.session,
            m.StrategyInstance(
                strategy_version_id=self.version.id,
                portfolio_id=portfolio.id,
                broker_account_id=account.id,
                name="SPY wheel",
                config={},
                enabled=True,
            ),
        )
        run = await add(
            self.session,
            m.StrategyRun(
                strategy_instance_id=instance.id,
                mode=m.RunMode.LIVE,
                status=m.RunStatus.COMPLETED,
                workflow_id=f"run-{instance.id}",
                started_at=self.at,
                finished_at=self.at,
            ),
        )
        await add(
            self.session,
            m.Signal(
                strategy_run_id=run.id,
                instrument_id=self.instrument.id,
                symbol="SPY",
                kind="PUT_CANDIDATES",
                summary="3 puts qualify",
                facts={},
            ),
        )
        opportunity = await add(
            self.session,
            m.Opportunity(
                strategy_run_id=run.id,
                instrument_id=self.instrument.id,
                action=RecommendationAction.OPEN,
                side=Side.SELL,
                rank=1,
                score=0.8,
                bid=Decimal("4.10"),
                ask=Decimal("4.20"),
                metrics={},
                rules=[],
                recommended=True,
            ),
        )
        return run, instance, opportunity

    def recommendation(
        self,
        code: str,
        owners: dict[str, UUID],
        state: RecommendationState = RecommendationState.PROPOSED,
        **changes: object,
    ) -> m.Recommendation:
        terms = terms_for(code, 700001, self.at, **changes)
        passed = RuleResult(rule="delta", value="0.20", threshold="at most 0.30", passed=True)
        return m.Recommendation(
            id=uuid7(),
            **owners,
            state=state,
            action=terms.action,
            side=terms.side,
            quantity=terms.quantity,
            limit_price=terms.limit_price,
            floor_price=terms.floor_price,
            terms=terms.model_dump(mode="json"),
            terms_hash=terms.hash,
            deadline=terms.deadline,
            proposed_at=self.at,
            summary=terms.describe(),
            rationale="The premium is worth the risk.",
            confidence=0.7,
            rule_trace=[passed.model_dump(mode="json")],
            metrics={"ror": 0.0065, "delta": -0.2, "dte": 26, "breakeven": "635.85", "iv": None},
        )

    async def _order(
        self, approved: m.Recommendation, account: m.BrokerAccount
    ) -> tuple[m.Order, m.Execution]:
        session = self.session
        terms = Terms.model_validate(approved.terms)
        decision = await add(
            session,
            m.Decision(
                recommendation_id=approved.id,
                user_id=self.decider.id,
                action=DecisionAction.APPROVE,
                terms_hash=approved.terms_hash,
                idempotency_key=f"seed-{approved.id}",
                decided_at=self.at,
                delivered_at=self.at,
            ),
        )
        key = order_key(approved.id, decision.id, 1)
        intent = OrderIntent(
            order_key=key,
            account_code=account.code,
            legs=terms.legs,
            quantity=2,
            limit_price=terms.limit_price,
        )
        order = await add(
            session,
            m.Order(
                order_key=key,
                recommendation_id=approved.id,
                decision_id=decision.id,
                attempt=1,
                broker_account_id=account.id,
                gateway_id=self.gateway.id,
                instrument_id=self.instrument.id,
                side=Side.SELL,
                quantity=Decimal(2),
                limit_price=Decimal("4.15"),
                state=OrderState.PARTIAL,
                filled_quantity=Decimal(1),
                average_price=Decimal("4.15"),
                intent=intent.model_dump(mode="json"),
                broker_order_id=int(account.code[2:]),
                client_number=17,
                lease_epoch=1,
                perm_id=int(account.code[2:]),
                sent_at=self.at,
            ),
        )
        for kind, before, after in (
            ("claimed", OrderState.READY, OrderState.SENDING),
            ("status", OrderState.SENDING, OrderState.WORKING),
            ("status", OrderState.WORKING, OrderState.WORKING),
            ("fill", OrderState.WORKING, OrderState.PARTIAL),
        ):
            await add(
                session,
                m.OrderEvent(
                    order_id=order.id,
                    gateway_id=self.gateway.id,
                    kind=kind,
                    state_before=before,
                    state_after=after,
                    payload={},
                ),
            )
        superseded = self._execution(order, account, "01", Decimal(2), superseded=True)
        await add(session, superseded)
        execution = await add(session, self._execution(order, account, "02", Decimal(1)))
        await add(session, self._external(account))
        return order, execution

    def _execution(
        self,
        order: m.Order,
        account: m.BrokerAccount,
        revision: str,
        quantity: Decimal,
        *,
        superseded: bool = False,
    ) -> m.Execution:
        lineage = f"0000e0d5.{account.code}.01"
        return m.Execution(
            exec_id=f"{lineage}.{revision}",
            lineage=lineage,
            superseded=superseded,
            order_id=order.id,
            gateway_id=self.gateway.id,
            broker_account_id=account.id,
            instrument_id=self.instrument.id,
            con_id=700001,
            side=Side.SELL,
            quantity=quantity,
            price=Decimal("4.15"),
            executed_at=self.at,
            perm_id=1,
            commission=Decimal("1.05"),
            commission_currency="USD",
        )

    def _external(self, account: m.BrokerAccount) -> m.Execution:
        """A trade made by hand in TWS, in an instrument the desk does not know."""
        return m.Execution(
            exec_id=f"manual.{account.code}.01",
            lineage=f"manual.{account.code}",
            gateway_id=self.gateway.id,
            broker_account_id=account.id,
            con_id=999,
            side=Side.BUY,
            quantity=Decimal(100),
            price=Decimal("12.5"),
            executed_at=self.at - timedelta(minutes=1),
            perm_id=2,
        )
