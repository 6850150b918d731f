"""What surrounds every request: an id, one log line, safety headers, and the cross-site check."""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from api.content_policy import content_policy, is_report
from api.errors import (
    ThrottledError,
    coded,
    coded_response,
    internal_error,
    problem_response,
)
from api.limits import Throttle
from domain.errors import ErrorCode
from infra.metrics import API_SECONDS

log = structlog.stdlib.get_logger("api.requests")

API = "/api"
UNSAFE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
CSRF_HEADER = "x-greenlight"
HSTS = "max-age=31536000; includeSubDomains"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEALTH_PATHS = frozenset({"/healthz", "/readyz"})


class RequestContext:
    """Names each request, logs it once, and turns what nobody foresaw into a 500 problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid7().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began, status = time.perf_counter(), 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except Exception:
            if status:
                raise  # too late for an answer; the server logs it and closes the connection
            log.exception("request.failed", method=scope["method"], path=scope["path"])
            await problem_response(internal_error())(scope, receive, send_named)
        finally:
            seconds = time.perf_counter() - began
            API_SECONDS.labels(scope["method"], _matched_route(scope), str(status)).observe(seconds)
            _log_request(scope, status, seconds * 1000)


def _log_request(scope: Scope, status: int, milliseconds: float) -> None:
    write = log.debug if scope["path"] in _HEALTH_PATHS else log.info
    write(
        "request",
        method=scope["method"],
        route=_route_template(scope),
        status=status,
        ms=round(milliseconds, 1),
        address=scope["client"][0] if scope.get("client") else "",
    )


def _matched_route(scope: Scope) -> str:
    """The route as it was declared: a label must not take a value from whoever asks.

    FastAPI tells it as its router has it, without the prefix that the router is included under.
    """
    declared: str | None = getattr(scope.get("route"), "path", None)
    if declared is None:
        return "none"
    is_api = scope["path"].startswith(f"{API}/") and not declared.startswith(f"{API}/")
    return API + declared if is_api else declared


def _route_template(scope: Scope) -> str:
    """The path with its parameters' names for their values, so that lines can be counted."""
    path: str = scope["path"]
    for name, value in scope.get("path_params", {}).items():
        path = path.replace(f"/{value}", f"/{{{name}}}", 1) if value else path
    return path


class SafetyHeaders:
    """Headers that keep browsers from framing, sniffing, leaking and caching.

    ``over_tls``: browsers reach the desk by HTTPS, and shall by nothing else for a year.
    """

    def __init__(self, app: ASGIApp, over_tls: bool = False) -> None:
        self._app = app
        self._over_tls = over_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        policy, framing = content_policy(scope), "SAMEORIGIN" if is_report(path) else "DENY"

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = framing
                headers["Referrer-Policy"] = "same-origin"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
                if self._over_tls:
                    headers["Strict-Transport-Security"] = HSTS
                if path.startswith(API):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_safely)


class AddressRate:
    """Refuses an address that asks for far more than a desk full of people would."""

    def __init__(self, app: ASGIApp, throttle: Throttle) -> None:
        self._app = app
        self._throttle = throttle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(API):
            address = scope["client"][0] if scope.get("client") else ""
            try:
                await self._throttle.address(address)
            except ThrottledError as error:
                await coded_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class CrossSiteGuard:
    """Refuses unsafe requests that another site's page could have made the browser send.

    A page elsewhere cannot add the header without asking first, and cannot forge Origin. The
    cookie is SameSite=Lax besides.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = scope["type"] == "http" and _why_refused(scope)
        if refused:
            answer = problem_response(coded(ErrorCode.CSRF_REJECTED, refused))
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _why_refused(scope: Scope) -> str | None:
    if scope["method"] not in UNSAFE_METHODS:
        return None
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        return "the request's Origin is another site"
    if headers.get("authorization", "").lower().startswith("bearer "):
        return None  # a browser adds no token by itself, and beside one the cookie is not looked at
    if scope["path"].startswith(API) and headers.get(CSRF_HEADER) != "1":
        return "the header X-Greenlight: 1 is missing"
    return None
