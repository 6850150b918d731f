"""Signing in and out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response, status

from api.auth import sign_in, sign_out
from api.deps import Desk, SignedIn, Transaction, cookie_name
from api.schemas.auth import ClientAnswer, LoginAsk, Me, UserAnswer
from infra.db.queries.identity import SESSION_LIFETIME, visible_clients
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
    """Sign in; the session's token comes back as a cookie that scripts cannot read."""
    signed_in = await sign_in(
        request, desk, session, email=ask.email, password=ask.password.get_secret_value()
    )
    response.set_cookie(
        cookie_name(desk.settings),
        signed_in.token,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=desk.settings.session_cookie_secure,
    )
    return await _me(session, signed_in.viewer)


@router.post("/logout/", status_code=status.HTTP_204_NO_CONTENT)
async def logout(request: Request, response: Response, desk: Desk, session: Transaction) -> None:
    """End the session, here and in the database. Signing out twice is no error."""
    await sign_out(request, desk, session)
    response.delete_cookie(
        cookie_name(desk.settings),
        path="/",
        httponly=True,
        samesite="lax",
        secure=desk.settings.session_cookie_secure,
    )


@router.get("/me/")
async def me(session: Transaction, viewer: SignedIn) -> Me:
    """Who is signed in, and the clients they may see."""
    return await _me(session, viewer)
