"""Sessions: how one begins, is renewed and ends, and the cookies that carry it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import (
    DEVICE_LIFETIME,
    Resources,
    actor,
    authenticate,
    client_address,
    cookie_name,
    device_cookie_name,
    device_mark,
    session_token,
)
from api.proof import prove_code, prove_password, proven
from domain.errors import ErrorCode
from infra.db.audit import audit
from infra.db.queries.identity import (
    SESSION_LIFETIME,
    credentials,
    credentials_of,
    end_sessions,
    live_session,
    open_session,
    renew_session,
    revoke_session,
)
from infra.db.queries.tokens import revoke_tokens
from infra.db.queries.viewer import Viewer
from infra.security import hash_token, new_session_token
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class SignedInSession:
    """A new session: its secret token, told once, and whose it is."""

    token: str
    viewer: Viewer


@dataclass(frozen=True, slots=True)
class Proof:
    """What a person enters to prove who they are."""

    password: str
    code: str | None = None


async def sign_in(
    request: Request, desk: Resources, session: AsyncSession, *, email: str, proof: Proof
) -> SignedInSession:
    """Check a password, and a code where one is asked for, and open a session.

    A session the browser had before is revoked. Raises GreenlightError INVALID_CREDENTIALS, the
    same and as slowly whether the e-mail is unknown, the user inactive or the password wrong;
    TOTP_REQUIRED and TOTP_INVALID only once the password is right; ThrottledError after too many
    failures.
    """
    now, normal_email = desk.clock.now(), email.strip().lower()
    known = await prove_password(
        request,
        desk,
        session,
        email=normal_email,
        known=await credentials(session, normal_email, now),
        password=proof.password,
        wrong=ErrorCode.INVALID_CREDENTIALS,
    )
    method = await prove_code(desk, session, known, proof.code)
    await proven(request, desk, known)
    if (previous := session_token(request, desk)) is not None:
        await revoke_session(session, hash_token(previous), now)
    opened = await _open(request, desk, session, known.user_id)
    by = actor(request, opened.viewer)
    audit(session, by, "session.opened", "user", known.user_id, after={"method": method})
    return opened


async def step_up(
    request: Request, desk: Resources, session: AsyncSession, viewer: Viewer, proof: Proof
) -> str:
    """Prove once more who one is: by a code where one is set up, else by the password.

    The session gets a new token, which is returned. Raises as ``sign_in`` does, but WRONG_PASSWORD.
    """
    known = await credentials_of(session, viewer.user_id)
    if known.totp_secret is None:
        await prove_password(
            request,
            desk,
            session,
            email=known.email,
            known=known,
            password=proof.password,
            wrong=ErrorCode.WRONG_PASSWORD,
        )
    method = await prove_code(desk, session, known, proof.code)
    await proven(request, desk, known)
    token = new_session_token()
    assert viewer.session_id is not None, "tokens cannot step up"
    await renew_session(session, viewer.session_id, hash_token(token), desk.clock.now())
    by = actor(request, viewer)
    audit(session, by, "session.renewed", "user", viewer.user_id, after={"method": method})
    return token


async def start_over(
    request: Request, desk: Resources, session: AsyncSession, viewer: Viewer
) -> SignedInSession:
    """End every session and token of the viewer and open a new session here."""
    now = desk.clock.now()
    await end_sessions(session, viewer.user_id, now)
    await revoke_tokens(session, viewer.user_id, now)
    return await _open(request, desk, session, viewer.user_id)


async def open_vouched_session(
    request: Request,
    desk: Resources,
    session: AsyncSession,
    user_id: UUID,
    *,
    authenticated_at: datetime | None,
) -> SignedInSession:
    """A session of a person whom an identity provider vouches for.

    ``authenticated_at`` is when they proved themselves there; where it does not say, they prove
    themselves here before whatever asks for a fresh proof.
    """
    now = desk.clock.now()
    if (previous := session_token(request, desk)) is not None:
        await revoke_session(session, hash_token(previous), now)
    proved = min(now, authenticated_at or now - SESSION_LIFETIME)
    opened = await _open(request, desk, session, user_id, authenticated_at=proved)
    by = actor(request, opened.viewer)
    audit(session, by, "session.opened", "user", user_id, after={"method": "identity provider"})
    return opened


async def sign_out(request: Request, desk: Resources, session: AsyncSession) -> None:
    token = session_token(request, desk)
    if token is None:
        return
    ended = await authenticate(request, desk, session)
    await revoke_session(session, hash_token(token), desk.clock.now())
    if ended is not None:
        viewer = ended.viewer
        audit(session, actor(request, viewer), "session.closed", "user", viewer.user_id)


async def _open(
    request: Request,
    desk: Resources,
    session: AsyncSession,
    user_id: UUID,
    authenticated_at: datetime | None = None,
) -> SignedInSession:
    token, now = new_session_token(), desk.clock.now()
    await open_session(
        session,
        user_id=user_id,
        token_hash=hash_token(token),
        now=now,
        address=client_address(request),
        user_agent=request.headers.get("user-agent", ""),
        authenticated_at=authenticated_at,
    )
    opened = await live_session(session, hash_token(token), now)
    assert opened is not None, "a session just opened is live"
    return SignedInSession(token, opened.viewer)


def set_session_cookie(response: Response, settings: Settings, token: str) -> None:
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.session_cookie_secure,
    )


def set_device_cookie(response: Response, desk: Resources, email: str) -> None:
    """Mark a browser in which this person has signed in: see ``api.limits``."""
    response.set_cookie(
        device_cookie_name(desk.settings),
        device_mark(desk, email),
        max_age=int(DEVICE_LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=desk.settings.session_cookie_secure,
    )


def clear_session_cookie(response: Response, settings: Settings) -> None:
    response.delete_cookie(
        cookie_name(settings),
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.session_cookie_secure,
    )
