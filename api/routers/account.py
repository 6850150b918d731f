"""What protects one's own account: sessions, password, second factor."""

from __future__ import annotations

import asyncio
from uuid import UUID

from fastapi import APIRouter, Request, Response, status

from api.auth import clear_session_cookie, set_session_cookie, start_over
from api.commands import once
from api.deps import Desk, SignedIn, Transaction, actor
from api.proof import ACCOUNT_CHANGES, prove_password, proven, require_fresh
from api.schemas.auth import (
    CodeAsk,
    Enrolment,
    PasswordAsk,
    RecoveryCodes,
    SecondFactor,
    SessionAnswer,
)
from domain.errors import ErrorCode, GreenlightError
from infra.db.audit import audit
from infra.db.queries.factors import (
    begin_totp,
    confirm_totp,
    forget_totp,
    recovery_codes_left,
    replace_recovery_codes,
    unconfirmed_totp,
)
from infra.db.queries.identity import (
    change_password_hash,
    credentials_of,
    end_sessions,
    live_sessions_of,
)
from infra.passwords import require_good_password
from infra.security import hash_password
from infra.totp import (
    matching_step,
    new_recovery_codes,
    new_secret,
    provisioning_uri,
    recovery_hash,
)

router = APIRouter(prefix="/auth", tags=["account"])


@router.get("/sessions/")
async def list_sessions(desk: Desk, session: Transaction, viewer: SignedIn) -> list[SessionAnswer]:
    """The browsers in which you are signed in, the one used last first."""
    return [
        SessionAnswer(
            id=row.id,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            authenticated_at=row.authenticated_at,
            expires_at=row.expires_at,
            address=row.address,
            user_agent=row.user_agent,
            is_current=row.id == viewer.session_id,
        )
        for row in await live_sessions_of(session, viewer.user_id, desk.clock.now())
    ]


@router.delete("/sessions/{session_id}/", status_code=status.HTTP_204_NO_CONTENT)
@once
async def end_session(
    session_id: UUID, request: Request, desk: Desk, session: Transaction, viewer: SignedIn
) -> None:
    """Sign one of your browsers out."""
    ended = await end_sessions(session, viewer.user_id, desk.clock.now(), only=session_id)
    if not ended:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such session")
    by = actor(request, viewer)
    audit(session, by, "session.revoked", "session", session_id, after={"ended": ended})


@router.delete("/sessions/", status_code=status.HTTP_204_NO_CONTENT)
async def end_all_sessions(
    request: Request,
    response: Response,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    but_this: bool = False,
) -> None:
    """Sign out everywhere, or everywhere else."""
    but = viewer.session_id if but_this else None
    ended = await end_sessions(session, viewer.user_id, desk.clock.now(), but=but)
    by = actor(request, viewer)
    audit(session, by, "sessions.revoked", "user", viewer.user_id, after={"ended": ended})
    if not but_this:
        clear_session_cookie(response, desk.settings)


@router.post("/password/", status_code=status.HTTP_204_NO_CONTENT)
async def change_password(
    ask: PasswordAsk,
    request: Request,
    response: Response,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
) -> None:
    """Change your password. Every other browser is signed out, this one gets a new session."""
    known = await prove_password(
        request,
        desk,
        session,
        email=viewer.email,
        known=await credentials_of(session, viewer.user_id),
        password=ask.current_password.get_secret_value(),
        wrong=ErrorCode.WRONG_PASSWORD,
    )
    wanted = ask.new_password.get_secret_value()
    await asyncio.to_thread(require_good_password, wanted, (known.email, known.name))
    await proven(request, desk, known)
    hashed = await asyncio.to_thread(hash_password, wanted)
    await change_password_hash(session, viewer.user_id, hashed, desk.clock.now())
    opened = await start_over(request, desk, session, viewer)
    audit(
        session, actor(request, viewer), "user.password_changed", "user", viewer.user_id,
        after={"signed_out": "everywhere else"},
    )  # fmt: skip
    set_session_cookie(response, desk.settings, opened.token)


