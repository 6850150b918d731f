"""What a Temporal namespace needs before the desk runs on it: search attributes, schedules.

Idempotent. Schedules are brought up to date, not duplicated.
"""

from __future__ import annotations

import structlog
from sqlalchemy import select
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client

from infra.db.models import Gateway
from infra.db.session import engine, sessions
from infra.settings import Settings
from infra.temporal.client import connect
from infra.temporal.schedules import put_schedules
from workflows.visibility import ALL, DEADLINE

log = structlog.get_logger(__name__)


async def setup(settings: Settings) -> None:
    """Bring the namespace to what this code expects."""
    client = await connect(settings)
    await add_search_attributes(client)
    await put_schedules(client, await gateway_slugs(settings))


async def gateway_slugs(settings: Settings) -> list[str]:
    """Every gateway on record."""
    database = engine(settings)
    try:
        async with sessions(database)() as session:
            return list(await session.scalars(select(Gateway.slug).order_by(Gateway.slug)))
    finally:
        await database.dispose()


async def add_search_attributes(client: Client) -> None:
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {
        key.name: (
            IndexedValueType.INDEXED_VALUE_TYPE_DATETIME
            if key.name == DEADLINE.name
            else IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        )
        for key in ALL
        if key.name not in known.custom_attributes
    }
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
        log.info("temporal.search_attributes_added", names=sorted(missing))
