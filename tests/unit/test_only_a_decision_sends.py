"""No code path puts an order on the wire but the one that begins with a decision on record.

The database holds the other end: an order cannot exist without an approving decision on its own
recommendation (`test_schema`), and `autotrade_enabled` can hold nothing but false.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYERS = ("api", "infra", "workflows", "activities", "domain")
# The simulated gateway is the other end of the wire.
OTHER_SIDE = "infra/simulator/"


def _calls() -> Iterator[tuple[str, str, ast.Call]]:
    """(file, dotted callee, call) for every call in the product's code."""
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith(OTHER_SIDE):
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield name, ast.unparse(node.func), node


CALLS = list(_calls())


def where(*endings: str) -> set[tuple[str, str]]:
    return {
        (name, callee)
        for name, callee, _ in CALLS
        if any(callee == ending or callee.endswith(f".{ending}") for ending in endings)
    }


def test_only_the_broker_adapter_speaks_of_orders_to_the_wire():
    assert where("placeOrder") == {
        ("infra/ibkr/broker.py", "ib.placeOrder"),
        # The what-if preview: the wire's own flag keeps it from being an order.
        ("infra/ibkr/broker.py", "ib.client.placeOrder"),
    }


def test_the_direct_call_to_the_wire_is_a_preview_and_nothing_else():
    tree = ast.parse((ROOT / "infra/ibkr/broker.py").read_text("utf-8"))
    holders = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
        and "ib.client.placeOrder" in ast.unparse(node)
    ]
    assert len(holders) == 1
    assert "whatIf=True" in ast.unparse(holders[0]) or "whatIf = True" in ast.unparse(holders[0])


def test_only_the_sender_sends_and_only_after_the_claim():
    assert where("_broker.send", "broker.send") == {("activities/sending.py", "self._broker.send")}
    source = (ROOT / "activities/sending.py").read_text("utf-8")
    assert source.index("await self._claim(") < source.index("await self._broker.send(")
    assert source.index("confirm_claim(") < source.index("await self._broker.send(")


def test_only_the_order_activities_use_the_sender_and_only_an_approved_trade_calls_them():
    assert where("_sender.send") == {("activities/orders.py", "self._sender.send")}
    senders = ("OrderActivities.place_order", "OrderActivities.judge_and_send")
    users = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "workflows").rglob("*.py")
        if any(sender in path.read_text("utf-8") for sender in senders)
    }
    assert users == {"workflows/order_work.py"}


def test_only_the_ledger_writes_order_rows_and_each_names_its_decision():
    makers = [
        (name, call)
        for name, callee, call in CALLS
        if name.startswith("infra/db/") and _makes(callee, "OrderRow")
    ]
    assert [name for name, _ in makers] == ["infra/db/ledger.py"]
    keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in makers[0][1].keywords}
    assert keywords["decision_id"] == "trade.decision_id"


def test_only_a_person_s_request_writes_a_decision():
    makers = {
        name
        for name, callee, _ in CALLS
        if any(_makes(callee, row) for row in _names_of_the_row(name))
    }
    assert makers == {"infra/db/decisions.py"}
    callers = {name for name, callee, _ in CALLS if callee.endswith("record_decision")}
    assert all(name.startswith("api/") for name in callers), callers


def _makes(callee: str, row: str) -> bool:
    """Whether a call makes a row: ``Row(...)``, or the values of an insertion of it."""
    return callee == row or callee.endswith(f"insert({row}).values")


@cache
def _names_of_the_row(name: str) -> frozenset[str]:
    """What a file calls the table of decisions."""
    imports = [
        node
        for node in ast.walk(ast.parse((ROOT / name).read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("infra.db.models")
    ]
    names = (each for node in imports for each in node.names if each.name == "Decision")
    return frozenset(
        {"models.Decision", "m.Decision", *(each.asname or each.name for each in names)}
    )
