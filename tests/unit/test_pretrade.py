from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import ErrorCode
from domain.instruments import Right, Side
from domain.market import QuoteQuality
from domain.recommendations import RecommendationAction
from domain.risk.limits import Limits, TradingState
from domain.risk.pretrade import first_denial, run_controls
from domain.risk.pretrade_inputs import MarginPreview, PretradeInputs, Stage
from domain.risk.state import compute_risk_state
from tests.unit.trade_factories import (
    EXPIRY,
    NOW,
    TODAY,
    account,
    contract,
    in_order,
    option_position,
    quote,
    stock_position,
    terms,
    trade,
)

PREVIEW = MarginPreview(
    init_margin_after=Decimal(60_000),
    maint_margin_after=Decimal(50_000),
    equity_with_loan_after=Decimal(500_000),
)
CALL = contract(right=Right.CALL, con_id=2001, strike=Decimal(700))


def inputs(**changes: Any) -> PretradeInputs:
    """Selling 2 SPY 640 puts at 4.15 into 4.10 × 4.20, everything in order."""
    state = changes.get("account", account())
    offered = changes["trade"].terms if "trade" in changes else terms()
    fields: dict[str, Any] = {
        "trade": trade(),
        "quantity": 2,
        "limit_price": Decimal("4.15"),
        "quote": quote(),
        "account": state,
        "risk": compute_risk_state(state) if state else None,
        "limits": Limits(),
        "trading_state": TradingState.ACTIVE,
        "market_now": NOW + timedelta(seconds=5),
        "today": TODAY,
        "session_open": True,
        "what_if": PREVIEW,
    } | in_order(offered)
    return PretradeInputs(**fields | changes)


def buy_to_close(**changes: Any) -> PretradeInputs:
    """Buying back 2 short SPY 640 puts at 4.15."""
    offered = terms(side=Side.BUY, action=RecommendationAction.CLOSE)
    fields: dict[str, Any] = {
        "trade": trade(offered),
        "account": account(option_position(-2, contract())),
    }
    return inputs(**fields | changes)


def failed(given: PretradeInputs) -> dict[str, ErrorCode | None]:
    return {result.rule: result.code for result in run_controls(given) if not result.passed}


def test_a_trade_in_order_passes_every_control():
    assert failed(inputs()) == {}
    assert first_denial(run_controls(inputs())) is None


def test_every_control_answers_whatever_the_others_say():
    complete = [result.rule for result in run_controls(inputs())]
    broken = inputs(quote=None, account=None, risk=None, what_if=None, session_open=None)
    assert [result.rule for result in run_controls(broken)] == complete
    assert len(set(complete)) == len(complete)


def test_only_a_failed_control_carries_a_code():
    results = run_controls(inputs(session_open=False))
    assert all((result.code is None) == result.passed for result in results)


