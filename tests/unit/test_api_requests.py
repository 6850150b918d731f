"""What surrounds every request, without a database: ids, headers, problems, the web app."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from pydantic import ValidationError

from api.app import create_app
from api.description import describe
from api.limits import COSTLY
from api.openapi import document
from api.schemas.limits import ChangeLimitsAsk
from domain.errors import ErrorCode, GreenlightError
from infra.settings import Settings
from tests.shared_routes import routes_made_once

# Nothing listens there: requests that need the database fail.
NOWHERE = "postgresql+psycopg://postgres@127.0.0.1:1/none?connect_timeout=1"


@pytest.fixture(scope="module", autouse=True)
def quick_applications() -> Iterator[None]:
    with routes_made_once():
        yield


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(
        '<meta property="csp-nonce" nonce="__CSP_NONCE__"><title>Greenlight</title>'
    )
    (built / "assets" / "app-1a2b3c.js").write_text("1")
    (built / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    return built


@pytest.fixture
def app(tmp_path: Path, dist: Path) -> FastAPI:
    made = create_app(Settings(home=tmp_path, database_url=NOWHERE), web_dist=dist)

    async def explode() -> None:
        raise RuntimeError("password=hunter2")

    async def refuse() -> None:
        raise GreenlightError(ErrorCode.QUANTITY_LIMIT, "too many", field="quantity", limit=3)

    # Before the web app, which answers for every address that is left.
    for path, endpoint in (("/api/explode/", explode), ("/api/refuse/", refuse)):
        made.add_api_route(path, endpoint)
        made.router.routes.insert(0, made.router.routes.pop())
    return made


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        yield client


async def test_the_process_answers_without_anything_else(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/healthz")).json() == {"status": "ok"}


async def test_readiness_says_what_is_missing(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "database": False,
        "migrations": False,
        "temporal": False,
    }


async def test_a_failure_nobody_foresaw_leaks_nothing_but_its_id(
    browser: httpx.AsyncClient,
) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await browser.get("/api/explode/", headers={"X-Request-ID": "trace-me.1"})
    assert answer.status_code == 500
    body = answer.json()
    assert body["code"] == "INTERNAL_ERROR"
    assert body["request_id"] == "trace-me.1"
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text
    assert answer.headers["x-request-id"] == "trace-me.1"
    assert "content-security-policy" in answer.headers
    assert [line["event"] for line in logs] == ["request.failed", "request"]
    assert logs[-1]["status"] == 500


async def test_a_coded_error_becomes_a_problem_with_its_guidance(
    browser: httpx.AsyncClient,
) -> None:
    answer = await browser.get("/api/refuse/")
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body.pop("request_id")
    assert body == {
        "type": "urn:greenlight:problem:quantity-limit",
        "title": "Too many contracts",
        "status": 409,
        "detail": "too many",
        "code": "QUANTITY_LIMIT",
        "advice": "Approve fewer contracts.",
        "errors": [{"field": "quantity", "message": "too many"}],
        "context": {"field": "quantity", "limit": 3},
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing/", 404, "NOT_FOUND"),
        ("PUT", "/api/desk/", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/api/recommendations/not-a-uuid/", 401, "NOT_AUTHENTICATED"),
        ("POST", "/api/auth/login/", 422, "INVALID_INPUT"),
    ],
)
async def test_http_errors_are_problems_too(
    browser: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await browser.request(method, path, headers={"X-Greenlight": "1"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code


async def test_invalid_input_names_every_field(browser: httpx.AsyncClient) -> None:
    answer = await browser.post(
        "/api/auth/login/", json={"email": "a", "extra": 1}, headers={"X-Greenlight": "1"}
    )
    fields = {error["field"] for error in answer.json()["errors"]}
    assert fields == {"email", "password", "extra"}


async def test_a_password_sent_in_a_bad_request_is_not_echoed(browser: httpx.AsyncClient) -> None:
    answer = await browser.post(
        "/api/auth/login/",
        json={"email": "a@desk.test", "password": "hunter2" * 200},
        headers={"X-Greenlight": "1"},
    )
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


async def test_malformed_json_is_invalid_input(browser: httpx.AsyncClient) -> None:
    answer = await browser.post(
        "/api/auth/login/",
        content=b"{",
        headers={"X-Greenlight": "1", "Content-Type": "application/json"},
    )
    assert answer.json()["code"] == "INVALID_INPUT"


@pytest.mark.parametrize(
    "body",
    [
        rb'{"email": "a@desk.test", "password": "x", "code": NaN}',
        rb'{"email": "a@desk.test", "password": "x", "code": -Infinity}',
        rb'{"email": "a@desk.test", "password": "\ud800"}',
        rb'{"email": "a@desk.test", "password": "x\u0000y"}',
        rb'{"email": "a@desk.test", "x\u0000": ["y"]}',
        b'{"email": "a@desk.test", "password": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
async def test_json_that_is_none_is_refused_before_any_route_reads_it(
    browser: httpx.AsyncClient, body: bytes
) -> None:
    headers = {"X-Greenlight": "1", "Content-Type": "application/json; charset=utf-8"}
    answer = await browser.post("/api/auth/login/", content=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body")


@pytest.mark.parametrize("path", ["/api/chains/%00/", "/api/opportunities/?symbol=a%00"])
async def test_an_address_with_a_nul_in_it_is_refused(
    browser: httpx.AsyncClient, path: str
) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "address")


@pytest.mark.parametrize("number", ["1E+999999999", "1E-999999999", "1" * 29])
def test_a_decimal_that_would_fill_the_memory_when_written_out_is_refused(number: str) -> None:
    ask = {"based_on": 0, "reason": "because", "limits": {"max_notional": number}}
    with pytest.raises(ValidationError, match="limits"):
        ChangeLimitsAsk.model_validate(ask)
    assert ChangeLimitsAsk.model_validate({**ask, "limits": {"max_notional": "1E+9"}})


@pytest.mark.parametrize("announced", [True, False])
async def test_an_oversized_body_is_refused(browser: httpx.AsyncClient, announced: bool) -> None:
    text = json.dumps({"email": "a" * 100_000, "password": "x"}).encode()

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(text), 10_000):
            yield text[start : start + 10_000]

    body = text if announced else in_pieces()
    answer = await browser.post(
        "/api/auth/login/",
        content=body,
        headers={"X-Greenlight": "1", "Content-Type": "application/json"},
    )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "line\tbreak", "ü"])
async def test_a_request_id_that_could_confuse_a_log_is_replaced(
    browser: httpx.AsyncClient, given: str
) -> None:
    answer = await browser.get("/healthz", headers={"X-Request-ID": given.encode()})
    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 32


async def test_log_lines_name_the_route_not_the_key(browser: httpx.AsyncClient) -> None:
    key = "01a203b0-6740-710a-b32c-8e51f0c22b09"
    with structlog.testing.capture_logs() as logs:
        await browser.get(f"/api/orders/{key}/")
    assert logs[-1]["route"] == "/api/orders/{order_id}/"
    assert key not in str(logs[-1])
    assert logs[-1]["address"] == "127.0.0.1"


def policy_of(answer: httpx.Response) -> dict[str, str]:
    parts = answer.headers["content-security-policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts if " " in part)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/queue", "/index.html", "/assets/app-1a2b3c.js", "/assets/gone.js"),
        *("/favicon.svg", "/healthz", "/readyz", "/admin/"),
        *("/api/nothing/", "/api/explode/", "/api/openapi.json"),
    ],
)
async def test_every_answer_keeps_browsers_from_framing_sniffing_and_foreign_or_inline_code(
    browser: httpx.AsyncClient, path: str
) -> None:
    answer = await browser.get(path)
    policy = policy_of(answer)
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert "'unsafe-inline'" not in policy["script-src"] + policy["style-src"]
    assert "'unsafe-eval'" not in answer.headers["content-security-policy"]
    if not path.startswith("/admin"):
        assert policy["script-src"] == "'self'"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


async def test_the_page_bears_the_nonce_of_its_own_answer_and_is_kept_by_nobody(
    browser: httpx.AsyncClient,
) -> None:
    nonces: set[str] = set()
    for path in ("/", "/", "/index.html", "/recommendations"):
        answer = await browser.get(path)
        (nonce,) = re.findall(r'nonce="([^"]{20,})"', answer.text)
        assert policy_of(answer)["style-src"] == f"'self' 'nonce-{nonce}'"
        assert answer.headers["cache-control"] == "no-store"
        nonces.add(nonce)
    assert len(nonces) == 4


async def test_answers_of_the_api_are_never_stored(browser: httpx.AsyncClient) -> None:
    for path in ("/api/desk/", "/api/openapi.json", "/api/nothing/"):
        assert (await browser.get(path)).headers["cache-control"] == "no-store", path


@pytest.mark.parametrize("path", ["/", "/recommendations", "/recommendations/1?state=PROPOSED"])
async def test_the_app_s_own_addresses_get_its_page_unhashed(
    browser: httpx.AsyncClient, path: str
) -> None:
    answer = await browser.get(path)
    assert "<title>Greenlight</title>" in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_hashed_files_are_kept_for_ever_and_others_asked_for(
    browser: httpx.AsyncClient,
) -> None:
    hashed = await browser.get("/assets/app-1a2b3c.js")
    assert "immutable" in hashed.headers["cache-control"]
    assert (await browser.get("/favicon.svg")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["/assets/gone-999.js", "/api/x", "/api", "/%2e%2e/secret.txt", "/assets/../../secret.txt"],
)
async def test_missing_files_and_api_addresses_never_get_the_page_or_a_file_outside(
    browser: httpx.AsyncClient, path: str
) -> None:
    answer = await browser.get(path)
    assert answer.text != "secret"
    if not path.startswith("/%2e") and ".." not in path:
        assert answer.status_code == 404
        assert answer.json()["code"] == "NOT_FOUND"


def test_the_description_is_complete_and_its_operations_have_names_of_their_own() -> None:
    described: dict[str, Any] = json.loads(document())
    operations = [
        operation["operationId"]
        for path in described["paths"].values()
        for operation in path.values()
    ]
    assert len(operations) == len(set(operations))
    text = json.dumps(described)
    for name in {part.split('"', 1)[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in described["components"]["schemas"], name
    assert "approve_recommendation" in operations
    assert set(operations) >= COSTLY


def test_the_web_app_s_copy_of_the_description_is_current() -> None:
    copy = Path(__file__).parents[2] / "web" / "openapi.json"
    assert json.loads(copy.read_text()) == json.loads(document())


def test_describing_twice_gives_the_same(app: FastAPI) -> None:
    assert json.dumps(describe(app)) == json.dumps(describe(app))


@pytest.mark.parametrize("over_tls", [False, True])
async def test_over_tls_and_only_then_browsers_are_told_to_use_nothing_else(
    tmp_path: Path, dist: Path, over_tls: bool
) -> None:
    settings = Settings(home=tmp_path, database_url=NOWHERE, session_cookie_secure=over_tls)
    transport = httpx.ASGITransport(app=create_app(settings, web_dist=dist))
    async with httpx.AsyncClient(transport=transport, base_url="https://desk") as client:
        for path in ("/", "/healthz"):
            told = (await client.get(path)).headers.get("strict-transport-security")
            assert told == ("max-age=31536000; includeSubDomains" if over_tls else None)
