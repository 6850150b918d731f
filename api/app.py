"""The application: what it opens, what it serves, what surrounds every request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse
from starlette.types import Lifespan

from api import errors
from api.admin import mount_admin
from api.clock import Clock, SystemClock
from api.csv_lists import CsvLists
from api.deps import Resources
from api.description import describe
from api.entity_tags import EntityTags
from api.limits import Throttle
from api.middleware import AddressRate, CrossSiteGuard, RequestContext, SafetyHeaders
from api.parameters import only_known_parameters
from api.routers import (
    account,
    alerts,
    auth,
    backtests,
    chains,
    channels,
    clients,
    dashboard,
    desk,
    discrepancies,
    gateways,
    health,
    journal,
    limits,
    logs,
    oidc,
    opportunities,
    orders,
    outlook,
    portfolio,
    positions,
    recommendations,
    recordings,
    risk,
    setup,
    stopping,
    strategies,
    stream,
    tokens,
    users,
)
from api.signals import Signals, TemporalSignals
from api.stream import ChangeFeed
from api.strict import StrictInput
from api.web import WEB_DIST, WebApp
from infra.db.session import create_engine, engine, sessions
from infra.keys import KeyRing
from infra.oidc import IdentityProvider, ProviderSettings
from infra.settings import Settings, get_settings
from infra.tracing import trace_requests

_ROUTERS = (
    auth,
    oidc,
    account,
    tokens,
    users,
    clients,
    gateways,
    desk,
    setup,
    dashboard,
    recommendations,
    outlook,
    risk,
    portfolio,
    positions,
    chains,
    orders,
    alerts,
    discrepancies,
    logs,
    limits,
    stopping,
    journal,
    recordings,
    backtests,
    channels,
    strategies,
    opportunities,
    stream,
)
_DESCRIPTION = (
    "The desk's own API. Decimals are strings, times are UTC, errors are problem details "
    "(RFC 9457) with a stable `code`. Unsafe methods need the header `X-Greenlight: 1`."
)


# The largest thing anybody has to say is a reason of 500 characters.
_MAX_BODY_BYTES = 64 * 1024


def create_app(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    signals: Signals | None = None,
    web_dist: Path = WEB_DIST,
) -> FastAPI:
    """The application, ready for a server. Nothing is connected before it starts."""
    chosen = settings or get_settings()
    database = engine(chosen)
    touches = create_engine(chosen.database_url, pool_size=1)
    resources = Resources(
        settings=chosen,
        sessions=sessions(database),
        touches=sessions(touches),
        signals=signals or TemporalSignals(chosen),
        feed=ChangeFeed(chosen.database_url),
        clock=clock or SystemClock(),
        throttle=Throttle(),
        keys=KeyRing(chosen.secrets_key_file, create=chosen.key_file is None),
        provider=_provider(chosen),
    )
    app = FastAPI(
        title="Greenlight",
        description=_DESCRIPTION,
        version="1",
        lifespan=_lifespan(resources, database, touches),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        redirect_slashes=False,
    )
    app.state.resources = resources
    _add_routes(app)
    errors.install(app)
    mount_admin(app, resources)
    if web_dist.is_dir():
        app.mount("/", WebApp(web_dist), name="web")
    # The last one added is the outermost. Event streams are left as they are by GZipMiddleware.
    app.add_middleware(CsvLists)
    app.add_middleware(EntityTags)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=9)
    app.add_middleware(CrossSiteGuard)
    app.add_middleware(StrictInput, max_bytes=_MAX_BODY_BYTES)
    app.add_middleware(AddressRate, throttle=resources.throttle)
    app.add_middleware(RequestContext)
    app.add_middleware(SafetyHeaders, over_tls=chosen.session_cookie_secure)
    trace_requests(app)
    return app


def _add_routes(app: FastAPI) -> None:
    api = APIRouter(prefix="/api", dependencies=[Depends(only_known_parameters)])
    for module in _ROUTERS:
        api.include_router(module.router)
    api.include_router(health.in_depth)
    app.include_router(api)
    app.include_router(health.router)
    app.add_api_route(
        "/api/openapi.json", lambda: JSONResponse(describe(app)), include_in_schema=False
    )


def _provider(settings: Settings) -> IdentityProvider | None:
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    return IdentityProvider(
        ProviderSettings(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            redirect_uri=f"{settings.public_url}/api/auth/oidc/callback/",
        )
    )


def _operation_id(route: APIRoute) -> str:
    return route.name


def _lifespan(resources: Resources, *databases: AsyncEngine) -> Lifespan[FastAPI]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        resources.keys.load()
        resources.signals.start()
        resources.feed.start()
        try:
            yield
        finally:
            await resources.feed.stop()
            await resources.signals.stop()
            for database in databases:
                await database.dispose()

    return lifespan
