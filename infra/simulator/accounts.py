"""Accounts: cash, holdings and what they are worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import nan

from domain.commissions import CENT
from infra.simulator.contracts import ContractBook, Security
from infra.simulator.margin import MarkedPosition, Requirement, requirement
from infra.simulator.market import Market
from infra.simulator.portfolio_margin import portfolio_requirement
from infra.simulator.records import AccountRecord, HoldingRecord, MarginModel

BUYING_POWER_MULTIPLES = {MarginModel.REGT: 4.0, MarginModel.PORTFOLIO: 1 / 0.15}
"""Stock an account may buy per unit of available funds: intraday Reg-T, or the equity range."""


@dataclass(frozen=True, slots=True)
class PositionValue:
    holding: HoldingRecord
    security: Security
    mark: float
    spot: float
    iv: float = nan
    years: float = 0.0

    @property
    def marked(self) -> MarkedPosition:
        quantity = float(self.holding.quantity)
        return MarkedPosition(self.security, quantity, self.mark, self.spot, self.iv, self.years)

    @property
    def market_value(self) -> float:
        return self.marked.value

    @property
    def unrealized_pnl(self) -> float:
        return self.market_value - float(self.holding.quantity * self.holding.average_cost)


@dataclass(frozen=True)
class AccountValues:
    """One account's balances at one market time, USD."""

    account: str
    cash: float
    positions: tuple[PositionValue, ...]
    margin: Requirement
    realized_pnl: float
    day_start_equity: float | None
    margin_model: MarginModel = MarginModel.REGT
    accrued_interest: float = 0.0
    accrued_dividends: float = 0.0

    @property
    def stock_value(self) -> float:
        return sum(p.market_value for p in self.positions if not p.security.is_option)

    @property
    def option_value(self) -> float:
        return sum(p.market_value for p in self.positions if p.security.is_option)

    @property
    def gross_position_value(self) -> float:
        return sum(abs(p.market_value) for p in self.positions)

    @property
    def net_liquidation(self) -> float:
        accrued = self.accrued_interest + self.accrued_dividends
        return self.cash + self.stock_value + self.option_value + accrued

    @property
    def equity_with_loan(self) -> float:
        """Reg-T gives options no loan value; portfolio margin counts everything."""
        if self.margin_model is MarginModel.PORTFOLIO:
            return self.net_liquidation
        return self.cash + self.stock_value

    @property
    def available_funds(self) -> float:
        return self.equity_with_loan - self.margin.initial

    @property
    def excess_liquidity(self) -> float:
        return self.equity_with_loan - self.margin.maintenance

    @property
    def buying_power(self) -> float:
        return max(self.available_funds, 0.0) * BUYING_POWER_MULTIPLES[self.margin_model]

    @property
    def unrealized_pnl(self) -> float:
        return sum(p.unrealized_pnl for p in self.positions)

    @property
    def daily_pnl(self) -> float:
        start = self.day_start_equity
        return 0.0 if start is None else self.net_liquidation - start

    def tags(self) -> dict[str, tuple[str, str]]:
        """TWS account tags: tag → (value, currency)."""
        cushion = self.excess_liquidity / self.net_liquidation if self.net_liquidation else 0.0
        money = {
            "NetLiquidation": self.net_liquidation,
            "TotalCashValue": self.cash,
            "SettledCash": self.cash,
            "AccruedCash": self.accrued_interest,
            "AccruedDividend": self.accrued_dividends,
            "EquityWithLoanValue": self.equity_with_loan,
            "PreviousDayEquityWithLoanValue": self.day_start_equity or self.equity_with_loan,
            "BuyingPower": self.buying_power,
            "AvailableFunds": self.available_funds,
            "ExcessLiquidity": self.excess_liquidity,
            "InitMarginReq": self.margin.initial,
            "MaintMarginReq": self.margin.maintenance,
            "FullInitMarginReq": self.margin.initial,
            "FullMaintMarginReq": self.margin.maintenance,
            "FullAvailableFunds": self.available_funds,
            "FullExcessLiquidity": self.excess_liquidity,
            "LookAheadInitMarginReq": self.margin.initial,
            "LookAheadMaintMarginReq": self.margin.maintenance,
            "LookAheadAvailableFunds": self.available_funds,
            "LookAheadExcessLiquidity": self.excess_liquidity,
            "GrossPositionValue": self.gross_position_value,
            "StockMarketValue": self.stock_value,
            "OptionMarketValue": self.option_value,
            "UnrealizedPnL": self.unrealized_pnl,
            "RealizedPnL": self.realized_pnl,
        }
        words = {
            "AccountType": ("INDIVIDUAL", ""),
            "AccountCode": (self.account, ""),
            "AccountReady": ("true", ""),
            "Cushion": (f"{cushion:.6f}", ""),
            "DayTradesRemaining": ("-1", ""),
            "LookAheadNextChange": ("0", ""),
            "Leverage-S": (f"{self.gross_position_value / max(self.net_liquidation, 1):.2f}", ""),
            "Currency": ("USD", "USD"),
        }
        return words | {tag: (f"{value:.2f}", "USD") for tag, value in money.items()}


