"""Who may look and who may decide."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
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
    """A person's role for one client. No membership, no sight of the client."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("user_id", "client_id"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), index=True)
    role: Mapped[Role] = mapped_column(enum_column(Role))

    user: Mapped[User] = relationship(back_populates="memberships")
    client: Mapped[Client] = relationship()

    def __str__(self) -> str:
        return f"{self.role} for {self.client_id}"


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
