"""Strategy runs: what a run looks at, and keeping what it found."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from domain.errors import ErrorCode, GreenlightError
from domain.market import OptionChain
from domain.orders import OrderState
from domain.portfolio import AccountState
from domain.ports import RunOutcome, RunPlan
from domain.recommendations import RecommendationAction, RecommendationState, Terms
from domain.strategies.base import StrategyConfig, StrategyContext, StrategyResult
from domain.strategies.registry import resolve_strategy, validate_config
from domain.underlyings import UnderlyingFacts
from infra.calendars import exchange_date, trading_calendar
from infra.db.accounts import account_state
from infra.db.audit import Actor, audit
from infra.db.clock import account_clock, host_now
from infra.db.external_orders import working_external_orders
from infra.db.known_facts import known_facts, vix_level
from infra.db.limits import limits_in_force
from infra.db.models import (
    BrokerAccount,
    ConnectionState,
    Gateway,
    Instrument,
    Order,
    Recommendation,
    RecordedChain,
    RunMode,
    RunStatus,
    StrategyInstance,
    StrategyRun,
)
from infra.db.run_alerts import tell_errors
from infra.db.run_results import keep_result
from infra.db.session import Sessions
from infra.db.wheel_cycles import open_cycles

STRATEGIES = Actor(name="strategy run")
SUCCESSOR = "/successor"
"""What the name of a run ends in that a denied recommendation's own workflow makes."""


@dataclass(frozen=True, slots=True)
class RecordedMarket:
    """``domain.market.MarketView`` over chains recorded for one run."""

    as_of: datetime
    today: date
    chains: Mapping[str, OptionChain]
    facts: Mapping[str, UnderlyingFacts] = field(default_factory=dict[str, UnderlyingFacts])
    vix: float | None = None


