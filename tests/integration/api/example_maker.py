"""Examples for the OpenAPI document, taken from a desk of the tests.

``WRITE_EXAMPLES=1 pytest tests/integration/api/test_api_description.py`` writes them anew to
``api/examples.json``; what the small desk cannot answer (no backtest has a result in it) is made
from the schema.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson

import api as package
from tests.integration.api.access_table import ROLES, actors, more_rows, requests
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_matrix import ask

FILE = Path(package.__file__).parent / "examples.json"
_WHO = ("admin_a", "approver_a", "admin", "anonymous")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_SECRETS = {
    "password": "seven-garden-lanterns",
    "token": "glt_example",
    "secret": "EXAMPLEEXAMPLE",
    "uri": "otpauth://totp/Greenlight:me@example.com?secret=EXAMPLEEXAMPLE&issuer=Greenlight",
    "codes": ["aaaa-bbbb-cccc-dddd"],
}
# They would end the session that asks, or never end.
_NOT_ASKED = frozenset(
    {
        "POST /api/auth/login/",
        "POST /api/auth/logout/",
        "POST /api/auth/password/",
        "DELETE /api/auth/sessions/",
        "GET /api/stream/",
    }
)
Document = dict[str, Any]


async def make_examples(api: ApiWorld, document: Document) -> dict[str, Any]:
    """By operation: what is asked, and what is answered, by status."""
    rows = await more_rows(api)
    api.never_throttle()
    asked = requests(api, rows)
    made: dict[str, Any] = {}
    async with actors(api) as browsers:
        for route in sorted(ROLES, key=_order):
            operation = _operation(document, route)
            said: dict[str, Any] = {"answers": _sampled(document, operation)}
            if asked[route].body is not None:
                said["request"] = asked[route].body
            elif "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                said["request"] = sample(document, schema)
            if route not in _NOT_ASKED:
                browser = browsers[next(who for who in _WHO if who in ROLES[route])]
                answer = await ask(api, browser, route, asked[route])
                status = str(answer.status_code)
                if status in said["answers"] and answer.content:
                    said["answers"][status] = shortened(answer.json())
            made[operation["operationId"]] = said
    return orjson.loads(_disguised(made))


def _order(route: str) -> tuple[bool, bool, str]:
    """Reads first; what stops trading last."""
    stops = "kill-switch" in route or "trading-state" in route
    return not route.startswith("GET"), stops, route


def _operation(document: Document, route: str) -> dict[str, Any]:
    method, path = route.split(" ")
    return document["paths"][path][method.lower()]


def _sampled(document: Document, operation: dict[str, Any]) -> dict[str, Any]:
    return {
        status: sample(document, content["schema"])
        for status, answer in operation["responses"].items()
        if status.startswith("2")
        and (content := answer.get("content", {}).get("application/json")) is not None
    }


def shortened(value: Any) -> Any:
    """The same with at most one item in each list, and no secret that was issued."""
    if isinstance(value, dict):
        return {
            key: _SECRETS[key] if key in _SECRETS and each is not None else shortened(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [shortened(each) for each in value[:1]]
    return value


def _disguised(value: Any) -> str:
    """Identifiers in the order they appear and one moment for all, so that little changes."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    known: dict[str, str] = {}
    text = _ID.sub(
        lambda found: known.setdefault(
            found.group(), f"0199b1f6-0000-7000-8000-{len(known) + 1:012x}"
        ),
        text,
    )
    return _TIME.sub("2026-11-20T15:30:00Z", text)


_FORMATS = {
    "uuid": "0199b1f6-0000-7000-8000-000000000000",
    "date-time": "2026-11-20T15:30:00Z",
    "date": "2026-12-18",
    "time": "22:00:00",
}


def sample(document: Document, schema: Any) -> Any:
    """A value that fits a schema."""
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        return sample(document, document["components"]["schemas"][schema["$ref"].split("/")[-1]])
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if key in schema:
            return schema[key][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return sample(document, schema[key][0])
    return _of_type(document, schema)


def _of_type(document: Document, schema: dict[str, Any]) -> Any:
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {name: sample(document, each) for name, each in fields.items()}
        case "array":
            items = schema.get("prefixItems", [schema.get("items")])
            return [sample(document, each) for each in items]
        case "string":
            return _FORMATS.get(schema.get("format", ""), "text")
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return True
        case _:
            return None
