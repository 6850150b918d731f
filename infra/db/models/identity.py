"""Who may look and who may decide."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from infra.db.models.base import Base, enum_column
from infra.db.models.clients import Client


class Role(StrEnum):
    VIEWER = "VIEWER"
    APPROVER = "APPROVER"
    TRADER = "TRADER"
    OPERATOR = "OPERATOR"
    ADMIN = "ADMIN"


class TokenScope(StrEnum):
    """What a script may do with an API token, within its user's own roles."""

    READ = "READ"
    DECIDE = "DECIDE"
    OPERATE = "OPERATE"
    BACKTEST = "BACKTEST"


class User(Base):
    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower_case"),
        Index("uq_users_email", "email", unique=True),
    )

    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str] = mapped_column(comment="argon2id")
    is_active: Mapped[bool] = mapped_column(default=True)
    is_admin: Mapped[bool] = mapped_column(default=False, comment="administers the installation")
    last_login_at: Mapped[datetime | None]
    password_changed_at: Mapped[datetime | None]
    password_expires_at: Mapped[datetime | None] = mapped_column(
        comment="of a password somebody else made: to be changed before"
    )
    totp_secret: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="encrypted; asked for at sign-in once it is confirmed"
    )
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None] = mapped_column(
        BigInteger, comment="30-second step of the last code accepted; no code counts twice"
    )

    memberships: Mapped[list[Membership]] = relationship(back_populates="user")

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


class Membership(Base):
    """A person's role for one client, or for one portfolio of it.

    No membership, no sight of the client. The role for a portfolio takes the place of the role
    for its client there, be it more or less.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint(
            "user_id", "client_id", "portfolio_id", postgresql_nulls_not_distinct=True
        ),
        # A portfolio of that very client.
        ForeignKeyConstraint(
            ["portfolio_id", "client_id"], ["portfolios.id", "portfolios.client_id"]
        ),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), index=True)
    portfolio_id: Mapped[UUID | None] = mapped_column(comment="null: the whole client")
    role: Mapped[Role] = mapped_column(enum_column(Role))

    user: Mapped[User] = relationship(back_populates="memberships")
    client: Mapped[Client] = relationship()

    def __str__(self) -> str:
        return f"{self.role} for {self.portfolio_id or self.client_id}"


class Session(Base):
    """A signed-in browser. Only the SHA-256 of its opaque token is stored."""

    __tablename__ = "sessions"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    authenticated_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), comment="when its user last proved who they are"
    )
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(default="")
    user_agent: Mapped[str] = mapped_column(default="")

    user: Mapped[User] = relationship()

    def __str__(self) -> str:
        return f"session of {self.user_id}"


class RecoveryCode(Base):
    """Signs its user in once without the authenticator app. Only its SHA-256 is stored."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class ApiToken(Base):
    """Lets a script act as its user, within scopes. Only the token's SHA-256 is stored."""

    __tablename__ = "api_tokens"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(comment="what it is for")
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[Any]]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()

    def __str__(self) -> str:
        return self.name


class UserIdentity(Base):
    """Who a person is at an identity provider: one of each there and here."""

    __tablename__ = "user_identities"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        UniqueConstraint("user_id", "issuer"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    issuer: Mapped[str]
    subject: Mapped[str] = mapped_column(comment="the provider's own name for them")

    user: Mapped[User] = relationship()

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
