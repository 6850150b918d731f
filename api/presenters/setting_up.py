"""Clients and gateways, as the API words them."""

from __future__ import annotations

from collections.abc import Sequence

from api.presenters.common import account_label
from api.schemas.setting_up import AccountOfClient, ClientRow, GatewayRow, PortfolioRow
from infra.db.models import BrokerAccount, Client, Portfolio, Role
from infra.db.queries.columns import AnyRow
from infra.db.queries.viewer import Viewer


def client_row(
    client: Client,
    viewer: Viewer,
    portfolios: Sequence[Portfolio],
    accounts: Sequence[BrokerAccount],
) -> ClientRow:
    """``portfolios`` and ``accounts`` may be those of several clients."""
    role = viewer.role_for(client.id) or viewer.restricted_clients.get(client.id, Role.VIEWER)
    return ClientRow(
        id=client.id,
        slug=client.slug,
        name=client.name,
        role=role,
        portfolios=[
            PortfolioRow(
                id=portfolio.id,
                name=portfolio.name,
                accounts=[_account(row) for row in accounts if row.portfolio_id == portfolio.id],
            )
            for portfolio in portfolios
            if portfolio.client_id == client.id
        ],
    )


def _account(row: BrokerAccount) -> AccountOfClient:
    return AccountOfClient(
        id=row.id,
        code=row.code,
        alias=row.alias,
        label=account_label(row.code, row.alias),
        kind=row.gateway.kind,
        currency=row.currency,
        gateway=row.gateway.slug,
        trading_state=row.trading_state,
        trading_state_reason=row.trading_state_reason,
    )


def gateway_row(row: AnyRow) -> GatewayRow:
    gateway = row.Gateway
    return GatewayRow(
        slug=gateway.slug,
        name=gateway.name,
        kind=gateway.kind,
        host=gateway.host,
        port=gateway.port,
        client_id=gateway.client_number,
        connection=gateway.connection,
        connection_detail=gateway.connection_detail,
        connected_at=gateway.connected_at,
        market_at=gateway.market_at,
        clock_read_at=gateway.clock_read_at,
        session_open=gateway.session_open,
        lease_owner=gateway.lease_owner,
        lease_until=gateway.lease_until,
        accounts=row.accounts,
        unknown_accounts=sorted(row.unknown_accounts or ()),
    )
