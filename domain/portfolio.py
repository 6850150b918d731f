"""What an account is worth and what it holds, as the strategies and controls see it.

Amounts are Decimal in the account's base currency. The records are built from the broker's own
figures and quotes; ``domain.risk.valuation`` adds our own greeks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Self

from pydantic import AwareDatetime, Field, model_validator

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen, OptionContract, Right, SecType, Settlement
from domain.market import Quote, QuoteQuality
from domain.put_cover import most_at_settlement
from domain.underlyings import ComingDividend

ZERO = Decimal(0)


class AccountValues(Frozen):
    """The broker's account figures at one instant, in the base currency.

    Names follow TWS: ``equity_with_loan`` is EquityWithLoanValue, the base of margin usage;
    ``maint_margin`` is FullMaintMarginReq (or MaintMarginReq where that is all there is).
    """

    account_code: str = Field(min_length=1)
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    net_liquidation: Decimal
    cash: Decimal = Field(description="TotalCashValue; negative when borrowed")
    equity_with_loan: Decimal
    buying_power: Decimal
    available_funds: Decimal
    excess_liquidity: Decimal
    init_margin: Decimal
    maint_margin: Decimal
    gross_position_value: Decimal
    as_of: AwareDatetime = Field(description="market time of the observation")


class PositionGreeks(Frozen):
    """Our own value and sensitivities of one long unit, per share of the underlying."""

    price: float
    iv: float | None = Field(description="annualised, decimal; None for what is no option")
    delta: float
    gamma: float
    vega: float = Field(description="per 1.00 of volatility")
    theta_per_day: float = Field(description="per calendar day that passes")


class UnderlyingState(Frozen):
    """What is known of an underlying that is held in any form; None or empty where nothing is."""

    symbol: str = Field(min_length=1)
    is_index: bool = False
    price: Decimal | None = Field(default=None, description="per share, or index points")
    quality: QuoteQuality | None = None
    as_of: AwareDatetime | None = Field(default=None, description="market time of the price")
    sector: str | None = None
    beta: float | None = Field(default=None, description="to the S&P 500")
    dividends: tuple[ComingDividend, ...] = Field(default=(), description="ahead, by ex-date")
    dividends_known_to: date | None = None


class PositionState(Frozen):
    """One holding. ``quantity`` is signed: negative is short.

    ``average_cost`` is IBKR's: per unit *including* the multiplier, so an option sold at 4.15
    costs about 415. ``settlement`` is PHYSICAL unless known to be CASH: the cautious side, for
    then an assignment must be paid in full.
    """

    key: str = Field(min_length=1, description="the instrument's key")
    description: str = ""
    symbol: str = Field(min_length=1, description="underlying symbol")
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    sec_type: SecType
    option: OptionContract | None = None
    settlement: Settlement = Settlement.PHYSICAL
    quantity: Decimal
    average_cost: Decimal
    multiplier: Decimal = Field(default=Decimal(1), gt=0)
    market_price: Decimal | None = Field(default=None, description="per share")
    market_value: Decimal | None = Field(default=None, description="signed, incl. multiplier")
    unrealized_pnl: Decimal | None = None
    daily_pnl: Decimal | None = Field(default=None, description="where the broker tells it")
    delta: float | None = Field(
        default=None, description="the broker's: the holder's, per share of one unit"
    )
    quote: Quote | None = Field(default=None, description="the latest look at its own market")
    open_interest: float | None = Field(default=None, description="contracts")
    greeks: PositionGreeks | None = Field(default=None, description="ours; None while unpriced")

    @model_validator(mode="after")
    def _option_is_described(self) -> Self:
        if (self.sec_type is SecType.OPTION) != (self.option is not None):
            raise ValueError(f"position {self.key}: an option, and only an option, has a contract")
        return self

    @property
    def is_short(self) -> bool:
        return self.quantity < 0

    @property
    def is_short_put(self) -> bool:
        return self.is_short and self.option is not None and self.option.right is Right.PUT

    @property
    def is_short_call(self) -> bool:
        return self.is_short and self.option is not None and self.option.right is Right.CALL

    @property
    def strike_notional(self) -> Decimal:
        """Strike × multiplier × contracts of an option; zero for anything else."""
        if self.option is None:
            return ZERO
        return self.option.strike * self.multiplier * abs(self.quantity)

    @property
    def carrying_value(self) -> Decimal:
        """Absolute market value, or absolute cost while the broker gives no value."""
        if self.market_value is not None:
            return abs(self.market_value)
        if self.market_price is not None:
            return abs(self.market_price * self.multiplier * self.quantity)
        return abs(self.average_cost * self.quantity)


class AccountState(Frozen):
    """One account: its values, every non-zero position, and what is known of the underlyings."""

    values: AccountValues
    positions: tuple[PositionState, ...] = ()
    underlyings: Mapping[str, UnderlyingState] = Field(
        default_factory=dict[str, UnderlyingState], description="by symbol"
    )
    benchmark: UnderlyingState | None = Field(
        default=None, description="what deltas are beta-weighted to: the S&P 500 or a fund on it"
    )
    as_of: AwareDatetime

    @property
    def account_code(self) -> str:
        return self.values.account_code

    @property
    def short_puts(self) -> tuple[PositionState, ...]:
        return tuple(position for position in self.positions if position.is_short_put)

    @property
    def assignment_cash(self) -> Decimal:
        """Cash that pays for the shares if every short put is assigned.

        Strike × multiplier × contracts. Cash-settled puts deliver no shares and are left out;
        what they could cost at most is ``cash_settled_put_notional``.
        """
        puts = (put for put in self.short_puts if put.settlement is Settlement.PHYSICAL)
        return sum((put.strike_notional for put in puts), ZERO)

    @property
    def cash_settled_put_notional(self) -> Decimal:
        """The most that cash-settled puts could cost: the index going to zero, or as far as long
        puts that settle with the short ones let it."""
        return _most_at_settlement(self.positions)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The underlyings held in any form, in alphabetical order."""
        return tuple(sorted({position.symbol for position in self.positions}))

    def on(self, symbol: str) -> tuple[PositionState, ...]:
        return tuple(position for position in self.positions if position.symbol == symbol)

    def held(self, key: str) -> Decimal:
        """Signed quantity of the instrument with ``key``."""
        return sum((p.quantity for p in self.positions if p.key == key), ZERO)

    def shares(self, symbol: str) -> Decimal:
        """Signed number of shares of ``symbol``."""
        held = (p.quantity for p in self.on(symbol) if p.sec_type is SecType.STOCK)
        return sum(held, ZERO)

    @property
    def exposure_by_underlying(self) -> dict[str, Decimal]:
        """Gross notional at stake per underlying, largest first.

        Shares and long options count at market value, short puts at what assignment would
        cost, short calls at strike notional as far as no shares cover them. Nothing is netted but
        cash-settled put spreads, which can lose no more than their width: this measures how much
        depends on one name, not which way.
        """
        exposure = {symbol: self._exposure(symbol) for symbol in self.symbols}
        return dict(sorted(exposure.items(), key=lambda item: (-item[1], item[0])))

    def _exposure(self, symbol: str) -> Decimal:
        positions = self.on(symbol)
        short_calls = [position for position in positions if position.is_short_call]
        total = ZERO
        for position in positions:
            if position.is_short_put:
                delivers = position.settlement is Settlement.PHYSICAL
                total += position.strike_notional if delivers else ZERO
            elif not position.is_short_call:
                total += position.carrying_value
        total += _most_at_settlement(positions)
        return total + _uncovered_calls_notional(short_calls, self.shares(symbol))


