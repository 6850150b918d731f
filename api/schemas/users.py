"""Users, their roles, and the tokens of their scripts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, computed_field

from api.schemas.common import ETAG, Answer, Ask, UtcTime, tag_of
from infra.db.models import Role, TokenScope


class RoleAnswer(Answer):
    """A role for a client, or for one portfolio of it."""

    id: UUID
    role: Role
    client_id: UUID
    client: str
    portfolio_id: UUID | None
    portfolio: str | None


class UserRow(Answer):
    id: UUID
    email: str
    name: str
    is_active: bool
    is_admin: bool
    has_second_factor: bool
    last_login_at: UtcTime | None
    password_expires_at: UtcTime | None = Field(
        description="of a password somebody else made: to be changed before"
    )
    created_at: UtcTime
    sessions: int = Field(description="browsers in which they are signed in now")
    roles: list[RoleAnswer]

    @computed_field(description=ETAG)
    @property
    def etag(self) -> str:
        return tag_of(self.name, self.is_active, self.is_admin)


class NewUserAsk(Ask):
    email: str = Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")
    name: str = Field(min_length=1, max_length=120)
    is_admin: bool = False


class IssuedPassword(Answer):
    """A password for the user's first sign-in, shown this once; they change it to their own."""

    user: UserRow
    password: str


class UserChangeAsk(Ask):
    """What to change; what is left out stays."""

    name: Annotated[str | None, Field(min_length=1, max_length=120)] = None
    is_active: bool | None = None
    is_admin: bool | None = None


class GrantAsk(Ask):
    client_id: UUID
    portfolio_id: UUID | None = None
    role: Role


class TokenAsk(Ask):
    name: str = Field(min_length=1, max_length=120, description="what it is for")
    scopes: Annotated[set[TokenScope], Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=366, description="until it expires")] = 90


class TokenAnswer(Answer):
    id: UUID
    name: str
    scopes: list[TokenScope]
    created_at: UtcTime
    expires_at: UtcTime
    last_used_at: UtcTime | None


class NewToken(Answer):
    """Sent as `Authorization: Bearer …`. Shown this once."""

    token: str
    about: TokenAnswer
