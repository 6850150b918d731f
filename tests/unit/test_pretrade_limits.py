"""Controls on who may trade what, how much, and how often: each passes, refuses, and wants to know.

The factories are those of the older controls' tests: an opening sale of 2 SPY 640 puts at 4.15.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import ErrorCode
from domain.gateways import GatewayKind
from domain.instruments import PriceIncrements, Right, Side
from domain.recommendations import RecommendationAction, RuleResult
from domain.risk.limits import Limits
from domain.risk.pretrade import run_controls
from domain.risk.pretrade_inputs import HeldGreeks, ListedContract, PretradeInputs, RestingOrder
from tests.unit.test_pretrade import buy_to_close, inputs
from tests.unit.trade_factories import (
    CLOSE,
    EXPIRY,
    NICKELS,
    account,
    contract,
    day_record,
    dec,
    option_position,
    quote,
    stock_position,
    terms,
    trade,
)

CALL = contract(right=Right.CALL, con_id=2001, strike=Decimal(700))
OTHER = contract(con_id=1009, strike=Decimal(600))


def result(given: PretradeInputs, rule: str) -> RuleResult:
    (found,) = [each for each in run_controls(given) if each.rule == rule]
    return found


def limited(**limits: Any) -> dict[str, Any]:
    return {"limits": Limits(**limits)}


def recorded(**changes: Any) -> dict[str, Any]:
    return {"record": day_record(**changes)}


def listed(**changes: Any) -> dict[str, Any]:
    return {"listed": (ListedContract(contract=contract(**changes), increments=NICKELS),)}


def greeks(**limits: Any) -> dict[str, Any]:
    """One short put held; delta 30 × 656.20 and vega of the order's own are known."""
    return limited(**limits) | {
        "account": account(option_position(-1, OTHER)),
        "quote": quote(delta=-0.22, iv=0.16),
        "held_greeks": {
            OTHER.key: HeldGreeks(delta=-0.1, vega=40.0, underlying_price=dec("656.2"))
        },
    }