def _most_at_settlement(positions: Sequence[PositionState]) -> Decimal:
    return most_at_settlement(
        (position.option, position.quantity)
        for position in positions
        if position.settlement is Settlement.CASH
        and position.option is not None
        and position.option.right is Right.PUT
    )


def _uncovered_calls_notional(calls: Sequence[PositionState], shares: Decimal) -> Decimal:
    """Short calls beyond the shares held, all taken at the highest strike: never too little."""
    called = sum((abs(call.quantity) * call.multiplier for call in calls), ZERO)
    uncovered = max(called - max(shares, ZERO), ZERO)
    if not uncovered:
        return ZERO
    return uncovered * max(call.option.strike for call in calls if call.option is not None)


def build_account_state(
    values: AccountValues,
    positions: Sequence[PositionState],
    underlyings: Sequence[UnderlyingState] = (),
) -> AccountState:
    """The account's state from its ingested rows; closed (zero) positions are left out.

    Raises GreenlightError DATA_INVALID when an instrument appears twice: which row is true
    cannot be told, and adding them up could invent a position.
    """
    repeated = sorted(
        key for key, count in Counter(position.key for position in positions).items() if count > 1
    )
    if repeated:
        raise GreenlightError(
            ErrorCode.DATA_INVALID,
            f"account {values.account_code}: more than one position row for {', '.join(repeated)}",
            account=values.account_code,
            keys=repeated,
        )
    open_positions = tuple(
        sorted((p for p in positions if p.quantity != 0), key=lambda position: position.key)
    )
    held = {position.symbol for position in open_positions}
    return AccountState(
        values=values,
        positions=open_positions,
        underlyings={each.symbol: each for each in underlyings if each.symbol in held},
        as_of=values.as_of,
    )
