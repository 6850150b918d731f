"""Every message has exactly the fields a version-178 client reads."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.calendar import TradingCalendar
from domain.instruments import Side
from infra.calendars import trading_calendar
from infra.simulator import market_messages, messages, order_messages
from infra.simulator.accounts import Account, value_account
from infra.simulator.contracts import ContractBook, full_spec
from infra.simulator.gateway import combo_spec
from infra.simulator.messages import Message
from infra.simulator.preview import MarginPreview
from infra.simulator.records import (
    ComboLeg,
    ExecutionRecord,
    OrderRecord,
    OrderStatus,
    OrderTerms,
)
from infra.simulator.reference import MARKET_RULES, OPTION_CLASSES
from infra.simulator.seeding import demo_account
from infra.simulator.synthetic import SyntheticMarket
from infra.simulator.wire import UNSET_DOUBLE, text

AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CALENDAR: TradingCalendar = trading_calendar()
SPY_CLASS = OPTION_CLASSES["SPY"]
MARKET = SyntheticMarket(7, CALENDAR, AT.date())
BOOK = ContractBook(CALENDAR)
SPY = BOOK.underlying("SPY")
ACCOUNT = Account(demo_account("DU1", MARKET, AT))
VALUES = value_account(ACCOUNT, MARKET, AT)
PUT = next(s for h in ACCOUNT.holdings if (s := BOOK.by_id(h.con_id)) and s.is_option)
QUOTE = MARKET.quote(PUT, AT)
ONE = Decimal("1.00")
PREVIEW = MarginPreview(VALUES, VALUES, ONE, ONE, ONE)


def _order(**changes: object) -> OrderRecord:
    terms = OrderTerms(
        account="DU1",
        contract=full_spec(PUT),
        side=Side.SELL,
        quantity=Decimal(1),
        order_type="LMT",
        limit_price=Decimal("3.6"),
        order_ref="GL-1",
    ).model_copy(update=changes)
    return OrderRecord(
        perm_id=11, client_id=1, order_id=5, terms=terms, status=OrderStatus.FILLED, created_at=AT
    )


ORDER = _order()
COMBO = _order(
    legs=(
        ComboLeg(con_id=PUT.con_id, ratio=1, side=Side.SELL, exchange="SMART"),
        ComboLeg(con_id=PUT.con_id + 1, ratio=1, side=Side.BUY, exchange="SMART"),
    )
)
EXECUTION = ExecutionRecord(
    exec_id="0b.01.01.01", perm_id=11, client_id=1, order_id=5, order_ref="GL-1", account="DU1",
    con_id=PUT.con_id, symbol="SPY", sec_type="OPT", side=Side.SELL, quantity=Decimal(1),
    price=Decimal("3.6"), cumulative=Decimal(1), average_price=Decimal("3.6"), at=AT,
    exchange="CBOE", commission=Decimal("1.00"),
)  # fmt: skip
HOLDING = VALUES.positions[0]

CASES: list[tuple[str, int, Message]] = [
    ("managed accounts", 3, messages.managed_accounts(["DU1", "DU2"])),
    ("next valid id", 3, messages.next_valid_id(7)),
    ("error", 6, messages.error(3, 200, "no")),
    ("current time", 3, messages.current_time(AT)),
    ("price tick", 7, market_messages.tick_price(3, 1, 1.5, 10)),
    ("size tick", 5, market_messages.tick_size(3, 0, 10)),
    ("generic tick", 5, market_messages.tick_generic(3, 24, 0.2)),
    ("string tick", 5, market_messages.tick_string(3, 45, "0")),
    ("option computation", 12, market_messages.option_computation(3, 13, QUOTE, 3.6)),
    ("tick parameters", 5, market_messages.tick_request_parameters(3, PUT)),
    ("market data type", 4, market_messages.market_data_type(3, 1)),
    ("option details", 40, market_messages.contract_details(3, PUT, "20261218", CALENDAR, AT, 178)),
    ("stock details", 40, market_messages.contract_details(3, SPY, "", CALENDAR, AT, 178)),
    ("chain", 11, market_messages.option_parameters(3, "SMART", SPY, SPY_CLASS, ["a", "b"], ["1"])),
    ("market rule", 7, market_messages.market_rule(32, MARKET_RULES[32])),
    ("position", 16, messages.position("DU1", PUT, HOLDING.holding)),
    ("portfolio value", 20, messages.portfolio_value("DU1", HOLDING, Decimal(0))),
    ("account value", 6, messages.account_values(VALUES)[0]),
    ("account time", 3, messages.account_time(AT)),
    ("account end", 3, messages.account_download_end("DU1")),
    ("account multi", 8, messages.account_multi(3, VALUES, "")[0]),
    ("summary", 7, messages.account_summary(3, VALUES, frozenset({"All"}))[0]),
    ("execution", 32, messages.execution(-1, EXECUTION, full_spec(PUT), 178)),
    ("execution at 176", 31, messages.execution(-1, EXECUTION, full_spec(PUT), 176)),
    ("commission", 8, messages.commission(EXECUTION)),
    ("order status", 12, order_messages.order_status(ORDER)),
    ("open order", 127, order_messages.open_order(ORDER, full_spec(PUT), 178)),
    ("open order at 176", 128, order_messages.open_order(ORDER, full_spec(PUT), 176)),
    ("what-if", 127, order_messages.open_order(ORDER, full_spec(PUT), 178, PREVIEW)),
    ("combo", 143, order_messages.open_order(COMBO, combo_spec(full_spec(PUT)), 178)),
    ("completed order", 96, order_messages.completed_order(ORDER, full_spec(PUT), 178)),
]


@pytest.mark.parametrize(("name", "count", "message"), CASES, ids=[c[0] for c in CASES])
def test_a_message_has_the_fields_its_reader_expects(name: str, count: int, message: Message):
    assert len(message) == count
    assert all("\0" not in text(field) for field in message)


def test_whole_numbers_are_written_without_a_fraction():
    row = [text(f) for f in order_messages.order_status(_order(quantity=Decimal("2")))]
    assert row[3:5] == ["0", "2"]
    assert text(Decimal("1E+2")) == "100"


def test_unset_margins_are_the_unset_double_and_previews_are_numbers():
    plain = order_messages.open_order(ORDER, full_spec(PUT), 178)
    preview = order_messages.open_order(ORDER, full_spec(PUT), 178, PREVIEW)
    assert plain.count(UNSET_DOUBLE) == 12
    assert preview.count(UNSET_DOUBLE) == 0


def test_text_from_a_client_cannot_break_a_message_into_fields():
    assert text("GL\0evil") == "GL evil"