class PostgresStrategies:
    """``domain.ports.StrategyStore`` over Postgres."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def runnable_instances(self) -> list[UUID]:
        async with self._sessions() as session:
            found = await session.scalars(
                select(StrategyInstance.id)
                .join(BrokerAccount, BrokerAccount.id == StrategyInstance.broker_account_id)
                .join(Gateway, Gateway.id == BrokerAccount.gateway_id)
                .where(
                    StrategyInstance.enabled,
                    Gateway.connection == ConnectionState.CONNECTED,
                    Gateway.session_open,
                )
                .order_by(StrategyInstance.id)
            )
            return list(found)

    async def begin_run(self, instance_id: UUID, workflow_id: str) -> RunPlan:
        async with self._sessions.begin() as session:
            instance = await read_instance(session, instance_id)
            run = await _begin(session, instance, workflow_id)
            plan, error = _plan(instance, run)
            if plan is not None:
                plan = await with_what_is_held(session, instance, instance.config, plan)
            if error is not None:
                await _end(session, run, instance, RunStatus.FAILED, [str(error)])
        if plan is None:
            assert error is not None
            raise error
        return plan

    async def begin_successor_run(self, recommendation_id: UUID, workflow_id: str) -> RunPlan:
        async with self._sessions.begin() as session:
            denied = await session.get(Recommendation, recommendation_id)
            if denied is None:
                raise GreenlightError(ErrorCode.NOT_FOUND, "no such recommendation")
            instance = await read_instance(session, denied.strategy_instance_id)
            run = await _begin(session, instance, f"{workflow_id}{SUCCESSOR}")
            plan, error = _plan(instance, run)
            if error is not None:
                await _end(session, run, instance, RunStatus.FAILED, [str(error)])
        if plan is None:
            assert error is not None
            raise error
        symbol = Terms.model_validate(denied.terms).contract.symbol
        return plan.model_copy(update={"universe": (symbol,), "predecessor_id": denied.id})

    async def strategy_context(
        self, plan: RunPlan, chain_ids: Sequence[UUID]
    ) -> tuple[str, StrategyContext, AccountState]:
        async with self._sessions.begin() as session:
            instance = await read_instance(session, plan.instance_id)
            code_ref = instance.strategy_version.code_ref
            config = validate_config(resolve_strategy(code_ref), instance.config)
            context = await market_context(session, instance, config, plan, chain_ids)
            run = await session.get(StrategyRun, plan.run_id)
            assert run is not None
            run.market_at = context.market.as_of
            return code_ref, context, await account_state(session, instance.broker_account_id)

    async def save_result(
        self, plan: RunPlan, result: StrategyResult, errors: Sequence[str]
    ) -> RunOutcome:
        async with self._sessions.begin() as session:
            run = await session.get(StrategyRun, plan.run_id, with_for_update=True)
            assert run is not None
            if run.status is not RunStatus.RUNNING:
                return await _recorded_outcome(session, run)
            instance = await read_instance(session, plan.instance_id)
            await _take_turns(session, instance.broker_account_id)
            outcome = await keep_result(session, run, instance, plan, result)
            run.stats = {
                "signals": outcome.signals,
                "opportunities": outcome.opportunities,
                "proposed": [str(proposed) for proposed in outcome.proposed],
                "superseded": [str(superseded) for superseded in outcome.superseded],
                "eliminated": result.eliminated,
                "no_trade_reason": result.no_trade_reason,
            }
            await _end(session, run, instance, RunStatus.COMPLETED, errors)
            audit(
                session, STRATEGIES, "strategy_run.completed", "strategy_run", run.id,
                after={"instance": instance.name, "proposed": len(outcome.proposed)},
            )  # fmt: skip
            return outcome.model_copy(update={"errors": tuple(errors)})

    async def fail_run(self, run_id: UUID, errors: Sequence[str]) -> None:
        async with self._sessions.begin() as session:
            run = await session.get(StrategyRun, run_id, with_for_update=True)
            if run is not None and run.status is RunStatus.RUNNING:
                instance = await session.get(StrategyInstance, run.strategy_instance_id)
                await _end(session, run, instance, RunStatus.FAILED, errors)


async def read_instance(session: AsyncSession, instance_id: UUID) -> StrategyInstance:
    """With its version, account and gateway. GreenlightError NOT_FOUND."""
    instance = await session.scalar(
        select(StrategyInstance)
        .where(StrategyInstance.id == instance_id)
        .options(
            joinedload(StrategyInstance.strategy_version),
            joinedload(StrategyInstance.broker_account).joinedload(BrokerAccount.gateway),
        )
    )
    if instance is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such strategy instance")
    return instance


async def market_context(
    session: AsyncSession,
    instance: StrategyInstance,
    config: StrategyConfig,
    plan: RunPlan,
    chain_ids: Sequence[UUID],
) -> StrategyContext:
    """The instance on ``config`` with the market it is shown. MARKET_CLOSED out of hours."""
    clock = await account_clock(session, instance.broker_account_id)
    market_now = clock.now(host_now())
    trading_session = trading_calendar().session_at(market_now)
    if trading_session is None:
        raise GreenlightError(ErrorCode.MARKET_CLOSED, "the market is closed")
    chains = await _chains(session, chain_ids)
    seen_at = min((chain.as_of for chain in chains.values()), default=market_now)
    return StrategyContext(
        instance_id=instance.id,
        name=instance.name,
        account_code=plan.account_code,
        config=config,
        market=RecordedMarket(
            market_now,
            exchange_date(market_now),
            chains,
            await known_facts(session, plan.universe, market_now),
            await vix_level(session, seen_at),
        ),
        session_close=trading_session.close_at,
        working_symbols=await _working_symbols(session, instance.broker_account_id),
        committed_cash=await _committed_cash(session, instance),
        cycles=await open_cycles(session, instance.broker_account_id, config.universe),
        limits=(await limits_in_force(session, instance.broker_account_id, instance.id)).limits,
    )


async def _begin(
    session: AsyncSession, instance: StrategyInstance, workflow_id: str
) -> StrategyRun:
    """The run of that workflow, made at its first attempt."""
    run = await session.scalar(
        select(StrategyRun).where(
            StrategyRun.workflow_id == workflow_id,
            StrategyRun.strategy_instance_id == instance.id,
        )
    )
    if run is None:
        run = StrategyRun(
            strategy_instance_id=instance.id,
            mode=RunMode.LIVE,
            workflow_id=workflow_id,
            started_at=host_now(),
        )
        session.add(run)
        await session.flush()
    return run


def _plan(
    instance: StrategyInstance, run: StrategyRun
) -> tuple[RunPlan | None, GreenlightError | None]:
    try:
        return plan_of(instance, instance.config, run.id), None
    except GreenlightError as error:
        return None, error


def plan_of(instance: StrategyInstance, raw_config: object, run_id: UUID) -> RunPlan:
    """What ``instance`` looks at on a config. STRATEGY_UNRESOLVED or CONFIG_INVALID."""
    strategy = resolve_strategy(instance.strategy_version.code_ref)
    config = validate_config(strategy, raw_config)
    return RunPlan(
        run_id=run_id,
        instance_id=instance.id,
        gateway=instance.broker_account.gateway.slug,
        account_code=instance.broker_account.code,
        universe=config.universe,
        window=strategy.chain_window(config),
    )


async def with_what_is_held(
    session: AsyncSession, instance: StrategyInstance, raw_config: object, plan: RunPlan
) -> RunPlan:
    """The plan with the options held, and with more of a chain to read where one asks for it.

    An account that was never ingested fails when the strategy is to see it, not here.
    """
    try:
        account = await account_state(session, instance.broker_account_id)
    except GreenlightError as error:
        if error.code is ErrorCode.ACCOUNT_STALE:
            return plan
        raise
    strategy = resolve_strategy(instance.strategy_version.code_ref)
    config = validate_config(strategy, raw_config)
    windows = {
        symbol: strategy.window_on(config, held)
        for symbol in config.universe
        if (held := account.on(symbol))
    }
    held_options = (p.option for symbol in config.universe for p in account.on(symbol))
    held = tuple(option for option in held_options if option is not None)
    return plan.model_copy(update={"windows": windows, "held": held})


async def _end(
    session: AsyncSession,
    run: StrategyRun,
    instance: StrategyInstance | None,
    status: RunStatus,
    errors: Sequence[str],
) -> None:
    run.status = status
    run.errors = list(errors)
    run.finished_at = host_now()
    # A successor's run looks at one trade alone, and says nothing of the strategy's own.
    if instance is not None and not run.workflow_id.endswith(SUCCESSOR):
        await tell_errors(session, run, instance, errors)


async def _chains(session: AsyncSession, chain_ids: Sequence[UUID]) -> dict[str, OptionChain]:
    rows = await session.scalars(
        select(RecordedChain.columns).where(RecordedChain.id.in_(chain_ids))
    )
    chains = [OptionChain.from_json(gzip.decompress(columns)) for columns in rows]
    return {chain.symbol: chain for chain in chains}


async def _working_symbols(session: AsyncSession, broker_account_id: UUID) -> frozenset[str]:
    """Underlyings with an approved trade, or any order still under way, on this account."""
    approved = select(Instrument.symbol).join(
        Recommendation, Recommendation.instrument_id == Instrument.id
    ).where(
        Recommendation.broker_account_id == broker_account_id,
        Recommendation.state == RecommendationState.APPROVED,
    )  # fmt: skip
    ordered = (
        select(Instrument.symbol)
        .join(Order, Order.instrument_id == Instrument.id)
        .where(
            Order.broker_account_id == broker_account_id,
            Order.state.in_([state for state in OrderState if state.may_be_at_broker]),
        )
    )
    outside = await working_external_orders(session, broker_account_id)
    return frozenset(await session.scalars(approved.union(ordered))) | {
        instrument.symbol for _, instrument in outside if instrument is not None
    }


async def _committed_cash(session: AsyncSession, instance: StrategyInstance) -> Decimal:
    """What assignment of the short puts approved but not concluded would need, and of those that
    other instances of the account have on offer: what was offered first has the first claim.

    A part that has filled also shows as a position; counting it twice errs on the safe side.
    """
    elsewhere = (
        (Recommendation.state == RecommendationState.PROPOSED)
        & (Recommendation.action == RecommendationAction.OPEN)
        & (Recommendation.strategy_instance_id != instance.id)
    )
    needed = await session.scalars(
        select(Recommendation.metrics["assignment_cash"].astext).where(
            Recommendation.broker_account_id == instance.broker_account_id,
            (Recommendation.state == RecommendationState.APPROVED) | elsewhere,
        )
    )
    return sum((Decimal(amount) for amount in needed if amount is not None), Decimal(0))


async def _take_turns(session: AsyncSession, broker_account_id: UUID) -> None:
    """Runs on one account keep their results one after the other: each must see what the other
    offered."""
    await session.scalars(
        select(StrategyInstance.id)
        .where(StrategyInstance.broker_account_id == broker_account_id)
        .order_by(StrategyInstance.id)
        .with_for_update()
    )


async def _recorded_outcome(session: AsyncSession, run: StrategyRun) -> RunOutcome:
    """What a run left behind, read back for a repeated save."""
    rows = await session.execute(
        select(Recommendation.id, Recommendation.summary)
        .where(Recommendation.strategy_run_id == run.id)
        .order_by(Recommendation.id)
    )
    proposed = rows.all()
    return RunOutcome(
        run_id=run.id,
        proposed=tuple(each for each, _ in proposed),
        summaries=tuple(summary for _, summary in proposed),
        superseded=tuple(UUID(each) for each in run.stats.get("superseded", ())),
        signals=run.stats.get("signals", 0),
        opportunities=run.stats.get("opportunities", 0),
        errors=tuple(run.errors),
    )