STATE = "trading_state"
DENIALS: list[tuple[str, dict[str, Any], str, ErrorCode]] = [
    ("halted", {STATE: TradingState.HALTED}, STATE, ErrorCode.TRADING_HALTED),
    ("reducing only", {STATE: TradingState.REDUCING}, STATE, ErrorCode.TRADING_REDUCING),
    (
        "another account's figures",
        {"account": account(account_code="DU9")},
        "account_known",
        ErrorCode.DATA_INVALID,
    ),
    (
        "account in another currency",
        {"account": account(currency="EUR")},
        "account_known",
        ErrorCode.DATA_INVALID,
    ),
    ("more than approved", {"quantity": 3}, "approved_quantity", ErrorCode.OUTSIDE_TERMS),
    (
        "another order working",
        {"open_order_keys": ("GL-1",)},
        "no_other_order",
        ErrorCode.DUPLICATE_ORDER,
    ),
    ("session closed", {"session_open": False}, "session_open", ErrorCode.MARKET_CLOSED),
    (
        "expired",
        {"today": EXPIRY + timedelta(days=1)},
        "not_expired",
        ErrorCode.CONTRACT_EXPIRED,
    ),
    (
        "delayed",
        {"quote": quote(quality=QuoteQuality.DELAYED)},
        "quote_live",
        ErrorCode.QUOTE_DELAYED,
    ),
    (
        "frozen",
        {"quote": quote(quality=QuoteQuality.FROZEN)},
        "quote_live",
        ErrorCode.QUOTE_STALE,
    ),
    ("no bid", {"quote": quote(bid=None)}, "quote_two_sided", ErrorCode.QUOTE_MISSING),
    ("zero bid", {"quote": quote(bid=Decimal(0))}, "quote_two_sided", ErrorCode.QUOTE_MISSING),
    (
        "crossed",
        {"quote": quote(bid=Decimal("4.3"))},
        "quote_not_crossed",
        ErrorCode.QUOTE_CROSSED,
    ),
    (
        "old quote",
        {"quote": quote(as_of=NOW - timedelta(seconds=26))},
        "quote_age",
        ErrorCode.QUOTE_STALE,
    ),
    (
        "quote from the future",
        {"quote": quote(as_of=NOW + timedelta(minutes=5))},
        "quote_age",
        ErrorCode.QUOTE_STALE,
    ),
    (
        "mid under the floor",
        {"quote": quote(bid=Decimal("3.88"), ask=Decimal("4.00"))},
        "mid_within_floor",
        ErrorCode.PRICE_OUTSIDE_FLOOR,
    ),
    (
        "underlying up",
        {"quote": quote(underlying_price=Decimal("662.77"))},
        "underlying_drift",
        ErrorCode.UNDERLYING_DRIFTED,
    ),
    (
        "underlying down",
        {"quote": quote(underlying_price=Decimal("649.63"))},
        "underlying_drift",
        ErrorCode.UNDERLYING_DRIFTED,
    ),
    (
        "off increment",
        {"limit_price": Decimal("4.12")},
        "price_increment",
        ErrorCode.PRICE_INCREMENT,
    ),
    (
        "limit under the floor",
        {"limit_price": Decimal("3.90")},
        "limit_within_floor",
        ErrorCode.OUTSIDE_TERMS,
    ),
    (
        "limit through the market",
        {"quote": quote(bid=Decimal("5.00"), ask=Decimal("5.10"))},
        "price_collar",
        ErrorCode.PRICE_COLLAR,
    ),
    (
        "limit far beyond the market",
        {"limit_price": Decimal("8.35")},
        "price_collar",
        ErrorCode.PRICE_COLLAR,
    ),
    (
        "too many contracts",
        {"limits": Limits(max_contracts=1)},
        "max_contracts",
        ErrorCode.QUANTITY_LIMIT,
    ),
    (
        "too much notional",
        {"limits": Limits(max_notional=Decimal(127_999))},
        "max_notional",
        ErrorCode.NOTIONAL_LIMIT,
    ),
    (
        "old account figures",
        {"account": account(as_of=NOW - timedelta(seconds=296))},
        "account_age",
        ErrorCode.ACCOUNT_STALE,
    ),
    (
        "cash short by one",
        {"account": account(cash=Decimal(127_999))},
        "covered",
        ErrorCode.ASSIGNMENT_CASH,
    ),
    (
        "cash taken by held puts",
        {"account": account(option_position(-6, contract(con_id=7, strike=Decimal(630))))},
        "covered",
        ErrorCode.ASSIGNMENT_CASH,
    ),
    (
        "cash taken by working orders",
        {"committed_assignment_cash": Decimal(372_001)},
        "covered",
        ErrorCode.ASSIGNMENT_CASH,
    ),
    (
        "usage already above",
        {"account": account(maint_margin=Decimal(250_001))},
        "pm_usage_now",
        ErrorCode.PM_USAGE_LIMIT,
    ),
    (
        "no buying power",
        {"what_if": PREVIEW.model_copy(update={"init_margin_after": Decimal(500_001)})},
        "buying_power",
        ErrorCode.BUYING_POWER,
    ),
    (
        "usage above afterwards",
        {"what_if": PREVIEW.model_copy(update={"maint_margin_after": Decimal(250_001)})},
        "pm_usage_after",
        ErrorCode.PM_USAGE_LIMIT,
    ),
    (
        "equity gone afterwards",
        {"what_if": PREVIEW.model_copy(update={"equity_with_loan_after": Decimal(0)})},
        "pm_usage_after",
        ErrorCode.PM_USAGE_LIMIT,
    ),
]


@pytest.mark.parametrize(
    ("changes", "rule", "code"),
    [pytest.param(*rest, id=name) for name, *rest in DENIALS],
)
def test_each_fault_is_denied_by_its_own_control(
    changes: dict[str, Any], rule: str, code: ErrorCode
):
    assert failed(inputs(**changes)).get(rule) is code


