"""The OpenAPI document: what FastAPI knows of the routes, and what it cannot know.

That is how a request proves who sends it, what each operation may be refused for, that answers to
GET have tags, and an example of everything that is sent and answered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from fastapi import FastAPI

from api.csv_lists import MEDIA_TYPE as CSV
from api.errors import coded, internal_error, too_large
from api.middleware import UNSAFE_METHODS
from api.refusals import REFUSALS
from api.schemas.problems import MEDIA_TYPE, Problem
from api.scopes import scope_of
from domain.errors import GUIDANCE, ErrorCode

COMPONENTS = "#/components"
_JSON = "application/json"
_PUBLIC = frozenset(
    {
        "finish_provider_sign_in",
        "login",
        "logout",
        "sign_in_methods",
        "start_provider_sign_in",
    }
)
_SCHEMES: dict[str, Any] = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "greenlight_session",
        "description": "Of `POST /api/auth/login/`; over TLS its name begins with `__Host-`.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Greenlight",
        "description": "`1`: beside the cookie, on whatever changes something. No other site can "
        "make a browser send it.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token of `POST /api/auth/tokens/`, for scripts; it takes the scope "
        "named in the operation's `x-scope`. No cookie counts beside it.",
    },
}
_IF_NONE_MATCH: dict[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "the `ETag` of the answer that is there already",
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of an application; the application keeps it and may be asked again."""
    document = app.openapi()
    components = document["components"]
    if "securitySchemes" in components:
        return document
    problem = Problem.model_json_schema(
        mode="serialization", ref_template=f"{COMPONENTS}/schemas/{{model}}"
    )
    components["schemas"].update(problem.pop("$defs", {}))
    components["schemas"][Problem.__name__] = problem
    components["securitySchemes"] = _SCHEMES
    components["responses"], components["examples"] = {}, {}
    examples = _examples()
    for method, path, operation in operations(document):
        if path.startswith("/api/"):
            _say_who(method, path, operation)
            _say_what_is_refused(method, operation, components)
            _say_what_is_tagged(method, operation)
            _say_what_is_csv(operation)
        else:
            operation["security"] = []
        _show(operation, examples.get(operation["operationId"], {}))
    return document


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _say_who(method: str, path: str, operation: dict[str, Any]) -> None:
    browser: dict[str, list[str]] = {}
    if operation["operationId"] not in _PUBLIC:
        browser["session"] = []
    if method in UNSAFE_METHODS:
        browser["csrf"] = []
    operation["security"] = [browser]
    scope = scope_of(method, path)
    if scope is not None and "session" in browser:
        operation["security"].append({"token": []})
        operation["x-scope"] = scope.value


def refusals(method: str, operation: Mapping[str, Any]) -> set[ErrorCode]:
    """Every code that the operation may answer."""
    name = operation["operationId"]
    taken = {each["name"] for each in operation.get("parameters", ())}
    codes = {ErrorCode.TOO_MANY_REQUESTS, ErrorCode.INVALID_INPUT, *REFUSALS.get(name, ())}
    if name not in _PUBLIC:
        codes |= {ErrorCode.NOT_AUTHENTICATED, ErrorCode.SCOPE_MISSING}
    if method in UNSAFE_METHODS:
        codes.add(ErrorCode.CSRF_REJECTED)
    if any(each["in"] == "path" for each in operation.get("parameters", ())) or "owner" in taken:
        codes.add(ErrorCode.NOT_FOUND)
    if "Idempotency-Key" in taken:
        codes.add(ErrorCode.IDEMPOTENCY_KEY_REUSED)
    if "If-Match" in taken and ErrorCode.CONFIG_CHANGED not in codes:
        codes.add(ErrorCode.PRECONDITION_FAILED)
    return codes


def _say_what_is_refused(
    method: str, operation: dict[str, Any], components: dict[str, Any]
) -> None:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in sorted(refusals(method, operation)):
        by_status[GUIDANCE[code].status].append(code.value)
    by_status[500].append("INTERNAL_ERROR")
    if method in UNSAFE_METHODS:
        by_status[413].append("BAD_REQUEST")
    answers = operation["responses"]
    # What FastAPI says of invalid input is not how the desk says it.
    for status in ("422", "4XX", "5XX"):
        answers.pop(status, None)
    for status, codes in sorted(by_status.items()):
        name = f"Refused-{status}-{'-'.join(codes)}"
        components["responses"].setdefault(name, _refusal(status, codes))
        answers[str(status)] = {"$ref": f"{COMPONENTS}/responses/{name}"}
        for code in codes:
            components["examples"].setdefault(code, _example_of(code))


def _refusal(status: int, codes: list[str]) -> dict[str, Any]:
    narrowed = {
        "allOf": [
            {"$ref": f"{COMPONENTS}/schemas/{Problem.__name__}"},
            {
                "type": "object",
                "properties": {"code": {"enum": codes}, "status": {"const": status}},
            },
        ]
    }
    shown = {code: {"$ref": f"{COMPONENTS}/examples/{code}"} for code in codes}
    answer: dict[str, Any] = {
        "description": ", ".join(codes),
        "content": {MEDIA_TYPE: {"schema": narrowed, "examples": shown}},
    }
    if status == 429:
        seconds = {"type": "integer", "minimum": 1}
        answer["headers"] = {
            "Retry-After": {"schema": seconds, "description": "seconds until the next may succeed"}
        }
    return answer


def _example_of(code: str) -> dict[str, Any]:
    match code:
        case "INTERNAL_ERROR":
            problem = internal_error()
        case "BAD_REQUEST":
            problem = too_large(64 * 1024)
        case _:
            problem = coded(ErrorCode(code), GUIDANCE[ErrorCode(code)].title.lower())
    named = problem.model_copy(update={"request_id": "0199b1f6a1c07c3e8f0e1d2c3b4a5968"})
    return {"summary": problem.title, "value": named.model_dump(mode="json", exclude_none=True)}


def _say_what_is_tagged(method: str, operation: dict[str, Any]) -> None:
    answer = operation["responses"].get("200", {})
    if method != "GET" or _JSON not in answer.get("content", {}):
        return
    answer["headers"] = {
        **answer.get("headers", {}),
        "ETag": {"schema": {"type": "string"}, "description": "for `If-None-Match` or `If-Match`"},
    }
    operation["responses"]["304"] = {"description": "unchanged since the tag that was sent"}
    operation.setdefault("parameters", []).append(_IF_NONE_MATCH)


def _say_what_is_csv(operation: dict[str, Any]) -> None:
    content = operation["responses"].get("200", {}).get("content", {})
    if "/Page_" in content.get(_JSON, {}).get("schema", {}).get("$ref", ""):
        content[CSV] = {
            "schema": {
                "type": "string",
                "description": "for `Accept: text/csv`: all rows whatever the `limit`, a column "
                "for each field, those of models within it as `contract.symbol`",
            }
        }


@cache
def _examples() -> dict[str, Any]:
    """By operation: ``request``, and ``answers`` by status. Taken from a desk of the tests."""
    file = files("api").joinpath("examples.json")
    return orjson.loads(file.read_bytes()) if file.is_file() else {}


def _show(operation: dict[str, Any], shown: Mapping[str, Any]) -> None:
    asked = operation.get("requestBody", {}).get("content", {}).get(_JSON)
    if asked is not None and "request" in shown:
        asked["example"] = shown["request"]
    for status, body in shown.get("answers", {}).items():
        content = operation["responses"].get(status, {}).get("content", {})
        if _JSON in content:
            content[_JSON]["example"] = body
