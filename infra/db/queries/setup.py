"""How far the desk is set up, counted in one statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.gateways import GatewayKind
from infra.db.models import (
    BrokerAccount,
    Client,
    ConnectionState,
    Decision,
    Gateway,
    Recommendation,
    RunMode,
    RunStatus,
    StrategyInstance,
    StrategyRun,
)
from infra.db.queries.columns import AnyRow
from infra.db.queries.viewer import Viewer


async def setup_counts(session: AsyncSession, viewer: Viewer) -> AnyRow:
    """Gateways are the desk's; everything else is what the viewer may see."""
    accounts = viewer.sees(BrokerAccount.id)
    instances = viewer.sees(StrategyInstance.broker_account_id)
    offers = viewer.sees(Recommendation.broker_account_id)
    universe = StrategyInstance.config["universe"].astext
    runs = (
        select(func.count())
        .select_from(StrategyRun)
        .join(StrategyInstance, StrategyInstance.id == StrategyRun.strategy_instance_id)
        .where(StrategyRun.mode == RunMode.LIVE, instances)
    )
    decisions = (
        select(func.count())
        .select_from(Decision)
        .join(Recommendation, Recommendation.id == Decision.recommendation_id)
        .where(offers)
    )
    kinds = (
        select(func.coalesce(func.bool_and(Gateway.kind == GatewayKind.SIMULATED), False))
        .select_from(BrokerAccount)
        .join(Gateway, Gateway.id == BrokerAccount.gateway_id)
        .where(accounts)
    )
    counted = {
        "gateways": _count(Gateway),
        "gateways_connected": _count(Gateway, Gateway.connection == ConnectionState.CONNECTED),
        "simulated": kinds,
        "clients": _count(Client, viewer.knows_client(Client.id)),
        "accounts": _count(BrokerAccount, accounts),
        "accounts_read": _count(
            BrokerAccount, accounts, BrokerAccount.snapshot_synced_at.is_not(None)
        ),
        "strategies": _count(StrategyInstance, instances, universe.not_in(("[]", "null"))),
        "strategies_enabled": _count(StrategyInstance, instances, StrategyInstance.enabled),
        "runs": runs.where(StrategyRun.status != RunStatus.RUNNING),
        "runs_under_way": runs.where(StrategyRun.status == RunStatus.RUNNING),
        "recommendations": _count(Recommendation, offers),
        "decisions": decisions,
    }
    columns = [query.scalar_subquery().label(name) for name, query in counted.items()]
    return (await session.execute(select(*columns))).one()


def _count(model: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
    return select(func.count()).select_from(model).where(*conditions)
