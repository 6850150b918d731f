"""The books of a backtest against those of the simulated gateway, trade by trade.

What a backtest decides on a recording is sent, at the same market times, to a gateway that plays
the same recording. The two have books, fills and margin of their own. With the whole desk in
between: ``tests/integration/test_backtest_parity.py``.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from itertools import count, groupby
from pathlib import Path
from typing import Any

import pytest

from domain.backtest.config import BacktestConfig
from domain.backtest.results import BacktestResult, EventKind, Fill
from domain.backtest.runner import run_backtest
from domain.instruments import Side
from infra.calendars import exchange_date, trading_calendar
from infra.history.opening import open_history
from infra.history.side_files import SideFiles
from infra.simulator.accounts import AccountValues
from infra.simulator.app import GatewayOptions, SimulatedGateway
from infra.simulator.contracts import ContractSpec, Security
from infra.simulator.records import ComboLeg, OrderTerms
from infra.simulator.resting import Resting
from infra.simulator.seeding import CASH_ALONE
from tests.backtests.recorded_week import RecordedWeek

MONDAY = date(2026, 11, 23)
DAYS = [
    MONDAY, date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 27), date(2026, 11, 30),
    date(2026, 12, 1),
]  # fmt: skip
"""With a holiday in it, and the first of a month, on which interest is booked."""
ACCOUNT = "DU1000001"
SELLING: dict[str, Any] = {
    "min_ror_annualised": 0.001,
    "max_new_trades": 1,
    "max_contracts": 2,
    "min_open_interest": 0,
    "max_spread_fraction": 1.0,
    "max_drift": "0.2",
    "min_bid": "0.05",
}


class Broker:
    """A gateway that plays the recording, and one who sends it the orders of a backtest."""

    def __init__(self, gateway: SimulatedGateway) -> None:
        self.gateway = gateway
        self._numbers = count(1)

    @property
    def account(self) -> AccountValues:
        return self.gateway.exchange.values(ACCOUNT)

    def pass_to(self, at: datetime) -> None:
        clock = self.gateway.clock
        if at > clock.now():
            clock.advance(at - clock.now())

    def security(self, option: Any) -> Security:
        """The gateway's contract of those terms."""
        market, now = self.gateway.market, self.gateway.clock.now()
        spec = ContractSpec(
            symbol=option.symbol,
            sec_type="OPT",
            expiry=f"{option.expiry:%Y%m%d}",
            strike=str(option.strike),
            right=option.right,
        )
        (found,) = market.book.find(spec, exchange_date(now), market.reference_prices(now))
        return found

    def send(self, fills: list[Fill], options: dict[int, Any]) -> list[Any]:
        """One order for these legs at the net price they traded at; its executions."""
        legs = [(fill, self.security(options[fill.con_id])) for fill in fills]
        if len(legs) == 1:
            ((fill, security),) = legs
            terms: dict[str, Any] = {
                "contract": ContractSpec(con_id=security.con_id),
                "side": fill.side,
                "limit_price": fill.price,
            }
        else:
            net = sum((fill.side.sign * fill.price for fill in fills), Decimal(0))
            terms = {
                "contract": ContractSpec(symbol=fills[0].symbol, sec_type="BAG"),
                "legs": tuple(
                    ComboLeg(con_id=security.con_id, ratio=1, side=fill.side)
                    for fill, security in legs
                ),
                "side": Side.BUY,
                "limit_price": net,
            }
        number = next(self._numbers)
        self.gateway.exchange.place(
            1,
            number,
            OrderTerms(account=ACCOUNT, quantity=fills[0].quantity, order_type="LMT", **terms),
        )
        return [
            each
            for each in self.gateway.ledger.effective_executions()
            if each.order_id == number and each.sec_type == "OPT"
        ]


async def replayed(result: BacktestResult, recording: Path, folder: Path) -> Broker:
    """Send every order of the backtest to a gateway; whatever differs fails."""
    start = result.curve.at[0]
    gateway = SimulatedGateway(
        GatewayOptions(
            data_dir=folder / "gateway",
            port=0,
            speed=0,
            start=start,
            market="replay",
            recording=recording,
            accounts=(ACCOUNT,),
            resting=Resting.WAIT,
        )
    )
    options = {trade.con_id: trade for trade in result.trades}
    orders = {
        number: list(legs) for number, legs in groupby(result.fills, key=lambda fill: fill.order)
    }
    async with gateway:
        broker = Broker(gateway)
        for number, at in enumerate(result.curve.at):
            broker.pass_to(at)
            for legs in (each for each in orders.values() if each[0].at == at):
                same_fills(broker.send(legs, options), legs)
            same_account(broker.account, result, number)
        return broker


