"""Who is looking, and the one rule of what they may see and do.

Every read model narrows its statement with ``Viewer.sees`` or ``Viewer.sees_client``; nothing
else in the desk decides on visibility.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from infra.db.models import BrokerAccount, Portfolio, Role, TokenScope

DECIDING_ROLES = frozenset({Role.APPROVER, Role.TRADER, Role.ADMIN})
OPERATING_ROLES = frozenset({Role.OPERATOR, Role.ADMIN})
CONFIGURING_ROLES = frozenset({Role.TRADER, Role.ADMIN})
ACKNOWLEDGING_ROLES = frozenset(Role) - {Role.VIEWER}
HALTING_ROLES = frozenset({Role.TRADER, Role.OPERATOR, Role.ADMIN})

Column = InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None]


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person, or a script with their token, and their role for each client.

    An installation admin sees all. ``portfolio_roles`` are those held for one portfolio alone:
    there they take the place of the role for the client. What concerns a whole client asks for
    the role for the client.
    """

    user_id: UUID
    email: str
    name: str
    is_admin: bool
    session_id: UUID | None
    """None behind an API token."""
    authenticated_at: datetime
    """When they last proved who they are."""
    roles: Mapping[UUID, Role] = field(default_factory=dict[UUID, Role])
    portfolio_roles: Mapping[UUID, Role] = field(default_factory=dict[UUID, Role])
    restricted_clients: Mapping[UUID, Role] = field(default_factory=dict[UUID, Role])
    """Clients of which they know some portfolio, and the most they may do in one."""
    scopes: frozenset[TokenScope] | None = None
    """What an API token allows; None for a person, who may do what their roles allow."""

    def sees(self, account_column: Column) -> ColumnElement[bool]:
        """The predicate that ``account_column`` names an account of a visible portfolio."""
        if self.is_admin:
            return true()
        visible = Portfolio.client_id.in_(self.roles)
        if self.portfolio_roles:
            visible = or_(visible, Portfolio.id.in_(self.portfolio_roles))
        accounts = (
            select(BrokerAccount.id)
            .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
            .where(visible)
        )
        return account_column.in_(accounts)

    def sees_client(self, client_column: Column) -> ColumnElement[bool]:
        """The predicate that ``client_column`` names a client visible as a whole."""
        return true() if self.is_admin else client_column.in_(self.roles)

    @property
    def operates(self) -> bool:
        """Runs the desk itself: an administrator, or an operator for any client."""
        return self.is_admin or any(role in OPERATING_ROLES for role in self.roles.values())

    def knows_client(self, client_column: Column) -> ColumnElement[bool]:
        """The predicate that ``client_column`` names a client visible in part at least."""
        if self.is_admin:
            return true()
        return client_column.in_([*self.roles, *self.restricted_clients])

    def role_for(self, client_id: UUID, portfolio_id: UUID | None = None) -> Role | None:
        """The role for a portfolio of the client; without one, for the client as a whole."""
        if self.is_admin:
            return Role.ADMIN
        if portfolio_id is not None and portfolio_id in self.portfolio_roles:
            return self.portfolio_roles[portfolio_id]
        return self.roles.get(client_id)

    def knows(self, client_id: UUID, portfolio_id: UUID | None = None) -> bool:
        """Sees the portfolio; without one, the client or some portfolio of it."""
        if self.role_for(client_id, portfolio_id) is not None:
            return True
        return portfolio_id is None and client_id in self.restricted_clients

    def may_decide_for(self, client_id: UUID, portfolio_id: UUID | None = None) -> bool:
        """Approve, reject and cancel."""
        return self.role_for(client_id, portfolio_id) in DECIDING_ROLES

    def may_operate_for(self, client_id: UUID, portfolio_id: UUID | None = None) -> bool:
        """Declare what became of an order that cannot be proven."""
        return self.role_for(client_id, portfolio_id) in OPERATING_ROLES

    def may_operate_everywhere(self, clients: Iterable[UUID]) -> bool:
        """What concerns the whole desk: an administrator, or who operates for every client."""
        if self.is_admin:
            return True
        wholly = all(role in OPERATING_ROLES for role in self.portfolio_roles.values())
        return self.operates and wholly and all(map(self.may_operate_for, clients))

    def may_halt_for(self, client_id: UUID, portfolio_id: UUID | None = None) -> bool:
        """Halt an account and press its kill switch; to resume it takes who may operate."""
        return self.role_for(client_id, portfolio_id) in HALTING_ROLES

    def may_backtest_for(self, client_id: UUID | None) -> bool:
        """Start and cancel backtests; those of no client belong to the whole desk."""
        if client_id is None:
            return self.is_admin
        return self.role_for(client_id) in ACKNOWLEDGING_ROLES

    @property
    def may_backtest(self) -> bool:
        """For some client, at least."""
        return self.is_admin or not ACKNOWLEDGING_ROLES.isdisjoint(self.roles.values())

    def may_configure_for(self, client_id: UUID, portfolio_id: UUID | None = None) -> bool:
        """Make, configure, switch and run strategies."""
        return self.role_for(client_id, portfolio_id) in CONFIGURING_ROLES

    def may_acknowledge_for(self, client_id: UUID | None, portfolio_id: UUID | None = None) -> bool:
        """Acknowledge an alert; one of no client may be acknowledged by whoever works here."""
        if client_id is not None:
            return self.role_for(client_id, portfolio_id) in ACKNOWLEDGING_ROLES
        held = {*self.roles.values(), *self.portfolio_roles.values()}
        return self.is_admin or not held.isdisjoint(ACKNOWLEDGING_ROLES)
