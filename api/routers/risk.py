"""The risk of an account."""

from __future__ import annotations

import asyncio
from uuid import UUID

from fastapi import APIRouter

from api.deps import SignedIn, Transaction, found
from api.presenters.common import account_label
from api.schemas.risk import AccountRisk
from domain.risk.state import compute_risk_state
from infra.db.accounts import account_state
from infra.db.queries.accounts import visible_account

router = APIRouter(prefix="/accounts", tags=["risk"])


@router.get("/{account_id}/risk/")
async def account_risk(account_id: UUID, session: Transaction, viewer: SignedIn) -> AccountRisk:
    """An account as last ingested, valued by the desk, and everything it risks.

    409 ACCOUNT_STALE while the account has never been read from the broker.
    """
    row = found(await visible_account(session, viewer, account_id), "no such account")
    account = await account_state(session, account_id)
    return AccountRisk(
        account_id=account_id,
        label=account_label(row.code, row.alias),
        as_of=account.as_of,
        positions=list(account.positions),
        underlyings=[account.underlyings[symbol] for symbol in sorted(account.underlyings)],
        risk=await asyncio.to_thread(compute_risk_state, account),
    )
