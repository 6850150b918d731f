"""The comparison of an account with its record, without a broker: what counts as a difference."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.discrepancies import CONFIRMATION, WORDS, DiscrepancyType, Finding
from domain.instruments import SecType, Side
from domain.order_evidence import BrokerStatus
from domain.orders import OrderState
from domain.ports import BrokerOrder
from domain.position_events import HeldContract, HeldQuantity, PositionEventKind
from domain.reconciliation import (
    AccountLook,
    AccountRecord,
    CashRecord,
    Comparison,
    ExpectedDividend,
    OwnOrder,
    compare,
    gateway_findings,
)

SPY = 756733
KEY = "GL-0123456789abcdef01234567"
TODAY = date(2026, 11, 23)
CONTRACTS = {
    SPY: HeldContract(con_id=SPY, description="SPY", sec_type=SecType.STOCK, underlying_con_id=SPY)
}


def cash(
    expected: int | None, last: date = TODAY, interest_posted_on: date | None = None
) -> CashRecord:
    amount = None if expected is None else Decimal(expected)
    return CashRecord(expected=amount, last_matched_on=last, interest_posted_on=interest_posted_on)


def compared(
    record: dict[str, Any] | None = None, look: dict[str, Any] | None = None
) -> Comparison:
    """An account with 100 SPY and 1,000 of cash on both sides, but for what is given."""
    held = {SPY: HeldQuantity(quantity=Decimal(100), average_cost=Decimal(600))}
    return compare(
        AccountRecord(
            **{"account_code": "DU1", "positions": held, "cash": cash(1000)} | (record or {})
        ),
        AccountLook(
            **{"on": TODAY, "positions": held, "cash": Decimal(1000), "contracts": CONTRACTS}
            | (look or {})
        ),
    )


def types(found: Comparison) -> list[str]:
    return [finding.type.value for finding in found.findings]


def broker_order(**changes: Any) -> BrokerOrder:
    fields: dict[str, Any] = {
        "order_ref": KEY,
        "perm_id": 7,
        "account_code": "DU1",
        "con_id": SPY,
        "side": Side.BUY,
        "quantity": Decimal(10),
        "limit_price": Decimal(600),
        "status": BrokerStatus.WORKING,
    }
    return BrokerOrder(**fields | changes)


def own_order(**changes: Any) -> OwnOrder:
    fields: dict[str, Any] = {
        "order_key": KEY,
        "state": OrderState.WORKING,
        "perm_id": 7,
        "quantity": Decimal(10),
        "filled": Decimal(0),
        "con_id": SPY,
        "sent_today": True,
        "is_settled": True,
    }
    return OwnOrder(**fields | changes)


def test_every_type_has_words_and_advice():
    assert set(WORDS) == set(DiscrepancyType)
    assert all(words.title and words.advice for words in WORDS.values())


def test_an_account_that_agrees_has_nothing_to_tell():
    found = compared()
    assert (found.findings, found.events, found.cash_matched) == ((), (), True)


# --- cash ------------------------------------------------------------------------------------


def test_a_few_cents_of_rounding_are_no_difference():
    assert compared(look={"cash": Decimal("1000.04")}).cash_matched


def test_cash_is_not_judged_while_it_cannot_be_told():
    found = compared({"cash": cash(None)}, {"cash": Decimal(5)})
    assert (types(found), found.cash_matched) == ([], False)


def test_money_from_nowhere_is_a_mismatch():
    found = compared(look={"cash": Decimal(1500)})
    assert types(found) == ["CASH_MISMATCH"]
    assert "500.00 more" in found.findings[0].detail


@pytest.mark.parametrize(("paid", "kind"), [(175, "DIVIDEND"), (115, "DIVIDEND"), (80, None)])
def test_a_dividend_owed_explains_its_amount_less_withholding(paid: int, kind: str | None):
    owed = ExpectedDividend(con_id=SPY, ex_date=TODAY, amount=Decimal(175))
    found = compared({"dividends": (owed,)}, {"cash": Decimal(1000 + paid)})
    assert [event.kind.value for event in found.events] == ([kind] if kind else [])
    assert types(found) == ([] if kind else ["CASH_MISMATCH"])


def test_a_dividend_before_its_ex_date_explains_nothing():
    owed = ExpectedDividend(con_id=SPY, ex_date=TODAY + timedelta(days=1), amount=Decimal(175))
    assert types(compared({"dividends": (owed,)}, {"cash": Decimal(1175)})) == ["CASH_MISMATCH"]


def test_a_little_overnight_is_interest_and_the_same_within_a_day_is_not():
    look = {"cash": Decimal("1000.20")}
    overnight = compared({"cash": cash(1000, TODAY - timedelta(days=1))}, look)
    assert [event.kind for event in overnight.events] == [PositionEventKind.INTEREST]
    assert types(compared(look=look)) == ["CASH_MISMATCH"]


@pytest.mark.parametrize(
    ("posted_days_ago", "amount", "is_interest"),
    [
        (None, "9.80", True),
        (None, "10.10", False),
        (31, "8.40", True),
        (31, "8.70", False),
        (400, "9.80", True),
        (1, "0.20", True),
        (1, "0.40", False),
        (0, "0.20", False),
    ],
)
def test_a_month_of_interest_is_posted_at_once_and_no_day_counts_twice(
    posted_days_ago: int | None, amount: str, is_interest: bool
):
    """A thousand bears at most 27 cents a day; what is more than that is a question."""
    yesterday = TODAY - timedelta(days=1)
    posted = None if posted_days_ago is None else TODAY - timedelta(days=posted_days_ago)
    found = compared({"cash": cash(1000, yesterday, posted)}, {"cash": 1000 + Decimal(amount)})
    assert types(found) == ([] if is_interest else ["CASH_MISMATCH"])


# --- orders ----------------------------------------------------------------------------------


def test_an_order_of_ours_in_the_books_is_no_difference():
    assert types(compared({"own_orders": (own_order(),)}, {"orders": (broker_order(),)})) == []


def test_an_acknowledged_order_in_no_book_has_vanished():
    assert types(compared({"own_orders": (own_order(),)})) == ["VANISHED_ORDER"]


@pytest.mark.parametrize(
    "changes",
    [{"perm_id": 0}, {"sent_today": False}, {"is_settled": False}, {"state": OrderState.FILLED}],
    ids=["never acknowledged", "of another day", "on its way", "ended"],
)
def test_an_order_the_books_need_not_show_has_not_vanished(changes: dict[str, Any]):
    assert types(compared({"own_orders": (own_order(**changes),)})) == []


def test_two_orders_under_one_key_halt():
    orders = (broker_order(), broker_order(perm_id=8))
    found = compared({"own_orders": (own_order(),)}, {"orders": orders})
    assert types(found) == ["TWO_PERM_IDS"]
    assert found.findings[0].halts


def test_an_order_whose_reference_the_broker_dropped_is_known_by_its_permid():
    dropped = broker_order(order_ref="")
    assert types(compared({"own_orders": (own_order(),)}, {"orders": (dropped,)})) == []


@pytest.mark.parametrize(
    ("status", "told"), [("WORKING", ["EXTERNAL_ORDER"]), ("CANCELLED", []), ("FILLED", [])]
)
def test_an_order_from_outside_is_told_of_while_it_may_trade(status: str, told: list[str]):
    foreign = broker_order(order_ref="", perm_id=9, status=BrokerStatus(status))
    assert types(compared(look={"orders": (foreign,)})) == told


def test_a_key_of_ours_that_is_not_on_record_is_an_orphan():
    assert types(compared(look={"orders": (broker_order(),)})) == ["ORPHAN_ORDER"]


def test_more_filled_by_the_brokers_word_than_by_the_executions_is_a_missing_execution():
    filled = broker_order(status=BrokerStatus.FILLED)
    partly = own_order(filled=Decimal(8), state=OrderState.PARTIAL)
    found = compared({"own_orders": (partly,)}, {"orders": (filled,)})
    assert types(found) == ["MISSING_EXECUTION"]
    assert (found.findings[0].expected, found.findings[0].actual) == ("10", "8")


def test_accounts_nobody_set_up_are_named_once():
    found = gateway_findings(["DU1", "DU2", "DU2", ""], ["DU1"])
    assert [finding.subject for finding in found] == ["DU2"]


# --- confirmation ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "looks", "minutes", "counts"),
    [
        ("ORPHAN_ORDER", 1, 0, True),
        ("POSITION_MISMATCH", 1, 60, False),
        ("POSITION_MISMATCH", 2, 0, True),
        ("CASH_MISMATCH", 5, 1, False),
        ("CASH_MISMATCH", 2, 4, True),
    ],
)
def test_what_the_broker_may_show_for_a_moment_counts_only_when_it_lasts(
    kind: str, looks: int, minutes: int, counts: bool
):
    finding = Finding(type=DiscrepancyType(kind), subject="s", detail="d")
    assert finding.is_confirmed(looks, timedelta(minutes=minutes)) is counts
    assert DiscrepancyType.TWO_PERM_IDS not in CONFIRMATION
