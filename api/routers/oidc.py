"""Signing in by an identity provider, where one is set up."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import Annotated
from urllib.parse import quote, urlsplit

import structlog
from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from api.auth import open_vouched_session, set_device_cookie, set_session_cookie
from api.deps import Desk, Resources, Transaction, client_address
from api.schemas.auth import SignInMethods
from domain.errors import ErrorCode, GreenlightError
from infra.db.audit import Actor
from infra.db.identities import person_of
from infra.oidc import Identity, IdentityProvider, Started
from infra.security import hash_password

router = APIRouter(prefix="/auth", tags=["auth"])
log = structlog.stdlib.get_logger(__name__)

_COOKIE = "greenlight_signing_in"
_PATH = "/api/auth/oidc/"
_PATIENCE = timedelta(minutes=10)
_REDIRECTS = {303: {"description": "on to the provider, or to the desk"}}


@router.get("/methods/")
async def sign_in_methods(desk: Desk) -> SignInMethods:
    """How one may sign in here: always by password, and by a provider where one is named."""
    return SignInMethods(provider=None if desk.provider is None else desk.settings.oidc_name)


@router.get(
    "/oidc/start/",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
    responses=_REDIRECTS,
)
async def start_provider_sign_in(
    desk: Desk,
    return_to: Annotated[str, Query(alias="return", max_length=500)] = "/",
) -> Response:
    """Send the browser to the identity provider."""
    provider = _provider(desk)
    try:
        address, started = await provider.start(desk.clock.now(), _own_path(return_to))
    except GreenlightError as error:
        return _back_to_sign_in(error)
    answer = RedirectResponse(address, status.HTTP_303_SEE_OTHER)
    answer.set_cookie(
        _COOKIE,
        desk.keys.encrypt(started.model_dump_json()).decode(),
        max_age=int(_PATIENCE.total_seconds()),
        path=_PATH,
        httponly=True,
        samesite="lax",  # the provider's page leads back here
        secure=desk.settings.session_cookie_secure,
    )
    return answer


@router.get(
    "/oidc/callback/",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
    responses=_REDIRECTS,
)
async def finish_provider_sign_in(
    request: Request,
    desk: Desk,
    session: Transaction,
    state: Annotated[str, Query(max_length=500)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    error: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Where the provider sends the browser back to: sign in, or say why not."""
    provider = _provider(desk)
    try:
        started = _started(request, desk, state)
        _require_code(code, error)
        await desk.throttle.address_attempt(client_address(request))
        identity = await provider.identity(code, started, desk.clock.now())
        answer = RedirectResponse(started.return_to, status.HTTP_303_SEE_OTHER)
        await _sign_in(request, answer, desk, session, identity)
    except GreenlightError as refused:
        await session.rollback()
        answer = _back_to_sign_in(refused)
    answer.delete_cookie(_COOKIE, path=_PATH, httponly=True, samesite="lax")
    return answer


async def _sign_in(
    request: Request,
    answer: Response,
    desk: Resources,
    session: Transaction,
    identity: Identity,
) -> None:
    password_hash = None
    if desk.settings.oidc_create_users:
        # A password that nobody knows; an administrator can issue one that somebody does.
        password_hash = await asyncio.to_thread(hash_password, secrets.token_urlsafe(32))
    user = await person_of(
        session,
        identity,
        desk.clock.now(),
        Actor(name=f"{identity.issuer}", address=client_address(request)),
        password_hash_of_new=password_hash,
    )
    if user.totp_confirmed_at is not None and not identity.by_second_factor:
        raise GreenlightError(
            ErrorCode.SIGN_IN_REFUSED,
            "the account here asks for a second factor, the one there not",
        )
    opened = await open_vouched_session(
        request, desk, session, user.id, authenticated_at=identity.authenticated_at
    )
    set_session_cookie(answer, desk.settings, opened.token)
    set_device_cookie(answer, desk, opened.viewer.email)


def _provider(desk: Resources) -> IdentityProvider:
    if desk.provider is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no identity provider is set up")
    return desk.provider


def _started(request: Request, desk: Resources, state: str) -> Started:
    """What this very browser began, not longer ago than ten minutes."""
    sealed = request.cookies.get(_COOKIE, "").encode()
    said = desk.keys.decrypt(sealed, within=_PATIENCE)
    try:
        started = None if said is None else Started.model_validate_json(said)
    except ValidationError:
        started = None
    if started is None or not secrets.compare_digest(started.state.encode(), state.encode()):
        raise GreenlightError(
            ErrorCode.SIGN_IN_REFUSED, "this browser has begun no sign-in that this answers"
        )
    return started


def _require_code(code: str, error: str) -> None:
    if error or not code:
        raise GreenlightError(
            ErrorCode.SIGN_IN_REFUSED, f"the provider has not signed anybody in: {error}"
        )


def _own_path(wanted: str) -> str:
    """``wanted`` if it is a page of this desk, else its first page."""
    parts = urlsplit(wanted)
    foreign = parts.scheme or parts.netloc or "\\" in wanted
    return "/" if foreign or not wanted.startswith("/") or wanted.startswith("//") else wanted


def _back_to_sign_in(error: GreenlightError) -> Response:
    log.warning("oidc.sign_in_refused", code=error.code, reason=error.detail)
    return RedirectResponse(f"/login?refused={quote(error.code)}", status.HTTP_303_SEE_OTHER)
