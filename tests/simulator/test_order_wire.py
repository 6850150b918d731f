"""Orders of three client libraries, at every server version: read whole, and told back the same."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import ib_async
import ib_async.client
import ib_async.decoder
import ib_insync
import ib_insync.client
import ib_insync.decoder
import ibapi.client
import ibapi.contract
import ibapi.decoder
import ibapi.order
import ibapi.order_condition
import ibapi.tag_value
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.simulator import order_messages
from infra.simulator.gateway import combo_spec
from infra.simulator.order_wire import read_order
from infra.simulator.records import OrderRecord, OrderStatus, OrderTerms
from infra.simulator.validation import OrderRejectedError
from infra.simulator.wire import Fields, WireError, text

AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
LIBRARIES = {"ib_async": ib_async, "ib_insync": ib_insync}


def _sent(library: Any, version: int, contract: Any, order: Any) -> list[str]:
    client = library.client.Client(SimpleNamespace())
    client.serverVersion = lambda: version
    client.isConnected = lambda: True
    messages: list[str] = []
    client.sendMsg = messages.append
    client.placeOrder(7, contract, order)
    return messages[0].split("\0")[2:-1]


def _sent_officially(version: int, contract: Any, order: Any) -> list[str]:
    problems: list[Any] = []
    wrapper = SimpleNamespace(error=lambda *args: problems.append(args))
    client = ibapi.client.EClient(wrapper)
    client.serverVersion = lambda: version
    client.isConnected = lambda: True
    messages: list[str] = []
    client.sendMsg = lambda _, message: messages.append(message)
    client.placeOrder(7, contract, order)
    assert problems == []
    return messages[0].split("\0")[1:-1]


def _read(fields: list[str], version: int) -> OrderTerms:
    reader = Fields(fields)
    terms = read_order(reader, version, "DU1")
    assert len(reader) == 0, "the end of the message was not read"
    return terms


def _plain(m: Any) -> tuple[Any, Any]:
    order = m.Order(action="SELL", totalQuantity=2, orderType="LMT", lmtPrice=1.5, orderRef="GL-1")
    order.solicited, order.account, order.modelCode = True, "DU1", "Core"
    return m.Option("SPY", "20261218", 640, "P", "SMART"), order


def _combo(m: Any) -> tuple[Any, Any]:
    legs = [m.ComboLeg(11, 1, "SELL", "SMART"), m.ComboLeg(12, 2, "BUY", "CBOE", openClose=1)]
    contract = m.Contract(
        symbol="SPY", secType="BAG", exchange="SMART", currency="USD", comboLegs=legs
    )
    order = m.Order(action="BUY", totalQuantity=1, orderType="LMT", lmtPrice=-0.35)
    order.smartComboRoutingParams = [m.TagValue("NonGuaranteed", "1")]
    order.algoStrategy, order.algoParams = "Adaptive", [m.TagValue("adaptivePriority", "Normal")]
    return contract, order


def _child(m: Any) -> tuple[Any, Any]:
    order = m.Order(action="BUY", totalQuantity=1, orderType="STP LMT", lmtPrice=2, auxPrice=1.9)
    order.parentId, order.ocaGroup, order.ocaType, order.triggerMethod = 6, "exit", 1, 4
    order.tif, order.goodTillDate = "GTD", "20261201 12:00:00 US/Eastern"
    order.goodAfterTime, order.transmit = "20261124 12:00:00 US/Eastern", False
    order.allOrNone, order.outsideRth, order.hidden = True, True, True
    return m.Stock("AAPL", "SMART", "USD"), order


def _conditional(m: Any) -> tuple[Any, Any]:
    order = m.Order(action="BUY", totalQuantity=1, orderType="MKT", conditionsIgnoreRth=True)
    order.conditions = [
        m.PriceCondition(
            isMore=False, price=250.5, conId=10004, exch="SMART", triggerMethod=4
        ).Or(),
        m.TimeCondition(isMore=True, time="20261124 12:00:00 US/Eastern"),
    ]
    return m.Stock("AAPL", "SMART", "USD"), order


SHAPES = {"plain": _plain, "combo": _combo, "child": _child, "conditional": _conditional}

EXOTIC: dict[str, dict[str, Any]] = {
    "scale": {"scalePriceIncrement": 0.1, "scaleInitLevelSize": 5},
    "hedge": {"hedgeType": "D", "hedgeParam": "1"},
    "delta neutral": {"deltaNeutralOrderType": "MKT", "deltaNeutralConId": 5},
    "benchmark peg": {"orderType": "PEG BENCH"},
    "midpoint peg": {"orderType": "PEG MID"},
    "best peg": {"orderType": "PEG BEST"},
    "adjusted stop": {"adjustedOrderType": "TRAIL"},
    "discretion": {"discretionaryAmt": 0.1},
    "minimum quantity": {"minQty": 5},
}


def _record(terms: OrderTerms) -> OrderRecord:
    return OrderRecord(
        perm_id=99, client_id=3, order_id=7, terms=terms, status=OrderStatus.SUBMITTED,
        created_at=AT, completed_at=AT, completed_reason="Cancelled by Trader",
    )  # fmt: skip


def _told(terms: OrderTerms, version: int) -> tuple[list[str], list[str]]:
    record = _record(terms)
    spec = combo_spec(terms.contract) if terms.is_combo else terms.contract
    opened = order_messages.open_order(record, spec, version)
    completed = order_messages.completed_order(record, spec, version)
    return [text(f) for f in opened], [text(f) for f in completed]


def _decoded(library: Any, version: int, fields: list[str]) -> tuple[Any, Any]:
    found: list[Any] = []
    wrapper = SimpleNamespace(
        openOrder=lambda _id, contract, order, _state: found.append((contract, order)),
        completedOrder=lambda contract, order, _state: found.append((contract, order)),
    )
    decoder = library.decoder.Decoder(wrapper, version)
    (decoder.openOrder if fields[0] == "5" else decoder.completedOrder)(fields)
    return found[0]


TOLD_BACK = (
    "action", "totalQuantity", "orderType", "tif", "ocaGroup", "account", "orderRef", "outsideRth",
    "hidden", "goodAfterTime", "goodTillDate", "modelCode", "allOrNone", "triggerMethod",
    "solicited", "algoStrategy", "algoParams", "smartComboRoutingParams", "conditions",
    "conditionsIgnoreRth",
)  # fmt: skip


@pytest.mark.parametrize("version", [157, 162, 166, 169, 170, 176, 177, 178])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", LIBRARIES)
def test_an_order_is_read_to_its_end_and_told_back_as_it_was(name: str, shape: str, version: int):
    library = LIBRARIES[name]
    if name == "ib_insync" and version > 176:
        pytest.skip("ib_insync ends at 176")
    contract, order = SHAPES[shape](library)
    terms = _read(_sent(library, version, contract, order), version)
    assert terms.unsupported == ""
    for fields in _told(terms, version):
        seen_contract, seen = _decoded(library, version, fields)
        for attribute in TOLD_BACK:
            wanted = getattr(order, attribute) or (
                "DU1" if attribute == "account" else getattr(seen, attribute)
            )
            assert getattr(seen, attribute) == wanted, attribute
        if shape == "combo":
            assert seen_contract.comboLegs == contract.comboLegs
    _, opened = _decoded(library, version, _told(terms, version)[0])
    assert (opened.parentId, opened.lmtPrice) == (order.parentId, float(terms.limit_price or 0))
    assert opened.auxPrice == float(terms.stop_price or 0)


@pytest.mark.parametrize("exotic", EXOTIC)
@pytest.mark.parametrize("version", [157, 170, 178])
def test_what_is_not_simulated_is_read_to_its_end_and_named(exotic: str, version: int):
    contract, order = _plain(ib_async)
    for attribute, value in EXOTIC[exotic].items():
        setattr(order, attribute, value)
    terms = _read(_sent(ib_async, version, contract, order), version)
    assert terms.unsupported or terms.order_type.startswith("PEG")


def _official(shape: str) -> tuple[Any, Any]:
    """The same shapes in the official client's own classes."""
    contract, order = SHAPES[shape](ib_async)
    official_contract, official_order = ibapi.contract.Contract(), ibapi.order.Order()
    for source, target in ((contract, official_contract), (order, official_order)):
        for attribute, value in ib_async.util.dataclassAsDict(source).items():
            if hasattr(target, attribute) and value not in ([], None):
                setattr(target, attribute, value)
    official_contract.comboLegs = []
    for leg in contract.comboLegs:
        official_leg = ibapi.contract.ComboLeg()
        vars(official_leg).update(ib_async.util.dataclassAsDict(leg))
        official_contract.comboLegs.append(official_leg)
    official_order.totalQuantity = Decimal(str(order.totalQuantity))
    official_order.softDollarTier = ibapi.order.SoftDollarTier("", "", "")
    for name in ("algoParams", "smartComboRoutingParams"):
        pairs = [ibapi.tag_value.TagValue(t.tag, t.value) for t in getattr(order, name) or []]
        setattr(official_order, name, pairs)
    official_order.conditions = [_official_condition(c) for c in order.conditions]
    return official_contract, official_order


