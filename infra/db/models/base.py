"""The one base of every table: a UUIDv7 key and the times of creation and last change."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Enum,
    MetaData,
    Numeric,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# Money to a hundredth of a cent and far beyond any account; prices per share to 6 places.
Money = Numeric(20, 4)
Price = Numeric(18, 6)
Quantity = Numeric(18, 4)


class Base(DeclarativeBase):
    """Key and times that every table has.

    Keys are UUIDv7: unique without asking the database, and ordered by time, so the newest rows
    stay together in every index. Postgres makes them too (``uuidv7()``, 18 and later) for rows
    that arrive by COPY.
    """

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - read once by SQLAlchemy's declarative scan
        datetime: DateTime(timezone=True),
        Decimal: Money,
        UUID: Uuid(),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }

    id: Mapped[UUID] = mapped_column(
        primary_key=True, insert_default=uuid7, server_default=text("uuidv7()"), sort_order=-100
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=100)
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), onupdate=func.now(), sort_order=101
    )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


def enum_column(kind: type[StrEnum], name: str | None = None) -> Enum:
    """Text that may hold only the values of ``kind``, by a check constraint.

    ``name`` tells two columns of one kind in one table apart.
    """
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=name or _snake(kind.__name__),
        values_callable=lambda members: [member.value for member in members],
    )


def code_column(kind: type[StrEnum]) -> Enum:
    """Text that holds a code of ``kind``, unchecked: the list of codes grows with the desk."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))
