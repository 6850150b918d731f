"""The desk's frame, as the API words it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from api.presenters.common import account_label
from api.schemas.desk import DeskAccount, GatewayAnswer, MarketAnswer
from domain.market import MarketClock
from infra.db.queries.columns import AnyRow

# US listed options trade by this clock.
EXCHANGE_TIME_ZONE = "America/New_York"


def market(
    gateways: Sequence[AnyRow], latest_quote: AnyRow | None, host_now: datetime
) -> MarketAnswer:
    """Market time of the gateway whose clock was read last; none of the host's own."""
    data_quality = None if latest_quote is None else latest_quote.quality
    data_as_of = None if latest_quote is None else latest_quote.as_of
    read = [row for row in gateways if row.market_at is not None and row.clock_read_at is not None]
    if not read:
        return MarketAnswer(
            now=None,
            rate=1.0,
            session_open=False,
            session_close_at=None,
            time_zone=EXCHANGE_TIME_ZONE,
            data_quality=data_quality,
            data_as_of=data_as_of,
        )
    row = max(read, key=lambda each: each.clock_read_at)
    clock = MarketClock(market_at=row.market_at, observed_at=row.clock_read_at, rate=row.clock_rate)
    return MarketAnswer(
        now=clock.now(host_now),
        rate=row.clock_rate,
        session_open=row.session_open,
        session_close_at=row.session_close_at,
        time_zone=EXCHANGE_TIME_ZONE,
        data_quality=data_quality,
        data_as_of=data_as_of,
    )


def gateway(row: AnyRow) -> GatewayAnswer:
    return GatewayAnswer.model_validate(row)


def desk_account(row: AnyRow) -> DeskAccount:
    return DeskAccount.model_validate({**row._mapping, "label": account_label(row.code, row.alias)})
