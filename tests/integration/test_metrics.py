"""What Prometheus reads, and that dashboard and alert rules ask for nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY
from sqlalchemy import text

from infra.db.clock import host_now
from infra.db.session import create_engine, sessions
from infra.embedded.ports import any_free_port
from infra.ibkr.pacing import MeasuredLimiter
from infra.metrics import read_business, runtime_of
from infra.settings import Settings
from infra.temporal.client import connect
from tests.integration.api.client import running_api
from tests.integration.trading_world import SLUG, TradingWorld

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "infra" / "deploy"
# Of the SDK: they appear once a worker has done such work.
OF_THE_SDK = {"temporal_activity_schedule_to_start_latency_seconds_bucket"}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TradingWorld]:
    engine = create_engine(database_url)
    try:
        yield await TradingWorld(sessions(engine)).build()
    finally:
        await engine.dispose()


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_the_gauges_tell_what_is_on_record(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    await world.ready(ledger, await world.approve())
    await world.sent(ledger)
    async with world.sessions.begin() as session:
        await session.execute(
            text(
                "UPDATE orders SET state = 'UNKNOWN', updated_at = now() - interval '90 s' "
                "WHERE state = 'SENDING'"
            )
        )
        await session.execute(text("UPDATE gateways SET connection = 'CONNECTED'"))
    async with world.sessions() as session:
        await read_business(session, host_now())
    assert value("greenlight_recommendations", state="APPROVED") == 2
    assert value("greenlight_orders", state="READY") == 1
    assert value("greenlight_orders", state="UNKNOWN") == 1
    assert 85 < (value("greenlight_oldest_unknown_order_seconds") or 0) < 120
    assert value("greenlight_gateway_connected", gateway=SLUG) == 1
    assert value("greenlight_open_discrepancies") == 0


async def test_requests_are_counted_by_declared_route_and_never_by_what_was_asked(
    database_url: str, tmp_path: Path
):
    async with running_api(database_url, tmp_path) as api, api.signed_in("viewer_a") as browser:
        await browser.get(f"/api/orders/{api.world.a.order.id}/")
        await browser.get("/api/no-such-thing/abcdef/")
    routes = {
        sample.labels["route"]
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "greenlight_api_request_seconds_count"
    }
    assert "/api/orders/{order_id}/" in routes
    assert not any("abcdef" in route or str(api.world.a.order.id) in route for route in routes)


async def test_a_worker_serves_the_sdk_s_metrics_beside_its_own(temporal_address: str):
    port = any_free_port()
    settings = Settings(temporal_address=temporal_address, metrics_port=port - 1)
    client = await connect(settings, runtime_of(settings))
    assert await client.service_client.check_health()
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(f"http://127.0.0.1:{port}/metrics")
    assert "temporal_request" in answer.text


async def test_how_long_the_broker_s_pace_holds_requests_up_is_measured():
    pacer = MeasuredLimiter("test", 1, 0.2)
    for _ in range(2):
        async with pacer:
            pass
    assert value("greenlight_broker_pacing_wait_seconds_count", kind="test") == 2
    assert 0.1 < (value("greenlight_broker_pacing_wait_seconds_sum", kind="test") or 0) < 2


def test_every_metric_that_is_asked_of_a_desk_is_there():
    """Of the API, the broker session, and the business; the SDK's are its own."""
    wanted = {
        *("api_request_seconds", "broker_messages", "broker_connections", "gateway_connected"),
        *("broker_lines_in_use", "broker_line_wait_seconds", "broker_pacing_wait_seconds"),
        *("recommendations", "orders", "oldest_unknown_order_seconds", "open_discrepancies"),
        *("decision_to_delivery_seconds", "oldest_undelivered_decision_seconds", "open_alerts"),
        "pulse_seconds",
    }
    known = {metric.name.removeprefix("greenlight_") for metric in REGISTRY.collect()}
    assert wanted - known == set()
    shown = " ".join(_expressions())
    assert {name for name in wanted if f"greenlight_{name}" not in shown} == set()


def _expressions() -> list[str]:
    rules = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text("utf-8"))
    board = json.loads((DEPLOY / "grafana/dashboards/greenlight.json").read_text("utf-8"))
    alerts = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    panels = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [*alerts, *panels]


def test_dashboard_and_alert_rules_are_written_in_prometheus_s_language():
    for expression in _expressions():
        promql_parser.parse(expression)
        with pytest.raises(ValueError, match="promql"):
            promql_parser.parse(f"{expression} >")


def test_dashboard_and_alert_rules_ask_for_metrics_that_exist():
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
    known = {
        metric.name + suffix
        for metric in REGISTRY.collect()
        for suffix in suffixes.get(metric.type, ())
    }
    asked = {
        name
        for expression in _expressions()
        for name in re.findall(r"\b(?:greenlight|temporal)_\w+", expression)
    }
    assert asked - known - OF_THE_SDK == set()
    assert len(asked) > 12


def test_every_alert_rule_has_a_severity_a_summary_and_a_runbook_that_is_there():
    rules: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text("utf-8"))
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        assert rule["labels"]["severity"] in ("critical", "warning"), rule
        assert rule["annotations"]["summary"], rule
        assert (ROOT / rule["annotations"]["runbook"]).is_file(), rule
