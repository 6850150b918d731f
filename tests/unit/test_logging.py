"""What a log line looks like, and what never gets into one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from infra.logging import configure
from infra.settings import Settings


@pytest.fixture(params=["json"])
def output(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What a process configured for the format of the parameter writes."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    stream = io.StringIO()
    configure(Settings(log_format=request.param), "api", stream)
    yield stream
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()


def only_line(output: io.StringIO) -> dict[str, Any]:
    [line] = output.getvalue().splitlines()
    return json.loads(line)


def test_a_line_is_json_with_time_level_component_and_bound_context(
    output: io.StringIO,
) -> None:
    structlog.contextvars.bind_contextvars(order_key="k1")
    structlog.stdlib.get_logger("desk").info("order.sent", quantity=2)
    line = only_line(output)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "order.sent",
        "quantity": 2,
        "order_key": "k1",
        "level": "info",
        "logger": "desk",
        "component": "api",
    }


def test_the_standard_library_logs_in_the_same_form(output: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(workflow="w1")
    logging.getLogger("lib").warning("lost %s", "it", extra={"attempt": 3})
    line = only_line(output)
    assert (line["event"], line["attempt"], line["workflow"]) == ("lost it", 3, "w1")


def test_secrets_are_replaced_at_any_depth_and_inside_urls(
    output: io.StringIO,
) -> None:
    structlog.stdlib.get_logger().info(
        "login",
        password="p4ss",
        request={"headers": [{"Authorization": "Bearer p4ss"}]},
        url="postgresql://desk:p4ss@db/greenlight",
    )
    line = only_line(output)
    assert "p4ss" not in json.dumps(line)
    assert line["url"] == "postgresql://desk:[redacted]@db/greenlight"


def fail() -> None:
    pin = "88" + "99"
    raise ValueError(len(pin))


def log_a_failure() -> None:
    try:
        fail()
    except ValueError:
        structlog.stdlib.get_logger().exception("failed")


def test_a_traceback_is_structured_and_carries_no_local_values(
    output: io.StringIO,
) -> None:
    log_a_failure()
    line = only_line(output)
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert "8899" not in json.dumps(line)


@pytest.mark.parametrize("output", ["console"], indirect=True)
def test_a_traceback_in_a_terminal_carries_no_local_values(output: io.StringIO) -> None:
    log_a_failure()
    assert "ValueError: 4" in output.getvalue()
    assert "8899" not in output.getvalue()


def test_a_line_names_the_trace_it_belongs_to(output: io.StringIO) -> None:
    configure(Settings(tracing_endpoint="http://127.0.0.1:1"), "api", output)
    with TracerProvider().get_tracer("test").start_as_current_span("click") as span:
        structlog.stdlib.get_logger("desk").info("within")
    assert only_line(output)["trace_id"] == f"{span.get_span_context().trace_id:032x}"


def test_alembic_is_heard_where_it_migrates_and_not_at_each_look_at_the_schema(
    output: io.StringIO,
) -> None:
    alembic = logging.getLogger("alembic.runtime.migration")
    alembic.info("Will assume transactional DDL.")
    assert output.getvalue() == ""
    logging.getLogger("alembic").setLevel(logging.NOTSET)
    configure(Settings(), "migrate", output)
    alembic.info("Running upgrade 0001 -> 0002")
    assert only_line(output)["event"] == "Running upgrade 0001 -> 0002"