def same_fills(theirs: list[Any], ours: list[Fill]) -> None:
    def told(each: Any) -> Any:
        return (each.side, each.quantity, each.price, each.commission)

    assert sorted(map(told, theirs)) == sorted(map(told, ours))


def same_account(theirs: AccountValues, result: BacktestResult, number: int) -> None:
    curve = result.curve
    told = {
        "cash": (theirs.cash, curve.cash[number]),
        "accrued": (theirs.accrued_interest, curve.accrued[number]),
        "equity": (theirs.net_liquidation, curve.equity[number]),
        "with_loan": (theirs.equity_with_loan, curve.with_loan[number]),
        "margin": (theirs.margin.maintenance, curve.reg_t[number]),
    }
    differences = {n: pair for n, pair in told.items() if abs(pair[0] - float(pair[1])) > 0.005}
    assert not differences, (curve.at[number], differences)


def run(week: RecordedWeek, folder: Path, strategy: str, **config: Any) -> tuple[Path, Any]:
    recording = week.write(folder)
    result = run_backtest(
        BacktestConfig.model_validate(
            {
                "strategy": strategy,
                "config": {"universe": [week.symbol], **SELLING, **config},
                "cash": CASH_ALONE,
                "fills": {"kind": "cross", "same_quote": True},
            }
        ),
        open_history([recording], side=SideFiles((week.write_side(folder),))),
        trading_calendar(),
    )
    assert not result.errors
    return recording, result


def kinds(result: BacktestResult) -> list[EventKind]:
    return [event.kind for event in result.events]


def exits(result: BacktestResult) -> list[str]:
    return [trade.exit_rule for trade in result.trades]


def path(*spots: float) -> dict[date, float]:
    return dict(zip(DAYS, spots, strict=True))


INDEX = {"min_dte": 3, "max_dte": 20, "min_delta": 0.05, "max_delta": 0.45, "max_vix": None}
EXPIRIES = [date(2026, 11, 27), date(2026, 12, 11)]


async def test_puts_sold_bought_in_at_a_profit_and_at_a_loss_cost_and_earn_the_same(tmp_path: Path):
    week = RecordedWeek("XSP", path(600, 609, 606, 600, 570, 571), EXPIRIES, range(540, 640, 5))
    rules = {"take_profit": "0.5", "stop_multiple": "2", "roll": False, "ladder_rungs": 1}
    recording, result = run(week, tmp_path, "theta", **INDEX, **rules)
    assert exits(result) == ["take_profit", "loss_stop", "end_of_data"]
    assert kinds(result) == [EventKind.INTEREST]
    await replayed(result, recording, tmp_path)


@pytest.mark.parametrize(
    ("friday", "ends"), [(602.0, EventKind.EXPIRED), (570.0, EventKind.SETTLED)]
)
async def test_an_index_put_ends_alike_at_its_expiry(
    tmp_path: Path, friday: float, ends: EventKind
):
    spots = path(600, 601, 598, friday, friday, friday)
    week = RecordedWeek("XSP", spots, EXPIRIES, range(540, 640, 5))
    rules = {"take_profit": None, "stop_multiple": None, "roll": False, "max_dte": 6}
    rules |= {"exit_dte": None, "close_if_unable": False}
    recording, result = run(week, tmp_path, "theta", **INDEX | rules)
    assert ends in kinds(result)
    await replayed(result, recording, tmp_path)


async def test_a_roll_trades_both_legs_at_one_price_alike(tmp_path: Path):
    week = RecordedWeek("XSP", path(600, 594, 590, 591, 592, 592), EXPIRIES, range(540, 640, 5))
    rules = {
        "max_dte": 6,
        "take_profit": None,
        "stop_multiple": None,
        "roll": True,
        "roll_dte": 6,
        "roll_max_dte": 20,
        "roll_max_delta": 0.6,
    }
    recording, result = run(week, tmp_path, "theta", **INDEX | rules)
    assert "ROLL" in {fill.action for fill in result.fills}
    await replayed(result, recording, tmp_path)


async def test_a_wheel_turns_from_put_to_shares_to_call_alike(tmp_path: Path):
    week = RecordedWeek(
        "SPY",
        path(600, 601, 598, 588, 592, 594),
        [date(2026, 11, 27), date(2026, 12, 4)],
        range(560, 640, 4),
    )
    rules = {"take_profit": None, "roll": False, "exit_dte": None, "calls_below_cost": True}
    span = {"min_dte": 3, "max_dte": 8, "min_delta": 0.05, "max_delta": 0.45}
    recording, result = run(week, tmp_path, "wheel", **span, **rules, min_call_ror_annualised=0.001)
    assert EventKind.ASSIGNED in kinds(result)
    assert [fill.description[-4:] for fill in result.fills] == [" put", "call"]
    await replayed(result, recording, tmp_path)
