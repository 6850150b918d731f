"""Who is looking, and the one rule of what they may see and do.

Every read model narrows its statement with ``Viewer.sees`` or ``Viewer.sees_client``; nothing
else in the desk decides on visibility.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import InstrumentedAttribute

from infra.db.models import BrokerAccount, Portfolio, Role

DECIDING_ROLES = frozenset({Role.APPROVER, Role.TRADER, Role.ADMIN})
OPERATING_ROLES = frozenset({Role.OPERATOR, Role.ADMIN})
ACKNOWLEDGING_ROLES = frozenset(Role) - {Role.VIEWER}
HALTING_ROLES = frozenset({Role.TRADER, Role.OPERATOR, Role.ADMIN})

Column = InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None]


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person and their role for each client. An installation admin sees all."""

    user_id: UUID
    email: str
    name: str
    is_admin: bool
    session_id: UUID
    authenticated_at: datetime
    """When they last proved who they are."""
    roles: Mapping[UUID, Role] = field(default_factory=dict[UUID, Role])

    def sees(self, account_column: Column) -> ColumnElement[bool]:
        """The predicate that ``account_column`` names an account of a visible client."""
        if self.is_admin:
            return true()
        accounts = (
            select(BrokerAccount.id)
            .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
            .where(Portfolio.client_id.in_(self.roles))
        )
        return account_column.in_(accounts)

    def sees_client(self, client_column: Column) -> ColumnElement[bool]:
        """The predicate that ``client_column`` names a visible client."""
        return true() if self.is_admin else client_column.in_(self.roles)

    @property
    def operates(self) -> bool:
        """Runs the desk itself: an administrator, or an operator for any client."""
        return self.is_admin or any(role in OPERATING_ROLES for role in self.roles.values())

    def role_for(self, client_id: UUID) -> Role | None:
        if self.is_admin:
            return Role.ADMIN
        return self.roles.get(client_id)

    def may_decide_for(self, client_id: UUID) -> bool:
        """Approve, reject and cancel."""
        return self.role_for(client_id) in DECIDING_ROLES

    def may_operate_for(self, client_id: UUID) -> bool:
        """Declare what became of an order that cannot be proven."""
        return self.role_for(client_id) in OPERATING_ROLES

    def may_operate_everywhere(self, clients: Iterable[UUID]) -> bool:
        """What concerns the whole desk: an administrator, or who operates for every client."""
        return self.is_admin or all(self.may_operate_for(client) for client in clients)

    def may_halt_for(self, client_id: UUID) -> bool:
        """Halt an account and press its kill switch; to resume it takes who may operate."""
        return self.role_for(client_id) in HALTING_ROLES

    def may_backtest_for(self, client_id: UUID | None) -> bool:
        """Start and cancel backtests; those of no client belong to the whole desk."""
        if client_id is None:
            return self.is_admin
        return self.role_for(client_id) in ACKNOWLEDGING_ROLES

    def may_acknowledge_for(self, client_id: UUID | None) -> bool:
        """Acknowledge an alert; one of no client may be acknowledged by whoever works here."""
        held = self.roles.values() if client_id is None else [self.role_for(client_id)]
        return self.is_admin or any(role in ACKNOWLEDGING_ROLES for role in held)
