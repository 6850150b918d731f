"""Rolling what is held short: buying it in and selling another, as one order at one net price.

Shared by all strategies: a strategy decides which position to roll, to what, and why.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Leg, Side, plain, price_text
from domain.market import OptionChain
from domain.package_offers import PackageIdea
from domain.packages import net_price_words, package_quote
from domain.portfolio import PositionState
from domain.recommendations import RecommendationAction, Terms


def roll_of(
    chain: OptionChain,
    held: PositionState,
    row: int,
    account_code: str,
    quantity: int | None = None,
) -> PackageIdea:
    """Rolling ``held`` (or ``quantity`` contracts of it) into the contract in ``row``.

    Raises GreenlightError DATA_INVALID unless ``held`` is so many short options, and
    QUOTE_MISSING where the chain does not have it.
    """
    option, wanted = held.option, quantity or int(abs(held.quantity))
    if option is None or not held.is_short or wanted > abs(held.quantity):
        raise GreenlightError(
            ErrorCode.DATA_INVALID,
            f"{wanted} contracts of {held.key} are not held short: {held.quantity:f} are held",
        )
    found = np.flatnonzero(chain.con_id == option.con_id)
    if found.size != 1:
        raise GreenlightError(
            ErrorCode.QUOTE_MISSING, f"the chain of {chain.symbol} has no {option.describe()}"
        )
    rows = ((int(found[0]), Side.BUY), (row, Side.SELL))
    return PackageIdea.from_rows(chain, rows, RecommendationAction.ROLL, account_code, wanted)


def roll_rationale(idea: PackageIdea, terms: Terms) -> tuple[str, ...]:
    """What a roll does, in sentences a person can check against their own screen."""
    bought, sold = terms.closing_legs, terms.opening_legs
    days = (sold[0].contract.expiry - bought[0].contract.expiry).days
    currency, shares = terms.contract.currency, terms.contract.multiplier * terms.quantity
    total = abs(terms.limit_price) * shares
    verb = "brings" if terms.limit_price <= 0 else "costs"
    return (
        f"{terms.describe()}, never worse than {net_price_words(terms.floor_price)}.",
        f"At mid the {_named(bought)} costs {_mid(idea, bought)} to buy in, and the "
        f"{_named(sold)} brings {_mid(idea, sold)}.",
        f"That {verb} {total:,.0f} {currency} and moves the expiry by {days} days.",
        f"Further cash needed if assigned: {terms.assignment_cash:,.0f} {currency}.",
    )


def _named(legs: Sequence[Leg]) -> str:
    first, *others = (leg.contract for leg in legs)
    return f"{first.describe()}{''.join(f' with the {plain(o.strike)}' for o in others)}"


def _mid(idea: PackageIdea, legs: Sequence[Leg]) -> str:
    quotes = [quote for leg, quote in zip(idea.legs, idea.quotes, strict=True) if leg in legs]
    mid = package_quote(legs, quotes).mid
    assert mid is not None
    return price_text(abs(mid))
