"""What a client asks of an approval, and of a change of settings."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field, computed_field

from api.schemas.common import ETAG, Answer, Ask, Exact, tag_of

Threshold = Annotated[Decimal | None, Field(ge=0, max_digits=20, decimal_places=4)]


class ApprovalRules(Answer):
    client_id: UUID
    step_up_minutes: int | None = Field(
        description="approving needs a sign-in no older than this; null: any live session"
    )
    two_approvers_above_notional: Exact | None
    two_approvers_above_max_loss: Exact | None
    two_people_configure: bool = Field(
        description="a change of a strategy's settings waits until a second person approves it"
    )

    @computed_field(description=ETAG)
    @property
    def etag(self) -> str:
        return tag_of(
            self.step_up_minutes,
            self.two_approvers_above_notional,
            self.two_approvers_above_max_loss,
            self.two_people_configure,
        )


class ApprovalRulesAsk(Ask):
    """All of them: what is null is asked no more."""

    step_up_minutes: Annotated[int | None, Field(ge=1, le=720)]
    two_approvers_above_notional: Threshold
    two_approvers_above_max_loss: Threshold
    two_people_configure: bool = False