def _official_condition(condition: Any) -> Any:
    official = ibapi.order_condition.Create(condition.condType)
    official.isConjunctionConnection = condition.conjunction == "a"
    official.isMore = condition.isMore
    if condition.condType == 3:
        official.time = condition.time
        return official
    official.price, official.conId = condition.price, condition.conId
    official.exchange, official.triggerMethod = condition.exch, condition.triggerMethod
    # The base class leaves the text of its value to be defined.
    official.valueToString = lambda: str(condition.price)
    return official


@pytest.mark.parametrize("version", [176, 177, 178])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_official_client_is_read_and_answered_alike(shape: str, version: int):
    terms = _read(_sent_officially(version, *_official(shape)), version)
    assert terms == _read(_sent(ib_async, version, *SHAPES[shape](ib_async)), version)
    found: list[Any] = []
    wrapper = SimpleNamespace(
        openOrder=lambda _id, _contract, order, state: found.append((order, state)),
        completedOrder=lambda _contract, order, state: found.append((order, state)),
    )
    decoder = ibapi.decoder.Decoder(wrapper, version)
    for fields, process in zip(
        _told(terms, version),
        (decoder.processOpenOrder, decoder.processCompletedOrderMsg),
        strict=True,
    ):
        left = iter([field.encode() for field in fields[1:]])
        process(left)
        assert list(left) == []
        order, state = found[-1]
        assert (order.totalQuantity, order.tif) == (terms.quantity, terms.tif)
        assert (order.goodTillDate, order.ocaGroup) == (terms.good_till, terms.oca_group)
        assert len(order.conditions or []) == len(terms.conditions)
        assert state.status == "Submitted"


