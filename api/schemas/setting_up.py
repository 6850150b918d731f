"""Clients with their portfolios and accounts, and the gateways that reach them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, computed_field

from api.schemas.common import ETAG, Answer, Ask, UtcTime, tag_of
from domain.risk.limits import TradingState
from infra.db.models import ConnectionState, GatewayKind, Role
from infra.db.setting_up import Outcome

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Slug = Annotated[
    str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
]


class AccountOfClient(Answer):
    id: UUID
    code: str
    alias: str
    label: str
    kind: GatewayKind
    currency: str
    gateway: str = Field(description="slug")
    trading_state: TradingState
    trading_state_reason: str

    @computed_field(description=ETAG)
    @property
    def etag(self) -> str:
        return tag_of(self.alias)


class PortfolioRow(Answer):
    id: UUID
    name: str
    accounts: list[AccountOfClient]

    @computed_field(description=ETAG)
    @property
    def etag(self) -> str:
        return tag_of(self.name)


class ClientRow(Answer):
    """A client with those of its portfolios that the viewer may see."""

    id: UUID
    slug: str
    name: str
    role: Role = Field(description="the viewer's; of several portfolios the most")
    portfolios: list[PortfolioRow]

    @computed_field(description=ETAG)
    @property
    def etag(self) -> str:
        return tag_of(self.name)


class NewClientAsk(Ask):
    slug: Slug
    name: Name


class NameAsk(Ask):
    name: Name


class GatewayRow(Answer):
    """A gateway as those who run the desk see it."""

    slug: str
    name: str
    kind: GatewayKind
    host: str
    port: int
    client_id: int = Field(description="the API client id of the desk at this gateway")
    connection: ConnectionState
    connection_detail: str
    connected_at: UtcTime | None
    market_at: UtcTime | None = Field(description="the broker's clock as last read")
    clock_read_at: UtcTime | None
    session_open: bool
    lease_owner: str | None = Field(description="the broker worker that may send through it")
    lease_until: UtcTime | None
    accounts: int = Field(description="how many are set up")
    unknown_accounts: list[str] = Field(description="codes the login serves, not set up here")

    @computed_field(description=ETAG)
    @property
    def etag(self) -> str:
        return tag_of(self.name, self.kind, self.host, self.port, self.client_id)


class GatewayAsk(Ask):
    """Where a gateway is. Its kind can never change: another login is another gateway."""

    name: Name
    kind: GatewayKind
    host: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)]
    client_id: Annotated[int, Field(ge=1, le=2**31 - 1)] = 17


class GatewaySetUp(Answer):
    """What came of it. ``worker_command`` starts the process that connects."""

    outcome: Outcome
    scheduled: bool = Field(description="false: run `greenlight setup-temporal`")
    worker_command: str
    gateway: GatewayRow


class AccountAsk(Ask):
    """Whose account it is. The portfolio is created where the client has none of that name."""

    client_id: UUID
    portfolio: Name
    alias: Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)] = ""


class AccountSetUp(Answer):
    outcome: Outcome
    client: ClientRow
