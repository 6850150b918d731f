"""Rows of positions, as the API words them."""

from __future__ import annotations

from typing import Any

from api.presenters.common import account_fields, instrument_fields
from infra.db.queries.columns import AnyRow


def position_fields(row: AnyRow) -> dict[str, Any]:
    """As `HeldPosition` names its fields."""
    return {
        "id": row.id,
        "contract": instrument_fields(row),
        "account": account_fields(row),
        "client_id": row.client_id,
        "quantity": row.quantity,
        "average_cost": row.average_cost,
        "market_price": row.market_price,
        "market_value": row.market_value,
        "unrealized_pnl": row.unrealized_pnl,
        "realized_pnl": row.realized_pnl,
        "daily_pnl": row.daily_pnl,
        "currency": row.instrument_currency,
        "as_of": row.as_of,
    }