LAST_DAY = {"today": EXPIRY, "market_now": CLOSE - timedelta(minutes=61)}
CASES: list[tuple[str, dict[str, Any], dict[str, Any], ErrorCode]] = [
    ("terms_hash", {}, {"approved_hash": "sha256:other"}, ErrorCode.TERMS_CHANGED),
    (
        "paper_or_live",
        {"gateway_kind": GatewayKind.SIMULATED},
        {"gateway_kind": GatewayKind.LIVE},
        ErrorCode.PAPER_LIVE_MISMATCH,
    ),
    (
        "permitted_strategy",
        limited(permitted_strategies={"wheel", "theta"}),
        limited(permitted_strategies={"theta"}),
        ErrorCode.STRATEGY_NOT_PERMITTED,
    ),
    (
        "restricted_symbol",
        limited(restricted_symbols={"GME"}),
        limited(restricted_symbols={"GME", "SPY"}),
        ErrorCode.SYMBOL_RESTRICTED,
    ),
    (
        "side",
        {"account": account(option_position(-1, contract()))},
        {"account": account(option_position(1, contract()))},
        ErrorCode.WRONG_SIDE,
    ),
    (
        "own_order_crossing",
        recorded(opposite_orders=(RestingOrder(key="GL-1", limit_price=dec("4.10")),)),
        recorded(opposite_orders=(RestingOrder(key="GL-1", limit_price=dec("4.15")),)),
        ErrorCode.OWN_ORDER_CROSSED,
    ),
    ("duplicate_trade", {}, recorded(same_trades=("GL-1",)), ErrorCode.DUPLICATE_TRADE),
    (
        "expiry_cutoff",
        LAST_DAY,
        LAST_DAY | {"market_now": CLOSE - timedelta(minutes=60)},
        ErrorCode.EXPIRY_CUTOFF,
    ),
    ("contract_unchanged", {}, listed(strike=dec(320)), ErrorCode.CONTRACT_CHANGED),
    ("multiplier", {}, listed(multiplier=dec(150)), ErrorCode.MULTIPLIER_CHANGED),
    (
        "not_halted",
        {"quote": quote(halted=False)},
        {"quote": quote(halted=True)},
        ErrorCode.INSTRUMENT_HALTED,
    ),
    (
        "max_loss",
        limited(max_loss=dec(127_170)),
        limited(max_loss=dec(127_169)),
        ErrorCode.MAX_LOSS_EXCEEDED,
    ),
    (
        "orders_per_minute",
        recorded(orders_last_minute=19),
        recorded(orders_last_minute=20),
        ErrorCode.ORDER_RATE,
    ),
    ("orders_today", recorded(orders_today=99), recorded(orders_today=100), ErrorCode.DAILY_ORDERS),
    (
        "notional_today",
        recorded(notional_today=dec(872_000)),
        recorded(notional_today=dec(872_001)),
        ErrorCode.DAILY_NOTIONAL,
    ),
    (
        "daily_loss",
        recorded(equity_at_open=dec(526_315)),
        recorded(equity_at_open=dec(526_320)),
        ErrorCode.DAILY_LOSS,
    ),
    (
        "position_after",
        limited(max_position_contracts=5) | recorded(contracts_under_way=dec(3)),
        limited(max_position_contracts=5) | recorded(contracts_under_way=dec(4)),
        ErrorCode.POSITION_LIMIT,
    ),
    (
        "concentration_after",
        limited(max_name_fraction=dec("0.257")) | recorded(notional_under_way=dec(500)),
        limited(max_name_fraction=dec("0.257")) | recorded(notional_under_way=dec(501)),
        ErrorCode.CONCENTRATION_LIMIT,
    ),
    (
        "delta_after",
        greeks(max_delta_fraction=dec("0.0709")),
        greeks(max_delta_fraction=dec("0.0708")),
        ErrorCode.DELTA_LIMIT,
    ),
    (
        "vega_after",
        greeks(max_vega_fraction=dec("0.0004")),
        greeks(max_vega_fraction=dec("0.0002")),
        ErrorCode.VEGA_LIMIT,
    ),
]
MISSING: list[tuple[str, dict[str, Any], ErrorCode]] = [
    ("terms_hash", {"approved_hash": None}, ErrorCode.TERMS_CHANGED),
    ("paper_or_live", {"gateway_kind": None}, ErrorCode.PAPER_LIVE_MISMATCH),
    ("permitted_strategy", {"strategy": None}, ErrorCode.STRATEGY_NOT_PERMITTED),
    ("side", {"account": None}, ErrorCode.ACCOUNT_STALE),
    ("own_order_crossing", {"record": None}, ErrorCode.OWN_ORDER_CROSSED),
    ("duplicate_trade", {"record": None}, ErrorCode.DUPLICATE_TRADE),
    ("expiry_cutoff", LAST_DAY | {"session_close": None}, ErrorCode.EXPIRY_CUTOFF),
    ("contract_unchanged", {"listed": None}, ErrorCode.CONTRACT_CHANGED),
    ("multiplier", {"listed": None}, ErrorCode.MULTIPLIER_CHANGED),
    ("not_halted", {"quote": None}, ErrorCode.QUOTE_MISSING),
    ("max_loss", {"account": None}, ErrorCode.ACCOUNT_STALE),
    ("orders_per_minute", {"record": None}, ErrorCode.ORDER_RATE),
    ("orders_today", {"record": None}, ErrorCode.DAILY_ORDERS),
    ("notional_today", {"record": None}, ErrorCode.DAILY_NOTIONAL),
    ("daily_loss", recorded(equity_at_open=None), ErrorCode.ACCOUNT_STALE),
    ("position_after", {"record": None}, ErrorCode.POSITION_LIMIT),
    (
        "concentration_after",
        limited(max_name_fraction=dec(1)) | {"account": account(net_liquidation=dec(0))},
        ErrorCode.CONCENTRATION_LIMIT,
    ),
    (
        "delta_after",
        greeks(max_delta_fraction=dec(9)) | {"held_greeks": {}},
        ErrorCode.GREEKS_MISSING,
    ),
    (
        "delta_after",
        greeks(max_delta_fraction=dec(9)) | {"held_greeks": None},
        ErrorCode.GREEKS_MISSING,
    ),
    (
        "vega_after",
        greeks(max_vega_fraction=dec(9)) | {"quote": quote(delta=-0.22)},
        ErrorCode.GREEKS_MISSING,
    ),
]


@pytest.mark.parametrize(("rule", "passing", "failing", "code"), CASES, ids=[c[0] for c in CASES])
def test_a_control_passes_at_its_limit_and_refuses_beyond_it(
    rule: str, passing: dict[str, Any], failing: dict[str, Any], code: ErrorCode
):
    inside, outside = result(inputs(**passing), rule), result(inputs(**failing), rule)
    assert (inside.passed, inside.code) == (True, None), inside
    assert (outside.passed, outside.code) == (False, code), outside


@pytest.mark.parametrize(("rule", "changes", "code"), MISSING)
def test_a_control_refuses_what_it_cannot_see(rule: str, changes: dict[str, Any], code: ErrorCode):
    refused = result(inputs(**changes), rule)
    assert (refused.passed, refused.code) == (False, code), refused


# --- closes --------------------------------------------------------------------------------


