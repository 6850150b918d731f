"""Controls on the size of an order, and on what the account would depend on after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from domain.errors import ErrorCode
from domain.instruments import Leg, OptionContract, Right, SecType, Side, plain
from domain.portfolio import ZERO, AccountState, PositionState
from domain.risk.after_trade import after_trade
from domain.risk.answers import Answer, at_most, exempt, judged, unlimited
from domain.risk.held_greeks import quoted_greeks
from domain.risk.pretrade_inputs import HeldGreeks, PretradeInputs
from domain.risk.ratios import ratio
from domain.risk.worst_case import Holdings, worst_case

# --- the order -----------------------------------------------------------------------------


def within_max_contracts(inputs: PretradeInputs) -> Answer:
    if inputs.reduces_risk:
        return exempt("max_contracts", inputs.quantity)
    opened, limit = inputs.opened_contracts, inputs.limits.max_contracts
    passed = opened <= limit
    return judged("max_contracts", opened, at_most(limit), passed, ErrorCode.QUANTITY_LIMIT)


def within_max_notional(inputs: PretradeInputs) -> Answer:
    if inputs.reduces_risk:
        return exempt("max_notional", inputs.notional)
    limit = inputs.limits.max_notional
    passed = inputs.notional <= limit
    code = ErrorCode.NOTIONAL_LIMIT
    return judged("max_notional", inputs.notional, at_most(limit), passed, code)


def within_max_loss(inputs: PretradeInputs) -> Answer:
    """The worst end of what the order opens, less the premium of the whole order.

    Calls sold against shares that nothing else has called cannot lose by themselves.
    """
    if inputs.reduces_risk:
        return exempt("max_loss", "closing trade")
    threshold = at_most(inputs.limits.max_loss)
    if inputs.account is None:
        return judged("max_loss", None, threshold, False, ErrorCode.ACCOUNT_STALE)
    loss = _max_loss(inputs, inputs.account)
    passed = loss is not None and loss <= inputs.limits.max_loss
    value = "unlimited" if loss is None else loss
    return judged("max_loss", value, threshold, passed, ErrorCode.MAX_LOSS_EXCEEDED)


def _max_loss(inputs: PretradeInputs, account: AccountState) -> Decimal | None:
    """Per order in the contract's currency, never below zero; None where nothing bounds it."""
    options = _opened_units(inputs, _free_shares(account, inputs.contract.symbol))
    unit_premium = -inputs.side.sign * inputs.limit_price * inputs.contract.multiplier
    lowest = ZERO
    for expiry in {contract.expiry for contract in options}:
        case = worst_case(Holdings(ZERO, options), expiry)
        if case.slope < 0:
            return None
        lowest = min(lowest, case.value)
    return max(-lowest - unit_premium * inputs.quantity, ZERO)


def _free_shares(account: AccountState, symbol: str) -> Decimal:
    called = (p.quantity * p.multiplier for p in account.on(symbol) if p.is_short_call)
    return max(account.shares(symbol) + sum(called, ZERO), ZERO)


def _opened_units(inputs: PretradeInputs, free_shares: Decimal) -> dict[OptionContract, Decimal]:
    """Signed units of what is opened, without the calls that free shares cover.

    What a roll buys in frees its shares for what it sells.
    """
    free = free_shares + sum(
        (
            leg.contract.multiplier * inputs.contracts(leg)
            for leg in inputs.closing_legs
            if leg.contract.right is Right.CALL and inputs.is_held(leg)
        ),
        ZERO,
    )
    units = dict[OptionContract, Decimal]()
    for leg in inputs.opening_legs:
        count = leg.contract.multiplier * inputs.contracts(leg)
        if leg.contract.right is Right.CALL and leg.side is Side.SELL:
            covered = min(count, free)
            free, count = free - covered, count - covered
        units[leg.contract] = leg.side.sign * count
    return units


# --- the account afterwards ----------------------------------------------------------------


def position_after(inputs: PretradeInputs) -> Answer:
    """Option contracts of any kind on the underlying, with what other orders may still add."""
    limit = inputs.limits.max_position_contracts
    if inputs.reduces_risk:
        return exempt("position_after", lambda: _contracts_after(inputs))
    if limit is None:
        return unlimited("position_after", lambda: _contracts_after(inputs))
    count = _contracts_after(inputs)
    passed = count is not None and count <= limit
    return judged("position_after", count, at_most(limit), passed, ErrorCode.POSITION_LIMIT)


def _contracts_after(inputs: PretradeInputs) -> Decimal | None:
    account, symbol = inputs.account, inputs.contract.symbol
    if account is None or inputs.record is None:
        return None
    held = {p.key: p.quantity for p in account.on(symbol) if p.option}
    for leg in inputs.legs:
        key = leg.contract.key
        held[key] = held.get(key, ZERO) + leg.side.sign * inputs.contracts(leg)
    return sum(map(abs, held.values()), inputs.record.contracts_under_way)


