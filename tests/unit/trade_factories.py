"""Short factories for accounts, chains, terms and approvals; every field can be overridden."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.gateways import GatewayKind
from domain.instruments import (
    ExerciseStyle,
    OptionContract,
    PriceBand,
    PriceIncrements,
    Right,
    SecType,
    Settlement,
    Side,
)
from domain.market import OptionChain, Quote, QuoteQuality
from domain.portfolio import AccountState, AccountValues, PositionState, build_account_state
from domain.recommendations import (
    ApprovedTrade,
    Decision,
    DecisionAction,
    Leg,
    RecommendationAction,
    Terms,
)
from domain.risk.pretrade_inputs import DayRecord, ListedContract
from domain.strategies.base import StrategyContext
from domain.strategies.wheel_config import WheelConfig
from domain.underlyings import UnderlyingFacts

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
EXPIRY = date(2026, 12, 18)
ACCOUNT = "DU1234567"
NICKELS = PriceIncrements(
    bands=(
        PriceBand(low_edge=Decimal(0), increment=Decimal("0.01")),
        PriceBand(low_edge=Decimal(3), increment=Decimal("0.05")),
    )
)

CENTS = PriceIncrements.flat(Decimal("0.01"))


def dec(value: object) -> Decimal:
    return Decimal(str(value))


def contract(**changes: Any) -> OptionContract:
    fields: dict[str, Any] = {
        "symbol": "SPY",
        "trading_class": "SPY",
        "expiry": EXPIRY,
        "strike": Decimal(640),
        "right": Right.PUT,
        "multiplier": Decimal(100),
        "con_id": 1001,
    }
    return OptionContract(**fields | changes)


def values(**changes: Any) -> AccountValues:
    fields: dict[str, Any] = {
        "account_code": ACCOUNT,
        "net_liquidation": Decimal(500_000),
        "cash": Decimal(500_000),
        "equity_with_loan": Decimal(500_000),
        "buying_power": Decimal(1_000_000),
        "available_funds": Decimal(500_000),
        "excess_liquidity": Decimal(500_000),
        "init_margin": Decimal(0),
        "maint_margin": Decimal(0),
        "gross_position_value": Decimal(0),
        "as_of": NOW,
    }
    return AccountValues(**fields | changes)


def option_position(quantity: object, option: OptionContract, **changes: Any) -> PositionState:
    fields: dict[str, Any] = {
        "key": option.key,
        "symbol": option.symbol,
        "sec_type": SecType.OPTION,
        "option": option,
        "quantity": dec(quantity),
        "average_cost": Decimal(415),
        "multiplier": option.multiplier,
        "market_value": dec(quantity) * 400,
    }
    return PositionState(**fields | changes)


def stock_position(quantity: object, symbol: str = "SPY", **changes: Any) -> PositionState:
    fields: dict[str, Any] = {
        "key": f"STK:{symbol}:USD",
        "symbol": symbol,
        "sec_type": SecType.STOCK,
        "quantity": dec(quantity),
        "average_cost": Decimal(600),
        "market_value": dec(quantity) * 650,
    }
    return PositionState(**fields | changes)


def account(*positions: PositionState, **changes: Any) -> AccountState:
    return build_account_state(values(**changes), positions)


def terms(**changes: Any) -> Terms:
    """Sell 2 SPY 18 Dec 640 puts at 4.15, floor 3.95 (bought: up to 4.35), SPY at 656.20."""
    option = changes.pop("contract", contract())
    side = changes.pop("side", Side.SELL)
    fields: dict[str, Any] = {
        "account_code": ACCOUNT,
        "action": RecommendationAction.OPEN,
        "legs": (Leg(contract=option, side=side),),
        "quantity": 2,
        "limit_price": Decimal("4.15"),
        "floor_price": Decimal("3.95" if side is Side.SELL else "4.35"),
        "max_drift": Decimal("0.01"),
        "reference_underlying_price": Decimal("656.2"),
        "reference_bid": Decimal("4.1"),
        "reference_ask": Decimal("4.2"),
        "increments": NICKELS,
        "quoted_at": NOW,
        "deadline": NOW + timedelta(minutes=30),
    }
    return Terms(**fields | changes)


TARGET = contract(expiry=date(2027, 1, 15), strike=Decimal(635), con_id=1002)


def roll(to: OptionContract = TARGET, **changes: Any) -> Terms:
    """Roll 2 SPY 18 Dec 640 puts to 15 Jan 635 for a credit of 1.20, floor a credit of 1.00."""
    bought, sold = Leg(contract=contract(), side=Side.BUY), Leg(contract=to, side=Side.SELL)
    fields: dict[str, Any] = {
        "action": RecommendationAction.ROLL,
        "legs": (bought, sold),
        "limit_price": Decimal("-1.20"),
        "floor_price": Decimal("-1.00"),
        "reference_bid": Decimal("-1.30"),
        "reference_ask": Decimal("-1.10"),
        "increments": CENTS,
    }
    return terms(**fields | changes)


def approval(offered: Terms, **changes: Any) -> Decision:
    fields: dict[str, Any] = {
        "id": UUID(int=2),
        "recommendation_id": UUID(int=1),
        "action": DecisionAction.APPROVE,
        "user_id": UUID(int=3),
        "terms_hash": offered.hash,
        "decided_at": NOW,
    }
    return Decision(**fields | changes)


def trade(offered: Terms | None = None, **changes: Any) -> ApprovedTrade:
    offered = offered or terms()
    fields: dict[str, Any] = {
        "recommendation_id": UUID(int=1),
        "decision_id": UUID(int=2),
        "terms": offered,
        "quantity": offered.quantity,
        "limit_price": offered.limit_price,
        "floor_price": offered.floor_price,
    }
    return ApprovedTrade(**fields | changes)


def day_record(**changes: Any) -> DayRecord:
    """A quiet day: nothing sent before, nothing under way."""
    fields: dict[str, Any] = {
        "orders_last_minute": 0,
        "orders_today": 0,
        "notional_today": Decimal(0),
        "same_trades": (),
        "opposite_orders": (),
        "contracts_under_way": Decimal(0),
        "notional_under_way": Decimal(0),
        "equity_at_open": Decimal(500_000),
    }
    return DayRecord(**fields | changes)


def in_order(offered: Terms) -> dict[str, Any]:
    """What the controls are told, besides market and account, of a trade with nothing amiss."""
    return {
        "approved_hash": offered.hash,
        "strategy": "wheel",
        "gateway_kind": GatewayKind.PAPER,
        "listed": tuple(
            ListedContract(contract=leg.contract, increments=offered.increments)
            for leg in offered.legs
        ),
        "record": day_record(),
        "session_close": CLOSE,
    }


def quote(**changes: Any) -> Quote:
    fields: dict[str, Any] = {
        "bid": Decimal("4.10"),
        "ask": Decimal("4.20"),
        "underlying_price": Decimal("656.20"),
        "quality": QuoteQuality.LIVE,
        "as_of": NOW,
    }
    return Quote(**fields | changes)


GOOD_ROW: dict[str, Any] = {
    "trading_class": "SPY",
    "multiplier": 100.0,
    "con_id": 1001,
    "expiry": (EXPIRY - date(1970, 1, 1)).days,
    "strike": 640.0,
    "is_call": False,
    "bid": 4.1,
    "ask": 4.2,
    "iv": 0.16,
    "delta": -0.22,
    "volume": 900.0,
    "open_interest": 1500.0,
}


def row(**changes: Any) -> dict[str, Any]:
    """One row of a chain; as it stands it passes every rule of the default config."""
    assert not changes.keys() - GOOD_ROW.keys()
    return GOOD_ROW | changes


def chain(*rows: dict[str, Any], **changes: Any) -> OptionChain:
    fields: dict[str, Any] = {
        "symbol": "SPY",
        "currency": "USD",
        "as_of": NOW,
        "underlying_price": 656.2,
        "quality": QuoteQuality.LIVE,
        "style": ExerciseStyle.AMERICAN,
        "settlement": Settlement.PHYSICAL,
        "increments": NICKELS,
        **{name: tuple(each[name] for each in rows) for name in GOOD_ROW},
    }
    return OptionChain(**fields | changes)


@dataclass(frozen=True)
class Market:
    """A market view over ready-made chains."""

    chains: dict[str, OptionChain] = field(default_factory=dict)
    facts: dict[str, UnderlyingFacts] = field(default_factory=dict)
    vix: float | None = None
    as_of: datetime = NOW
    today: date = TODAY
    facts: dict[str, UnderlyingFacts] = field(default_factory=dict[str, UnderlyingFacts])
    vix: float | None = None


def context(*chains: OptionChain, **changes: Any) -> StrategyContext:
    config = changes.pop("config", None) or WheelConfig(
        universe=tuple(each.symbol for each in chains)
    )
    fields: dict[str, Any] = {
        "instance_id": UUID(int=9),
        "name": "wheel on test",
        "account_code": ACCOUNT,
        "config": config,
        "market": Market({each.symbol: each for each in chains}),
        "session_close": CLOSE,
    }
    return StrategyContext(**fields | changes)
