"""Addresses of workflows in Temporal Web."""

from __future__ import annotations

from urllib.parse import quote

from infra.settings import Settings


def workflow_url(settings: Settings, workflow_id: str) -> str:
    """Temporal Web's page on a workflow; it leads on to the latest run by itself."""
    base = settings.temporal_ui_url.rstrip("/")
    namespace = quote(settings.temporal_namespace, safe="")
    return f"{base}/namespaces/{namespace}/workflows/{quote(workflow_id, safe='')}"
