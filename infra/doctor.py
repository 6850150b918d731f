"""``greenlight doctor``: a deployment examined, part by part, with what to fix."""

from __future__ import annotations

import asyncio
import ipaddress
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError

from infra.db.clock import host_now
from infra.db.models import AuditEvent, Gateway, GatewayKind
from infra.db.session import own_sessions
from infra.health import Check, desk_health
from infra.health.checks import degraded, failed, ok
from infra.keys import KeyFileError, read_keys
from infra.settings import Settings
from infra.temporal.client import TemporalUnreachableError, connect
from workflows.visibility import ALL

BACKUP_WITHIN = timedelta(hours=26)
RENEW_WITHIN = timedelta(days=30)
_CONNECT_SECONDS = 3.0
_EXPORTER = "opentelemetry.exporter"


async def examine(settings: Settings) -> list[Check]:
    """Everything that health tells, and what only matters of a deployment."""
    checks = [*settings_checks(settings, host_now()), *key_checks(settings)]
    checks.append(backup_check(settings.backups, host_now()))
    client, unreached = await _client(settings)
    async with own_sessions(settings) as sessions:
        checks += await desk_health(settings, sessions, client, host_now(), unreached=unreached)
        try:
            async with sessions() as session:
                checks += await role_checks(session)
                gateways = list(await session.scalars(select(Gateway).order_by(Gateway.slug)))
        except (SQLAlchemyError, OSError):
            return checks  # told already, as the database's failure
    checks += await asyncio.gather(*(_reachable(gateway) for gateway in gateways))
    if client is not None:
        checks.append(await search_attribute_check(client))
    return checks


def settings_checks(settings: Settings, now: datetime) -> list[Check]:
    """What is risky as configured."""
    checks = [
        ok("settings", "cookie", "sent over HTTPS only")
        if settings.session_cookie_secure
        else ok("settings", "cookie", "the desk listens on this machine alone")
        if _is_loopback(settings.api_host)
        else failed(
            "settings",
            "cookie",
            f"the desk listens on {settings.api_host}, and its cookie travels over plain HTTP",
            "Put a TLS proxy before it and set GREENLIGHT_SESSION_COOKIE_SECURE=true.",
        )
    ]
    host = settings.temporal_address.rpartition(":")[0]
    if not settings.temporal_uses_tls and not _is_private(host):
        checks.append(
            failed(
                "settings",
                "temporal TLS",
                f"{settings.temporal_address} is reached without TLS",
                "Set the client certificate or the API key of the namespace.",
            )
        )
    pair = (settings.temporal_tls_cert_path, settings.temporal_tls_key_path)
    missing = [
        path for path in (*pair, settings.temporal_tls_ca_path) if path and not path.exists()
    ]
    if missing or (pair[0] is None) != (pair[1] is None):
        words = f"missing: {', '.join(map(str, missing)) or 'the other of certificate and key'}"
        checks.append(failed("settings", "temporal TLS files", words, "Correct the paths."))
    elif pair[0] is not None:
        checks.append(certificate_check(pair[0], now))
    if settings.tracing_endpoint is not None and find_spec(_EXPORTER) is None:
        words = "GREENLIGHT_TRACING_ENDPOINT is set, and nothing here can export spans"
        checks.append(failed("settings", "tracing", words, "Install greenlight-desk[tracing]."))
    return checks


def certificate_check(path: Path, now: datetime) -> Check:
    """How long Temporal will take the client certificate."""
    advice = "Make a new one, replace the files, restart the workers and the API."
    name = "temporal certificate"
    try:
        until = load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return failed("settings", name, f"{path}: {error}", "It must be a certificate in PEM.")
    words = f"{path} is valid until {until:%Y-%m-%d %H:%M} UTC"
    if until <= now:
        return failed("settings", name, words, advice)
    if until - now < RENEW_WITHIN:
        return degraded("settings", name, words, advice)
    return ok("settings", name, words)


