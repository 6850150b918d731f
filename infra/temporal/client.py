"""Connecting to Temporal: the dev server, a cluster (mTLS) or Temporal Cloud (API key)."""

from __future__ import annotations

import ssl
from pathlib import Path

from temporalio.client import Client, Interceptor
from temporalio.runtime import Runtime
from temporalio.service import TLSConfig

from infra.settings import ENV_PREFIX, Settings
from infra.temporal.codec import data_converter
from infra.tracing import provider

_CERTIFICATE = f"{ENV_PREFIX}TEMPORAL_TLS_CERT_PATH"
_KEY = f"{ENV_PREFIX}TEMPORAL_TLS_KEY_PATH"
_AUTHORITY = f"{ENV_PREFIX}TEMPORAL_TLS_CA_PATH"
_API_KEY = f"{ENV_PREFIX}TEMPORAL_API_KEY"


class TemporalUnreachableError(RuntimeError):
    """No connection; says how it was tried, by which settings, and holds no secret."""


async def connect(settings: Settings, runtime: Runtime | None = None) -> Client:
    """A client that speaks pydantic; ``runtime`` where the SDK's metrics are to be served.

    Raises TemporalUnreachableError while the server is out of reach, does not take who we are, or
    a file that the settings name cannot be used.
    """
    api_key = settings.temporal_api_key
    tls = _tls(settings)
    try:
        return await Client.connect(
            settings.temporal_address,
            namespace=settings.temporal_namespace,
            data_converter=data_converter(settings.temporal_payload_key_file),
            tls=tls,
            runtime=runtime,
            interceptors=_interceptors(),
            api_key=None if api_key is None else api_key.get_secret_value(),
        )
    except RuntimeError as error:  # what the SDK raises, whatever the cause
        raise TemporalUnreachableError(f"{_tried(settings)}: {error}") from error


def _interceptors() -> list[Interceptor]:
    """Also of every worker that uses the client."""
    if provider() is None:
        return []
    from infra.temporal.tracing import tracing_interceptors  # noqa: PLC0415 - where it is on

    return tracing_interceptors()


def _tls(settings: Settings) -> TLSConfig | bool:
    if not settings.temporal_uses_tls:
        return False
    cert, key = settings.temporal_tls_cert_path, settings.temporal_tls_key_path
    files = TLSConfig(
        server_root_ca_cert=_read(_AUTHORITY, settings.temporal_tls_ca_path),
        domain=settings.temporal_tls_server_name,
        client_cert=_read(_CERTIFICATE, cert),
        client_private_key=_read(_KEY, key),
    )
    if cert is None and key is None:
        return files
    if cert is None or key is None:
        missing = _CERTIFICATE if cert is None else _KEY
        raise TemporalUnreachableError(f"{missing} is not set: a certificate needs its private key")
    try:
        ssl.create_default_context().load_cert_chain(cert, key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError among them
        raise TemporalUnreachableError(
            f"{_CERTIFICATE} ({cert}) and {_KEY} ({key}) are no certificate (PEM) with its "
            f"unencrypted private key: {error}"
        ) from error
    return files


def _no_password() -> str:
    """OpenSSL would ask the terminal for one, and a service has none."""
    raise ValueError("the private key is encrypted")


def _read(setting: str, path: Path | None) -> bytes | None:
    try:
        return None if path is None else path.read_bytes()
    except OSError as error:
        raise TemporalUnreachableError(f"{setting} cannot be read: {error}") from error


def _tried(settings: Settings) -> str:
    """How the server was asked; which setting to correct depends on what the server expects."""
    begin = f"{settings.temporal_address} does not take the connection"
    if not settings.temporal_uses_tls:
        return f"{begin} (without TLS, {ENV_PREFIX}TEMPORAL_TLS_…, {_API_KEY})"
    said = [
        f"{name}={'not set' if path is None else path}"
        for name, path in (
            (_AUTHORITY, settings.temporal_tls_ca_path),
            (_CERTIFICATE, settings.temporal_tls_cert_path),
        )
    ]
    said.append(f"{_API_KEY} {'not set' if settings.temporal_api_key is None else 'set'}")
    return f"{begin} (TLS, {', '.join(said)})"