class Account:
    """One account's cash and holdings, changed only by fills and settlements."""

    def __init__(self, record: AccountRecord) -> None:
        self.name = record.account
        self.margin_model = record.margin
        self.cash = record.cash
        self.realized_pnl = record.realized_pnl
        self.day_start_equity = record.day_start_equity
        self.accrued_interest = record.accrued_interest
        self.dividends_due = record.dividends_due
        self._holdings = {h.con_id: h for h in record.holdings}

    @property
    def holdings(self) -> tuple[HoldingRecord, ...]:
        return tuple(self._holdings.values())

    def record(self) -> AccountRecord:
        return AccountRecord(
            account=self.name,
            cash=self.cash,
            margin=self.margin_model,
            realized_pnl=self.realized_pnl,
            holdings=self.holdings,
            day_start_equity=self.day_start_equity,
            accrued_interest=self.accrued_interest,
            dividends_due=self.dividends_due,
        )

    def quantity(self, con_id: int) -> Decimal:
        holding = self._holdings.get(con_id)
        return holding.quantity if holding else Decimal(0)

    def holding(self, con_id: int) -> HoldingRecord:
        """The holding, of quantity 0 when there is none."""
        empty = HoldingRecord(con_id=con_id, quantity=Decimal(0), average_cost=Decimal(0))
        return self._holdings.get(con_id, empty)

    def apply_trade(
        self, security: Security, quantity: Decimal, price: Decimal, commission: Decimal
    ) -> Decimal | None:
        """Book a signed trade; returns the realised profit of what it closed, None if nothing.

        Commissions are part of the cost of what is opened and of the profit of what is closed,
        as IBKR reports them.
        """
        held = self.holding(security.con_id)
        self.cash -= quantity * price * security.multiplier + commission
        unit = price * security.multiplier
        closing = min(abs(quantity), abs(held.quantity)) if quantity * held.quantity < 0 else 0
        opening = abs(quantity) - closing
        sign = 1 if quantity > 0 else -1
        realized: Decimal | None = None
        if closing:
            gain = -sign * closing * (unit - held.average_cost)
            realized = (gain - commission * closing / abs(quantity)).quantize(CENT)
            self.realized_pnl += realized
        left = held.quantity + quantity
        kept = held.quantity + sign * closing
        total = kept * held.average_cost
        total += sign * opening * unit + commission * opening / abs(quantity)
        average = (total / left).quantize(Decimal("0.00000001")) if left else Decimal(0)
        self._put(security.con_id, left, average)
        return realized

    def settle_option(
        self, security: Security, underlying: Security, settlement_price: Decimal
    ) -> list[int]:
        """Expire a holding at its settlement; returns the contract ids that changed.

        At a cent in the money or more it is exercised or assigned: cash for cash-settled classes,
        shares at the strike otherwise. The premium of an option that turns into shares realises
        nothing by itself: it becomes part of the price of the shares, as in IBKR's statements.
        """
        held = self.holding(security.con_id)
        strike = security.strike or Decimal(0)
        value = settlement_price - strike if security.is_call else strike - settlement_price
        cash_settled = security.option_class is not None and security.option_class.cash_settled
        in_the_money = value >= CENT
        if in_the_money and not cash_settled:
            self.deliver(security, underlying, held)
            return [security.con_id, underlying.con_id]
        close_price = value if in_the_money else Decimal(0)
        self.apply_trade(security, -held.quantity, close_price, Decimal(0))
        return [security.con_id]

    def deliver(self, security: Security, underlying: Security, held: HoldingRecord) -> None:
        """Turn options of a holding into shares at the strike, their premium into cost basis."""
        strike = security.strike or Decimal(0)
        premium = held.average_cost / security.multiplier
        shares = held.quantity * security.multiplier * (1 if security.is_call else -1)
        left = self.quantity(security.con_id) - held.quantity
        self._put(security.con_id, left, held.average_cost)
        basis = strike + premium if security.is_call else strike - premium
        self.apply_trade(underlying, shares, basis, Decimal(0))
        # The premium was paid long ago: only the strike changes hands today.
        self.cash += shares * (basis - strike)

    def exchange_holding(self, old: int, new: HoldingRecord) -> None:
        """Put one holding in the place of another, at no price: what a split does."""
        self._put(old, Decimal(0), Decimal(0))
        self._put(new.con_id, new.quantity, new.average_cost)

    def start_day(self, equity: float) -> None:
        self.realized_pnl = Decimal(0)
        self.day_start_equity = Decimal(str(round(equity, 2)))

    def _put(self, con_id: int, quantity: Decimal, average_cost: Decimal) -> None:
        if quantity:
            self._holdings[con_id] = HoldingRecord(
                con_id=con_id, quantity=quantity, average_cost=average_cost
            )
        else:
            self._holdings.pop(con_id, None)