MISSING: list[tuple[str, dict[str, Any], set[str]]] = [
    (
        "quote",
        {"quote": None},
        {
            "not_halted",
            "quote_live",
            "quote_two_sided",
            "quote_not_crossed",
            "quote_age",
            "mid_within_floor",
            "underlying_drift",
            "price_collar",
        },
    ),
    ("underlying", {"quote": quote(underlying_price=None)}, {"underlying_drift"}),
    (
        "account",
        {"account": None},
        {
            "account_known",
            "side",
            "account_age",
            "daily_loss",
            "covered",
            "max_loss",
            "position_after",
            "pm_usage_now",
        },
    ),
    ("risk", {"risk": None}, {"account_known", "pm_usage_now"}),
    ("equity", {"account": account(equity_with_loan=Decimal(0))}, {"pm_usage_now"}),
    ("session", {"session_open": None}, {"session_open"}),
    ("margin preview", {"what_if": None}, {"buying_power", "pm_usage_after"}),
]


@pytest.mark.parametrize(
    ("changes", "rules"), [pytest.param(*rest, id=name) for name, *rest in MISSING]
)
def test_what_is_missing_denies(changes: dict[str, Any], rules: set[str]):
    assert set(failed(inputs(**changes))) == rules


def test_the_figure_exactly_at_a_limit_passes():
    at_every_limit = inputs(
        account=account(cash=Decimal(128_000), maint_margin=Decimal(250_000)),
        limits=Limits(max_contracts=2, max_notional=Decimal(128_000)),
        quote=quote(bid=Decimal("3.90"), ask=Decimal("4.00"), as_of=NOW - timedelta(seconds=25)),
        what_if=PREVIEW.model_copy(
            update={
                "init_margin_after": Decimal(500_000),
                "maint_margin_after": Decimal(250_000),
            }
        ),
        today=EXPIRY,
    )
    assert failed(at_every_limit) == {}


def test_before_the_preview_margin_controls_are_not_run():
    results = run_controls(inputs(what_if=None, stage=Stage.BEFORE_PREVIEW))
    assert first_denial(results) is None
    assert not {"buying_power", "pm_usage_after"} & {result.rule for result in results}


def test_at_the_end_a_missing_preview_denies_as_a_failed_what_if():
    denial = first_denial(run_controls(inputs(what_if=None, stage=Stage.FINAL)))
    assert denial is not None
    assert denial.code is ErrorCode.WHAT_IF_FAILED


def test_the_first_denial_is_the_first_in_the_controls_order():
    denial = first_denial(
        run_controls(inputs(trading_state=TradingState.HALTED, session_open=False, quote=None))
    )
    assert denial is not None
    assert denial.code is ErrorCode.TRADING_HALTED


def test_a_better_limit_chosen_by_the_approver_may_rest_above_the_market():
    chosen = Decimal("4.60")
    patient = inputs(trade=trade(limit_price=chosen, floor_price=chosen), limit_price=chosen)
    assert failed(patient) == {}


def test_a_chosen_limit_is_the_floor_for_every_attempt():
    chosen = Decimal("4.60")
    walked = inputs(
        trade=trade(limit_price=chosen, floor_price=chosen), limit_price=Decimal("4.55")
    )
    assert failed(walked) == {"limit_within_floor": ErrorCode.OUTSIDE_TERMS}


def test_without_the_covered_rule_a_put_may_be_sold_on_margin():
    state = account(cash=Decimal(1_000))
    assert failed(inputs(account=state, limits=Limits(require_covered=False))) == {}


def test_a_call_is_sold_only_against_shares():
    offered = terms(contract=CALL)
    limits = Limits(max_notional=Decimal(200_000))
    bare = inputs(trade=trade(offered), limits=limits)
    covered = inputs(trade=trade(offered), limits=limits, account=account(stock_position(200)))
    assert failed(bare) == {
        "covered": ErrorCode.NOT_COVERED,
        "max_loss": ErrorCode.MAX_LOSS_EXCEEDED,
    }
    assert failed(covered) == {}


def test_shares_already_called_away_cover_no_second_call():
    offered = terms(contract=contract(right=Right.CALL, con_id=9, strike=Decimal(710)))
    state = account(stock_position(200), option_position(-1, CALL))
    assert failed(inputs(trade=trade(offered), account=state)) == {
        "covered": ErrorCode.NOT_COVERED,
        "max_loss": ErrorCode.MAX_LOSS_EXCEEDED,
    }


def test_an_underlying_exactly_at_its_drift_passes():
    moved = quote(underlying_price=Decimal("656.2") * Decimal("1.01"))
    assert failed(inputs(quote=moved)) == {}


@pytest.mark.parametrize("price", [Decimal(0), Decimal(-1)])
def test_an_underlying_without_a_real_price_denies(price: Decimal):
    given = inputs(quote=quote(underlying_price=price))
    assert failed(given)["underlying_drift"] is ErrorCode.QUOTE_MISSING


def test_account_figures_exactly_at_their_oldest_pass():
    assert failed(inputs(account=account(as_of=NOW - timedelta(seconds=295)))) == {}
