"""Our own estimate of what a trade does to margin: strategy-based and portfolio margin.

Only the trade's product group is looked at. Neither method lets one group make up for another, so
what the rest of the account holds changes nothing about the difference, and a large account takes
no longer than a small one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from domain.instruments import Leg, Settlement
from domain.market import Quote
from domain.portfolio import AccountState, PositionState, UnderlyingState
from domain.risk.after_trade import after_trade
from domain.risk.margin_estimate import PortfolioMarginEstimate, estimate_portfolio_margin
from domain.risk.margin_inputs import margin_legs
from domain.risk.margin_regt import RegTMargin, regt_margin
from domain.risk.products import product_group
from domain.risk.trade_margin import MarginStep, TradeMargin
from domain.risk.valuation import STANDARD, PricingAssumptions, value_book


class QuotedTrade(NamedTuple):
    """``quantity`` units of ``legs`` with a quote of each leg, and what their options deliver."""

    legs: Sequence[Leg]
    quotes: Sequence[Quote]
    quantity: int
    settlement: Settlement


def trade_margin(
    account: AccountState, trade: QuotedTrade, assumptions: PricingAssumptions = STANDARD
) -> TradeMargin:
    """Both estimates before and after ``trade``; what has no price is named and left out."""
    group = product_group(trade.legs[0].contract.symbol)
    held = tuple(p for p in account.positions if product_group(p.symbol) == group)
    before = account.model_copy(
        update={"positions": held, "underlyings": _underlyings(account, trade)}
    )
    quotes = {leg.contract.key: quote for leg, quote in zip(trade.legs, trade.quotes, strict=True)}
    earlier = _margins(_quoted(before, trade, quotes), assumptions)
    after = after_trade(before, trade.legs, trade.quantity)
    later = _margins(_quoted(after, trade, quotes), assumptions)
    return TradeMargin(
        group=group.name,
        reg_t_initial=_step(earlier.by_rule.initial, later.by_rule.initial),
        reg_t_maintenance=_step(earlier.by_rule.maintenance, later.by_rule.maintenance),
        portfolio_initial=_step(earlier.by_portfolio.initial, later.by_portfolio.initial),
        portfolio_maintenance=_step(
            earlier.by_portfolio.maintenance, later.by_portfolio.maintenance
        ),
        left_out=tuple(sorted({*earlier.left_out, *later.left_out})),
    )


def quoted_accounts(account: AccountState, trade: QuotedTrade) -> tuple[AccountState, AccountState]:
    """The whole account before and after ``trade``, both at the trade's own quotes."""
    before = account.model_copy(update={"underlyings": _underlyings(account, trade)})
    quotes = {leg.contract.key: quote for leg, quote in zip(trade.legs, trade.quotes, strict=True)}
    after = after_trade(before, trade.legs, trade.quantity)
    return _quoted(before, trade, quotes), _quoted(after, trade, quotes)


class _Margins(NamedTuple):
    by_rule: RegTMargin
    by_portfolio: PortfolioMarginEstimate
    left_out: frozenset[str]


def _margins(account: AccountState, assumptions: PricingAssumptions) -> _Margins:
    book = value_book(account, assumptions)
    by_rule = regt_margin(margin_legs(book))
    by_portfolio = estimate_portfolio_margin(book)
    missing = {book.positions[index].key for index in by_rule.unmargined}
    return _Margins(by_rule, by_portfolio, frozenset({*missing, *by_portfolio.unmargined}))


def _step(before: float, after: float) -> MarginStep:
    """To the cent: more would feign an accuracy that an estimate does not have."""
    before, after = round(before, 2), round(after, 2)
    return MarginStep(before=before, after=after, change=round(after - before, 2))


def _underlyings(account: AccountState, trade: QuotedTrade) -> dict[str, UnderlyingState]:
    """What is known already, with the price the trade's own quotes came with."""
    symbol = trade.legs[0].contract.symbol
    known = account.underlyings.get(symbol) or UnderlyingState(
        symbol=symbol, is_index=trade.settlement is Settlement.CASH
    )
    price = trade.quotes[0].underlying_price
    if price is not None:
        known = known.model_copy(update={"price": price})
    return {**account.underlyings, symbol: known}


def _quoted(account: AccountState, trade: QuotedTrade, quotes: dict[str, Quote]) -> AccountState:
    def seen(position: PositionState) -> PositionState:
        quote = quotes.get(position.key)
        if quote is None:
            return position
        return position.model_copy(update={"quote": quote, "settlement": trade.settlement})

    return account.model_copy(
        update={"positions": tuple(seen(position) for position in account.positions)}
    )
