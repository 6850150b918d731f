"""Rolling a short option: buying it in and selling another, as one order at one net price.

Shared by all strategies: a strategy decides which short option to roll, to what, and why; this
decides how the offer is priced, bounded and timed. The recommendation, its approval and its order
are those of any other trade.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Self

import numpy as np
from pydantic import AwareDatetime, Field, model_validator

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen, Leg, PriceIncrements, Side, price_text
from domain.market import OptionChain, Quote, decimal_of
from domain.packages import combo_increments, dearest_leg, net_price_words, package_quote
from domain.portfolio import ZERO, PositionState
from domain.proposals import OfferPrices, offer_deadline
from domain.recommendations import RecommendationAction, Terms


class RollPolicy(Frozen):
    """How a roll's offer is bounded.

    ``concession`` is the part of the dearer leg's mid given up at most beyond the package's own
    mid: a net price may be close to nothing, and no fraction of it would be room to trade in.
    ``least_credit`` is the least net credit per share worth taking, below zero where a debit is
    acceptable; it always wins.
    """

    concession: Decimal = Field(ge=0, lt=1)
    max_drift: Decimal = Field(gt=0, le=1)
    decision_minutes: int = Field(ge=1)
    least_credit: Decimal = ZERO


class RollIdea(Frozen):
    """A short option that is held, what to sell in its place, and the market both were seen in."""

    account_code: str
    legs: tuple[Leg, Leg] = Field(description="bought in, then sold")
    quotes: tuple[Quote, Quote]
    quantity: int = Field(ge=1)
    underlying_price: Decimal = Field(gt=0)
    increments: PriceIncrements
    quoted_at: AwareDatetime

    @model_validator(mode="after")
    def _buys_in_and_sells(self) -> Self:
        if [leg.side for leg in self.legs] != [Side.BUY, Side.SELL]:
            raise ValueError("a roll buys its first leg in and sells its second")
        return self

    @classmethod
    def from_chain(
        cls,
        chain: OptionChain,
        held: PositionState,
        row: int,
        account_code: str,
        quantity: int | None = None,
    ) -> RollIdea:
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
        rows = (int(found[0]), row)
        sides = (Side.BUY, Side.SELL)
        bought, sold = (
            Leg(contract=chain.contract(each), side=side)
            for each, side in zip(rows, sides, strict=True)
        )
        return cls(
            account_code=account_code,
            legs=(bought, sold),
            quotes=(_quote_in(chain, rows[0]), _quote_in(chain, rows[1])),
            quantity=wanted,
            underlying_price=decimal_of(chain.underlying_price),
            increments=combo_increments(chain.settlement),
            quoted_at=chain.as_of,
        )

    @property
    def quote(self) -> Quote:
        """The market in the package."""
        return package_quote(self.legs, self.quotes)


def _quote_in(chain: OptionChain, row: int) -> Quote:
    bid, ask = float(chain.bid[row]), float(chain.ask[row])
    return Quote(
        bid=decimal_of(bid) if np.isfinite(bid) else None,
        ask=decimal_of(ask) if np.isfinite(ask) else None,
        underlying_price=decimal_of(chain.underlying_price),
        quality=chain.quality,
        as_of=chain.as_of,
    )


def roll_prices(quote: Quote, increments: PriceIncrements, policy: RollPolicy) -> OfferPrices:
    """The net limit and floor of a roll, negative for a credit.

    The limit is mid, rounded in our favour; the floor the package's ask or mid plus the
    concession, whichever leaves more room. Neither ever passes ``least_credit``.

    Raises GreenlightError DATA_INVALID for a market that is crossed or one-sided in any leg.
    """
    mid, scale = quote.mid, dearest_leg(quote)
    if mid is None or quote.ask is None or scale is None or quote.is_crossed:
        raise GreenlightError(ErrorCode.DATA_INVALID, "no market to offer a roll into")
    most = -policy.least_credit
    limit = increments.down(min(mid, most))
    floor = increments.down(min(max(quote.ask, mid + scale * policy.concession), most))
    return OfferPrices(limit_price=limit, floor_price=max(floor, limit))


def build_roll_terms(
    idea: RollIdea, policy: RollPolicy, as_of: datetime, session_close: datetime
) -> Terms:
    """The immutable terms of ``idea``. Errors: those of roll_prices and offer_deadline."""
    quote = idea.quote
    prices = roll_prices(quote, idea.increments, policy)
    assert quote.bid is not None
    assert quote.ask is not None
    return Terms(
        account_code=idea.account_code,
        action=RecommendationAction.ROLL,
        legs=idea.legs,
        quantity=idea.quantity,
        limit_price=prices.limit_price,
        floor_price=prices.floor_price,
        max_drift=policy.max_drift,
        reference_underlying_price=idea.underlying_price,
        reference_bid=quote.bid,
        reference_ask=quote.ask,
        increments=idea.increments,
        quoted_at=idea.quoted_at,
        deadline=offer_deadline(as_of, session_close, policy.decision_minutes),
    )


def roll_rationale(idea: RollIdea, terms: Terms) -> tuple[str, ...]:
    """What a roll does, in sentences a person can check against their own screen."""
    bought, sold = (leg.contract for leg in terms.legs)
    days = (sold.expiry - bought.expiry).days
    currency, shares = bought.currency, bought.multiplier * terms.quantity
    total = abs(terms.limit_price) * shares
    verb = "brings" if terms.limit_price <= 0 else "costs"
    paid, received = (quote.mid for quote in idea.quotes)
    assert paid is not None
    assert received is not None
    return (
        f"{terms.describe()}, never worse than {net_price_words(terms.floor_price)}.",
        f"At mid the {bought.describe()} costs {price_text(paid)} to buy in, and the "
        f"{sold.describe()} brings {price_text(received)}.",
        f"That {verb} {total:,.0f} {currency} and moves the expiry by {days} days.",
        f"Further cash needed if assigned: {terms.assignment_cash:,.0f} {currency}.",
    )
