"""Accounts, contracts and advice, as every answer words them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from api.schemas.common import AccountBrief, ContractBrief, InstrumentBrief, LegBrief
from domain.errors import GUIDANCE, ErrorCode
from domain.instruments import Leg, OptionContract, SecType, plain
from infra.db.queries.columns import AnyRow


def account_label(code: str, alias: str) -> str:
    """``DU1000001 · Main``: the code first, for it is what the broker prints."""
    return f"{code} · {alias}" if alias else code


def account_brief(row: AnyRow) -> AccountBrief:
    """From the columns of ``queries.columns.ACCOUNT``."""
    return AccountBrief(
        id=row.account_id,
        code=row.account_code,
        label=account_label(row.account_code, row.account_alias),
        kind=row.account_kind,
    )


def _describe(row: AnyRow) -> str:
    if row.sec_type is not SecType.OPTION:
        return f"{row.symbol} {'shares' if row.sec_type is SecType.STOCK else 'index'}"
    # The broker's number plays no part in the words and may not be known yet.
    words = OptionContract.model_construct(
        symbol=row.symbol, expiry=row.expiry, strike=row.strike, right=row.right
    ).describe()
    return _with_multiplier(words, row.multiplier)


def _with_multiplier(words: str, multiplier: Decimal) -> str:
    return words if multiplier == 100 else f"{words} ×{plain(multiplier)}"


def contract_brief(row: AnyRow) -> ContractBrief:
    """From the columns of ``queries.columns.INSTRUMENT`` of an option."""
    return ContractBrief(
        symbol=row.symbol,
        trading_class=row.trading_class,
        expiry=row.expiry,
        strike=row.strike,
        right=row.right,
        multiplier=row.multiplier,
        con_id=row.contract_con_id,
        description=_describe(row),
    )


def leg_briefs(legs: Sequence[Leg]) -> list[LegBrief]:
    return [
        LegBrief(side=leg.side, ratio=leg.ratio, contract=option_brief(leg.contract))
        for leg in legs
    ]


def option_brief(option: OptionContract) -> ContractBrief:
    return ContractBrief(
        symbol=option.symbol,
        trading_class=option.trading_class,
        expiry=option.expiry,
        strike=option.strike,
        right=option.right,
        multiplier=option.multiplier,
        con_id=option.con_id,
        description=_with_multiplier(option.describe(), option.multiplier),
    )


def instrument_brief(row: AnyRow) -> InstrumentBrief:
    """From the columns of ``queries.columns.INSTRUMENT`` of anything."""
    return InstrumentBrief(
        sec_type=row.sec_type,
        symbol=row.symbol,
        trading_class=row.trading_class,
        expiry=row.expiry,
        strike=row.strike,
        right=row.right,
        multiplier=row.multiplier,
        con_id=row.contract_con_id,
        description=_describe(row),
    )


def advice_on(code: ErrorCode | None) -> str | None:
    return None if code is None else GUIDANCE[code].advice
