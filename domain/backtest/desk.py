"""The desk of a backtest: the judgement of an approval, and its orders.

The strategy, the contest of offers, the terms, the controls and the walk of prices are those of the
live desk. What differs is who answers: an approver who says yes at once to everything, and a broker
whose books, margin and market are the backtest's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid5

from domain.backtest.account import Account, money
from domain.backtest.book import Book, Ending, Instrument, Trial, capital_of
from domain.backtest.config import BacktestConfig
from domain.backtest.fills import Attempt, attempts, leg_prices, size_there
from domain.backtest.history import HistorySlice
from domain.backtest.market import leg_quotes, row_of
from domain.backtest.results import UNFILLED, Denial, Fill
from domain.commissions import Charges
from domain.gateways import GatewayKind
from domain.instruments import Leg, PriceIncrements
from domain.market import OptionChain, Quote, decimal_of
from domain.packages import assignment_cash, exercise_notional, package_quote
from domain.portfolio import AccountState
from domain.recommendations import (
    ApprovedTrade,
    Decision,
    DecisionAction,
    RecommendationAction,
    RuleResult,
    approved_trade,
)
from domain.risk.control_words import sentence_of
from domain.risk.limits import TradingState
from domain.risk.pretrade import first_preview_refusal, first_refusal
from domain.risk.pretrade_inputs import (
    DayRecord,
    HeldGreeks,
    ListedContract,
    MarginPreview,
    PretradeInputs,
    Stage,
)
from domain.risk.usage import margin_usage
from domain.risk.valuation import with_greeks
from domain.strategies.base import Proposal

ZERO = Decimal(0)
NAMES = UUID("5d3c1f4e-0f55-5d1a-9b1e-6e2f3a9b7c10")
"""Where the ids of a run are drawn from: equal runs have equal ids."""
APPROVER = uuid5(NAMES, "the obedient approver")
RECOMMENDATIONS = uuid5(NAMES, "recommendations")
DECISIONS = uuid5(NAMES, "decisions")
"""From where recommendations and decisions are numbered."""


class Moment(NamedTuple):
    """One slice as the desk lives it. ``closes_at`` leaves time for a decision after it."""

    seen: HistorySlice
    at: datetime
    session: date
    closes_at: datetime
    chains: Mapping[str, OptionChain]


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """An approved trade that has not met its quotes yet."""

    number: int
    trade: ApprovedTrade
    proposal: Proposal
    approved_hash: str
    decided_at: datetime

    @property
    def symbol(self) -> str:
        return self.trade.terms.contract.symbol

    @property
    def ending(self) -> Ending:
        """What is told of a position that it closes: the first rule that called for it."""
        trace, action = self.proposal.rule_trace, self.trade.terms.action
        rule = trace[0].rule if trace and action is not RecommendationAction.OPEN else action
        return Ending(rule.lower(), action)


@dataclass(slots=True)
class Desk:
    """One account, its pending orders, and what was refused."""

    config: BacktestConfig
    account: Account
    strategy: str
    pending: list[PendingOrder] = field(default_factory=list[PendingOrder])
    denials: list[Denial] = field(default_factory=list[Denial])
    orders: int = 0
    equity_at_open: Decimal | None = None
    sent_today: Counter[date] = field(default_factory=Counter[date])
    sent_at: Counter[datetime] = field(default_factory=Counter[datetime])
    opened_today: dict[date, Decimal] = field(default_factory=dict[date, Decimal])

    @property
    def book(self) -> Book:
        return self.account.book

    # --- decisions -------------------------------------------------------------------------------

    def approve(self, proposal: Proposal, at: datetime) -> PendingOrder:
        """Yes, at once, on the terms as they are."""
        self.orders += 1
        decision = Decision.of_checked(
            id=UUID(int=DECISIONS.int + self.orders),
            recommendation_id=UUID(int=RECOMMENDATIONS.int + self.orders),
            action=DecisionAction.APPROVE,
            user_id=APPROVER,
            terms_hash=proposal.terms.hash,
            quantity=None,
            limit_price=None,
            reason=None,
            decided_at=at,
        )
        trade = approved_trade(proposal.terms, decision)
        order = PendingOrder(self.orders, trade, proposal, decision.terms_hash, at)
        self.pending.append(order)
        return order

    def committed_cash(self) -> Decimal:
        """What assignment of the short puts approved and not yet traded would take."""
        return sum((each.trade.terms.assignment_cash for each in self.pending), ZERO)

    # --- orders ----------------------------------------------------------------------------------

    def work(self, now: Moment) -> None:
        """Every pending order whose underlying has a usable quote meets it; the others wait."""
        waiting, self.pending = self.pending, []
        for order in waiting:
            chain = now.chains.get(order.symbol)
            if chain is None:
                self.pending.append(order)
            else:
                self._carry_out(order, chain, now)

    def _carry_out(self, order: PendingOrder, chain: OptionChain, now: Moment) -> None:
        legs = order.trade.terms.legs
        quotes = leg_quotes(legs, chain, now.seen)
        quote = None if quotes is None else package_quote(legs, quotes)
        for attempt in attempts(order.trade, quote, self.config.fills):
            denial = self._judged(order, attempt, quote, chain, now)
            if denial is not None:
                self._deny(order, now, str(denial.code), sentence_of(denial))
                return
            self.sent_today[now.session] += 1
            self.sent_at[now.at] += 1
            if attempt.price is not None:
                assert quotes is not None
                self._fill(order, attempt.price, quotes, now)
                return
        self._deny(order, now, UNFILLED, "the market did not reach the worst price allowed")

    def _deny(self, order: PendingOrder, now: Moment, code: str, reason: str) -> None:
        action = order.trade.terms.action
        self.denials.append(Denial(now.at, order.symbol, action, code, reason))

    def _fill(
        self, order: PendingOrder, price: Decimal, quotes: Sequence[Quote], now: Moment
    ) -> None:
        terms, quantity = order.trade.terms, order.trade.quantity
        if self.config.fills.size_limited:
            there = size_there(terms.legs, quotes)
            quantity = quantity if there is None else min(quantity, there)
        if quantity < order.trade.quantity:
            self._deny(order, now, UNFILLED, f"{quantity} of {order.trade.quantity} traded")
        if not quantity:
            return
        charges = Charges(schedule=self.config.commission)
        charged = ZERO
        prices = leg_prices(terms.legs, quotes, terms.side, price)
        for leg, quote, each in zip(terms.legs, quotes, prices, strict=True):
            count = Decimal(leg.ratio * quantity)
            charges = charges.plus(count, each, is_option=True)
            fill = _execution(order, leg, count, each, quote, charges.total - charged, now.at)
            charged = charges.total
            spot = decimal_of(self.account.spots[leg.contract.symbol])
            settlement = now.chains[leg.contract.symbol].settlement
            instrument = Instrument.of_option(leg.contract, settlement)
            capital = capital_of(leg, terms.opening_legs, spot)
            self.book.fill(fill, instrument, capital, order.ending)
            held = self.book.holdings.get(instrument.key)
            if held is not None:
                self.book.mark_unseen(held, fill.mid)
        if terms.action is not RecommendationAction.CLOSE:
            opened = exercise_notional(terms.opening_legs) * quantity
            before = self.opened_today.get(now.session, ZERO)
            self.opened_today[now.session] = before + opened

    # --- judgement -------------------------------------------------------------------------------

    def _judged(
        self,
        order: PendingOrder,
        attempt: Attempt,
        quote: Quote | None,
        chain: OptionChain,
        now: Moment,
    ) -> RuleResult | None:
        """The first control that refuses, the margin preview asked for only where none has."""
        trade, terms = order.trade, order.trade.terms
        account = self.account.state(now.at)
        others = [each for each in self.pending if each is not order]
        # Made of checked records: to look into each of them again costs as much as the controls.
        inputs = PretradeInputs.of_checked(
            trade=trade,
            quantity=trade.quantity,
            limit_price=attempt.limit_price,
            quote=quote,
            account=account,
            risk=margin_usage(account),
            limits=self.config.limits,
            trading_state=TradingState.ACTIVE,
            approved_hash=order.approved_hash,
            strategy=self.strategy,
            gateway_kind=GatewayKind.SIMULATED,
            listed=_listed(terms.legs, chain, chain.increments),
            record=self._record(now),
            held_greeks=self._held_greeks(account),
            market_now=now.at,
            today=now.session,
            session_open=True,
            session_close=now.closes_at,
            what_if=None,
            what_if_refusal="",
            open_order_keys=(),
            committed_assignment_cash=sum(
                (
                    assignment_cash(
                        each.trade.terms.legs,
                        each.trade.quantity,
                        closing=each.trade.terms.closing_legs,
                    )
                    for each in others
                ),
                ZERO,
            ),
            stage=Stage.BEFORE_PREVIEW,
        )
        denial = first_refusal(inputs)
        if denial is not None or quote is None:
            return denial
        preview = self._preview(order, attempt, quote, now)
        final = inputs.model_copy(update={"what_if": preview, "stage": Stage.FINAL})
        return first_preview_refusal(final)

    def _record(self, now: Moment) -> DayRecord:
        return DayRecord.of_checked(
            orders_last_minute=self.sent_at[now.at],
            orders_today=self.sent_today[now.session],
            notional_today=self.opened_today.get(now.session, ZERO),
            same_trades=(),
            opposite_orders=(),
            contracts_under_way=ZERO,
            notional_under_way=ZERO,
            equity_at_open=self.equity_at_open,
        )

    def _held_greeks(self, account: AccountState) -> dict[str, HeldGreeks] | None:
        limits = self.config.limits
        if limits.max_delta_fraction is None and limits.max_vega_fraction is None:
            return None
        return {
            position.key: HeldGreeks(
                delta=position.greeks.delta,
                vega=position.greeks.vega,
                underlying_price=decimal_of(self.account.spots[position.symbol]),
            )
            for position in with_greeks(account).positions
            if position.greeks is not None
        }

    def _preview(
        self, order: PendingOrder, attempt: Attempt, quote: Quote, now: Moment
    ) -> MarginPreview:
        """Margin and equity as they would be after the trade at its limit, by our own rules."""
        terms, quantity = order.trade.terms, order.trade.quantity
        settlement = now.chains[order.symbol].settlement
        quotes = quote.legs or (quote,)
        charges = Charges(schedule=self.config.commission)
        prices = leg_prices(terms.legs, quotes, terms.side, attempt.limit_price)
        trades: list[Trial] = []
        for leg, leg_quote, price in zip(terms.legs, quotes, prices, strict=True):
            count = Decimal(leg.ratio * quantity)
            charges = charges.plus(count, price, is_option=True)
            instrument = Instrument.of_option(leg.contract, settlement)
            trades.append(Trial(instrument, now.at, leg.side.sign * count, price, leg_quote.mid))
        trial = self.book.after(trades)
        trial.cash -= charges.total
        after = self.account.on(trial)
        asked = after.requirement(now.at)
        return MarginPreview.of_checked(
            init_margin_after=money(asked.initial),
            maint_margin_after=money(asked.maintenance),
            equity_with_loan_after=after.equity_with_loan(),
            commission=charges.total,
        )


def _execution(
    order: PendingOrder,
    leg: Leg,
    quantity: Decimal,
    price: Decimal,
    quote: Quote,
    commission: Decimal,
    at: datetime,
) -> Fill:
    assert quote.mid is not None
    contract = leg.contract
    return Fill(
        at=at,
        order=order.number,
        action=order.trade.terms.action,
        symbol=contract.symbol,
        description=contract.describe(),
        con_id=contract.con_id,
        side=leg.side,
        quantity=quantity,
        price=price,
        multiplier=contract.multiplier,
        mid=quote.mid,
        commission=commission,
        slippage=leg.side.sign * (price - quote.mid) * quantity * contract.multiplier,
        decided_at=order.decided_at,
    )


def _listed(
    legs: Sequence[Leg], chain: OptionChain, increments: PriceIncrements
) -> tuple[ListedContract, ...] | None:
    """The legs as the recorded chain describes them."""
    rows = [row_of(chain, leg.contract.con_id) for leg in legs]
    if any(row is None for row in rows):
        return None
    return tuple(
        ListedContract.of_checked(contract=chain.contract(row), increments=increments)
        for row in rows
        if row is not None
    )
