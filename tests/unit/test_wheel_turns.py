"""A whole turn of the wheel, told run by run: the account and its record change, the code does
not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.instruments import OptionContract, Right, SecType
from domain.portfolio import AccountState, PositionState
from domain.recommendations import RecommendationAction, Terms
from domain.risk.state import compute_risk_state
from domain.strategies.wheel import Wheel
from domain.strategies.wheel_config import WheelConfig
from domain.strategies.wheel_cycle import CycleEntry, CycleEntryKind, fold_cycles, open_cycle
from tests.unit.selling import seen, short
from tests.unit.trade_factories import NOW, Market, account, chain, context, row, stock_position

CONFIG = WheelConfig(universe=("SPY",), max_contracts=1)
COMMISSION = Decimal(1)


@dataclass
class Story:
    """What the account holds, and what happened to it."""

    cash: Decimal = Decimal(500_000)
    held: list[PositionState] = field(default_factory=list)
    entries: list[CycleEntry] = field(default_factory=list)

    def offered(self, day: int, price: float, *rows: dict[str, Any]) -> Terms | None:
        """What the Wheel offers on a day, if anything."""
        now = NOW + timedelta(days=day)
        state: AccountState = account(*self.held, cash=self.cash)
        market = Market(
            {"SPY": chain(*rows, underlying_price=price, as_of=now)}, as_of=now, today=now.date()
        )
        cycle = open_cycle(fold_cycles("SPY", self.entries))
        instance = context(
            config=CONFIG,
            market=market,
            session_close=now.replace(hour=21),
            cycles={} if cycle is None else {"SPY": cycle},
        )
        proposals = Wheel().generate_signals(state, compute_risk_state(state), instance).proposals
        assert len(proposals) <= 1
        return proposals[0].terms if proposals else None

    def filled(self, day: int, option: OptionContract, quantity: int, price: str) -> None:
        cash = -quantity * Decimal(price) * option.multiplier - COMMISSION
        self._note(day, CycleEntryKind.TRADE, SecType.OPTION, option.con_id, quantity, cash)
        if quantity < 0:
            self.held.append(short(option, str(cash / option.multiplier)))
        else:
            self.held = [each for each in self.held if each.option != option]

    def assigned(self, day: int, option: OptionContract) -> None:
        """Shares arrive for a put and leave for a call, at the strike."""
        shares = 100 if option.right is Right.PUT else -100
        self.held = [each for each in self.held if each.option != option]
        self._note(day, CycleEntryKind.GONE, SecType.OPTION, option.con_id, 1, Decimal(0))
        paid = -shares * option.strike
        self._note(day, CycleEntryKind.DELIVERY, SecType.STOCK, 9, shares, paid)
        if shares > 0:
            self.held.append(stock_position(100, average_cost=option.strike))
        else:
            self.held = [each for each in self.held if each.sec_type is not SecType.STOCK]

    def _note(
        self,
        day: int,
        kind: CycleEntryKind,
        sec_type: SecType,
        con_id: int,
        quantity: int,
        cash: Decimal,
    ) -> None:
        at: datetime = NOW + timedelta(days=day)
        self.cash += cash
        self.entries.append(
            CycleEntry(
                at=at,
                kind=kind,
                sec_type=sec_type,
                con_id=con_id,
                quantity=Decimal(quantity),
                cash=cash,
            )
        )


def expiry_of(day: int) -> int:
    return (NOW.date() - datetime(1970, 1, 1).date()).days + day


def test_put_assigned_call_called_away_and_round_again():
    story = Story()
    put = story.offered(0, 656.2, row())
    assert put is not None
    assert put.action is RecommendationAction.OPEN
    story.filled(0, put.contract, -1, "4.15")
    assert story.offered(7, 655.0, seen(put.contract, 3.1, 3.2)) is None, "kept until its target"
    story.assigned(28, put.contract)

    low, high = (
        {"con_id": 5000 + strike, "strike": float(strike), "expiry": expiry_of(60)}
        | {"is_call": True, "delta": 0.25, "bid": 6.0, "ask": 6.1}
        for strike in (635, 645)
    )
    call = story.offered(29, 630.0, row(**low), row(**high))
    assert call is not None
    assert call.contract.right is Right.CALL
    assert call.contract.strike == 645, "635 is below what the shares have cost: 635.86"
    story.filled(29, call.contract, -1, "6.05")
    story.assigned(60, call.contract)

    assert story.held == []
    (cycle,) = fold_cycles("SPY", story.entries)
    assert not cycle.is_open
    assert cycle.result == Decimal(415 + 605 + 500) - 2 * COMMISSION
    assert story.cash == 500_000 + cycle.result

    again = story.offered(61, 650.0, row(con_id=6001, strike=635.0, expiry=expiry_of(90)))
    assert again is not None
    assert again.contract.right is Right.PUT


def test_premiums_of_the_cycle_let_a_call_be_struck_below_the_price_paid():
    story = Story()
    put = story.offered(0, 656.2, row())
    assert put is not None
    story.filled(0, put.contract, -1, "4.15")
    story.assigned(28, put.contract)
    between = row(
        con_id=5001, strike=637.5, expiry=expiry_of(60), is_call=True, delta=0.25, bid=6.0, ask=6.1
    )
    call = story.offered(29, 630.0, between)
    assert call is not None
    assert put.contract.strike > call.contract.strike > Decimal("635.86")


def test_a_put_bought_in_at_its_target_frees_the_name_for_the_next():
    story = Story()
    put = story.offered(0, 656.2, row())
    assert put is not None
    story.filled(0, put.contract, -1, "4.15")
    close = story.offered(14, 665.0, seen(put.contract, 1.9, 2.0))
    assert close is not None
    assert close.action is RecommendationAction.CLOSE
    story.filled(14, put.contract, 1, "1.95")
    following = row(con_id=6002, expiry=expiry_of(45), bid=4.6, ask=4.7)
    after = story.offered(14, 665.0, following)
    assert after is not None
    assert after.contract.con_id == 6002
    (cycle,) = fold_cycles("SPY", story.entries)
    assert cycle.result == Decimal(220) - 2 * COMMISSION
