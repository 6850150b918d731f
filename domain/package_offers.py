"""Offers of several legs at one net price: how they are priced, bounded and timed.

Shared by all strategies, for rolls and spreads: which options, and why, is theirs to decide. The
recommendation, its approval and its order are those of any other trade.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Self

import numpy as np
from pydantic import AwareDatetime, Field

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen, Leg, PriceIncrements, Side
from domain.market import OptionChain, Quote, decimal_of
from domain.packages import MAX_LEGS, combo_increments, dearest_leg, package_quote
from domain.portfolio import ZERO
from domain.proposals import OfferPrices, offer_deadline
from domain.recommendations import RecommendationAction, Terms


class PackagePolicy(Frozen):
    """How a package's offer is bounded.

    ``concession`` is the part of the dearest leg's mid given up at most beyond the package's own
    mid: a net price may be close to nothing, and no fraction of it would be room to trade in.
    ``least_credit`` is the least net credit per share worth taking, below zero where a debit is
    acceptable; it always wins, and None sets no bound.
    """

    concession: Decimal = Field(ge=0, lt=1)
    max_drift: Decimal = Field(gt=0, le=1)
    decision_minutes: int = Field(ge=1)
    least_credit: Decimal | None = ZERO


class PackageIdea(Frozen):
    """Options to trade as one order, and the market they were seen in."""

    account_code: str
    action: RecommendationAction
    legs: tuple[Leg, ...] = Field(min_length=2, max_length=MAX_LEGS)
    quotes: tuple[Quote, ...] = Field(description="of the legs, in their order")
    quantity: int = Field(ge=1)
    underlying_price: Decimal = Field(gt=0)
    increments: PriceIncrements
    quoted_at: AwareDatetime

    @classmethod
    def from_rows(
        cls,
        chain: OptionChain,
        rows: Sequence[tuple[int, Side]],
        action: RecommendationAction,
        account_code: str,
        quantity: int,
    ) -> Self:
        """``quantity`` units of one contract each of the chain's ``rows``, on their sides."""
        return cls(
            account_code=account_code,
            action=action,
            legs=tuple(Leg(contract=chain.contract(row), side=side) for row, side in rows),
            quotes=tuple(_quote_in(chain, row) for row, _ in rows),
            quantity=quantity,
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


def package_prices(quote: Quote, increments: PriceIncrements, policy: PackagePolicy) -> OfferPrices:
    """The net limit and floor of a package, negative for a credit.

    The limit is mid, rounded in our favour; the floor the package's ask or mid plus the
    concession, whichever leaves more room. Neither ever passes ``least_credit``.

    Raises GreenlightError DATA_INVALID for a market that is crossed or one-sided in any leg.
    """
    mid, scale = quote.mid, dearest_leg(quote)
    if mid is None or quote.ask is None or scale is None or quote.is_crossed:
        raise GreenlightError(ErrorCode.DATA_INVALID, "no market to offer a package into")
    worst = max(quote.ask, mid + scale * policy.concession)
    if policy.least_credit is not None:
        mid, worst = min(mid, -policy.least_credit), min(worst, -policy.least_credit)
    limit = increments.down(mid)
    return OfferPrices(limit_price=limit, floor_price=max(increments.down(worst), limit))


def build_package_terms(
    idea: PackageIdea, policy: PackagePolicy, as_of: datetime, session_close: datetime
) -> Terms:
    """The immutable terms of ``idea``. Errors: those of package_prices and offer_deadline."""
    quote = idea.quote
    prices = package_prices(quote, idea.increments, policy)
    assert quote.bid is not None
    assert quote.ask is not None
    return Terms(
        account_code=idea.account_code,
        action=idea.action,
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
