"""How far the desk is set up."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import SignedIn, Transaction
from api.schemas.setup import SetupAnswer
from infra.db.queries.setup import setup_counts

router = APIRouter(prefix="/setup", tags=["setup"])


@router.get("/")
async def get_setup(session: Transaction, viewer: SignedIn) -> SetupAnswer:
    """From nothing to the first decision: what is there and what is missing."""
    return SetupAnswer.model_validate(await setup_counts(session, viewer))
