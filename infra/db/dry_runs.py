"""Dry runs: the market and the account as a strategy run would see them, with nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from domain.portfolio import AccountState
from domain.ports import DryRunRequest, RunPlan
from domain.strategies.base import StrategyContext
from domain.strategies.registry import resolve_strategy, validate_config
from infra.db.accounts import account_state
from infra.db.session import Sessions
from infra.db.strategy_runs import market_context, plan_of, read_instance, with_what_is_held


class PostgresDryRuns:
    """``domain.ports.DryRunStore`` over Postgres."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def plan_dry_run(self, request: DryRunRequest) -> RunPlan:
        async with self._sessions() as session:
            instance = await read_instance(session, request.instance_id)
            config = instance.config if request.config is None else request.config
            # The key of no row: a dry run leaves none.
            plan = plan_of(instance, config, uuid4())
            return await with_what_is_held(session, instance, config, plan)

    async def dry_context(
        self, request: DryRunRequest, plan: RunPlan, chain_ids: Sequence[UUID]
    ) -> tuple[str, StrategyContext, AccountState]:
        async with self._sessions() as session:
            instance = await read_instance(session, request.instance_id)
            code_ref = instance.strategy_version.code_ref
            raw = instance.config if request.config is None else request.config
            config = validate_config(resolve_strategy(code_ref), raw)
            context = await market_context(session, instance, config, plan, chain_ids)
            return code_ref, context, await account_state(session, instance.broker_account_id)
