"""When an option trades for the last time, and by which price it settles."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from domain.calendar import TradingCalendar
from domain.instruments import OptionContract

MORNING_CLASSES = frozenset({"SPX", "NDX", "RUT", "DJX", "VIX", "VIXW"})
"""Index options that settle by the opening prices of the day after their last trading day (Cboe
and Nasdaq product specifications). Their sisters with a letter more, SPXW, NDXP and RUTW, and
XSP settle by the close, as every option on stocks and funds does."""


class SettlementTime(StrEnum):
    """Which price of which day decides what an expiring option is worth."""

    AM = "AM"
    PM = "PM"


def settlement_time(trading_class: str) -> SettlementTime:
    return SettlementTime.AM if trading_class in MORNING_CLASSES else SettlementTime.PM


def last_trading_moment(contract: OptionContract, calendar: TradingCalendar) -> datetime:
    """The close of its last trading day, early closes included (aware UTC).

    A contract's ``expiry`` is its last trading day, also where it settles the morning after.
    Index options trade a quarter of an hour longer except on the day they expire; the regular
    close is the cautious end.
    """
    return calendar.session_on(_last_trading_day(contract, calendar)).close_at


def settlement_moment(contract: OptionContract, calendar: TradingCalendar) -> datetime:
    """The close that settles it, or the open of the session after its last (aware UTC)."""
    last = _last_trading_day(contract, calendar)
    if settlement_time(contract.trading_class) is SettlementTime.PM:
        return calendar.session_on(last).close_at
    return calendar.session_on(calendar.add_sessions(last, 1)).open_at


def _last_trading_day(contract: OptionContract, calendar: TradingCalendar) -> date:
    """``expiry``; the session before it, should it fall on a day without one."""
    return calendar.last_trading_day_on_or_before(contract.expiry)
