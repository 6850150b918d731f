"""The application: what it opens, what it serves, what surrounds every request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse

from api import errors
from api.deps import Resources
from api.limits import Throttle
from api.middleware import CrossSiteGuard, RequestContext, SafetyHeaders
from api.routers import alerts, auth, desk, health, orders, recommendations, stream
from api.schemas.problems import MEDIA_TYPE, Problem
from api.signals import TemporalSignals
from api.stream import ChangeFeed
from api.web import WEB_DIST, WebApp
from domain.ports import HostClock
from infra.db.session import engine, sessions
from infra.settings import Settings, get_settings

_ROUTERS = (auth, desk, recommendations, orders, alerts, stream)
_DESCRIPTION = (
    "The desk's own API. Decimals are strings, times are UTC, errors are problem details "
    "(RFC 9457) with a stable `code`. Unsafe methods need the header `X-Greenlight: 1`."
)


class SystemClock:
    """The host's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def create_app(
    settings: Settings | None = None,
    *,
    clock: HostClock | None = None,
    web_dist: Path = WEB_DIST,
) -> FastAPI:
    """The application, ready for a server. Nothing is opened before it starts."""
    chosen = settings or get_settings()
    app = FastAPI(
        title="Greenlight",
        description=_DESCRIPTION,
        version="1",
        lifespan=_lifespan(chosen, clock or SystemClock()),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        redirect_slashes=False,
    )
    api = APIRouter(
        prefix="/api", responses={"4XX": _problem("refused"), "5XX": _problem("failed")}
    )
    for module in _ROUTERS:
        api.include_router(module.router)
    app.include_router(api)
    app.include_router(health.router)
    app.add_api_route(
        "/api/openapi.json", lambda: JSONResponse(describe(app)), include_in_schema=False
    )
    errors.install(app)
    if web_dist.is_dir():
        app.mount("/", WebApp(web_dist), name="web")
    # The last one added is the outermost.
    app.add_middleware(CrossSiteGuard)
    app.add_middleware(RequestContext)
    app.add_middleware(SafetyHeaders)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


_SCHEMAS = "#/components/schemas/"


def _problem(description: str) -> dict[str, object]:
    schema = {"$ref": f"{_SCHEMAS}{Problem.__name__}"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the schema of problems, which no route returns by type."""
    document = app.openapi()
    problem = Problem.model_json_schema(mode="serialization", ref_template=f"{_SCHEMAS}{{model}}")
    schemas = document["components"]["schemas"]
    schemas.update(problem.pop("$defs"))
    schemas[Problem.__name__] = problem
    return document


def _lifespan(settings: Settings, clock: HostClock):
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = engine(settings)
        signals = TemporalSignals(settings)
        feed = ChangeFeed(settings.database_url)
        app.state.resources = Resources(
            settings=settings,
            sessions=sessions(opened),
            signals=signals,
            feed=feed,
            clock=clock,
            throttle=Throttle(),
        )
        signals.start()
        feed.start()
        try:
            yield
        finally:
            await feed.stop()
            await signals.stop()
            await opened.dispose()

    return lifespan
