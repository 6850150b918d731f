"""What time alone does to an account between two slices: settlement, assignment, carry.

Session by session, in the order of the clock:

1. at its close, options that settle by it expire or are settled;
2. in the evening, holders of American options may exercise early (``domain.early_exercise``);
3. with each new date, splits, then dividends going ex, then a day's interest;
4. at the next open, options that settle in the morning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

from domain.backtest.book import Book, Holding, Instrument
from domain.backtest.recorded import restruck
from domain.backtest.results import Event, EventKind
from domain.backtest.side_data import PastSplit, RateHistory, UnderlyingHistory
from domain.calendar import Session, TradingCalendar
from domain.cash_interest import daily_interest
from domain.commissions import CENT
from domain.early_exercise import Draw, Evening, is_assigned_early
from domain.expiration import SettlementTime, settlement_time
from domain.instruments import OptionContract, Right, Settlement
from domain.market import decimal_of
from domain.settlement import exercise_value, is_exercised, shares_delivered

ZERO = Decimal(0)
ADJUSTED = 1 << 52
"""Marks the numbers of contracts that a split gave another deliverable."""


@dataclass(slots=True)
class Nights:
    """Carries a book from slice to slice. ``spots`` are the underlyings' prices last seen."""

    book: Book
    calendar: TradingCalendar
    histories: Mapping[str, UnderlyingHistory]
    rates: RateHistory
    seed: int
    pays_interest: bool
    spots: dict[str, float] = field(default_factory=dict[str, float])
    notes: dict[str, None] = field(default_factory=dict[str, None])
    """What had to be assumed, each once."""
    _at: datetime | None = None
    _session: date | None = None

    def pass_to(self, at: datetime, session: date) -> None:
        """All that happens after the last call's moment, up to ``at`` on ``session``."""
        before, self._at = self._at, at
        last, self._session = self._session, session
        if before is None or last is None:
            return
        if not self.book.holdings and last == session:
            return
        sessions = self.calendar.sessions_between(last, session)
        for number, each in enumerate(sessions):
            if number:
                self._new_dates(sessions[number - 1].date, each)
                self._settle_morning(sessions[number - 1].date, each.open_at)
            if before < each.close_at <= at:
                self._settle_close(each)
            if number + 1 < len(sessions):
                self._evening(each, sessions[number + 1].date)

    # --- expiry ----------------------------------------------------------------------------------

    def settle_now(self, at: datetime, session: Session) -> None:
        """The close of the first slice's own session, should it be past already."""
        if session.close_at <= at:
            self._settle_close(session)

    def _settle_close(self, session: Session) -> None:
        for held, option in self._expiring(session.date, SettlementTime.PM):
            history = self.histories.get(option.symbol)
            price = None if history is None else history.prices.close_on(session.date)
            self._settle(held, option, session.close_at, self._price(option, price, "close"))

    def _settle_morning(self, last_day: date, at: datetime) -> None:
        for held, option in self._expiring(last_day, SettlementTime.AM):
            history = self.histories.get(option.symbol)
            day = self._session_of(at)
            price = None if history is None else history.prices.open_on(day)
            self._settle(held, option, at, self._price(option, price, "open"))

    def _session_of(self, open_at: datetime) -> date:
        session = self.calendar.session_at(open_at)
        assert session is not None
        return session.date

    def _expiring(
        self, last_day: date, when: SettlementTime
    ) -> list[tuple[Holding, OptionContract]]:
        return [
            (held, option)
            for _, held in sorted(self.book.holdings.items())
            if (option := held.instrument.option) is not None
            and settlement_time(option.trading_class) is when
            and self.calendar.last_trading_day_on_or_before(option.expiry) <= last_day
        ]

    def _price(self, option: OptionContract, official: float | None, which: str) -> Decimal:
        if official is not None:
            return decimal_of(official)
        words = f"{option.symbol}: no official {which} on {option.expiry}"
        self.notes[f"{words}; settled at the price last seen"] = None
        return decimal_of(self.spots[option.symbol])

    def _settle(self, held: Holding, option: OptionContract, at: datetime, price: Decimal) -> None:
        is_short, inside = held.quantity < 0, is_exercised(option, price)
        if inside and held.instrument.settlement is Settlement.PHYSICAL:
            kind = EventKind.ASSIGNED if is_short else EventKind.EXERCISED
            self._deliver(held, option, at, kind)
            return
        value = exercise_value(option, price) if inside else ZERO
        kind = EventKind.SETTLED if inside else EventKind.EXPIRED
        event = Event(
            at=at,
            kind=kind,
            symbol=option.symbol,
            description=option.describe(),
            con_id=option.con_id,
            quantity=-held.quantity,
            cash=held.units * value,
            price=price,
        )
        self.book.end_option(held, event, value)

    def _deliver(
        self, held: Holding, option: OptionContract, at: datetime, kind: EventKind
    ) -> None:
        """The option goes at nothing; the shares come or go at its strike."""
        contracts = held.quantity
        shares = shares_delivered(option, contracts)
        premium = held.average_cost / option.multiplier
        gone = Event(
            at, kind, option.symbol, option.describe(), option.con_id, -contracts,
            price=option.strike,
        )  # fmt: skip
        self.book.end_option(held, gone, ZERO)
        moved = Event(
            at=at,
            kind=kind,
            symbol=option.symbol,
            description=f"{option.symbol} shares",
            quantity=shares,
            cash=-shares * option.strike,
            price=option.strike,
            detail=option.describe(),
        )
        is_call = option.right is Right.CALL
        basis = option.strike + premium if is_call else option.strike - premium
        ends = "called_away" if is_call and shares < 0 else kind.lower()
        self.book.deliver_shares(moved, option.strike, basis, ends)

    # --- the evening -----------------------------------------------------------------------------

    def _evening(self, session: Session, following: date) -> None:
        for _, held in sorted(self.book.holdings.items()):
            option = held.instrument.option
            if option is None or held.quantity >= 0 or held.mark is None:
                continue
            if held.instrument.settlement is Settlement.CASH or option.expiry <= session.date:
                continue
            history, spot = self.histories.get(option.symbol), self.spots.get(option.symbol)
            if history is None or spot is None:
                continue
            paid = history.dividends_between(session.date, following)
            evening = Evening(
                right=option.right,
                strike=float(option.strike),
                spot=spot,
                mark=float(held.mark),
                dividends=float(sum(each.amount for each in paid)),
                nights=(following - session.date).days,
                risk_free=self.rates.on(session.date),
            )
            if is_assigned_early(evening, Draw(self.seed, option.con_id, session.date)):
                self._deliver(held, option, session.close_at, EventKind.ASSIGNED_EARLY)

    # --- new dates -------------------------------------------------------------------------------

    def _new_dates(self, after: date, session: Session) -> None:
        for offset in range(1, (session.date - after).days + 1):
            day = after + timedelta(days=offset)
            for symbol in sorted({each.instrument.symbol for each in self.book.holdings.values()}):
                history = self.histories.get(symbol)
                if history is not None:
                    for split in history.splits_between(day - timedelta(days=1), day):
                        self._split(symbol, split, session.open_at)
                    self._dividends(symbol, history, day, session.open_at)
            if self.pays_interest:
                self._interest(day, session.open_at)

    def _dividends(self, symbol: str, history: UnderlyingHistory, day: date, at: datetime) -> None:
        """Paid on the ex-date, to who held the shares before it: pay dates are seldom recorded."""
        held = self.book.shares(symbol)
        if not held:
            return
        for paid in history.dividends_between(day - timedelta(days=1), day):
            cash = (held * paid.amount).quantize(CENT)
            self.book.record(
                Event(at, EventKind.DIVIDEND, symbol, f"{symbol} shares", cash=cash,
                      price=paid.amount, detail=f"ex {paid.ex_date}")
            )  # fmt: skip

    def _interest(self, day: date, at: datetime) -> None:
        if not self.rates.is_known(day):
            self.notes["no interest rate is known: cash earns and owes nothing"] = None
            return
        rate = decimal_of(self.rates.on(day))
        self.book.accrued_interest += daily_interest(self.book.cash, rate)
        if day.day != 1:
            return
        booked = self.book.accrued_interest.quantize(CENT)
        self.book.accrued_interest -= booked
        self.book.record(
            Event(at, EventKind.INTEREST, "", "interest on cash", cash=booked, detail=f"to {day}")
        )

    # --- splits ----------------------------------------------------------------------------------

    def _split(self, symbol: str, split: PastSplit, at: datetime) -> None:
        spot = self.spots.get(symbol)
        if spot is not None:
            self.spots[symbol] = spot / float(split.ratio)
        for held in self.book.on(symbol):
            if held.instrument.option is None:
                self._split_shares(held, split.ratio, at)
            else:
                self._split_option(held, held.instrument.option, split.ratio, at)

    def _split_shares(self, held: Holding, ratio: Fraction, at: datetime) -> None:
        """Whole shares; cash for a fraction of one."""
        before = held.quantity
        exact = before * ratio.numerator / ratio.denominator
        whole = exact.quantize(Decimal(1), rounding=ROUND_DOWN)
        per_share = decimal_of(self.spots[held.instrument.symbol])
        cash = ((exact - whole) * per_share).quantize(CENT)
        words = f"{ratio.numerator} for {ratio.denominator}"
        self.book.split_shares(held, whole, Decimal(ratio.numerator) / ratio.denominator)
        self.book.record(
            Event(at, EventKind.SPLIT, held.instrument.symbol, held.instrument.description,
                  quantity=whole - before, cash=cash, detail=words)
        )  # fmt: skip

    def _split_option(
        self, held: Holding, option: OptionContract, ratio: Fraction, at: datetime
    ) -> None:
        """OCC's rule: by a whole ratio more contracts at a lower strike, else another deliverable.

        Source: OCC By-Laws, Article VI, Section 11A.
        """
        factor = Decimal(ratio.numerator) / ratio.denominator
        strike = (option.strike / factor).quantize(Decimal("0.01"))
        if ratio.denominator == 1:
            changes, contracts = {"strike": strike}, factor
        else:
            changes = {
                "multiplier": option.multiplier * factor,
                "strike": strike,
                "trading_class": f"{option.trading_class}1",
            }
            contracts = Decimal(1)
        renamed = option.model_copy(update=changes)
        new = renamed.model_copy(update={"con_id": _number_of(option, renamed)})
        before = held.quantity
        words = f"{ratio.numerator} for {ratio.denominator}: became {new.describe()}"
        instrument = Instrument.of_option(new, held.instrument.settlement)
        self.book.restate_option(held, instrument, contracts)
        for each, quantity in ((option, -before), (new, held.quantity)):
            self.book.record(
                Event(at, EventKind.SPLIT, each.symbol, each.describe(), each.con_id, quantity,
                      detail=words)
            )  # fmt: skip


def _number_of(old: OptionContract, new: OptionContract) -> int:
    """The recorded number of a restated contract; one with another deliverable gets its own."""
    number = restruck(old.con_id, float(new.strike))
    return number if new.trading_class == old.trading_class else number | ADJUSTED
