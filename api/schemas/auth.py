"""Signing in, who is signed in, and what their account is protected by."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, SecretStr

from api.schemas.common import Answer, Ask, UtcTime
from infra.db.models import Role
from infra.passwords import MAX_LENGTH, MIN_LENGTH

# Bounded because hashing an unbounded password is work done for a stranger.
Password = Annotated[SecretStr, Field(min_length=1, max_length=MAX_LENGTH)]
NewPassword = Annotated[
    SecretStr,
    Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH, description="long, and not easily guessed"),
]
Code = Annotated[
    str | None,
    Field(max_length=64, description="of the authenticator app, or a recovery code"),
]


class LoginAsk(Ask):
    email: str = Field(min_length=3, max_length=254)
    password: Password
    code: Code = None


class SignInMethods(Answer):
    """A password always; ``provider`` is what an identity provider is called, if there is one."""

    provider: str | None


class StepUpAsk(Ask):
    """The code where a second factor is set up, else the password."""

    password: Annotated[SecretStr, Field(max_length=MAX_LENGTH)] = SecretStr("")
    code: Code = None


class PasswordAsk(Ask):
    current_password: Password
    new_password: NewPassword


class CodeAsk(Ask):
    code: str = Field(pattern=r"^[0-9]{6}$", description="of the authenticator app")


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


class SessionAnswer(Answer):
    """One browser that is signed in."""

    id: UUID
    created_at: UtcTime
    last_seen_at: UtcTime
    authenticated_at: UtcTime = Field(description="when its user last proved who they are")
    expires_at: UtcTime
    address: str
    user_agent: str
    is_current: bool


class SecondFactor(Answer):
    enabled: bool
    recovery_codes_left: int


class Enrolment(Answer):
    """For the authenticator app; shown once, and in force once a code of it was entered."""

    secret: str
    uri: str = Field(description="otpauth:// address, to show as a QR code")


class RecoveryCodes(Answer):
    """Each signs in once without the app. Shown once."""

    codes: list[str]
