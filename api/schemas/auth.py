"""Signing in, and who is signed in."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field, SecretStr

from api.schemas.common import Answer, Ask
from infra.db.models import Role


class LoginAsk(Ask):
    email: str = Field(min_length=3, max_length=254)
    # Bounded because hashing an unbounded password is work done for a stranger.
    password: SecretStr = Field(min_length=1, max_length=1024)


class UserAnswer(Answer):
    id: UUID
    email: str
    name: str
    is_admin: bool


class ClientAnswer(Answer):
    """A client the user may see, with the user's role for it."""

    id: UUID
    slug: str
    name: str
    role: Role


class Me(Answer):
    user: UserAnswer
    clients: list[ClientAnswer]
