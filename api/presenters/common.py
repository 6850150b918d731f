"""Accounts, contracts and advice, as every answer words them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from api.schemas.common import AccountBrief, ContractBrief, InstrumentBrief
from domain.errors import GUIDANCE, ErrorCode
from domain.gateways import BY_STAKE, GatewayKind
from domain.instruments import Leg, OptionContract, SecType, describe_option, plain
from infra.db.queries.columns import AnyRow

_LEGS = TypeAdapter(tuple[Leg, ...])


def account_label(code: str, alias: str) -> str:
    """``DU1000001 · Main``: the code first, for it is what the broker prints."""
    return f"{code} · {alias}" if alias else code


def account_fields(row: AnyRow) -> dict[str, Any]:
    """From the columns of ``queries.columns.ACCOUNT``, as `AccountBrief` names them."""
    return {
        "id": row.account_id,
        "code": row.account_code,
        "label": account_label(row.account_code, row.account_alias),
        "kind": row.account_kind,
    }


def account_brief(row: AnyRow) -> AccountBrief:
    """From the columns of ``queries.columns.ACCOUNT``."""
    return AccountBrief(**account_fields(row))


def one_sum(accounts: Iterable[tuple[GatewayKind, str]]) -> tuple[GatewayKind, str] | None:
    """Which of these accounts, by kind of money and currency, one sum is made of: real money
    before paper before simulated, then the commonest currency. None where there are none."""
    known = Counter(accounts)
    return min(
        known, key=lambda each: (BY_STAKE.index(each[0]), -known[each], each[1]), default=None
    )


def _describe(row: AnyRow) -> str:
    if row.sec_type is not SecType.OPTION:
        return f"{row.symbol} {'shares' if row.sec_type is SecType.STOCK else 'index'}"
    words = describe_option(row.symbol, row.expiry, row.strike, row.right)
    return _with_multiplier(words, row.multiplier)


def _with_multiplier(words: str, multiplier: Decimal) -> str:
    return words if multiplier == 100 else f"{words} ×{plain(multiplier)}"


def contract_fields(row: AnyRow) -> dict[str, Any]:
    """From the columns of ``queries.columns.INSTRUMENT`` of an option, as `ContractBrief`."""
    return {
        "symbol": row.symbol,
        "trading_class": row.trading_class,
        "expiry": row.expiry,
        "strike": row.strike,
        "right": row.right,
        "multiplier": row.multiplier,
        "con_id": row.contract_con_id,
        "description": _describe(row),
    }


def contract_brief(row: AnyRow) -> ContractBrief:
    """From the columns of ``queries.columns.INSTRUMENT`` of an option."""
    return ContractBrief(**contract_fields(row))


def instrument_fields(row: AnyRow) -> dict[str, Any]:
    """From the columns of ``queries.columns.INSTRUMENT`` of anything, as `InstrumentBrief`."""
    return {"sec_type": row.sec_type, **contract_fields(row)}


def instrument_brief(row: AnyRow) -> InstrumentBrief:
    """From the columns of ``queries.columns.INSTRUMENT`` of anything."""
    return InstrumentBrief(**instrument_fields(row))


def leg_fields(legs: Sequence[Leg]) -> list[dict[str, Any]]:
    """The legs of a trade, as `LegBrief` names them."""
    return [
        {"side": leg.side, "ratio": leg.ratio, "contract": _option_fields(leg.contract)}
        for leg in legs
    ]


def option_brief(option: OptionContract) -> ContractBrief:
    return ContractBrief(**_option_fields(option))


def _option_fields(option: OptionContract) -> dict[str, Any]:
    return {
        "symbol": option.symbol,
        "trading_class": option.trading_class,
        "expiry": option.expiry,
        "strike": option.strike,
        "right": option.right,
        "multiplier": option.multiplier,
        "con_id": option.con_id,
        "description": _with_multiplier(option.describe(), option.multiplier),
    }


def stored_legs(stored: Mapping[str, Any]) -> tuple[Leg, ...]:
    """The legs of stored terms or of a stored intent, without the rest of them."""
    return _LEGS.validate_python(stored["legs"])


def advice_on(code: ErrorCode | None) -> str | None:
    return None if code is None else GUIDANCE[code].advice
