"""Connecting to Temporal: the dev server, a cluster (mTLS) or Temporal Cloud (API key)."""

from __future__ import annotations

from temporalio.client import Client, Interceptor
from temporalio.runtime import Runtime
from temporalio.service import TLSConfig

from infra.settings import Settings
from infra.temporal.codec import data_converter
from infra.tracing import provider


async def connect(settings: Settings, runtime: Runtime | None = None) -> Client:
    """A client that speaks pydantic. Raises RuntimeError while the server is out of reach.

    ``runtime`` where the SDK's metrics are to be served.
    """
    api_key = settings.temporal_api_key
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        data_converter=data_converter(settings.temporal_payload_key_file),
        tls=_tls(settings),
        runtime=runtime,
        interceptors=_interceptors(),
        api_key=None if api_key is None else api_key.get_secret_value(),
    )


def _interceptors() -> list[Interceptor]:
    """Also of every worker that uses the client."""
    if provider() is None:
        return []
    from infra.temporal.tracing import tracing_interceptors  # noqa: PLC0415 - where it is on

    return tracing_interceptors()


def _tls(settings: Settings) -> TLSConfig | bool:
    if not settings.temporal_uses_tls:
        return False
    files = (
        settings.temporal_tls_ca_path,
        settings.temporal_tls_cert_path,
        settings.temporal_tls_key_path,
    )
    ca, cert, key = (None if path is None else path.read_bytes() for path in files)
    return TLSConfig(server_root_ca_cert=ca, client_cert=cert, client_private_key=key)
