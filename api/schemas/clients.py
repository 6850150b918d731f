"""What a client asks of an approval."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.common import Answer, Ask, Exact

Threshold = Annotated[Decimal | None, Field(ge=0, max_digits=20, decimal_places=4)]


class ApprovalRules(Answer):
    client_id: UUID
    step_up_minutes: int | None = Field(
        description="approving needs a sign-in no older than this; null: any live session"
    )
    two_approvers_above_notional: Exact | None
    two_approvers_above_max_loss: Exact | None


class ApprovalRulesAsk(Ask):
    """All of them: what is null is asked no more."""

    step_up_minutes: Annotated[int | None, Field(ge=1, le=720)]
    two_approvers_above_notional: Threshold
    two_approvers_above_max_loss: Threshold
