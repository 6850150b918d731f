"""What a route may ask for: a transaction, the person behind the request, and their permission.

A request is one transaction. It is committed before the answer leaves, so that a success the
browser has seen is one the database has kept.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeVar, cast
from uuid import UUID

import structlog
from fastapi import Depends, Header, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.clock import Clock
from api.limits import Throttle
from api.scopes import require_scope
from api.signals import Signals
from api.stream import ChangeFeed
from domain.errors import ErrorCode, GreenlightError
from infra.db.audit import Actor
from infra.db.queries.identity import LiveSession, live_session, touch
from infra.db.queries.paging import DEFAULT_LIMIT, Limit, PageAsk, Sortable
from infra.db.queries.tokens import live_token, touch_token
from infra.db.queries.viewer import Viewer
from infra.db.session import Sessions
from infra.keys import KeyRing
from infra.oidc import IdentityProvider
from infra.security import hash_token
from infra.settings import Settings

T = TypeVar("T")

DEVICE_LIFETIME = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Resources:
    """What the application holds open for as long as it runs."""

    settings: Settings
    sessions: Sessions
    touches: Sessions
    """Over connections of their own: a request that holds one of the others never waits for a
    second of the same kind, which all others may be holding."""
    signals: Signals
    feed: ChangeFeed
    clock: Clock
    throttle: Throttle
    keys: KeyRing
    provider: IdentityProvider | None = None
    """Of people's identities, where one is set up."""


def resources(request: Request) -> Resources:
    return cast("Resources", request.app.state.resources)


Desk = Annotated[Resources, Depends(resources)]


def signals(desk: Desk) -> Signals:
    """The edge to Temporal."""
    return desk.signals


SignalsDep = Annotated[Signals, Depends(signals)]


async def transaction(desk: Desk) -> AsyncIterator[AsyncSession]:
    async with desk.sessions() as session:
        yield session
        await session.commit()


# "function" ends the transaction before the answer is sent, not after.
Transaction = Annotated[AsyncSession, Depends(transaction, scope="function")]


def cookie_name(settings: Settings) -> str:
    """``__Host-`` binds the cookie to this host over HTTPS; browsers refuse it over plain HTTP."""
    name = "greenlight_session"
    return f"__Host-{name}" if settings.session_cookie_secure else name


def device_cookie_name(settings: Settings) -> str:
    name = "greenlight_device"
    return f"__Host-{name}" if settings.session_cookie_secure else name


def device_mark(desk: Resources, email: str) -> str:
    """What a browser keeps after this person has signed in on it; nobody else can make one."""
    return desk.keys.encrypt(f"device of {email}").decode()


def device_of(request: Request, desk: Resources, email: str) -> str | None:
    """The mark of a browser on which this very person has signed in before, or None."""
    mark = request.cookies.get(device_cookie_name(desk.settings), "")
    known = desk.keys.decrypt(mark.encode()) == f"device of {email}"
    return mark if known else None


def session_token(request: Request, desk: Resources) -> str | None:
    return request.cookies.get(cookie_name(desk.settings))