def key_checks(settings: Settings) -> list[Check]:
    """That what is sealed can be read here."""
    files = {"at rest": settings.secrets_key_file, "payloads": settings.temporal_payload_key_file}
    checks: list[Check] = []
    for name, path in files.items():
        if path is None:
            continue
        if path == settings.secrets_key_file and settings.key_file is None and not path.exists():
            words = f"{path} is not there yet"
            checks.append(degraded("keys", name, words, "The API makes it at its first start."))
            continue
        try:
            count = len(read_keys(path))
        except KeyFileError as error:
            advice = "Copy the file from a host that has it, mode 0600, for the desk's own account."
            checks.append(failed("keys", name, str(error), advice))
        else:
            checks.append(ok("keys", name, f"{count} in {path}"))
    return checks


def backup_check(directory: Path, now: datetime) -> Check:
    """The age of the newest complete backup."""
    complete = list(directory.glob("*/manifest.json")) if directory.is_dir() else []
    if not complete:
        return degraded("backup", "newest", f"none in {directory}", "greenlight backup, daily")
    newest = max(datetime.fromtimestamp(each.stat().st_mtime, UTC) for each in complete)
    words = f"{newest:%Y-%m-%d %H:%M} UTC"
    if now - newest > BACKUP_WITHIN:
        return degraded("backup", "newest", words, "Run greenlight backup daily, by a timer.")
    return ok("backup", "newest", words)


async def role_checks(session: AsyncSession) -> list[Check]:
    """That the role the desk connects as is no more than it needs to be."""
    role, is_super, rewrites = (
        await session.execute(
            text(
                "SELECT current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),"
                " has_table_privilege(:table, 'UPDATE') OR has_table_privilege(:table, 'DELETE')"
            ),
            {"table": AuditEvent.__tablename__},
        )
    ).one()
    if is_super:
        words = f"{role} is a superuser"
        advice = "Connect as a role of its own; the embedded desk, on its private socket, may not."
        return [degraded("database", "role", words, advice)]
    if rewrites:
        words = f"{role} may UPDATE or DELETE audit events (a trigger still refuses it)"
        return [
            degraded("database", "role", words, "REVOKE UPDATE, DELETE ON audit_events FROM it.")
        ]
    return [ok("database", "role", f"{role} cannot rewrite the audit trail")]


async def search_attribute_check(client: Client) -> Check:
    """That workflows can be found by what they wait on."""
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        words = f"cannot be listed: {error}"
        advice = "On Temporal Cloud, add them by its own console; see docs/deploy.md."
        return degraded("temporal", "search attributes", words, advice)
    missing = sorted({key.name for key in ALL} - set(known.custom_attributes))
    if missing:
        words = f"missing: {', '.join(missing)}"
        return failed("temporal", "search attributes", words, "greenlight setup-temporal")
    return ok("temporal", "search attributes", f"all {len(ALL)} are there")


async def _client(settings: Settings) -> tuple[Client | None, str]:
    """The client; where there is none, why."""
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await connect(settings), ""
    except (TemporalUnreachableError, KeyFileError, TimeoutError) as error:
        return None, str(error) or f"no answer within {_CONNECT_SECONDS:g} s"


async def _reachable(gateway: Gateway) -> Check:
    """That something listens at the gateway's port; it is not spoken to."""
    name = f"{gateway.slug} at {gateway.host}:{gateway.port}"
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(gateway.host, gateway.port)
        writer.close()
        await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        words = f"cannot be reached: {error or 'no answer'}"
        advice = "Start IB Gateway, allow its API, and add this host to its trusted addresses."
        return failed("gateway", name, words, advice)
    if gateway.kind is GatewayKind.LIVE:
        return ok("gateway", name, "reachable; a login with real money")
    return ok("gateway", name, f"reachable, {gateway.kind.lower()}")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_private(host: str) -> bool:
    """An address or a bare name inside one's own network."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_private
    except ValueError:
        return "." not in host or host.endswith((".internal", ".local"))
