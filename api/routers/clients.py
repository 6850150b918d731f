"""Clients: what each asks of an approval."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from sqlalchemy import select

from api.deps import Desk, SignedIn, Transaction, actor, found, throttled_command
from api.proof import ACCOUNT_CHANGES, require_fresh
from api.schemas.clients import ApprovalRules, ApprovalRulesAsk
from domain.errors import ErrorCode, GreenlightError
from infra.db.audit import audit
from infra.db.models import Client, Role

router = APIRouter(prefix="/clients", tags=["clients"])
NOTHING = "no such client"


@router.get("/{client_id}/approval-rules/")
async def approval_rules(client_id: UUID, session: Transaction, viewer: SignedIn) -> ApprovalRules:
    """How fresh a sign-in must be, and above which limits two people approve."""
    known = select(Client).where(Client.id == client_id, viewer.knows_client(Client.id))
    return _answer(found(await session.scalar(known), NOTHING))


@router.put("/{client_id}/approval-rules/", dependencies=[Depends(throttled_command)])
async def set_approval_rules(
    client_id: UUID,
    ask: ApprovalRulesAsk,
    request: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
) -> ApprovalRules:
    """Change them, for recommendations that wait already as well."""
    known = select(Client).where(Client.id == client_id, viewer.knows_client(Client.id))
    client = found(await session.scalar(known.with_for_update()), NOTHING)
    if viewer.role_for(client_id) is not Role.ADMIN:
        raise GreenlightError(ErrorCode.FORBIDDEN, "this needs the role ADMIN for the client")
    require_fresh(viewer, desk, ACCOUNT_CHANGES)
    before = _facts(client)
    for name, value in ask.model_dump().items():
        setattr(client, name, value)
    await session.flush()
    after = _facts(client)
    by = actor(request, viewer)
    audit(session, by, "approval_rules.changed", "client", client_id, before=before, after=after)
    return _answer(client)


def _facts(client: Client) -> dict[str, Any]:
    return _answer(client).model_dump(mode="json", exclude={"client_id"})


def _answer(client: Client) -> ApprovalRules:
    return ApprovalRules(
        client_id=client.id,
        step_up_minutes=client.step_up_minutes,
        two_approvers_above_notional=client.two_approvers_above_notional,
        two_approvers_above_max_loss=client.two_approvers_above_max_loss,
    )
