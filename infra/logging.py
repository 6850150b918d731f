"""Structured logs: one JSON object per line, from structlog and the standard library alike.

Every record carries ``timestamp`` (UTC, ISO 8601), ``level``, ``component``, ``logger`` and
``event``, and whatever the running code bound with ``structlog.contextvars`` (workflow, activity,
account, order). Values under names that look like secrets are replaced before anything is written.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO, cast

import orjson
import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from infra.settings import Settings
from infra.tracing import add_trace_id

REDACTED = "[redacted]"

_SECRET_NAME = re.compile(
    r"passw|secret|token|cookie|authorization|api_?key|private_?key|credential|session_id",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(?P<scheme>\w+://[^\s:/@]*):[^\s@/]+@")

# Chatty at INFO and of no use to the operator of a desk.
_QUIET_LOGGERS = ("httpx", "httpcore", "uvicorn.access", "ib_async", "asyncio")
# Speaks with every look at the schema; heard where it migrates.
_ALEMBIC = "alembic"


def _redact(value: Any) -> Any:
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {
            key: REDACTED if _SECRET_NAME.search(str(key)) and inner is not None else _redact(inner)
            for key, inner in items
        }
    if isinstance(value, list | tuple):
        return [_redact(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, str):
        return _URL_PASSWORD.sub(rf"\g<scheme>:{REDACTED}@", value)
    return value


def redact_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace values named like secrets, and passwords inside URLs, at any depth."""
    return cast("EventDict", _redact(event))


def _to_json(event: EventDict, **_: Any) -> str:
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY
    return orjson.dumps(event, default=str, option=options).decode()


def configure(settings: Settings, component: str, stream: TextIO | None = None) -> None:
    """Send every log record of this process to stderr; stdout is for what a command prints.

    Args:
        settings: chooses the format (``json`` or ``console``) and the least severe level.
        component: the process as an operator knows it, such as ``api`` or ``broker worker``.
        stream: where the lines go instead.
    """

    target = stream or sys.stderr

    def add_component(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("component", component)
        return event

    # Tracebacks go without locals: to print them takes an event loop many seconds, in which no
    # heartbeat is sent, and they are where a secret would slip through.
    as_json = settings.log_format == "json"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        add_component,
        *([add_trace_id] if settings.tracing_endpoint else []),
    ]
    if as_json:
        frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        shared.append(structlog.processors.ExceptionRenderer(frames))
    # Last, so that whatever the others added is covered as well.
    shared.append(redact_secrets)
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in (*_QUIET_LOGGERS, *([] if component == "migrate" else [_ALEMBIC])):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)
