"""Trades of one to four legs as one order at one net price.

The one convention, everywhere from the terms to the wire and back: a single option trades on its
leg's own side at its own price. A package of several legs is always *bought*: each leg's side says
what really happens to its contract, and the net price is what one unit of the package costs per
share, negative where it brings money in. ``BUY at −1.20`` is a credit of 1.20. TWS takes a BAG
order in this form, and reports the package's executions in it. Lower is better for us throughout,
so limits, floors and walks of packages are those of any purchase.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import gcd

from domain.instruments import Leg, PriceIncrements, Right, Settlement, Side, plain, price_text
from domain.market import Quote, QuoteQuality
from domain.put_cover import put_cash

MAX_LEGS = 4
_WORST_FIRST = (
    QuoteQuality.MISSING,
    QuoteQuality.DELAYED,
    QuoteQuality.FROZEN,
    QuoteQuality.LIVE,
)


def trade_side(legs: Sequence[Leg]) -> Side:
    """The side of the order that trades ``legs``: a package is always bought."""
    return legs[0].side if len(legs) == 1 else Side.BUY


def require_tradable_together(legs: Sequence[Leg]) -> None:
    """Raise ValueError unless ``legs`` make one order with one price that means something."""
    if len({leg.contract.con_id for leg in legs}) < len(legs):
        raise ValueError("two legs are the same contract")
    shared = {(leg.contract.symbol, leg.contract.currency, leg.contract.multiplier) for leg in legs}
    if len(shared) > 1:
        raise ValueError("the legs differ in underlying, currency or multiplier")
    if gcd(*(leg.ratio for leg in legs)) != 1:
        raise ValueError("the ratios have a common divisor: it belongs into the quantity")


def package_quote(legs: Sequence[Leg], quotes: Sequence[Quote]) -> Quote:
    """The market in one unit of ``legs``, from fresh quotes of each, in their order.

    Bought, a package pays the asks of the legs it buys and receives the bids of those it sells.
    It is as good as the worst of its legs' quotes and as old as the oldest; a side is missing where
    any leg lacks the price it needs. A single leg's quote is its own.
    """
    if len(quotes) == 1:
        return quotes[0]
    return Quote(
        bid=_net(legs, quotes, Side.SELL),
        ask=_net(legs, quotes, Side.BUY),
        underlying_price=quotes[0].underlying_price,
        quality=min((quote.quality for quote in quotes), key=_WORST_FIRST.index),
        halted=_any_halted(quotes),
        as_of=min(quote.as_of for quote in quotes),
        legs=tuple(quotes),
    )


def _any_halted(quotes: Sequence[Quote]) -> bool | None:
    """True where any leg is halted, None where that is not told of every leg."""
    told = {quote.halted for quote in quotes}
    return True if True in told else None if None in told else False


def _net(legs: Sequence[Leg], quotes: Sequence[Quote], doing: Side) -> Decimal | None:
    """The net price per share of buying (or selling) one unit at the touch."""
    net = Decimal(0)
    for leg, quote in zip(legs, quotes, strict=True):
        price = quote.ask if leg.side is doing else quote.bid
        if price is None:
            return None
        net += leg.side.sign * leg.ratio * price
    return net


def dearest_leg(quote: Quote) -> Decimal | None:
    """The highest mid among the legs of a package's quote: the scale of its prices.

    A net price is no such scale, for it may be close to nothing.
    """
    mids = [leg.mid for leg in quote.legs if leg.mid is not None]
    return max(mids, default=None)


def combo_increments(settlement: Settlement) -> PriceIncrements:
    """The steps of a package's net price: five cents on cash-settled indexes, else one.

    IBKR takes a combo's net price in cents whatever the steps of its legs; the exchanges of index
    options do not.
    """
    return PriceIncrements.flat(Decimal("0.05" if settlement is Settlement.CASH else "0.01"))


def closed_by_roll(legs: Sequence[Leg]) -> tuple[Leg, ...]:
    """What a roll closes of what is held: the options it buys in.

    A roll into a spread is told by what comes later, for it buys there, too: options of one right,
    as many bought as sold. It closes whatever expires first.
    """
    first = min(leg.contract.expiry for leg in legs)
    later = [leg for leg in legs if leg.contract.expiry > first]
    balance = sum(leg.side.sign * leg.ratio for leg in later)
    if later and not balance and len({leg.contract.right for leg in legs}) == 1:
        return tuple(leg for leg in legs if leg.contract.expiry == first)
    return tuple(leg for leg in legs if leg.side is Side.BUY)


def assignment_change(
    legs: Sequence[Leg], quantity: Decimal | int, *, closing: Sequence[Leg]
) -> Decimal:
    """By how much a trade raises the cash that its short puts may call for.

    What the legs ``closing`` close gives back what it ties up, so it may be negative. Which long
    puts count as cover is told in ``domain.put_cover``.
    """
    opened = put_cash(
        (leg.contract, Decimal(leg.side.sign * leg.ratio)) for leg in legs if leg not in closing
    )
    given_back = put_cash((leg.contract, Decimal(-leg.side.sign * leg.ratio)) for leg in closing)
    return (opened - given_back) * quantity


def assignment_cash(
    legs: Sequence[Leg], quantity: Decimal | int, *, closing: Sequence[Leg]
) -> Decimal:
    """What short puts would newly call for; zero where a trade asks for nothing more."""
    return max(assignment_change(legs, quantity, closing=closing), Decimal(0))


def exercise_notional(legs: Sequence[Leg]) -> Decimal:
    """What exercise of the options that one unit sells would move, strike × multiplier; of those
    it buys where it sells none. The long side of a spread adds nothing to what is at stake."""
    counted = [leg for leg in legs if leg.side is Side.SELL] or legs
    unit = (leg.contract.strike * leg.contract.multiplier * leg.ratio for leg in counted)
    return sum(unit, Decimal(0))


# --- in plain words ------------------------------------------------------------------------


def describe_legs(legs: Sequence[Leg], quantity: Decimal | int, *, is_roll: bool) -> str:
    """``Sell 2 SPY 18 Dec 2026 640 puts``; a package with all it buys and sells."""
    if len(legs) == 1:
        return f"{_verb(legs[0])} {_counted(legs[0], quantity)}"
    if is_roll:
        closing = closed_by_roll(legs)
        opening = [leg for leg in legs if leg not in closing]
        bought = " and ".join(_counted(leg, quantity) for leg in closing if leg.side is Side.BUY)
        sold = " and ".join(_in_short(leg, legs) for leg in opening if leg.side is Side.SELL)
        return f"Roll {bought}{_wings(closing, Side.SELL)} to {sold}{_wings(opening, Side.BUY)}"
    parts = [f"{_verb(leg).lower()} {_counted(leg, quantity)}" for leg in legs]
    words = ", ".join(parts)
    return words[0].upper() + words[1:]


def _verb(leg: Leg) -> str:
    return "Sell" if leg.side is Side.SELL else "Buy"


def _counted(leg: Leg, quantity: Decimal | int) -> str:
    count = leg.ratio * Decimal(quantity)
    return f"{plain(count)} {leg.contract.describe()}{'s' if count > 1 else ''}"


def _wings(legs: Sequence[Leg], side: Side) -> str:
    """The long options of a spread that is rolled: `` with the 600``."""
    strikes = [plain(leg.contract.strike) for leg in legs if leg.side is side]
    return f" with the {' and '.join(strikes)}" if strikes else ""


def _in_short(leg: Leg, legs: Sequence[Leg]) -> str:
    """A leg beside others of the same symbol: what differs is all that need be said."""
    contract = leg.contract
    words = f"{contract.expiry.day} {contract.expiry:%b %Y} {plain(contract.strike)}"
    if len({each.contract.right for each in legs}) > 1:
        words += " put" if contract.right is Right.PUT else " call"
    count = {each.ratio for each in legs}
    return words if count == {1} else f"{leg.ratio} × {words} each"


def price_words(legs: Sequence[Leg], price: Decimal) -> str:
    """``at 4.15``; of a package ``for a credit of 1.20``."""
    return f"at {price_text(price)}" if len(legs) == 1 else f"for {net_price_words(price)}"


def net_price_words(price: Decimal) -> str:
    """A package's price per share: ``a credit of 1.20``, ``a debit of 0.35``."""
    if price == 0:
        return "no net cost"
    return f"a {'credit' if price < 0 else 'debit'} of {price_text(abs(price))}"