_REQUIREMENTS: dict[MarginModel, Callable[[Sequence[MarkedPosition]], Requirement]] = {
    MarginModel.REGT: requirement,
    MarginModel.PORTFOLIO: portfolio_requirement,
}


def value_account(
    account: Account,
    market: Market,
    at: datetime,
    hypothetical: Iterable[tuple[Security, Decimal, Decimal]] = (),
) -> AccountValues:
    """Balances and margin at ``at``, after ``hypothetical`` trades (security, quantity, price)."""
    trial = Account(account.record())
    for security, quantity, price in hypothetical:
        trial.apply_trade(security, quantity, price, Decimal(0))
    positions = _value_positions(trial.holdings, market, at)
    return AccountValues(
        account=account.name,
        cash=float(trial.cash),
        positions=positions,
        margin=_REQUIREMENTS[trial.margin_model]([p.marked for p in positions]),
        realized_pnl=float(trial.realized_pnl),
        day_start_equity=None if trial.day_start_equity is None else float(trial.day_start_equity),
        margin_model=trial.margin_model,
        accrued_interest=float(trial.accrued_interest),
        accrued_dividends=float(sum(due.amount for due in trial.dividends_due)),
    )


def _value_positions(
    holdings: Sequence[HoldingRecord], market: Market, at: datetime
) -> tuple[PositionValue, ...]:
    securities = [_require(market.book, h.con_id) for h in holdings]
    quotes = market.quotes(securities, at)
    return tuple(
        PositionValue(h, s, q.mark, q.underlying_price, q.iv, market.years_left(s, at))
        for h, s, q in zip(holdings, securities, quotes, strict=True)
    )


def _require(book: ContractBook, con_id: int) -> Security:
    security = book.by_id(con_id)
    if security is None:
        raise LookupError(f"no contract {con_id}")
    return security