@router.get("/totp/")
async def second_factor(session: Transaction, viewer: SignedIn) -> SecondFactor:
    """Whether signing in asks for a code, and how many recovery codes are left."""
    known = await credentials_of(session, viewer.user_id)
    return SecondFactor(
        enabled=known.totp_secret is not None,
        recovery_codes_left=await recovery_codes_left(session, viewer.user_id),
    )


@router.post("/totp/")
@once
async def enrol_totp(
    request: Request, desk: Desk, session: Transaction, viewer: SignedIn
) -> Enrolment:
    """A secret for the authenticator app; asked for once ``confirm`` has seen a code of it."""
    require_fresh(viewer, desk, ACCOUNT_CHANGES)
    secret = new_secret()
    if not await begin_totp(session, viewer.user_id, desk.keys.encrypt(secret)):
        raise GreenlightError(ErrorCode.SECOND_FACTOR_STATE, "a second factor is set up already")
    audit(
        session, actor(request, viewer), "user.totp_begun", "user", viewer.user_id,
        after={"second_factor": False, "waits_for": "a code"},
    )  # fmt: skip
    return Enrolment(secret=secret, uri=provisioning_uri(secret, viewer.email))


@router.post("/totp/confirm/")
@once
async def confirm_totp_enrolment(
    ask: CodeAsk, request: Request, desk: Desk, session: Transaction, viewer: SignedIn
) -> RecoveryCodes:
    """Ask for codes from now on. Answers recovery codes, shown this once; others are signed out."""
    require_fresh(viewer, desk, ACCOUNT_CHANGES)
    await desk.throttle.code(str(viewer.user_id))
    sealed = await unconfirmed_totp(session, viewer.user_id)
    secret = None if sealed is None else desk.keys.decrypt(sealed)
    if secret is None:
        raise GreenlightError(ErrorCode.SECOND_FACTOR_STATE, "no enrolment waits for its code")
    now = desk.clock.now()
    step = matching_step(secret, ask.code, now)
    if step is None:
        raise GreenlightError(ErrorCode.TOTP_INVALID, "the code is not accepted", field="code")
    await desk.throttle.code_accepted(str(viewer.user_id))
    codes = new_recovery_codes()
    hashes = [recovery_hash(code) for code in codes]
    await confirm_totp(session, viewer.user_id, step, now, hashes)
    await end_sessions(session, viewer.user_id, now, but=viewer.session_id)
    audit(
        session, actor(request, viewer), "user.totp_enabled", "user", viewer.user_id,
        before={"second_factor": False}, after={"second_factor": True},
    )  # fmt: skip
    return RecoveryCodes(codes=codes)


@router.post("/totp/recovery-codes/")
@once
async def renew_recovery_codes(
    request: Request, desk: Desk, session: Transaction, viewer: SignedIn
) -> RecoveryCodes:
    """New recovery codes in the place of all there were. Shown this once."""
    require_fresh(viewer, desk, ACCOUNT_CHANGES)
    codes = new_recovery_codes()
    hashes = [recovery_hash(code) for code in codes]
    if not await replace_recovery_codes(session, viewer.user_id, hashes):
        raise GreenlightError(ErrorCode.SECOND_FACTOR_STATE, "no second factor is set up")
    by = actor(request, viewer)
    audit(
        session, by, "user.recovery_codes_renewed", "user", viewer.user_id,
        after={"codes": len(codes)},
    )  # fmt: skip
    return RecoveryCodes(codes=codes)


@router.delete("/totp/", status_code=status.HTTP_204_NO_CONTENT)
@once
async def disable_totp(
    request: Request, desk: Desk, session: Transaction, viewer: SignedIn
) -> None:
    """Ask for codes no more."""
    require_fresh(viewer, desk, ACCOUNT_CHANGES)
    if not await forget_totp(session, viewer.user_id):
        raise GreenlightError(ErrorCode.SECOND_FACTOR_STATE, "no second factor is set up")
    audit(
        session, actor(request, viewer), "user.totp_disabled", "user", viewer.user_id,
        before={"second_factor": True}, after={"second_factor": False},
    )  # fmt: skip