def concentration_after(inputs: PretradeInputs) -> Answer:
    """What is at stake in the underlying, working orders included, of net liquidation value."""
    limit = inputs.limits.max_name_fraction
    if inputs.reduces_risk:
        return exempt("concentration_after", lambda: _fraction_after(inputs))
    if limit is None:
        return unlimited("concentration_after", lambda: _fraction_after(inputs))
    fraction = _fraction_after(inputs)
    passed = fraction is not None and fraction <= limit
    code = ErrorCode.CONCENTRATION_LIMIT
    return judged("concentration_after", fraction, at_most(limit), passed, code)


def _fraction_after(inputs: PretradeInputs) -> Decimal | None:
    after = _after(inputs)
    if after is None or inputs.record is None:
        return None
    at_stake = after.exposure_by_underlying.get(inputs.contract.symbol, ZERO)
    at_stake += inputs.record.notional_under_way
    return ratio(at_stake, after.values.net_liquidation)


def _after(inputs: PretradeInputs) -> AccountState | None:
    if inputs.account is None:
        return None
    return after_trade(inputs.account, inputs.legs, inputs.quantity)


# --- delta and vega ------------------------------------------------------------------------


def delta_after(inputs: PretradeInputs) -> Answer:
    limit = inputs.limits.max_delta_fraction
    return _sensitivity(inputs, "delta_after", limit, _dollar_delta, ErrorCode.DELTA_LIMIT)


def vega_after(inputs: PretradeInputs) -> Answer:
    limit = inputs.limits.max_vega_fraction
    return _sensitivity(inputs, "vega_after", limit, _dollar_vega, ErrorCode.VEGA_LIMIT)


def _dollar_delta(unit: HeldGreeks) -> Decimal:
    """By how much one unit moves when its underlying moves by 100 %."""
    return Decimal(str(unit.delta)) * unit.underlying_price


def _dollar_vega(unit: HeldGreeks) -> Decimal:
    """By how much one unit moves with one volatility point."""
    return Decimal(str(unit.vega)) / 100


def _sensitivity(
    inputs: PretradeInputs,
    rule: str,
    limit: Decimal | None,
    of_unit: Callable[[HeldGreeks], Decimal],
    code: ErrorCode,
) -> Answer:
    """The account's sum after the order, of net liquidation value.

    A trade that brings an account past its limit nearer to zero passes. One holding without
    greeks hides the whole sum.
    """
    if limit is None or inputs.reduces_risk:

        def value() -> Decimal | None:
            change = _change(inputs, of_unit)
            return None if change is None else change.after

        return exempt(rule, value) if inputs.reduces_risk else unlimited(rule, value)
    change = _change(inputs, of_unit)

    def threshold() -> str:
        return f"≤ {plain(limit)}, or less than before"

    if change is None:
        return judged(rule, None, threshold, False, ErrorCode.GREEKS_MISSING)
    passed = abs(change.after) <= limit or abs(change.after) < abs(change.before)
    return judged(rule, change.after, threshold, passed, code)


class _Change(NamedTuple):
    before: Decimal
    after: Decimal


def _change(inputs: PretradeInputs, of_unit: Callable[[HeldGreeks], Decimal]) -> _Change | None:
    legs = _leg_greeks(inputs)
    if inputs.account is None or inputs.held_greeks is None or legs is None:
        return None
    held = _held(inputs.account.positions, inputs.held_greeks, of_unit)
    if held is None:
        return None
    traded = sum(
        (
            of_unit(unit) * leg.side.sign * inputs.contracts(leg) * leg.contract.multiplier
            for leg, unit in legs
        ),
        ZERO,
    )
    equity = inputs.account.values.net_liquidation
    before, after = ratio(held, equity), ratio(held + traded, equity)
    return None if before is None or after is None else _Change(before, after)


def _held(
    positions: Iterable[PositionState],
    known: Mapping[str, HeldGreeks],
    of_unit: Callable[[HeldGreeks], Decimal],
) -> Decimal | None:
    total = ZERO
    for position in positions:
        unit = known.get(position.key)
        if unit is None and position.sec_type is SecType.STOCK and position.market_price:
            unit = HeldGreeks(delta=1.0, vega=0.0, underlying_price=position.market_price)
        if unit is None:
            return None
        total += of_unit(unit) * position.quantity * position.multiplier
    return total


def _leg_greeks(inputs: PretradeInputs) -> list[tuple[Leg, HeldGreeks]] | None:
    """The order's own sensitivities, from the broker's delta and volatility of the fresh quote."""
    if inputs.quote is None:
        return None
    quotes = inputs.quote.legs or (inputs.quote,)
    found: list[tuple[Leg, HeldGreeks]] = []
    for leg, quote in zip(inputs.legs, quotes, strict=True):
        unit = quoted_greeks(
            leg.contract, quote.delta, quote.iv, quote.underlying_price, inputs.today
        )
        if unit is None:
            return None
        found.append((leg, unit))
    return found