@given(st.data())
def test_a_mangled_order_is_refused_by_name_and_never_breaks_the_reader(data: st.DataObject):
    shape = data.draw(st.sampled_from(sorted(SHAPES)))
    fields = _sent(ib_async, 178, *SHAPES[shape](ib_async))
    place = data.draw(st.integers(0, len(fields) - 1))
    junk = st.sampled_from(["", "x", "-1", "1e400", "nan", "inf", "9" * 40, "0x10", "é", "1,5"])
    mangled = [*fields]
    mangled[place] = data.draw(junk)
    if data.draw(st.booleans()):
        mangled = mangled[: data.draw(st.integers(0, len(mangled)))]
    # Anything else would cost the client its answer.
    with suppress(WireError, OrderRejectedError):
        read_order(Fields(mangled), 178, "DU1")


def test_a_malformed_field_is_named():
    fields = _sent(ib_async, 178, *_plain(ib_async))
    fields[fields.index("LMT") + 1] = "cheap"
    with pytest.raises(WireError, match="lmtPrice"):
        read_order(Fields(fields), 178, "DU1")


@pytest.mark.parametrize("raw", ["0.04999999999999999", "0.05", "0.050000000000000003"])
def test_the_noise_of_binary_fractions_is_not_part_of_a_price(raw: str):
    assert text(Fields([raw]).decimal()) == "0.05"


def test_a_price_that_needs_its_decimals_keeps_them():
    assert text(Fields(["12.0003125"]).decimal()) == "12.0003125"
