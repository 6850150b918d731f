"""Signing in and out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response, status

from api.auth import (
    Proof,
    clear_session_cookie,
    set_device_cookie,
    set_session_cookie,
    sign_in,
    sign_out,
    step_up,
)
from api.deps import Desk, SignedIn, Transaction
from api.schemas.auth import ClientAnswer, LoginAsk, Me, StepUpAsk, UserAnswer
from infra.db.queries.identity import visible_clients
from infra.db.queries.viewer import Viewer

router = APIRouter(prefix="/auth", tags=["auth"])


async def _me(session: Transaction, viewer: Viewer) -> Me:
    clients = await visible_clients(session, viewer)
    return Me(
        user=UserAnswer(
            id=viewer.user_id, email=viewer.email, name=viewer.name, is_admin=viewer.is_admin
        ),
        clients=[ClientAnswer.model_validate(client) for client in clients],
    )


@router.post("/login/")
async def login(
    ask: LoginAsk, request: Request, response: Response, desk: Desk, session: Transaction
) -> Me:
    """Sign in; the session's token comes back as a cookie that scripts cannot read.

    Where a second factor is set up, the password alone answers TOTP_REQUIRED: ask again with the
    code.
    """
    proof = Proof(ask.password.get_secret_value(), ask.code)
    signed_in = await sign_in(request, desk, session, email=ask.email, proof=proof)
    set_session_cookie(response, desk.settings, signed_in.token)
    set_device_cookie(response, desk, signed_in.viewer.email)
    return await _me(session, signed_in.viewer)


@router.post("/step-up/", status_code=status.HTTP_204_NO_CONTENT)
async def confirm_identity(
    ask: StepUpAsk,
    request: Request,
    response: Response,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
) -> None:
    """Prove once more who you are, for what answers STEP_UP_REQUIRED otherwise."""
    proof = Proof(ask.password.get_secret_value(), ask.code)
    token = await step_up(request, desk, session, viewer, proof)
    set_session_cookie(response, desk.settings, token)


@router.post("/logout/", status_code=status.HTTP_204_NO_CONTENT)
async def logout(request: Request, response: Response, desk: Desk, session: Transaction) -> None:
    """End the session, here and in the database. Signing out twice is no error."""
    await sign_out(request, desk, session)
    clear_session_cookie(response, desk.settings)


@router.get("/me/")
async def me(session: Transaction, viewer: SignedIn) -> Me:
    """Who is signed in, and the clients they may see."""
    return await _me(session, viewer)
