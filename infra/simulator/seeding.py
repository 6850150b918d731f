"""The portfolio a fresh demo account starts with."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from domain.instruments import Right
from infra.simulator.accounts import Account
from infra.simulator.contracts import Security
from infra.simulator.market import Market
from infra.simulator.records import AccountRecord
from infra.simulator.reference import NEW_YORK, OPTION_CLASSES
from infra.simulator.synthetic import SyntheticMarket

DEMO_CASH = Decimal(895_000)
SHARES = (("AAPL", 200), ("MSFT", 100))
SHORT_PUT_DAYS = 25
COVERED_CALL_DAYS = 18


CASH_ALONE = Decimal(1_000_000)


def opening_account(name: str, market: Market, at: datetime) -> AccountRecord:
    """The demo portfolio where the market has its contracts, else cash alone."""
    if isinstance(market, SyntheticMarket):
        return demo_account(name, market, at)
    return AccountRecord(account=name, cash=CASH_ALONE)


def demo_account(name: str, market: Market, at: datetime) -> AccountRecord:
    """About 1,000,000 USD: shares, one short SPY put some 4 % out of the money about 25 days
    from expiry, and one AAPL call written against half of the AAPL shares.
    """
    account = Account(AccountRecord(account=name, cash=DEMO_CASH))
    cash = account.cash
    for symbol, shares in SHARES:
        security = market.book.underlying(symbol)
        price = Decimal(str(round(security.underlying.base_price * 0.95, 2)))
        account.apply_trade(security, Decimal(shares), price, Decimal(1))
    for security in (
        _option(market, at, "SPY", SHORT_PUT_DAYS, 0.96, Right.PUT),
        _option(market, at, "AAPL", COVERED_CALL_DAYS, 1.05, Right.CALL),
    ):
        price = Decimal(str(market.quote(security, at).bid))
        account.apply_trade(security, Decimal(-1), price, Decimal("1.05"))
    # The shares were bought, and the premiums earned, before this account's story begins.
    account.cash = cash
    return account.record()


def _option(
    market: Market, at: datetime, symbol: str, days: int, moneyness: float, right: Right
) -> Security:
    """The listed option nearest to a tenor and to a share of the underlying's price."""
    today = at.astimezone(NEW_YORK).date()
    option_class = OPTION_CLASSES[symbol]
    expiries = market.book.expiries(option_class, today)
    expiry = min(expiries, key=lambda day: abs(day - today - timedelta(days=days)))
    spot = market.spot(symbol, at)
    strikes = market.book.strikes(option_class, market.reference_prices(at)[symbol])
    strike = min(strikes, key=lambda k: abs(float(k) - moneyness * spot))
    return market.book.option(option_class.name, expiry, strike, right)
