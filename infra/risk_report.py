"""``greenlight risk``: an account's risk as a page of tables."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from domain.errors import ErrorCode, GreenlightError
from domain.portfolio import AccountState
from domain.risk.state import RiskState, compute_risk_state
from infra.db.accounts import account_state
from infra.db.models import BrokerAccount
from infra.db.session import engine, sessions
from infra.settings import Settings


async def read_account(settings: Settings, code: str) -> AccountState:
    """The account with that code as last ingested.

    Raises GreenlightError NOT_FOUND for a code that is not set up or that two gateways share, and
    ACCOUNT_STALE for one that was never read.
    """
    database = engine(settings)
    try:
        async with sessions(database)() as session:
            ids = await session.scalars(
                select(BrokerAccount.id).where(BrokerAccount.code == code.upper())
            )
            found = ids.all()
            if len(found) != 1:
                words = f"{len(found)} accounts are" if found else "no account is"
                raise GreenlightError(ErrorCode.NOT_FOUND, f"{words} set up as {code.upper()}")
            return await account_state(session, found[0])
    finally:
        await database.dispose()


def print_risk(account: AccountState, console: Console) -> None:
    risk = compute_risk_state(account)
    console.print(
        f"[bold]{risk.account_code}[/bold]  {risk.as_of:%Y-%m-%d %H:%M} UTC (market time)"
    )
    console.print(_table("Account", ("", risk.currency), _figures(risk)))
    console.print(_positions(account))
    console.print(_names(risk))
    console.print(_stress(risk))
    console.print(_table("Expiries", ("Expiry", "DTE", "Short", "In the money"), _expiries(risk)))
    left_out = sorted({*risk.unpriced_positions, *risk.margin.left_out})
    if left_out:
        console.print(f"Not priced, and in no sum of greeks or stress: {', '.join(left_out)}")


def _figures(risk: RiskState) -> Iterable[tuple[str, str]]:
    margin = risk.margin
    yield "Net liquidation value", _money(risk.equity)
    yield "Cash", _money(risk.cash)
    yield "Buying power", _money(risk.buying_power)
    yield "Maintenance margin (broker)", _money(risk.maint_margin)
    yield "Margin usage (broker)", _percent(risk.pm_usage)
    yield "Portfolio margin (our estimate)", _money(margin.portfolio_maintenance)
    yield "Margin usage (our estimate)", _percent(margin.portfolio_usage)
    yield "Reg-T margin (our estimate)", _money(margin.reg_t_maintenance)
    yield "Cash if every short put is assigned", _money(risk.assignment_cash)
    yield "Delta, in currency", _money(risk.greeks.total.delta)
    yield "Beta-weighted delta, in currency", _money(risk.greeks.beta_weighted_delta)
    yield "Vega per point", _money(risk.greeks.total.vega_point)
    yield "Theta per day", _money(risk.greeks.total.theta_per_day)
    yield "Largest loss of the stress grid", _money(risk.stress.largest_loss)
    if risk.greeks.unknown_beta:
        yield "Beta not known", ", ".join(risk.greeks.unknown_beta)
    if risk.post_expiry is not None:
        yield (
            "Reg-T margin after this week (our estimate)",
            _money(risk.post_expiry.reg_t_maintenance),
        )


def _positions(account: AccountState) -> Table:
    rows = (
        (
            position.option.describe() if position.option else position.symbol,
            f"{position.quantity:f}",
            _money(position.market_value),
            _money(position.unrealized_pnl),
            *(
                ("-", "-", "-")
                if position.greeks is None
                else (
                    f"{position.greeks.delta:.2f}",
                    f"{position.greeks.theta_per_day:.3f}",
                    _percent(position.greeks.iv),
                )
            ),
        )
        for position in account.positions
    )
    heading = ("Position", "Quantity", "Value", "P&L", "Delta", "Theta/day", "IV")
    return _table("Positions", heading, rows)


def _names(risk: RiskState) -> Table:
    fractions = {name.symbol: name.fraction for name in risk.concentration}
    rows = (
        (
            name.symbol,
            name.sector or "-",
            _money(name.notional),
            _percent(fractions.get(name.symbol)),
            _money(name.greeks.delta),
        )
        for name in risk.underlyings
    )
    return _table("Underlyings", ("Symbol", "Sector", "At stake", "Of equity", "Delta"), rows)


def _stress(risk: RiskState) -> Table:
    view = risk.stress
    heading = ("Spot", *(f"Vol {shift:+.0%}" for shift in view.vol_shifts))
    rows = (
        (f"{move:+.0%}", *(_money(pnl) for pnl in line))
        for move, line in zip(view.spot_moves, view.pnl, strict=True)
    )
    return _table("Stress: profit or loss", heading, rows)


def _expiries(risk: RiskState) -> Iterable[tuple[str, ...]]:
    for group in risk.expiries:
        yield (
            group.expiry.isoformat(),
            str(group.dte),
            f"{group.short_contracts:f}",
            f"{group.short_in_the_money:f}",
        )


def _table(title: str, heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(title=title, title_justify="left")
    for index, name in enumerate(heading):
        table.add_column(name, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _money(value: Decimal | float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _percent(value: Decimal | float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
