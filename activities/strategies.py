"""Running strategies: from recorded chains and an account's state to recommendations."""

from __future__ import annotations

import traceback
from uuid import UUID

from temporalio import activity

from activities.facts import FactsReader
from activities.heartbeat import heartbeating
from activities.recommendations import RecommendationRef
from domain.errors import GreenlightError
from domain.instruments import Frozen
from domain.ports import (
    Broker,
    IngestionStore,
    RecommendationStore,
    RunOutcome,
    RunPlan,
    StrategyStore,
)
from domain.risk.state import compute_risk_state
from domain.strategies.registry import resolve_strategy


class BeginRun(Frozen):
    instance_id: UUID


class GenerateRequest(Frozen):
    plan: RunPlan
    chain_ids: tuple[UUID, ...]
    errors: tuple[str, ...] = ()


class FailedRun(Frozen):
    run_id: UUID
    errors: tuple[str, ...]


class StrategyActivities:
    def __init__(self, store: StrategyStore) -> None:
        self._store = store

    @activity.defn
    async def runnable_instances(self) -> list[UUID]:
        """Enabled instances whose gateway is connected and whose market is open."""
        return await self._store.runnable_instances()

    @activity.defn
    async def begin_strategy_run(self, request: BeginRun) -> RunPlan:
        return await self._store.begin_run(request.instance_id, activity.info().workflow_id or "")

    @activity.defn
    async def generate_recommendations(self, request: GenerateRequest) -> RunOutcome:
        """Run the strategy on the recorded market and keep all it found.

        What a strategy raises is the run's error, kept with its traceback; it never reaches
        another instance's run.
        """
        async with heartbeating():
            return await _generate(self._store, request)

    @activity.defn
    async def fail_strategy_run(self, request: FailedRun) -> None:
        await self._store.fail_run(request.run_id, request.errors)


class SuccessorActivities:
    """A denied recommendation's contract, looked at afresh. Runs on the gateway's queue."""

    def __init__(
        self,
        broker: Broker,
        ingestion: IngestionStore,
        recommendations: RecommendationStore,
        strategies: StrategyStore,
        facts: FactsReader,
    ) -> None:
        self._broker = broker
        self._facts = facts
        self._ingestion = ingestion
        self._recommendations = recommendations
        self._strategies = strategies

    @activity.defn
    async def propose_successor(self, request: RecommendationRef) -> RunOutcome:
        """Offer the same contract on fresh terms, if its strategy still wants it."""
        async with heartbeating():
            denied = await self._recommendations.brief(request.recommendation_id)
            plan = await self._strategies.begin_successor_run(
                denied.id, activity.info().workflow_id or ""
            )
            await self._facts.read(plan.universe, patiently=False)
            reading = await self._broker.single(denied.terms.contract)
            chain_id = await self._ingestion.save_chain(plan.gateway, reading)
            return await _generate(
                self._strategies, GenerateRequest(plan=plan, chain_ids=(chain_id,))
            )


async def _generate(store: StrategyStore, request: GenerateRequest) -> RunOutcome:
    try:
        code_ref, context, account = await store.strategy_context(request.plan, request.chain_ids)
        result = resolve_strategy(code_ref)().generate_signals(
            account, compute_risk_state(account), context
        )
    except GreenlightError as error:
        if error.is_transient:
            raise
        return await _failed(store, request, str(error))
    except Exception:
        return await _failed(store, request, traceback.format_exc(limit=8))
    return await store.save_result(request.plan, result, request.errors)


async def _failed(store: StrategyStore, request: GenerateRequest, error: str) -> RunOutcome:
    errors = (*request.errors, error)
    await store.fail_run(request.plan.run_id, errors)
    return RunOutcome(run_id=request.plan.run_id, errors=errors)