def bearer_token(request: Request) -> str | None:
    """The API token of the request. Beside one a cookie counts for nothing."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


async def authenticate(
    request: Request, desk: Resources, session: AsyncSession
) -> LiveSession | None:
    """Whose live session or API token the request bears, and a note in it that it is in use."""
    now = desk.clock.now()
    script = bearer_token(request)
    token = session_token(request, desk) if script is None else script
    if not token:
        return None
    live = live_session if script is None else live_token
    found = await live(session, hash_token(token), now)
    if found is None:
        return None
    if found.needs_touch(now):
        # By itself: a long transaction must not hold the row against the user's other requests.
        async with desk.touches.begin() as touching:
            if found.token_id is not None:
                await touch_token(touching, found.token_id, now)
            elif found.viewer.session_id is not None:
                await touch(touching, found.viewer.session_id, now)
    structlog.contextvars.bind_contextvars(user_id=str(found.viewer.user_id))
    return found


async def still_live(
    desk: Resources, session: AsyncSession, opened: LiveSession
) -> LiveSession | None:
    """The same session or token now; None once it has ended."""
    live = live_session if opened.token_id is None else live_token
    return await live(session, opened.token_hash, desk.clock.now())


async def viewer(request: Request, desk: Desk, session: Transaction) -> Viewer:
    found = await authenticate(request, desk, session)
    if found is None:
        raise GreenlightError(ErrorCode.NOT_AUTHENTICATED, "no session, or it has ended")
    await count_request(request, desk, found.viewer)
    require_scope(found.viewer, request.method, request.url.path)
    return found.viewer


async def count_request(request: Request, desk: Resources, viewer: Viewer) -> None:
    """Raise ThrottledError where the viewer asks for more than the desk answers."""
    await desk.throttle.request(str(viewer.user_id), request.scope["route"].name)


SignedIn = Annotated[Viewer, Depends(viewer)]


def client_address(request: Request) -> str:
    return request.client.host if request.client else ""


def actor(request: Request, viewer: Viewer) -> Actor:
    by = viewer.email if viewer.scopes is None else f"{viewer.email} (token)"
    return Actor(name=by, user_id=viewer.user_id, address=client_address(request))


async def throttled_command(desk: Desk, viewer: SignedIn) -> None:
    """Stop a runaway client before it decides anything more."""
    await desk.throttle.command(str(viewer.user_id))


def found(row: T | None, detail: str) -> T:
    """``row``, or NOT_FOUND: what is invisible and what does not exist look the same."""
    if row is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, detail)
    return row


def require_deciding(viewer: Viewer, client_id: UUID, portfolio_id: UUID | None = None) -> None:
    if not viewer.may_decide_for(client_id, portfolio_id):
        raise GreenlightError(
            ErrorCode.FORBIDDEN, "deciding needs the role APPROVER, TRADER or ADMIN"
        )


def require_operating(viewer: Viewer, client_id: UUID, portfolio_id: UUID | None = None) -> None:
    if not viewer.may_operate_for(client_id, portfolio_id):
        raise GreenlightError(ErrorCode.FORBIDDEN, "this needs the role OPERATOR or ADMIN")


def require_configuring(viewer: Viewer, client_id: UUID, portfolio_id: UUID | None = None) -> None:
    if not viewer.may_configure_for(client_id, portfolio_id):
        raise GreenlightError(ErrorCode.FORBIDDEN, "strategies need the role TRADER or ADMIN")


@dataclass(frozen=True, slots=True)
class ListAsk:
    """Whose rows a list is asked for."""

    client: UUID | None
    account: UUID | None


def list_ask(
    client: Annotated[UUID | None, Query(description="only this client's")] = None,
    account: Annotated[UUID | None, Query(description="only this account's")] = None,
) -> ListAsk:
    return ListAsk(client, account)


Listed = Annotated[ListAsk, Depends(list_ask)]


def paged(ordering: Sortable) -> Callable[..., PageAsk]:
    """A dependency: which page of a list is wanted, sorted by what ``ordering`` allows."""

    def page_ask(
        limit: Annotated[Limit, Query()] = DEFAULT_LIMIT,
        cursor: Annotated[
            str | None, Query(max_length=1000, description="`next_cursor` of the page before")
        ] = None,
        sort: str | None = None,
    ) -> PageAsk:
        return PageAsk(limit, cursor, sort)

    said = f"`-` before it: from the end; equal ones by their key. Left out: {ordering.default}"
    # Made here, from what the list names: no type checker can follow.
    annotated: Any = Annotated
    literal: Any = Literal
    described = annotated[literal[ordering.names] | None, Query(description=said)]
    signature = inspect.signature(page_ask, eval_str=True)
    known = dict(signature.parameters)
    known["sort"] = known["sort"].replace(annotation=described)
    page_ask.__signature__ = signature.replace(parameters=[*known.values()])  # pyright: ignore[reportFunctionMemberAccess]
    return page_ask


IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", min_length=8, max_length=128)]