def test_a_close_that_reduces_risk_is_held_up_by_no_limit_of_size_pace_or_name():
    tightest = Limits(
        max_contracts=1,
        max_notional=dec(1),
        max_loss=dec(1),
        max_orders_per_minute=1,
        max_orders_per_day=1,
        max_daily_notional=dec(1),
        max_daily_loss=dec("0.001"),
        max_position_contracts=1,
        max_name_fraction=dec("0.001"),
        max_delta_fraction=dec("0.001"),
        max_vega_fraction=dec("0.001"),
        restricted_symbols=frozenset({"SPY"}),
        permitted_strategies=frozenset(),
    )
    busy = day_record(
        orders_last_minute=99,
        orders_today=99,
        notional_today=dec(10**9),
        equity_at_open=dec(10**9),
        same_trades=("GL-1",),
    )
    given = buy_to_close(
        limits=tightest,
        record=busy,
        today=EXPIRY,
        market_now=CLOSE - timedelta(minutes=1),
        quote=quote(as_of=CLOSE - timedelta(minutes=1)),
        account=account(option_position(-2, contract()), as_of=CLOSE),
    )
    assert [each for each in run_controls(given) if not each.passed] == []


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"quote": quote(halted=True)}, "not_halted"),
        ({"approved_hash": "sha256:other"}, "terms_hash"),
        ({"gateway_kind": GatewayKind.LIVE}, "paper_or_live"),
        (listed(multiplier=dec(150)), "multiplier"),
        (
            recorded(opposite_orders=(RestingOrder(key="GL-1", limit_price=None),)),
            "own_order_crossing",
        ),
    ],
)
def test_a_close_obeys_the_rules_of_the_market_and_of_the_approval(
    changes: dict[str, Any], rule: str
):
    assert not result(buy_to_close(**changes), rule).passed


# --- one control at a time -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "live_trading", "passes"),
    [
        ("DU1234567", GatewayKind.PAPER, False, True),
        ("DU1234567", GatewayKind.SIMULATED, True, True),
        ("U1234567", GatewayKind.LIVE, True, True),
        ("U1234567", GatewayKind.LIVE, False, False),
        ("U1234567", GatewayKind.PAPER, True, False),
        ("U1234567", GatewayKind.SIMULATED, True, False),
        ("DU1234567", GatewayKind.LIVE, True, False),
    ],
)
def test_real_money_needs_account_gateway_and_limits_to_say_so(
    code: str, kind: GatewayKind, live_trading: bool, passes: bool
):
    given = inputs(
        trade=trade(terms(account_code=code)),
        gateway_kind=kind,
        limits=Limits(live_trading=live_trading),
    )
    assert result(given, "paper_or_live").passed is passes


def test_a_purchase_crosses_a_sale_of_ours_at_or_below_its_limit():
    def bidding(other: str) -> RuleResult:
        resting = RestingOrder(key="GL-1", limit_price=dec(other))
        return result(buy_to_close(**recorded(opposite_orders=(resting,))), "own_order_crossing")

    assert bidding("4.20").passed
    assert not bidding("4.15").passed


def test_the_silence_of_the_broker_about_a_halt_passes_and_says_so():
    told = result(inputs(quote=quote(halted=None)), "not_halted")
    assert (told.passed, told.value) == (True, "not told")


def test_a_step_the_broker_tells_today_binds_beside_that_of_the_terms():
    dimes = PriceIncrements.flat(dec("0.10"))
    told = (ListedContract(contract=contract(), increments=dimes),)
    assert not result(inputs(listed=told), "price_increment").passed


def test_a_covered_call_loses_nothing_by_itself_and_a_naked_one_without_end():
    offered = trade(terms(contract=CALL))
    covered = result(inputs(trade=offered, account=account(stock_position(200))), "max_loss")
    naked = result(inputs(trade=offered, account=account(stock_position(100))), "max_loss")
    assert (covered.passed, covered.value) == (True, "0")
    assert (naked.passed, naked.value) == (False, "unlimited")


def test_a_purchase_can_lose_its_premium():
    assert result(inputs(trade=trade(terms(side=Side.BUY))), "max_loss").value == "830"


def test_a_trade_that_brings_delta_back_towards_the_limit_passes():
    limits = Limits(max_delta_fraction=dec("0.001"))
    held = account(option_position(-9, contract()), option_position(-1, OTHER))
    known = {
        key: HeldGreeks(delta=-0.3, vega=40.0, underlying_price=dec("656.2"))
        for key in (contract().key, OTHER.key)
    }
    offered = terms(side=Side.BUY, contract=OTHER, action=RecommendationAction.OPEN)
    more = terms(contract=OTHER)
    given: dict[str, Any] = {
        "limits": limits,
        "account": held,
        "held_greeks": known,
        "quote": quote(delta=-0.22, iv=0.16),
    }
    assert result(inputs(trade=trade(offered), **given), "delta_after").passed
    assert not result(inputs(trade=trade(more), **given), "delta_after").passed


def test_shares_count_with_their_price():
    given = inputs(
        limits=Limits(max_delta_fraction=dec(9)),
        account=account(stock_position(100, market_price=dec(650))),
        held_greeks={},
        quote=quote(delta=0.0, iv=0.16),
    )
    assert result(given, "delta_after").value == "0.13"
