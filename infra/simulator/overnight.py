"""What changes accounts without an order: early assignment, dividends, splits, interest.

Each duty is one transaction that also remembers that it was done, so a gateway killed in the
middle of a night takes up exactly where it stopped. Clients see new positions and balances, and
nothing else, as at IBKR.

Early assignment follows ``domain.early_exercise``, interest ``domain.cash_interest``. Holders at
the close before an ex-date are owed the dividend, short sellers owe it; it turns into cash on its
pay date. Until then it is part of net liquidation.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

from domain.cash_interest import daily_interest
from domain.early_exercise import Draw, Evening, is_assigned_early
from domain.instruments import Right
from infra.simulator.accounts import CENT, Account, value_account
from infra.simulator.contracts import Security
from infra.simulator.events import PositionsChanged
from infra.simulator.exchange import Exchange
from infra.simulator.market_events import Dividend, Split
from infra.simulator.records import DividendDue, HoldingRecord, LifecycleEvent
from infra.simulator.reference import RISK_FREE_RATE, exchange_date
from infra.simulator.step import Step

_BENCHMARK = Decimal(str(RISK_FREE_RATE))
_ASSIGNED, _DATED = "assigned until", "dated until"


class Overnight:
    """Carries out the nightly duties of one exchange, each once."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._market = exchange.market

    def assign(self) -> None:
        """Early exercise against short options, on the evening of a session."""
        now = self._exchange.clock.now()
        today = exchange_date(now)
        if self._done(_ASSIGNED, today):
            return
        step = Step(now)
        for account in self._exchange.accounts.values():
            trial, changed = Account(account.record()), []
            for holding in account.holdings:
                security = self._security(holding)
                if holding.quantity < 0 and self._is_exercised(security, today):
                    underlying = self._market.book.underlying(security.symbol)
                    cash_before = trial.cash
                    trial.deliver(security, underlying, holding)
                    changed += [security.con_id, underlying.con_id]
                    cash = trial.cash - cash_before
                    step.lifecycle.append(
                        LifecycleEvent(
                            at=now, kind="assignment", account=account.name,
                            con_id=security.con_id, quantity=holding.quantity, cash=cash,
                            detail=security.local_symbol,
                        )
                    )  # fmt: skip
            if changed:
                step.accounts.append(trial)
                step.news.append(PositionsChanged(trial.name, tuple(dict.fromkeys(changed))))
        step.notes[_ASSIGNED] = today.isoformat()
        self._exchange.commit(step)

    def start_date(self) -> None:
        """What a new date brings: interest, splits, dividends, and a fresh day's profit."""
        now = self._exchange.clock.now()
        today = exchange_date(now)
        if self._done(_DATED, today):
            return
        splits = self._effective_splits(today)
        step = self._exchange.cancel_step(
            lambda working: any(leg.security.symbol in splits for leg in working.legs),
            "Corporate action",
        )
        for account in self._exchange.accounts.values():
            trial = Account(account.record())
            changed = [c for split in splits.values() for c in self._split(step, trial, split)]
            self._dividends(step, trial, today)
            self._interest(step, trial, today)
            trial.start_day(value_account(trial, self._market, now).net_liquidation)
            step.accounts.append(trial)
            if changed:
                step.news.append(PositionsChanged(trial.name, tuple(changed)))
        step.notes[_DATED] = today.isoformat()
        self._exchange.commit(step)

    def _done(self, note: str, today: date) -> bool:
        done = self._exchange.ledger.get(note)
        return done is not None and date.fromisoformat(done) >= today

    def _security(self, holding: HoldingRecord) -> Security:
        security = self._market.book.by_id(holding.con_id)
        if security is None:
            raise LookupError(f"no contract {holding.con_id}")
        return security

    def _is_exercised(self, security: Security, today: date) -> bool:
        option_class = security.option_class
        if option_class is None or option_class.cash_settled or security.strike is None:
            return False
        if security.expiry is None or security.expiry <= today:
            return False
        now = self._exchange.clock.now()
        quote = self._market.quote(security, now)
        following = self._market.calendar.add_sessions(today, 1)
        paid = self._market.dividends(security.symbol, today, following)
        option = Evening(
            right=Right.CALL if security.is_call else Right.PUT,
            strike=float(security.strike),
            spot=quote.underlying_price,
            mark=quote.mark,
            dividends=float(sum(dividend.amount for dividend in paid)),
            nights=(following - today).days,
            risk_free=RISK_FREE_RATE,
        )
        return is_assigned_early(option, Draw(self._market.seed, security.con_id, today))

    def _effective_splits(self, today: date) -> dict[str, Split]:
        symbols = self._market.book.underlyings
        splits = (split for symbol in symbols for split in self._market.splits(symbol))
        return {split.symbol: split for split in splits if split.effective == today}

    def _split(self, step: Step, account: Account, split: Split) -> Iterable[int]:
        for holding in account.holdings:
            security = self._security(holding)
            if security.symbol != split.symbol:
                continue
            new, in_lieu = self._after_split(security, holding, split)
            account.exchange_holding(holding.con_id, new)
            account.cash += in_lieu
            step.lifecycle.append(
                LifecycleEvent(
                    at=step.at, kind="split", account=account.name, con_id=new.con_id,
                    quantity=holding.quantity, cash=in_lieu,
                    detail=f"{split.new} for {split.old}: {holding.con_id} became {new.con_id}",
                )
            )  # fmt: skip
            yield from dict.fromkeys((holding.con_id, new.con_id))

    def _after_split(
        self, security: Security, holding: HoldingRecord, split: Split
    ) -> tuple[HoldingRecord, Decimal]:
        """The holding after a split, and the cash for a fraction of a share."""
        ratio = Decimal(split.new) / Decimal(split.old)
        if security.is_option and not split.keeps_multiplier:
            changes = {"con_id": self._market.book.adjusted(security).con_id}
            return holding.model_copy(update=changes), Decimal(0)
        quantity = holding.quantity * split.new / split.old
        whole = quantity.quantize(Decimal(1), rounding=ROUND_DOWN)
        con_id = holding.con_id
        in_lieu = Decimal(0)
        if security.is_option:
            con_id = self._market.book.adjusted(security).con_id
        else:
            price = self._market.spot(security.symbol, self._exchange.clock.now())
            in_lieu = ((quantity - whole) * Decimal(str(price))).quantize(CENT)
        cost = (holding.average_cost / ratio).quantize(Decimal("0.00000001"))
        return HoldingRecord(con_id=con_id, quantity=whole, average_cost=cost), in_lieu

    def _dividends(self, step: Step, account: Account, today: date) -> None:
        for holding in account.holdings:
            security = self._security(holding)
            if security.is_option:
                continue
            for dividend in self._market.dividends(
                security.symbol, today - timedelta(days=1), today
            ):
                account.dividends_due += (_owed(holding, dividend),)
        paid = [due for due in account.dividends_due if due.pay_date <= today]
        for due in paid:
            account.cash += due.amount
            step.lifecycle.append(
                LifecycleEvent(
                    at=step.at, kind="dividend", account=account.name, cash=due.amount,
                    con_id=self._market.book.underlying(due.symbol).con_id, detail=due.symbol,
                )
            )  # fmt: skip
        account.dividends_due = tuple(d for d in account.dividends_due if d.pay_date > today)

    def _interest(self, step: Step, account: Account, today: date) -> None:
        account.accrued_interest += daily_interest(account.cash, _BENCHMARK)
        if today.day != 1:
            return
        booked = account.accrued_interest.quantize(CENT)
        account.cash += booked
        account.accrued_interest -= booked
        step.lifecycle.append(
            LifecycleEvent(at=step.at, kind="interest", account=account.name, cash=booked)
        )


def _owed(holding: HoldingRecord, dividend: Dividend) -> DividendDue:
    amount = (holding.quantity * dividend.amount).quantize(CENT)
    return DividendDue(symbol=dividend.symbol, pay_date=dividend.pay_date, amount=amount)
