"""The OpenAPI document is complete: who may ask, what is asked, answered and refused, shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from api.app import create_app
from api.description import describe, operations
from api.errors import GUIDANCE
from api.refusals import REFUSALS
from infra.settings import Settings
from tests.integration.api.access_table import EVERYBODY, ROLES
from tests.integration.api.client import ApiWorld
from tests.integration.api.example_maker import FILE, make_examples

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    nowhere = Path("/nonexistent")
    return describe(create_app(Settings(home=nowhere), web_dist=nowhere))


@pytest.mark.skipif("WRITE_EXAMPLES" not in os.environ, reason="only where they are made anew")
async def test_examples_are_written(api: ApiWorld, document: dict[str, Any]) -> None:
    made = await make_examples(api, document)
    FILE.write_bytes(orjson.dumps(made, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n")


def test_every_operation_says_who_may_ask(document: dict[str, Any]) -> None:
    schemes = set(document["components"]["securitySchemes"])
    assert schemes == {"session", "csrf", "token"}
    for method, path, operation in operations(document):
        ways = operation["security"]
        needs_somebody = any("session" in way for way in ways)
        assert needs_somebody is (ROLES[f"{method} {path}"] != EVERYBODY), path
        if path.startswith("/api/"):
            unsafe = method != "GET"
            assert all(("csrf" in way) is unsafe for way in ways if "token" not in way), path
        assert {scheme for way in ways for scheme in way} <= schemes


def test_every_operation_is_named_grouped_and_put_in_words(document: dict[str, Any]) -> None:
    names: list[str] = []
    for _, path, operation in operations(document):
        names.append(operation["operationId"])
        assert operation["tags"], path
        assert operation["summary"], path
        assert operation.get("description"), f"{path} says nothing of itself"
        for parameter in operation.get("parameters", ()):
            assert parameter["schema"], path
    assert len(names) == len(set(names))
    assert set(REFUSALS) <= set(names)


def test_every_refusal_is_typed_by_its_codes_with_an_example_of_each(
    document: dict[str, Any],
) -> None:
    components = document["components"]
    for _, path, operation in operations(document):
        if not path.startswith("/api/"):
            continue
        statuses = {status for status in operation["responses"] if status >= "4"}
        assert {"422", "429", "500"} <= statuses, path
        for status in statuses:
            assert status.isdecimal(), f"{path} answers any {status}"
            answer = components["responses"][operation["responses"][status]["$ref"].split("/")[-1]]
            content = answer["content"]["application/problem+json"]
            codes = content["schema"]["allOf"][1]["properties"]["code"]["enum"]
            assert set(content["examples"]) == set(codes)
            for code in codes:
                value = components["examples"][code]["value"]
                assert (value["code"], value["status"]) == (code, int(status))
                assert _fits(document, content["schema"], value) is None, code


def test_everything_asked_and_answered_has_an_example_that_fits(document: dict[str, Any]) -> None:
    wrong: list[str] = []
    for method, path, operation in operations(document):
        bodies = {"request": operation.get("requestBody", {})}
        bodies |= {
            status: answer
            for status, answer in operation["responses"].items()
            if status.startswith("2")
        }
        for name, body in bodies.items():
            content = body.get("content", {}).get("application/json")
            if content is None:
                continue
            if "example" not in content:
                wrong.append(f"{method} {path}: no example of the {name}")
            elif (why := _fits(document, content["schema"], content["example"])) is not None:
                wrong.append(f"{method} {path}: the {name}: {why}")
    assert not wrong, "\n".join(wrong)


def _fits(document: dict[str, Any], schema: Any, value: Any) -> str | None:
    whole = {"components": document["components"], "allOf": [schema]}
    for error in jsonschema.Draft202012Validator(whole).iter_errors(value):
        return f"{error.json_path}: {error.message[:200]}"
    return None


def test_codes_are_titled_and_say_what_to_do() -> None:
    assert all(guidance.title and guidance.advice for guidance in GUIDANCE.values())
