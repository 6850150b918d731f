"""Positions that changed without an execution, and what must have happened.

Brokers report no event for an expiry, an assignment or an adjustment: a position is simply
different in the morning. What fits one of these exactly is recognised and booked under its
name. What fits none stays unexplained; nothing is explained by the likeliest story alone.

OCC exercises automatically what is a cent in the money at expiry, but a holder may decide
otherwise, so any part of an expired short position may have been assigned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import product
from math import prod

from pydantic import Field

from domain.instruments import Frozen, OptionContract, Right, SecType, Settlement, plain

ZERO = Decimal(0)
# A split or an adjustment leaves the cost of a position as it was, but for rounding.
SAME_COST = Decimal("0.0005")
LARGEST_SPLIT_TERM = 100
# More ways to be assigned than this, at one expiry of one underlying, are not searched.
MOST_COMBINATIONS = 20_000


class PositionEventKind(StrEnum):
    EXPIRY = "EXPIRY"
    ASSIGNMENT = "ASSIGNMENT"
    EXERCISE = "EXERCISE"
    SETTLEMENT = "SETTLEMENT"
    SPLIT = "SPLIT"
    ADJUSTMENT = "ADJUSTMENT"
    DIVIDEND = "DIVIDEND"
    INTEREST = "INTEREST"
    ACCEPTED = "ACCEPTED"


class HeldContract(Frozen):
    """What the recognition needs to know of an instrument held, or held until lately."""

    con_id: int
    description: str
    sec_type: SecType
    underlying_con_id: int = Field(description="its own conId for anything but an option")
    option: OptionContract | None = None
    settlement: Settlement = Settlement.PHYSICAL
    is_expired: bool = False
    multiplier: Decimal = Decimal(1)


class HeldQuantity(Frozen):
    """A signed quantity, and what one unit (incl. multiplier) cost on average if known."""

    quantity: Decimal
    average_cost: Decimal | None = None


class PositionEvent(Frozen):
    """A change of one position (or of cash alone) without an execution.

    ``cash`` is what it did to the account's cash; None where the broker alone knows.
    """

    kind: PositionEventKind
    con_id: int | None
    quantity: Decimal = ZERO
    cash: Decimal | None = ZERO
    price: Decimal | None = None
    cause_con_id: int | None = Field(default=None, description="the option that delivered")
    detail: str = ""


class Recognised(Frozen):
    events: tuple[PositionEvent, ...] = ()
    unexplained: tuple[int, ...] = Field(default=(), description="conIds, ascending")


Quantities = Mapping[int, HeldQuantity]
_NOTHING = HeldQuantity(quantity=ZERO)


def recognise(
    contracts: Mapping[int, HeldContract], expected: Quantities, actual: Quantities
) -> Recognised:
    """Explain every difference between ``expected`` and ``actual`` that can be.

    Both are by conId; ``contracts`` describes every conId in them, and one it does not describe
    is left unexplained.
    """
    differing = {
        con_id
        for con_id in {*expected, *actual}
        if _quantity(expected, con_id) != _quantity(actual, con_id)
    }
    described = {con_id for con_id in differing if con_id in contracts}
    events = list(_restated(contracts, expected, actual, described))
    open_questions = described - {event.con_id for event in events}
    for underlying in sorted({contracts[con_id].underlying_con_id for con_id in open_questions}):
        changes = {
            con_id: _quantity(actual, con_id) - _quantity(expected, con_id)
            for con_id in open_questions
            if contracts[con_id].underlying_con_id == underlying
        }
        events += _deliveries(underlying, changes, contracts, expected)
    explained = {event.con_id for event in events}
    return Recognised(events=tuple(events), unexplained=tuple(sorted(differing - explained)))


def _quantity(held: Quantities, con_id: int) -> Decimal:
    return held.get(con_id, _NOTHING).quantity


# --- splits and adjusted contracts ---------------------------------------------------------


def _restated(
    contracts: Mapping[int, HeldContract],
    expected: Quantities,
    actual: Quantities,
    differing: set[int],
) -> Iterable[PositionEvent]:
    """Positions whose unit changed while what they cost did not."""
    for con_id in sorted(differing):
        before, after = expected.get(con_id, _NOTHING), actual.get(con_id, _NOTHING)
        if contracts[con_id].option is None:
            ratio = _split_ratio(before, after)
            if ratio is not None:
                yield PositionEvent(
                    kind=PositionEventKind.SPLIT,
                    con_id=con_id,
                    quantity=after.quantity - before.quantity,
                    detail=f"{contracts[con_id].description} split {ratio}",
                )
            continue
        successor = next(
            (
                other
                for other in sorted(differing)
                if not after.quantity
                and not _quantity(expected, other)
                and _is_successor(contracts[con_id], contracts[other])
                and _same_cost(before, actual.get(other, _NOTHING))
            ),
            None,
        )
        if successor is not None:
            yield from _adjustment(
                contracts[con_id], before.quantity, contracts[successor], actual[successor].quantity
            )


def _split_ratio(before: HeldQuantity, after: HeldQuantity) -> str | None:
    """``2-for-1`` where the quantity changed by a ratio of small numbers at equal cost."""
    if before.quantity * after.quantity <= 0 or not _same_cost(before, after):
        return None
    ratio = Fraction(after.quantity) / Fraction(before.quantity)
    if max(ratio.numerator, ratio.denominator) > LARGEST_SPLIT_TERM:
        return None
    return f"{ratio.numerator}-for-{ratio.denominator}"


def _same_cost(before: HeldQuantity, after: HeldQuantity) -> bool:
    if not before.average_cost or not after.average_cost:
        return False
    cost = before.quantity * before.average_cost
    return abs(after.quantity * after.average_cost - cost) <= SAME_COST * abs(cost)


def _is_successor(old: HeldContract, new: HeldContract) -> bool:
    """Same underlying, expiry and right, restated: another strike, multiplier or class."""
    if old.option is None or new.option is None:
        return False
    if old.underlying_con_id != new.underlying_con_id:
        return False
    if (old.option.expiry, old.option.right) != (new.option.expiry, new.option.right):
        return False
    return (
        new.option.is_adjusted
        or new.option.strike * new.option.multiplier != old.option.strike * old.option.multiplier
    )


def _adjustment(
    old: HeldContract, before: Decimal, new: HeldContract, after: Decimal
) -> Iterable[PositionEvent]:
    detail = f"{old.description} became {new.description}"
    for contract, quantity in ((old, -before), (new, after)):
        yield PositionEvent(
            kind=PositionEventKind.ADJUSTMENT,
            con_id=contract.con_id,
            quantity=quantity,
            cause_con_id=old.con_id,
            detail=detail,
        )


# --- expiry, assignment, exercise ----------------------------------------------------------


class _Gone(Frozen):
    """Options of one contract that left the account: ``change`` is towards zero."""

    contract: HeldContract
    change: Decimal

    @property
    def option(self) -> OptionContract:
        assert self.contract.option is not None
        return self.contract.option

    def shares(self, units: int) -> Decimal:
        """Shares that arrive when ``units`` of them are assigned or exercised.

        A short put assigned and a long call exercised bring shares, the other two take them.
        """
        arriving = self.change > 0 if self.option.right is Right.PUT else self.change < 0
        return self.option.multiplier * units * (1 if arriving else -1)


def _deliveries(
    underlying: int,
    changes: Mapping[int, Decimal],
    contracts: Mapping[int, HeldContract],
    expected: Quantities,
) -> list[PositionEvent]:
    """What expiry, assignment and exercise explain of the changes around one underlying."""
    events: list[PositionEvent] = []
    lapsed: list[_Gone] = []
    early: list[_Gone] = []
    for con_id, change in sorted(changes.items()):
        contract, held = contracts[con_id], _quantity(expected, con_id)
        towards_zero = change * held < 0 and abs(change) <= abs(held)
        if contract.option is None or not towards_zero:
            continue
        gone = _Gone(contract=contract, change=change)
        if contract.is_expired and change == -held:
            if contract.settlement is Settlement.CASH:
                events.append(_settled_in_cash(gone))
            else:
                lapsed.append(gone)
        elif not contract.is_expired and contract.settlement is Settlement.PHYSICAL:
            early.append(gone)
    shares = changes.get(underlying, ZERO)
    early_units = [int(abs(each.change)) for each in early]
    wanted = shares - _shares_of(early, early_units)
    units = _assigned(lapsed, wanted)
    if units is None:
        # The shares do not fit: what has expired has lapsed, the rest stays a question.
        return events + [event for each in lapsed for event in _ended(each, 0, underlying)]
    for each, assigned in zip([*lapsed, *early], [*units, *early_units], strict=True):
        events += _ended(each, assigned, underlying)
    return events


def _shares_of(gone: Sequence[_Gone], units: Sequence[int]) -> Decimal:
    return sum((each.shares(u) for each, u in zip(gone, units, strict=True)), ZERO)


def _assigned(lapsed: Sequence[_Gone], shares: Decimal) -> list[int] | None:
    """How many of each expired option were assigned or exercised to move ``shares``.

    Of several answers the one that a single settlement price explains best.
    """
    most = [int(abs(each.change)) for each in lapsed]
    if prod(count + 1 for count in most) > MOST_COMBINATIONS:
        most_or_none = [(0, count) for count in most]
    else:
        most_or_none = [tuple(range(count + 1)) for count in most]
    if prod(len(choice) for choice in most_or_none) > MOST_COMBINATIONS:
        return None
    fitting = [u for u in product(*most_or_none) if _shares_of(lapsed, u) == shares]
    if not fitting:
        return None
    return list(min(fitting, key=lambda units: _contradictions(lapsed, units)))


def _contradictions(lapsed: Sequence[_Gone], units: Sequence[int]) -> int:
    """Pairs of options that no one settlement price can have treated like this."""
    assigned = [each.option for each, count in zip(lapsed, units, strict=True) if count]
    left = [
        each.option
        for each, count in zip(lapsed, units, strict=True)
        if count < int(abs(each.change))
    ]
    pairs = ((taken, other) for taken in assigned for other in left if other is not taken)
    return sum(_contradict(taken, other) for taken, other in pairs) + sum(
        one.right is not other.right and not _both_in_the_money(one, other)
        for one in assigned
        for other in assigned
    )


def _contradict(taken: OptionContract, left: OptionContract) -> bool:
    """Whether ``left`` was at least as deep in the money as ``taken`` at every price."""
    if taken.right is not left.right:
        return False
    deeper = left.strike - taken.strike
    return deeper > 0 if taken.right is Right.PUT else deeper < 0


def _both_in_the_money(one: OptionContract, other: OptionContract) -> bool:
    put, call = (one, other) if one.right is Right.PUT else (other, one)
    return call.strike < put.strike


def _settled_in_cash(gone: _Gone) -> PositionEvent:
    return PositionEvent(
        kind=PositionEventKind.SETTLEMENT,
        con_id=gone.contract.con_id,
        quantity=gone.change,
        cash=None,
        detail=f"{gone.contract.description} expired and was settled in cash",
    )


def _ended(gone: _Gone, units: int, underlying: int) -> list[PositionEvent]:
    """The events of one option: what was delivered, and what lapsed."""
    option, sign = gone.option, 1 if gone.change > 0 else -1
    lapsed = int(abs(gone.change)) - units
    events: list[PositionEvent] = []
    if lapsed:
        events.append(
            PositionEvent(
                kind=PositionEventKind.EXPIRY,
                con_id=gone.contract.con_id,
                quantity=Decimal(sign * lapsed),
                detail=f"{gone.contract.description} expired",
            )
        )
    if not units:
        return events
    kind = PositionEventKind.ASSIGNMENT if sign > 0 else PositionEventKind.EXERCISE
    shares = gone.shares(units)
    verb = "was assigned" if kind is PositionEventKind.ASSIGNMENT else "was exercised"
    detail = (
        f"{units} × {gone.contract.description} {verb}: "
        f"{plain(shares)} shares at {plain(option.strike)}"
    )
    events.append(
        PositionEvent(
            kind=kind, con_id=gone.contract.con_id, quantity=Decimal(sign * units), detail=detail
        )
    )
    events.append(
        PositionEvent(
            kind=kind,
            con_id=underlying,
            quantity=shares,
            cash=-shares * option.strike,
            price=option.strike,
            cause_con_id=gone.contract.con_id,
            detail=detail,
        )
    )
    return events
