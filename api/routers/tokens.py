"""API tokens: made, listed and revoked by the person whose scripts use them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request, status

from api.commands import once
from api.deps import Desk, SignedIn, Transaction, actor
from api.proof import ACCOUNT_CHANGES, require_fresh
from api.schemas.users import NewToken, TokenAnswer, TokenAsk
from domain.errors import ErrorCode, GreenlightError
from infra.db.audit import audit
from infra.db.queries.tokens import add_token, revoke_tokens, tokens_of
from infra.security import hash_token, new_api_token

router = APIRouter(prefix="/auth/tokens", tags=["account"])


@router.get("/")
async def list_tokens(desk: Desk, session: Transaction, viewer: SignedIn) -> list[TokenAnswer]:
    """Your tokens that are still good, newest first."""
    rows = await tokens_of(session, viewer.user_id, desk.clock.now())
    return [TokenAnswer.model_validate(row) for row in rows]


@router.post("/", status_code=status.HTTP_201_CREATED)
@once
async def create_token(
    ask: TokenAsk, request: Request, desk: Desk, session: Transaction, viewer: SignedIn
) -> NewToken:
    """A token for a script: it may do what its scopes allow and never more than you may."""
    require_fresh(viewer, desk, ACCOUNT_CHANGES)
    token = new_api_token()
    expires_at = desk.clock.now() + timedelta(days=ask.days)
    made = await add_token(
        session, viewer.user_id, ask.name, hash_token(token), ask.scopes, expires_at
    )
    after = {"name": made.name, "scopes": made.scopes, "expires_at": expires_at.isoformat()}
    audit(session, actor(request, viewer), "token.created", "api_token", made.id, after=after)
    return NewToken(token=token, about=TokenAnswer.model_validate(made))


@router.delete("/{token_id}/", status_code=status.HTTP_204_NO_CONTENT)
@once
async def revoke_token(
    token_id: UUID, request: Request, desk: Desk, session: Transaction, viewer: SignedIn
) -> None:
    """End a token at once."""
    ended = await revoke_tokens(session, viewer.user_id, desk.clock.now(), only=token_id)
    if not ended:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such token")
    audit(
        session, actor(request, viewer), "token.revoked", "api_token", token_id,
        after={"ended": ended},
    )  # fmt: skip
