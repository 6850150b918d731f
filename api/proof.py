"""Proving who one is: the password, then a code where a second factor is set up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import Resources, client_address, device_of
from domain.errors import ErrorCode, GreenlightError
from infra.db.queries.factors import spend_recovery_code, spend_step
from infra.db.queries.identity import Credentials, replace_password_hash
from infra.db.queries.viewer import Viewer
from infra.security import hash_password, needs_rehash, verify_against_nobody, verify_password
from infra.totp import matching_step, recovery_hash

log = structlog.stdlib.get_logger(__name__)

# How fresh a proof must be to change what an account is protected by.
ACCOUNT_CHANGES = timedelta(minutes=10)

# Each verification takes 64 MiB and a core for a moment; a flood of them waits in line.
_verifying = asyncio.Semaphore(2)


async def prove_password(
    request: Request,
    desk: Resources,
    session: AsyncSession,
    *,
    email: str,
    known: Credentials | None,
    password: str,
    wrong: ErrorCode,
) -> Credentials:
    """The credentials, if the password is theirs; a hash of older parameters is renewed.

    Raises GreenlightError ``wrong``, as slowly for nobody's e-mail, and ThrottledError after too
    many failures. The caller reports success to ``proven``.
    """
    await desk.throttle.proof(email, client_address(request), device_of(request, desk, email))
    if known is None:
        await _take_as_long(password)
    elif await _is_right(known, password):
        if needs_rehash(known.password_hash):
            renewed = await asyncio.to_thread(hash_password, password)
            await replace_password_hash(session, known.user_id, renewed)
        return known
    log.warning("password.refused", email=email, address=client_address(request))
    raise GreenlightError(
        wrong,
        "e-mail or password is wrong"
        if wrong is ErrorCode.INVALID_CREDENTIALS
        else "this is not your password",
    )


async def prove_code(
    desk: Resources, session: AsyncSession, known: Credentials, code: str | None
) -> str:
    """What the code was: ``password`` where none is asked for, ``totp`` or ``recovery code``.

    Raises GreenlightError TOTP_REQUIRED without a code, TOTP_INVALID for a wrong or spent one,
    ThrottledError after too many. Recovery codes cannot be guessed and are never throttled, so
    that guesses at the six digits cannot lock their owner out.
    """
    if known.totp_secret is None:
        return "password"
    if not code:
        raise GreenlightError(ErrorCode.TOTP_REQUIRED, "the password is right; now the code")
    now = desk.clock.now()
    if not _looks_like_totp(code):
        if await spend_recovery_code(session, known.user_id, recovery_hash(code), now):
            return "recovery code"
        raise _refused(known)
    await desk.throttle.code(str(known.user_id))
    secret = desk.keys.decrypt(known.totp_secret)
    if secret is None:
        log.error("totp.secret_unreadable", email=known.email)
        raise _refused(known)
    step = matching_step(secret, code, now)
    if step is None or not await spend_step(session, known.user_id, step):
        raise _refused(known)
    return "totp"


async def proven(request: Request, desk: Resources, known: Credentials) -> None:
    """A success wipes the slate of earlier failures."""
    device = device_of(request, desk, known.email)
    await desk.throttle.proven(known.email, client_address(request), device)
    await desk.throttle.code_accepted(str(known.user_id))


def require_fresh(viewer: Viewer, desk: Resources, within: timedelta) -> None:
    """Raise GreenlightError STEP_UP_REQUIRED unless the viewer proved themselves lately."""
    if desk.clock.now() - viewer.authenticated_at > within:
        minutes = int(within.total_seconds() // 60)
        raise GreenlightError(
            ErrorCode.STEP_UP_REQUIRED,
            f"this needs a sign-in of the last {minutes} minutes",
            within_minutes=minutes,
        )


def _looks_like_totp(code: str) -> bool:
    return len(code) == 6 and code.isdecimal()


def _refused(known: Credentials) -> GreenlightError:
    log.warning("code.refused", email=known.email)
    return GreenlightError(ErrorCode.TOTP_INVALID, "the code is not accepted", field="code")


async def _is_right(known: Credentials, password: str) -> bool:
    async with _verifying:
        return await asyncio.to_thread(verify_password, known.password_hash, password)


async def _take_as_long(password: str) -> None:
    async with _verifying:
        await asyncio.to_thread(verify_against_nobody, password)
