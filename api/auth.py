"""Sessions: how one begins and ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import Resources, actor, authenticate, client_address, session_token
from domain.errors import ErrorCode, GreenlightError
from infra.db.audit import audit
from infra.db.queries.identity import (
    Credentials,
    credentials,
    live_session,
    open_session,
    replace_password_hash,
    revoke_session,
)
from infra.db.queries.viewer import Viewer
from infra.security import (
    hash_password,
    hash_token,
    needs_rehash,
    new_session_token,
    verify_against_nobody,
    verify_password,
)

log = structlog.stdlib.get_logger(__name__)

# Each verification takes 64 MiB and a core for a moment; a flood of them waits in line.
_verifying = asyncio.Semaphore(2)


@dataclass(frozen=True, slots=True)
class SignedInSession:
    """A new session: its secret token, told once, and whose it is."""

    token: str
    viewer: Viewer


async def sign_in(
    request: Request, desk: Resources, session: AsyncSession, *, email: str, password: str
) -> SignedInSession:
    """Check a password and open a session; a session the browser had before is revoked.

    Raises GreenlightError INVALID_CREDENTIALS, the same and as slowly whether the e-mail is
    unknown, the user inactive or the password wrong, and ThrottledError after too many failures.
    """
    address, now = client_address(request), desk.clock.now()
    normal_email = email.strip().lower()
    await desk.throttle.sign_in(normal_email, address)
    known = await credentials(session, normal_email)
    if known is None or not await _is_right(known, password):
        if known is None:
            await _take_as_long(password)
        log.warning("sign_in.refused", email=normal_email, address=address)
        raise GreenlightError(ErrorCode.INVALID_CREDENTIALS, "e-mail or password is wrong")
    await desk.throttle.signed_in(normal_email, address)
    if needs_rehash(known.password_hash):
        renewed = await asyncio.to_thread(hash_password, password)
        await replace_password_hash(session, known.user_id, renewed)
    if (previous := session_token(request, desk)) is not None:
        await revoke_session(session, hash_token(previous), now)
    token = new_session_token()
    await open_session(
        session,
        user_id=known.user_id,
        token_hash=hash_token(token),
        now=now,
        address=address,
        user_agent=request.headers.get("user-agent", ""),
    )
    opened = await live_session(session, hash_token(token), now)
    assert opened is not None, "a session just opened is live"
    audit(session, actor(request, opened.viewer), "session.opened", "user", known.user_id)
    return SignedInSession(token, opened.viewer)


async def sign_out(request: Request, desk: Resources, session: AsyncSession) -> None:
    token = session_token(request, desk)
    if token is None:
        return
    ended = await authenticate(request, desk, session)
    await revoke_session(session, hash_token(token), desk.clock.now())
    if ended is not None:
        viewer = ended.viewer
        audit(session, actor(request, viewer), "session.closed", "user", viewer.user_id)


async def _is_right(known: Credentials, password: str) -> bool:
    async with _verifying:
        return await asyncio.to_thread(verify_password, known.password_hash, password)


async def _take_as_long(password: str) -> None:
    async with _verifying:
        await asyncio.to_thread(verify_against_nobody, password)
