"""What Prometheus reads: the API, the broker session, and the desk's business by its own record.

Every process serves its own on ``metrics_port``; a worker serves the Temporal SDK's beside them, on
the next port. Nothing is served while the port is not set.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from datetime import datetime
from functools import cache
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram, start_http_server
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from domain.orders import OrderState
from domain.recommendations import RecommendationState
from domain.severity import Severity
from infra.db.clock import host_now
from infra.db.models import (
    Alert,
    AlertState,
    ConnectionState,
    Decision,
    Discrepancy,
    Gateway,
    Order,
    Recommendation,
)
from infra.db.session import Sessions
from infra.settings import Settings

log = structlog.get_logger(__name__)
READ_EVERY_SECONDS = 15.0
PULSE_EVERY_SECONDS = 5.0

API_SECONDS = Histogram(
    "greenlight_api_request_seconds",
    "Time from a request to its answer.",
    ("method", "route", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10),
)
BROKER_MESSAGES = Counter(
    "greenlight_broker_messages", "Order messages from the gateway.", ("gateway", "kind")
)
BROKER_CONNECTIONS = Counter(
    "greenlight_broker_connections", "Connections that became ready.", ("gateway",)
)
PACING_WAIT_SECONDS = Histogram(
    "greenlight_broker_pacing_wait_seconds",
    "Time a request to the gateway was held back to stay under the broker's pace.",
    ("kind",),
    buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 300),
)
LINES_IN_USE = Gauge("greenlight_broker_lines_in_use", "Market-data lines taken.")
LINE_WAIT_SECONDS = Histogram(
    "greenlight_broker_line_wait_seconds", "Time a look waited for a free market-data line."
)
RECOMMENDATIONS = Gauge(
    "greenlight_recommendations", "Recommendations that are open, by state.", ("state",)
)
ORDERS = Gauge("greenlight_orders", "Orders that are not over, by state.", ("state",))
UNKNOWN_AGE = Gauge(
    "greenlight_oldest_unknown_order_seconds", "Age of the oldest UNKNOWN order; 0 without one."
)
UNDELIVERED_AGE = Gauge(
    "greenlight_oldest_undelivered_decision_seconds",
    "Age of the oldest decision that no workflow has read; 0 without one.",
)
DECISION_LATENCY = Gauge(
    "greenlight_decision_to_delivery_seconds",
    "Mean time from a decision to its workflow reading it, over the last hour.",
)
DISCREPANCIES = Gauge("greenlight_open_discrepancies", "Confirmed discrepancies not cleared.")
ALERTS = Gauge("greenlight_open_alerts", "Alerts not cleared, by severity.", ("severity",))
GATEWAY_CONNECTED = Gauge(
    "greenlight_gateway_connected", "1 while the gateway is connected and synced.", ("gateway",)
)
PULSE = Gauge(
    "greenlight_pulse_seconds",
    "When the worker's event loop last came around, in seconds since 1970.",
)
_OPEN_RECOMMENDATIONS = (RecommendationState.PROPOSED, RecommendationState.APPROVED)
_OPEN_ORDERS = tuple(state for state in OrderState if not state.is_terminal)


def serve_metrics(settings: Settings) -> None:
    """Answer Prometheus on a thread of its own, if a port is set."""
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, addr=settings.metrics_host)


@cache
def temporal_runtime(address: str) -> Runtime:
    """The SDK's runtime with its metrics served at ``address``; one per process."""
    metrics = PrometheusConfig(
        bind_address=address,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
    )
    return Runtime(telemetry=TelemetryConfig(metrics=metrics))


def runtime_of(settings: Settings) -> Runtime | None:
    """None, the SDK's default, while no port is set."""
    if settings.metrics_port is None:
        return None
    return temporal_runtime(f"{settings.metrics_host}:{settings.metrics_port + 1}")


async def keep_pulse() -> None:
    """Tell again and again that this event loop comes around, until cancelled."""
    while True:
        PULSE.set_to_current_time()
        await asyncio.sleep(PULSE_EVERY_SECONDS)


async def keep_business_metrics(sessions: Sessions) -> None:
    """Read the record again and again, until cancelled. Every core worker reads the same."""
    while True:
        try:
            async with sessions() as session:
                await read_business(session, host_now())
        except (SQLAlchemyError, OSError) as error:
            log.warning("metrics.not_read", error=str(error))
        await asyncio.sleep(READ_EVERY_SECONDS)


async def read_business(session: AsyncSession, now: datetime) -> None:
    """Bring the gauges to what is on record."""
    await _by(session, RECOMMENDATIONS, Recommendation.state, _OPEN_RECOMMENDATIONS)
    await _by(session, ORDERS, Order.state, _OPEN_ORDERS)
    not_cleared = Alert.state != AlertState.CLEARED
    await _by(session, ALERTS, Alert.severity, tuple(Severity), not_cleared)
    unknown = await session.scalar(
        select(func.min(Order.updated_at)).where(Order.state == OrderState.UNKNOWN)
    )
    UNKNOWN_AGE.set(_seconds(unknown, now))
    undelivered = await session.scalar(
        select(func.min(Decision.decided_at)).where(Decision.delivered_at.is_(None))
    )
    UNDELIVERED_AGE.set(_seconds(undelivered, now))
    latency = await session.scalar(
        select(func.extract("epoch", func.avg(Decision.delivered_at - Decision.decided_at))).where(
            Decision.decided_at > func.now() - func.make_interval(0, 0, 0, 0, 1)
        )
    )
    DECISION_LATENCY.set(float(latency or 0))
    unresolved = Discrepancy.raised_at.is_not(None) & Discrepancy.cleared_at.is_(None)
    DISCREPANCIES.set(await session.scalar(select(func.count()).where(unresolved)) or 0)
    for slug, connection in await session.execute(select(Gateway.slug, Gateway.connection)):
        GATEWAY_CONNECTED.labels(slug).set(connection is ConnectionState.CONNECTED)


async def _by(
    session: AsyncSession,
    gauge: Gauge,
    column: InstrumentedAttribute[Any],
    values: tuple[str, ...],
    condition: ColumnElement[bool] | None = None,
) -> None:
    statement = select(column, func.count()).where(column.in_(values)).group_by(column)
    if condition is not None:
        statement = statement.where(condition)
    counted = Tally({value: count for value, count in await session.execute(statement)})  # noqa: C416
    for value in values:
        gauge.labels(value).set(counted[value])


def _seconds(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
