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
    ChainReading,
    IngestionStore,
    RecommendationStore,
    RunOutcome,
    RunPlan,
    StrategyStore,
)
from domain.recommendations import Terms
from domain.risk.state import compute_risk_state
from domain.strategies.registry import resolve_strategy
from domain.strategies.successors import successor_to


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
    """A denied recommendation's contracts, looked at afresh. Runs on the gateway's queue."""

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
        """Offer the same trade on fresh terms, if its strategy still wants it."""
        async with heartbeating():
            denied = await self._recommendations.brief(request.recommendation_id)
            reading = await self._look(denied.terms)
            plan = await self._strategies.begin_successor_run(
                denied.id, activity.info().workflow_id or ""
            )
            if isinstance(reading, GreenlightError):
                unseen = GenerateRequest(plan=plan, chain_ids=())
                return await _failed(self._strategies, unseen, str(reading))
            chain_id = await self._ingestion.save_chain(plan.gateway, reading)
            seen = GenerateRequest(plan=plan, chain_ids=(chain_id,))
            return await _generate(self._strategies, seen, denied.terms)

    async def _look(self, terms: Terms) -> ChainReading | GreenlightError:
        """The contracts of ``terms`` as they are now, or what is wrong with them.

        What time may mend is raised before any run is on record: the next attempt begins it.
        """
        try:
            await self._facts.read((terms.contract.symbol,), patiently=False)
            return await self._broker.chain_of([leg.contract for leg in terms.legs])
        except GreenlightError as error:
            if error.is_transient:
                raise
            return error


async def _generate(
    store: StrategyStore, request: GenerateRequest, denied: Terms | None = None
) -> RunOutcome:
    """Run the strategy and keep what it found; of a successor's run, to ``denied``, only that."""
    try:
        code_ref, context, account = await store.strategy_context(request.plan, request.chain_ids)
        result = resolve_strategy(code_ref)().generate_signals(
            account, compute_risk_state(account), context
        )
        if denied is not None:
            result = successor_to(denied, result)
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
