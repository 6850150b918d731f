"""How much of an account is at risk, and in what."""

from __future__ import annotations

from decimal import Decimal

from pydantic import AwareDatetime, Field

from domain.instruments import Frozen, SecType
from domain.portfolio import ZERO, AccountState

RATIO_PLACES = Decimal("1e-6")


class NameConcentration(Frozen):
    """What depends on one underlying."""

    symbol: str
    notional: Decimal = Field(description="gross, see AccountState.exposure_by_underlying")
    fraction: Decimal | None = Field(
        description="of net liquidation value; None when that is not positive"
    )


class RiskState(Frozen):
    """The risk figures of one account. Ratios are decimal fractions to six places.

    A ratio is None where its denominator is zero or negative: there is then no number that
    would not mislead, and every control that needs it denies.
    """

    account_code: str
    as_of: AwareDatetime
    pm_usage: Decimal | None = Field(description="maintenance margin over equity with loan value")
    init_usage: Decimal | None = Field(description="initial margin over equity with loan value")
    assignment_cash: Decimal = Field(description="cash needed if every short put is assigned")
    cash_settled_put_notional: Decimal
    assignment_coverage: Decimal | None = Field(
        description="cash over assignment cash; None when no short put needs any"
    )
    concentration: tuple[NameConcentration, ...] = Field(description="largest first")
    positions_count: int = Field(ge=0)
    options_count: int = Field(ge=0)
    short_put_contracts: Decimal
    short_call_contracts: Decimal
    unpriced_positions: tuple[str, ...] = Field(
        description="keys of positions the broker gives no market value for"
    )

    @property
    def largest_name(self) -> NameConcentration | None:
        return self.concentration[0] if self.concentration else None

    @property
    def cash_shortfall(self) -> Decimal:
        """Assignment cash beyond the cash held, as a positive amount; zero when covered."""
        if self.assignment_coverage is None or self.assignment_coverage >= 1:
            return ZERO
        return self.assignment_cash * (1 - self.assignment_coverage)


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal | None:
    """``numerator / denominator`` to six places; None unless the denominator is positive."""
    if denominator <= 0:
        return None
    return (numerator / denominator).quantize(RATIO_PLACES)


def compute_risk_state(account_state: AccountState) -> RiskState:
    """The risk of any account, the empty and the broke one included; never raises."""
    values = account_state.values
    positions = account_state.positions
    needed = account_state.assignment_cash
    return RiskState(
        account_code=values.account_code,
        as_of=account_state.as_of,
        pm_usage=ratio(values.maint_margin, values.equity_with_loan),
        init_usage=ratio(values.init_margin, values.equity_with_loan),
        assignment_cash=needed,
        cash_settled_put_notional=account_state.cash_settled_put_notional,
        assignment_coverage=ratio(values.cash, needed),
        concentration=tuple(
            NameConcentration(
                symbol=symbol, notional=notional, fraction=ratio(notional, values.net_liquidation)
            )
            for symbol, notional in account_state.exposure_by_underlying.items()
        ),
        positions_count=len(positions),
        options_count=sum(position.sec_type is SecType.OPTION for position in positions),
        short_put_contracts=sum((abs(p.quantity) for p in account_state.short_puts), ZERO),
        short_call_contracts=sum((abs(p.quantity) for p in positions if p.is_short_call), ZERO),
        unpriced_positions=tuple(p.key for p in positions if p.market_value is None),
    )
