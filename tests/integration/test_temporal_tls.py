"""Temporal behind TLS: who the desk shows itself as, and what it says when that does not do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.service import RPCError, RPCStatusCode
from typer.testing import CliRunner

from infra.cli import app
from infra.doctor import certificate_check, examine
from infra.embedded import EmbeddedTemporal
from infra.embedded.ports import any_free_port
from infra.health import HealthState
from infra.settings import ENV_PREFIX, Settings, get_settings
from infra.temporal.client import TemporalUnreachableError, connect
from tests.integration.temporal_over_tls import (
    API_KEY,
    NAMED,
    TemporalOverTls,
    certificate,
)
from workflows.messages import RecommendationInput
from workflows.recommendation import RecommendationWorkflow

pytestmark = pytest.mark.integration
NAMESPACE = "desk.a1b2c"
CERT = "GREENLIGHT_TEMPORAL_TLS_CERT_PATH"
KEY = "GREENLIGHT_TEMPORAL_TLS_KEY_PATH"
AUTHORITY = "GREENLIGHT_TEMPORAL_TLS_CA_PATH"
REVOKED = "a-key-that-was-revoked"


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalOverTls]:
    folder = tmp_path_factory.mktemp("temporal-tls")
    server = EmbeddedTemporal(folder / "server", port=any_free_port(), namespaces=[NAMESPACE])
    with server, TemporalOverTls(folder, server.address) as over_tls:
        yield over_tls


def with_certificate(frontend: TemporalOverTls, **changed: object) -> Settings:
    values: dict[str, object] = {
        "temporal_address": frontend.by_certificate,
        "temporal_namespace": NAMESPACE,
        "temporal_tls_ca_path": frontend.authority.cert,
        "temporal_tls_cert_path": frontend.desk.cert,
        "temporal_tls_key_path": frontend.desk.key,
    }
    return Settings.model_validate(values | changed)


def with_api_key(frontend: TemporalOverTls, **changed: object) -> Settings:
    values: dict[str, object] = {
        "temporal_address": frontend.by_api_key,
        "temporal_namespace": NAMESPACE,
        "temporal_tls_ca_path": frontend.authority.cert,
        "temporal_api_key": API_KEY,
    }
    return Settings.model_validate(values | changed)


async def works_in_its_namespace(settings: Settings) -> None:
    client = await connect(settings)
    handle = await client.start_workflow(
        RecommendationWorkflow.run,
        RecommendationInput(recommendation_id=uuid4()),
        id=f"over-tls-{uuid4()}",
        task_queue="nobody-polls-this",
    )
    described = await handle.describe()
    assert described.namespace == NAMESPACE
    assert described.workflow_type == "RecommendationWorkflow"
    elsewhere = await connect(settings.model_copy(update={"temporal_namespace": "default"}))
    with pytest.raises(RPCError) as refused:
        await elsewhere.get_workflow_handle(handle.id).describe()
    assert refused.value.status is RPCStatusCode.NOT_FOUND
    await handle.terminate()


async def test_a_client_certificate_opens_the_configured_namespace(frontend: TemporalOverTls):
    await works_in_its_namespace(with_certificate(frontend))


async def test_an_api_key_opens_the_configured_namespace(frontend: TemporalOverTls):
    await works_in_its_namespace(with_api_key(frontend))


async def test_a_frontend_reached_by_another_name_is_known_by_the_one_set(
    frontend: TemporalOverTls,
):
    settings = with_api_key(frontend, temporal_address=f"127.0.0.1:{frontend.cloud_port}")
    with pytest.raises(TemporalUnreachableError):
        await connect(settings)
    named = settings.model_copy(update={"temporal_tls_server_name": NAMED})
    await works_in_its_namespace(named)


async def test_nobody_gets_in_without_a_certificate_or_with_a_stranger_s(
    frontend: TemporalOverTls,
):
    nobody = with_certificate(frontend, temporal_tls_cert_path=None, temporal_tls_key_path=None)
    with pytest.raises(TemporalUnreachableError, match=f"{CERT}=not set"):
        await connect(nobody)
    stranger = frontend.stranger
    strange = with_certificate(
        frontend, temporal_tls_cert_path=stranger.cert, temporal_tls_key_path=stranger.key
    )
    with pytest.raises(TemporalUnreachableError, match=re.escape(f"{CERT}={stranger.cert}")):
        await connect(strange)


async def test_a_frontend_of_an_unknown_authority_is_not_believed(frontend: TemporalOverTls):
    with pytest.raises(TemporalUnreachableError, match=f"{AUTHORITY}=not set"):
        await connect(with_certificate(frontend, temporal_tls_ca_path=None))


async def test_a_wrong_api_key_is_refused_and_not_repeated(frontend: TemporalOverTls):
    with pytest.raises(TemporalUnreachableError, match="GREENLIGHT_TEMPORAL_API_KEY set") as told:
        await connect(with_api_key(frontend, temporal_api_key=REVOKED))
    assert REVOKED not in str(told.value)
    with pytest.raises(TemporalUnreachableError, match="GREENLIGHT_TEMPORAL_API_KEY not set"):
        await connect(with_api_key(frontend, temporal_api_key=None))


async def test_files_that_cannot_be_used_are_named_with_their_setting(frontend: TemporalOverTls):
    async def told(**changed: object) -> str:
        with pytest.raises(TemporalUnreachableError) as raised:
            await connect(with_certificate(frontend, **changed))
        return str(raised.value)

    nowhere = Path("/nowhere/desk.pem")
    assert f"{CERT} cannot be read" in await told(temporal_tls_cert_path=nowhere)
    assert f"{AUTHORITY} cannot be read" in await told(temporal_tls_ca_path=nowhere)
    assert f"{KEY} is not set" in await told(temporal_tls_key_path=None)
    of_another = await told(temporal_tls_key_path=frontend.stranger.key)
    assert CERT in of_another
    assert KEY in of_another


async def test_the_doctor_says_why_the_frontend_is_not_reached(
    frontend: TemporalOverTls, tmp_path: Path
):
    nowhere = {"home": tmp_path, "database_url": "postgresql+psycopg://nobody@127.0.0.1:1/none"}

    async def found(settings: Settings) -> tuple[str, str]:
        checks = await examine(settings)
        (server,) = (each for each in checks if (each.part, each.name) == ("temporal", "server"))
        assert server.state is HealthState.FAILED
        return server.detail, server.advice

    refused, _ = await found(with_api_key(frontend, temporal_api_key=REVOKED, **nowhere))
    assert "GREENLIGHT_TEMPORAL_API_KEY set" in refused
    missing = with_certificate(frontend, temporal_namespace="no-such", **nowhere)
    detail, advice = await found(missing)
    assert "no-such" in detail
    assert "GREENLIGHT_TEMPORAL_NAMESPACE" in advice


def test_a_command_says_what_it_did_not_reach(
    frontend: TemporalOverTls, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(f"{ENV_PREFIX}TEMPORAL_ADDRESS", frontend.by_certificate)
    monkeypatch.setenv(AUTHORITY, str(frontend.authority.cert))
    get_settings.cache_clear()
    try:
        ran = CliRunner().invoke(app, ["setup-temporal"])
    finally:
        get_settings.cache_clear()
    assert ran.exit_code == 1
    assert f"{CERT}=not set" in ran.output


def test_a_certificate_that_ends_soon_is_told_before_it_does(tmp_path: Path):
    authority = certificate(tmp_path, "authority")

    def state(days: float) -> HealthState:
        made = certificate(tmp_path, "desk", authority, days=days)
        return certificate_check(made.cert, datetime.now(UTC)).state

    assert state(90) is HealthState.OK
    assert state(10) is HealthState.DEGRADED
    assert state(-1) is HealthState.FAILED
    assert certificate_check(authority.key, datetime.now(UTC)).state is HealthState.FAILED
