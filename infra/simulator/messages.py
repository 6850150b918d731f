"""Messages from the gateway to its clients, as lists of fields (orders: order_messages)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from infra.simulator.accounts import AccountValues, PositionValue
from infra.simulator.contracts import ContractSpec, Security, full_spec
from infra.simulator.records import ExecutionRecord, HoldingRecord
from infra.simulator.reference import NEW_YORK
from infra.simulator.wire import UNSET_DOUBLE, Field

Message = list[Field]
TIME_ZONE = "US/Eastern"


def moment(at: datetime, version: int) -> str:
    """A time in New York as TWS writes it; older clients are not told the zone."""
    local = at.astimezone(NEW_YORK)
    if version >= 174:
        return f"{local:%Y%m%d %H:%M:%S} {TIME_ZONE}"
    return f"{local:%Y%m%d  %H:%M:%S}"


def managed_accounts(accounts: Iterable[str]) -> Message:
    return [15, 1, ",".join(accounts)]


def next_valid_id(order_id: int) -> Message:
    return [9, 1, order_id]


def error(request_id: int, code: int, message: str) -> Message:
    advanced_rejection = ""
    return [4, 2, request_id, code, message, advanced_rejection]


def for_version(message: Message, version: int) -> Message:
    """Errors are written everywhere: their newest field is left out where a client is too old."""
    return message[:-1] if message[0] == 4 and version < 166 else message


def current_time(now: datetime) -> Message:
    return [49, 1, int(now.timestamp())]


def contract_fields(spec: ContractSpec) -> Message:
    """The eleven contract fields shared by most messages (no primary exchange)."""
    return [
        spec.con_id,
        spec.symbol,
        spec.sec_type,
        spec.expiry,
        spec.strike or "0",
        spec.right,
        spec.multiplier,
        spec.exchange,
        spec.currency,
        spec.local_symbol,
        spec.trading_class,
    ]


def position(account: str, security: Security, holding: HoldingRecord) -> Message:
    spec = full_spec(security)
    # TWS names no exchange in positions.
    fields = contract_fields(spec)
    fields[7] = ""
    return [61, 3, account, *fields, holding.quantity, float(holding.average_cost)]


def position_multi(request_id: int, row: Message, model: str) -> Message:
    """A position row for one request about one account or model."""
    return [71, 1, request_id, *row[2:], model]


def portfolio_value(account: str, value: PositionValue, realized: Decimal) -> Message:
    spec = full_spec(value.security)
    return [
        7,
        8,
        spec.con_id,
        spec.symbol,
        spec.sec_type,
        spec.expiry,
        spec.strike,
        spec.right or "0",
        spec.multiplier,
        spec.primary_exchange or spec.exchange,
        spec.currency,
        spec.local_symbol,
        spec.trading_class,
        value.holding.quantity,
        round(value.mark, 7),
        round(value.market_value, 2),
        float(value.holding.average_cost),
        round(value.unrealized_pnl, 2),
        float(realized),
        account,
    ]


def account_values(values: AccountValues) -> list[Message]:
    return [[6, 2, tag, value, cur, values.account] for tag, (value, cur) in values.tags().items()]


def account_time(now: datetime) -> Message:
    return [8, 1, f"{now.astimezone(NEW_YORK):%H:%M}"]


def account_download_end(account: str) -> Message:
    return [54, 1, account]


def account_multi(request_id: int, values: AccountValues, model: str) -> list[Message]:
    return [
        [73, 1, request_id, values.account, model, tag, value, currency]
        for tag, (value, currency) in values.tags().items()
    ]


def account_summary(
    request_id: int, values: AccountValues, wanted: frozenset[str]
) -> list[Message]:
    """Rows of the tags asked for; all tags for ``All``; the cash ledger's for ``$LEDGER…``."""
    tags = values.tags()
    rows = {tag: tags[tag] for tag in tags if tag in wanted or "All" in wanted}
    ledgers = {tag.partition(":")[2] for tag in wanted if tag.startswith("$LEDGER")}
    for currency in ("USD", "BASE"):
        if "ALL" in ledgers or currency in ledgers or (currency == "BASE" and "" in ledgers):
            rows |= {f"{tag}\0{currency}": row for tag, row in _ledger(values, currency).items()}
    return [
        [63, 1, request_id, values.account, tag.partition("\0")[0], value, currency]
        for tag, (value, currency) in rows.items()
    ]


def _ledger(values: AccountValues, currency: str) -> dict[str, tuple[str, str]]:
    """One currency's cash ledger; everything here is in dollars, the base currency."""
    money = {
        "CashBalance": values.cash,
        "TotalCashBalance": values.cash,
        "AccruedCash": 0.0,
        "StockMarketValue": values.stock_value,
        "OptionMarketValue": values.option_value,
        "NetLiquidationByCurrency": values.net_liquidation,
        "UnrealizedPnL": values.unrealized_pnl,
        "RealizedPnL": values.realized_pnl,
        "ExchangeRate": 1.0,
    }
    names = {"Currency": (currency, currency), "RealCurrency": (currency, currency)}
    return names | {tag: (f"{value:.2f}", currency) for tag, value in money.items()}


def execution(
    request_id: int, record: ExecutionRecord, spec: ContractSpec, version: int
) -> Message:
    side = "BOT" if record.side.sign > 0 else "SLD"
    return [
        11,
        request_id,
        record.order_id,
        *contract_fields(spec),
        record.exec_id,
        moment(record.at, version),
        record.account,
        record.exchange,
        side,
        record.quantity,
        float(record.price),
        record.perm_id,
        record.client_id,
        0,
        record.cumulative,
        round(float(record.average_price), 8),
        record.order_ref,
        "",
        UNSET_DOUBLE,
        "",
        2 if record.sec_type != "BAG" else 0,
        *([False] if version >= 178 else []),  # pending price revision
    ]


def commission(record: ExecutionRecord) -> Message:
    realized = UNSET_DOUBLE if record.realized_pnl is None else float(record.realized_pnl)
    return [59, 1, record.exec_id, float(record.commission), "USD", realized, UNSET_DOUBLE, ""]
