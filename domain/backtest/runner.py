"""Runs a strategy over recorded markets, as the live desk would have run it.

At each slice, in this order:

1. *settle, assign*: what time has done since the slice before (``nights``);
2. *mark*: holdings at the middle of their quotes, at the last known price where there is none;
3. what was approved at an earlier slice meets these quotes (``desk``): judged by the controls,
   then filled, refused, or lapsed;
4. *lifecycle*: whether the broker calls for margin, or closes what a call did not mend;
5. *strategy*: what the strategy proposes on this slice's market and account;
6. *decide*: every proposal is approved;
7. *fill*: at once where the config says so (``same_quote``), else at step 3 of the next slice.

Nothing that a later slice says can change what an earlier one led to.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid5

import numpy as np

from domain.backtest.account import ACCOUNT, Account
from domain.backtest.benchmarks import Benchmarks
from domain.backtest.book import Book, Instrument
from domain.backtest.config import BacktestConfig, MarginModel
from domain.backtest.conservation import conserved
from domain.backtest.cycles import Cycles
from domain.backtest.desk import NAMES, Desk, Moment
from domain.backtest.digest import with_digest
from domain.backtest.history import HistoricalChains, HistorySlice
from domain.backtest.margin import (
    ModelRow,
    margin_leg,
    model_row,
    portfolio_maintenance,
    strategy_based,
)
from domain.backtest.margin_calls import MarginCalls
from domain.backtest.market import FactsOnDemand, SliceMarket, mid_of, usable_chains, windowed
from domain.backtest.nights import Nights
from domain.backtest.results import (
    BacktestProgress,
    BacktestResult,
    EquityCurve,
    Skip,
)
from domain.backtest.settings import backtest_settings
from domain.backtest.soundness import graded_where_unsound
from domain.backtest.stats import statistics
from domain.calendar import Session, TradingCalendar
from domain.market import OptionChain, decimal_of
from domain.offers import Standing, choose
from domain.portfolio import AccountState
from domain.risk.deferred import DeferredRiskState
from domain.risk.valuation import exchange_today
from domain.strategies.base import BaseStrategy, StrategyConfig, StrategyContext, StrategyResult
from domain.strategies.registry import strategy_named

ZERO = Decimal(0)
PROGRESS_EVERY = 10
MOST_ERRORS = 20
INSTANCE = uuid5(NAMES, "instance")


def run_backtest(
    config: BacktestConfig,
    history: HistoricalChains,
    calendar: TradingCalendar,
    progress: Callable[[BacktestProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> BacktestResult:
    """The whole run; deterministic in its config and its data.

    ``should_stop`` is asked at every slice; a stopped run has the result of what it has done.
    Raises GreenlightError STRATEGY_UNRESOLVED or CONFIG_INVALID, and DATA_INVALID where the data
    has no slice in the span.
    """
    strategy = strategy_named(config.strategy)
    settings = backtest_settings(strategy, config.config, tuple(history.underlyings()))
    run = _Run(config, history, calendar, strategy, settings)
    numbers = _numbers(config, history)
    stopped = False
    for done, number in enumerate(numbers, start=1):
        if should_stop is not None and should_stop():
            stopped = True
            break
        session = run.step(history.slice(number))
        if progress is not None and (done % PROGRESS_EVERY == 0 or done == len(numbers)):
            progress(BacktestProgress(done, len(numbers), session))
    return run.result(stopped=stopped)


def _numbers(config: BacktestConfig, history: HistoricalChains) -> list[int]:
    return [
        number
        for number, at in enumerate(history.timestamps())
        if (config.start is None or exchange_today(at) >= config.start)
        and (config.end is None or exchange_today(at) <= config.end)
    ]


@dataclass(slots=True)
class _Run:
    config: BacktestConfig
    history: HistoricalChains
    calendar: TradingCalendar
    strategy: type[BaseStrategy]
    settings: StrategyConfig
    book: Book = field(init=False)
    desk: Desk = field(init=False)
    nights: Nights = field(init=False)
    cycles: Cycles = field(init=False)
    calls: MarginCalls = field(init=False)
    curve: EquityCurve = field(default_factory=EquityCurve)
    skipped: list[Skip] = field(default_factory=list[Skip])
    errors: list[str] = field(default_factory=list[str])
    margin_rows: list[ModelRow] = field(default_factory=list[ModelRow])
    seen_sessions: list[date] = field(default_factory=list[date])
    compared: Benchmarks | None = None
    proposed: int = 0
    idle: tuple[AccountState, StrategyContext] | None = None
    """Of the last slice on which the strategy offered nothing."""

    def __post_init__(self) -> None:
        histories = self.history.underlyings()
        self.book = Book(self.config.currency, self.config.cash)
        self.cycles = Cycles(self.book)
        self.nights = Nights(
            self.book,
            self.calendar,
            histories,
            self.history.rates,
            self.config.seed,
            self.config.interest,
        )
        indexes = frozenset(symbol for symbol, each in histories.items() if each.is_index)
        slug = self.strategy.slug
        account = Account(self.config, self.book, self.nights.spots, indexes)
        self.desk = Desk(self.config, account, slug)
        self.calls = MarginCalls(self.desk)
        symbol = self.config.benchmark or next(iter(sorted(histories)), "")
        if symbol in histories:
            self.compared = Benchmarks.on(
                symbol, histories, self.calendar, self.history.rates, float(self.config.cash)
            )

    # --- one slice -------------------------------------------------------------------------------

    def step(self, seen: HistorySlice) -> date:
        if not self.calendar.is_session(seen.session):
            self.skipped.append(Skip(seen.session, "", "the exchange did not trade on this date"))
            return seen.session
        session = self.calendar.session_on(seen.session)
        is_new = not self.seen_sessions or self.seen_sessions[-1] != seen.session
        if is_new:
            self.seen_sessions.append(seen.session)
            self.desk.equity_at_open = self.curve.equity[-1] if len(self.curve) else self.book.cash
        now = self._moment(seen, session)
        self.nights.pass_to(now.at, now.session)
        self._mark(now)
        self.desk.work(now)
        self.calls.look(now)
        self._propose(now)
        if self.config.fills.same_quote:
            self.desk.work(now)
        self._write_down(now)
        if self.compared is not None:
            chain = now.chains.get(self.compared.symbol)
            self.compared.observe(now.at, now.session, chain)
        return seen.session

    def _moment(self, seen: HistorySlice, session: Session) -> Moment:
        """A snapshot at or after the close is decided on as if the session went on for as long
        as a decision takes: end-of-day data knows no other time."""
        for symbol, faults in seen.faults.items():
            reason = "; ".join(str(fault) for fault in faults)
            self.skipped.append(Skip(seen.session, symbol, reason))
        decision = timedelta(minutes=self.settings.decision_minutes)
        closes_at = max(session.close_at, seen.at + decision)
        return Moment(seen, seen.at, seen.session, closes_at, usable_chains(seen))

    def _mark(self, now: Moment) -> None:
        spots = self.nights.spots
        for symbol, chain in now.chains.items():
            spots[symbol] = chain.underlying_price
        self.book.changes += 1
        for held in self.book.holdings.values():
            instrument = held.instrument
            chain = now.chains.get(instrument.symbol)
            mark = None if chain is None else _mark_in(chain, instrument)
            held.carried = mark is None
            held.mark = held.mark if mark is None else mark

    # --- strategy and decisions ------------------------------------------------------------------

    def _propose(self, now: Moment) -> None:
        account = self.desk.account.state(now.at)
        context = self._context(now, account)
        try:
            result = self._decided(account, context, now)
        except Exception:  # a strategy's fault is the run's error, as it is on the live desk
            if len(self.errors) < MOST_ERRORS:
                self.errors.append(f"{now.session}: {traceback.format_exc(limit=8)}")
            return
        self.proposed += len(result.proposals)
        if not result.proposals:
            self.idle = account, context
        before = [
            Standing(each.number, each.trade.terms, context.instance_id, context.name, False)
            for each in self.desk.pending
        ]
        for number in choose(result.proposals, before, context.instance_id).made:
            self.desk.approve(result.proposals[number], now.at)

    def _decided(
        self, account: AccountState, context: StrategyContext, now: Moment
    ) -> StrategyResult:
        """What the strategy makes of the slice, graded as the live desk grades its chains."""
        strategy, risk = self.strategy(), DeferredRiskState.of(account)
        result = strategy.generate_signals(account, risk, context)
        if not result.proposals:
            return result
        market, rate = context.market, self.history.rates.on(now.session)
        assert isinstance(market, SliceMarket)
        sound = graded_where_unsound(market, result.proposals, rate)
        if sound is None:
            return result
        return strategy.generate_signals(account, risk, replace(context, market=sound))

    def _context(self, now: Moment, account: AccountState) -> StrategyContext:
        histories = self.history.underlyings()
        market = SliceMarket(
            as_of=now.at,
            today=now.session,
            chains={
                symbol: self._window(chain, now, account) for symbol, chain in now.chains.items()
                if symbol in self.settings.universe
            },
            facts=FactsOnDemand(histories, now.at, now.session),
            vix=self._vix(now),
        )  # fmt: skip
        return StrategyContext(
            instance_id=INSTANCE,
            name=f"{self.strategy.title}, backtest",
            account_code=ACCOUNT,
            config=self.settings,
            market=market,
            session_close=now.closes_at,
            working_symbols=frozenset(each.symbol for each in self.desk.pending),
            committed_cash=self.desk.committed_cash(),
            cycles=self.cycles,
            limits=self.config.limits,
            explains=False,
        )

    def _window(self, chain: OptionChain, now: Moment, account: AccountState) -> OptionChain:
        held = account.on(chain.symbol)
        return windowed(
            chain, now.session, held, lambda on: self.strategy.window_on(self.settings, on)
        )

    def _vix(self, now: Moment) -> float | None:
        """Its close of today once the session is over, else that of the session before."""
        series = self.history.vix
        if series is None:
            return None
        session = self.calendar.session_on(now.session)
        today = series.on(now.session) if now.at >= session.close_at else None
        return today or series.on(self.calendar.add_sessions(now.session, -1))

    # --- the record ------------------------------------------------------------------------------

    def _write_down(self, now: Moment) -> None:
        book, curve, spots = self.book, self.curve, self.nights.spots
        number = len(curve)
        held = list(book.holdings.values())
        seen = [spots.get(each.instrument.symbol, float("nan")) for each in held]
        pairs = list(zip(held, seen, strict=True))
        self.margin_rows += [model_row(each, spot, now.at, number) for each, spot in pairs]
        if self.config.margin is MarginModel.REG_T:
            reg_t = self.desk.account.requirement(now.at).maintenance
        else:
            reg_t = strategy_based([margin_leg(each, spot) for each, spot in pairs]).maintenance
        curve.at.append(now.at)
        curve.session.append(now.session)
        curve.cash.append(book.cash)
        curve.positions.append(book.positions_value)
        curve.accrued.append(book.accrued_interest)
        curve.equity.append(book.equity)
        curve.with_loan.append(self.desk.account.equity_with_loan())
        curve.reg_t.append(reg_t)
        curve.exposure.append(self._exposure())
        curve.carried.append(sum(each.carried for each in held))

    def _exposure(self) -> float:
        """Gross notional over equity: strikes of what is short, the value of what is long."""
        at_stake = ZERO
        for held in self.book.holdings.values():
            option = held.instrument.option
            if option is not None and held.quantity < 0:
                at_stake += abs(held.units) * option.strike
            else:
                at_stake += abs(held.value)
        equity = self.book.equity
        return float(at_stake / equity) if equity > 0 else float("nan")

    def result(self, *, stopped: bool) -> BacktestResult:
        curve = self.curve
        self._margin_columns()
        if len(curve):
            self.skipped += [
                Skip(day, "", "no data of this session") for day in self._missing_sessions()
            ]
        trades = self.book.close_trades(curve.at[-1]) if len(curve) else ()
        result = BacktestResult(
            label=self.history.label,
            strategy=self.strategy.slug,
            curve=curve,
            trades=trades,
            fills=tuple(self.book.fills),
            events=tuple(self.book.events),
            denials=tuple(self.desk.denials),
            skipped=tuple(sorted(self.skipped)),
            errors=(*self.errors, *conserved(self.book, self.config.cash)),
            notes=(*self._why_nothing_was_traded(), *self.nights.notes),
            benchmarks=() if self.compared is None else self.compared.results(),
            stats={},
            stopped=stopped,
            digest="",
        )
        told = statistics(result, self.config, self.history.rates)
        return with_digest(replace(result, stats=told), self.config, self.history.digest)

    def _why_nothing_was_traded(self) -> Iterator[str]:
        """A run without a trade is otherwise hard to tell from one with a limit set too tight."""
        if self.book.fills:
            return
        if self.proposed:
            refused = Counter(each.code for each in self.desk.denials).most_common()
            named = ", ".join(f"{count} {code}" for code, count in refused)
            yield f"no approved trade was filled: {named or 'none met a usable quote'}"
            if refused and not self.config.fills.same_quote:
                yield "a decision meets the next quotes recorded, unless fills say same_quote"
        elif self.idle is not None:
            account, context = self.idle
            reason = self._reason_given(account, replace(context, explains=True))
            yield f"nothing was offered in the whole run; on {context.market.today}: {reason}"

    def _reason_given(self, account: AccountState, context: StrategyContext) -> str:
        try:
            risk = DeferredRiskState.of(account)
            found = self.strategy().generate_signals(account, risk, context)
        except Exception as error:  # a strategy that cannot explain itself spoils no run
            return f"the strategy cannot say: {error}"
        return found.no_trade_reason or "the strategy gives no reason"

    def _margin_columns(self) -> None:
        """The portfolio estimate of every slice, worked out for all of them at once."""
        curve = self.curve
        estimate = portfolio_maintenance(self.margin_rows, len(curve))
        curve.portfolio_margin = [round(value, 2) for value in estimate.tolist()]
        curve.reg_t = [round(value, 2) for value in curve.reg_t]
        by_portfolio = self.config.margin is MarginModel.PORTFOLIO
        curve.margin = list(curve.portfolio_margin if by_portfolio else curve.reg_t)
        curve.pm_usage = [
            round(margin / float(equity), 6) if equity > 0 else float(np.nan)
            for margin, equity in zip(curve.margin, curve.with_loan, strict=True)
        ]

    def _missing_sessions(self) -> Iterator[date]:
        seen = frozenset(self.seen_sessions)
        for each in self.calendar.sessions_between(self.seen_sessions[0], self.seen_sessions[-1]):
            if each.date not in seen:
                yield each.date


def _mark_in(chain: OptionChain, instrument: Instrument) -> Decimal | None:
    if instrument.option is None:
        return decimal_of(chain.underlying_price)
    return mid_of(chain, instrument.con_id)
