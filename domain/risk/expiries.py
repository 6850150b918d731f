"""What expiry, assignment and ex-dividend days could do to an account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np
from pydantic import Field

from domain.instruments import Frozen, Right, Settlement
from domain.portfolio import ZERO, AccountState, PositionState
from domain.risk.valuation import Book, exchange_today


class ExpiryGroup(Frozen):
    """All options that expire on one day. Where a price is not known nobody can tell in or out."""

    expiry: date
    dte: int = Field(description="calendar days; negative once past")
    long_contracts: Decimal
    short_contracts: Decimal
    short_notional: Decimal = Field(description="strike × multiplier × contracts")
    short_in_the_money: Decimal = Field(description="contracts")
    short_out_of_the_money: Decimal
    short_unknown: Decimal
    symbols: tuple[str, ...]


class AssignmentExposure(Frozen):
    """A short option in the money: who holds the other side may exercise, or will at expiry."""

    key: str
    description: str
    symbol: str
    expiry: date
    contracts: Decimal
    in_the_money: float = Field(description="per share")
    extrinsic: float | None = Field(
        description="market price less intrinsic value, per share: early exercise gives it up"
    )
    probability: float | None = Field(
        description="|delta|, near enough the chance to end in the money"
    )
    shares: Decimal = Field(description="change of the shares held, signed; 0 if settled in cash")
    cash: Decimal = Field(description="change of cash, signed")


class ExDividendExposure(Frozen):
    """A short call on a stock that pays before the call expires."""

    key: str
    description: str
    symbol: str
    ex_date: date
    dividend: Decimal = Field(description="per share")
    is_estimate: bool
    contracts: Decimal
    extrinsic: float | None = Field(description="per share; None where it is not known")
    is_likely: bool = Field(
        description="in the money and worth less, beyond that, than the dividend"
    )
    cost: Decimal = Field(description="the dividend on all of it, owed if assigned uncovered")


def expiry_groups(account: AccountState, book: Book) -> tuple[ExpiryGroup, ...]:
    """By expiry, the next first."""
    today = exchange_today(account.as_of)
    held: dict[date, list[tuple[PositionState, float]]] = defaultdict(list)
    for position, inside in zip(book.positions, in_the_money(book).tolist(), strict=True):
        if position.option is not None:
            held[position.option.expiry].append((position, inside))
    return tuple(_group(expiry, today, held[expiry]) for expiry in sorted(held))


def in_the_money(book: Book) -> np.ndarray:
    """How far each option is in the money, per share; negative outside, nan where unknown."""
    return np.where(book.is_call, book.spot - book.strike, book.strike - book.spot)


def assignment_exposure(account: AccountState, book: Book) -> tuple[AssignmentExposure, ...]:
    """Short options in the money, the deepest first."""
    found = [
        _assignment(position, inside, mark, delta)
        for position, inside, mark, delta in zip(
            book.positions,
            in_the_money(book).tolist(),
            book.mark.tolist(),
            book.delta.tolist(),
            strict=True,
        )
        if position.option is not None and position.is_short and inside > 0
    ]
    return tuple(sorted(found, key=lambda each: (-each.in_the_money, each.key)))


def ex_dividend_exposure(account: AccountState, book: Book) -> tuple[ExDividendExposure, ...]:
    """Short calls whose stock goes ex-dividend before they expire, the next date first.

    Rule of thumb for early exercise: the day before the ex-date, a call in the money whose
    extrinsic value is below the dividend is worth more exercised (Hull, chapter 15).
    """
    today = exchange_today(account.as_of)
    found: list[ExDividendExposure] = []
    for row, position in enumerate(book.positions):
        option, known = position.option, account.underlyings.get(position.symbol)
        if option is None or known is None or not position.is_short_call:
            continue
        if position.settlement is Settlement.CASH:
            continue
        inside = float(book.spot[row] - book.strike[row])
        extrinsic = _finite(float(book.mark[row]) - max(inside, 0.0))
        for dividend in known.dividends:
            if not today < dividend.ex_date <= option.expiry:
                continue
            shares = abs(position.quantity) * position.multiplier
            found.append(
                ExDividendExposure(
                    key=position.key,
                    description=option.describe(),
                    symbol=position.symbol,
                    ex_date=dividend.ex_date,
                    dividend=dividend.amount,
                    is_estimate=dividend.is_estimate,
                    contracts=abs(position.quantity),
                    extrinsic=extrinsic,
                    is_likely=inside > 0
                    and (extrinsic is None or extrinsic < float(dividend.amount)),
                    cost=dividend.amount * shares,
                )
            )
    return tuple(sorted(found, key=lambda each: (each.ex_date, each.key)))


def _group(expiry: date, today: date, held: Sequence[tuple[PositionState, float]]) -> ExpiryGroup:
    shorts = [(position, inside) for position, inside in held if position.is_short]

    def contracts(chosen: list[PositionState]) -> Decimal:
        return sum((abs(position.quantity) for position in chosen), ZERO)

    return ExpiryGroup(
        expiry=expiry,
        dte=(expiry - today).days,
        long_contracts=contracts([position for position, _ in held if not position.is_short]),
        short_contracts=contracts([position for position, _ in shorts]),
        short_notional=sum((position.strike_notional for position, _ in shorts), ZERO),
        short_in_the_money=contracts([position for position, inside in shorts if inside > 0]),
        short_out_of_the_money=contracts([position for position, inside in shorts if inside <= 0]),
        short_unknown=contracts([position for position, inside in shorts if np.isnan(inside)]),
        symbols=tuple(sorted({position.symbol for position, _ in held})),
    )


def _assignment(
    position: PositionState, inside: float, mark: float, delta: float
) -> AssignmentExposure:
    assert position.option is not None
    shares, cash = settlement_of(position, inside)
    return AssignmentExposure(
        key=position.key,
        description=position.option.describe(),
        symbol=position.symbol,
        expiry=position.option.expiry,
        contracts=abs(position.quantity),
        in_the_money=inside,
        extrinsic=_finite(mark - inside),
        probability=_finite(abs(delta)),
        shares=shares,
        cash=cash,
    )


def settlement_of(position: PositionState, inside: float) -> tuple[Decimal, Decimal]:
    """Shares and cash that change hands when an option in the money by ``inside`` is settled.

    Signed, from the holder's side: a short put takes shares (+) and pays the strike (-).
    """
    option = position.option
    assert option is not None
    units = position.quantity * position.multiplier
    if position.settlement is Settlement.CASH:
        return ZERO, units * Decimal(repr(inside))
    shares = units if option.right is Right.CALL else -units
    return shares, -shares * option.strike


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
