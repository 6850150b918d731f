"""What a log line looks like, and what never gets into one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from infra.logging import configure
from infra.settings import Settings


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """What a configured process writes."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure(Settings(), "api", stream)
    yield stream
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
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


def test_a_traceback_is_structured_and_carries_no_local_values(
    output: io.StringIO,
) -> None:
    def fail() -> None:
        pin = "8899"
        raise ValueError(len(pin))

    try:
        fail()
    except ValueError:
        structlog.stdlib.get_logger().exception("failed")
    line = only_line(output)
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert "8899" not in json.dumps(line)
