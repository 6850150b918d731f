"""The runbooks, walked: each command as it stands in the document, on one running desk.

A walk makes the trouble that its page is about, does what the page says, and sees it over. At the
end every command of every page has been run.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ib_async import IB, LimitOrder, Stock

from infra.keys import KeyRing, read_keys
from tests.approver import Approver
from tests.conftest import OUTPUT
from tests.desk import (
    HEADERS,
    Desk,
    in_own_loop,
    running_desk,
    terminal_environment,
    wait_until,
)
from tests.faults.line import Line
from workflows.ids import recommendation_workflow_id

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
FILL_SECONDS = 250.0
COMMAND_SECONDS = 120.0


def commands(page: str) -> list[str]:
    """What the page's ``sh`` blocks say to type, in their order."""
    blocks = re.findall(r"```sh\n(.*?)```", (RUNBOOKS / f"{page}.md").read_text("utf-8"), re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


class Operator:
    """Somebody at a terminal beside the desk, with the runbooks."""

    def __init__(self, desk: Desk, line: Line) -> None:
        self.desk = desk
        self.line = line
        self.typed: set[tuple[str, str]] = set()

    def types(
        self, page: str, beginning: str, *, ends_with: int = 0, answer: str = "", **variables: str
    ) -> str:
        """Run the page's one command that begins so, its variables set; what it said."""
        written = commands(page)
        found = [each for each in written if each == beginning]
        (command,) = found or [each for each in written if each.startswith(beginning)]
        self.typed.add((page, command))
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            env={
                **terminal_environment(self.desk.home),
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "TEMPORAL_ADDRESS": self.desk.temporal_address,
                "COLUMNS": "200",
                **variables,
            },
            input=answer,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert ran.returncode == ends_with, (command, ran.stdout, ran.stderr)
        return ran.stdout

    def until_connected(self, *, connected: bool = True) -> None:
        state = "=" if connected else "<>"
        wait_until(
            lambda: self.desk.sql(f"SELECT 1 FROM gateways WHERE connection {state} 'CONNECTED'"),
            90,
            f"the gateway is connected: {connected}",
        )

    def restart(self, *names: str) -> None:
        for name in names:
            self.desk.wait_until_restarted(name, self.desk.kill(name))
        self.desk.wait_until_serving()
        self.until_connected()


@pytest.fixture(scope="module")
def operator(request: pytest.FixtureRequest) -> Iterator[Operator]:
    failed_before = request.session.testsfailed
    with running_desk("--speed", "3", "--seed", "7") as desk:
        (gateway,) = desk.sql("SELECT port FROM gateways")
        with Line(gateway["port"]) as line:
            desk.sql("UPDATE gateways SET port = %s", line.port)
            desk.wait_until_restarted("broker worker", desk.kill("broker worker"))
            at_work = Operator(desk, line)
            at_work.until_connected()
            yield at_work
            if request.session.testsfailed > failed_before:
                desk.keep_logs(OUTPUT / "logs-runbooks")


@pytest.fixture(scope="module")
def offers(operator: Operator) -> dict[str, str]:
    return operator.desk.propose("NVDA", "AAPL", "MSFT")


@pytest.fixture
def approver(operator: Operator) -> Iterator[Approver]:
    with operator.desk.login() as browser:
        yield Approver(browser)


def workflow_ids(listed: str) -> set[str]:
    return set(re.findall(r"recommendation-[0-9a-f-]{36}", listed))


def approved(approver: Approver, recommendation_id: str) -> None:
    answer = approver.approve(recommendation_id)
    assert answer.status_code == 200, answer.text


def state(desk: Desk, recommendation_id: str) -> str:
    return desk.recommendation(recommendation_id)["state"]


def until_completed(desk: Desk, recommendation_id: str) -> None:
    wait_until(
        lambda: state(desk, recommendation_id) == "COMPLETED",
        FILL_SECONDS,
        f"{recommendation_id} is filled",
    )


def test_gateway_down(operator: Operator):
    desk = operator.desk
    operator.line.cut()
    operator.until_connected(connected=False)

    examined = operator.types("gateway-down", "greenlight doctor")
    assert re.search(r"FAILED\s+gateway\s+simulated\b", examined), examined
    assert "simulated" in operator.types("gateway-down", "greenlight gateways")
    polled = operator.types("gateway-down", "temporal task-queue", GATEWAY="simulated")
    assert "broker:simulated" in polled or "Pollers" in polled, polled
    operator.types("gateway-down", "greenlight halt")
    assert desk.one("SELECT value FROM settings WHERE key = 'trading_state'")["value"] == "HALTED"

    operator.line.mend()
    operator.until_connected()
    operator.types("gateway-down", "greenlight resume")
    assert desk.one("SELECT value FROM settings WHERE key = 'trading_state'")["value"] == "ACTIVE"


def test_stuck_and_unknown_order(operator: Operator, offers: dict[str, str], approver: Approver):
    desk, waiting, stuck = operator.desk, offers["AAPL"], offers["NVDA"]
    operator.line.cut_after_next_order = True
    approved(approver, stuck)
    assert operator.line.was_cut.wait(60), "no order passed"
    wait_until(
        lambda: [order["state"] for order in desk.orders(stuck)] == ["UNKNOWN"],
        90,
        "the order is UNKNOWN",
    )
    workflow_id = recommendation_workflow_id(stuck)

    # Found by what it waits for, and by nothing else.
    by_waiting_on = "temporal workflow list --query 'GreenlightWaitingOn = \""
    wait_until(
        lambda: workflow_ids(operator.types("stuck-order", f"{by_waiting_on}op")) == {workflow_id},
        30,
        "found by its search attribute",
    )
    everything = operator.types("stuck-order", "temporal workflow list --query 'WorkflowType")
    assert {workflow_id, recommendation_workflow_id(waiting)} <= workflow_ids(everything)
    at_broker = operator.types("stuck-order", f"{by_waiting_on}br")
    assert workflow_id not in workflow_ids(at_broker)
    described = operator.types("stuck-order", "temporal workflow desc", WORKFLOW_ID=workflow_id)
    assert "RecommendationWorkflow" in described
    said = operator.types("stuck-order", "temporal workflow query", WORKFLOW_ID=workflow_id)
    assert "UNKNOWN" in said
    assert "operator" in said
    operator.types("stuck-order", "temporal workflow signal", WORKFLOW_ID=workflow_id)

    # The page on UNKNOWN orders, which that one leads to.
    assert re.search(r"orders\s+in doubt\s+1", operator.types("unknown-order", "greenlight doctor"))
    listed = operator.types("unknown-order", "temporal workflow list")
    assert workflow_ids(listed) == {workflow_id}
    operator.line.mend()
    operator.until_connected()
    operator.types("unknown-order", "greenlight reconcile")
    # It is at the broker and works: the look has adopted it, and it was sent once.
    until_completed(desk, stuck)
    with desk.ledger() as ledger:
        sent = [len(ledger.orders(order["order_key"])) for order in desk.orders(stuck)]
    assert set(sent) == {1}


async def order_of_another_desk(port: int) -> None:
    """An order under one of our references that this desk's record does not know."""
    async with another_program(port) as ib:
        order = LimitOrder("BUY", 1, 1.0, orderRef="GL-0123456789abcdef01234567", tif="GTC")
        trade = ib.placeOrder(Stock("AAPL", "SMART", "USD"), order)
        while not trade.order.permId:
            await trade.statusEvent


async def cancel_it_in_tws(port: int) -> None:
    async with another_program(port) as ib:
        (trade,) = await ib.reqOpenOrdersAsync()
        ib.cancelOrder(trade.order)
        while not trade.isDone():
            await trade.statusEvent


@asynccontextmanager
async def another_program(port: int) -> AsyncIterator[IB]:
    ib = IB()
    await ib.connectAsync("127.0.0.1", port, clientId=77, timeout=20)
    try:
        async with asyncio.timeout(30):
            yield ib
    finally:
        ib.disconnect()


def test_discrepancy(operator: Operator):
    desk = operator.desk
    (account,) = desk.sql("SELECT code FROM broker_accounts")
    port = json.loads(desk.home.ports.read_text("utf-8"))["gateway"]
    in_own_loop(order_of_another_desk(port))
    said = operator.types("discrepancy", "greenlight reconcile")
    assert "1 open" in said
    assert desk.sql("SELECT 1 FROM discrepancies WHERE type = 'ORPHAN_ORDER'")
    in_own_loop(cancel_it_in_tws(port))
    operator.types("discrepancy", "greenlight reconcile")
    # The day's books hold it, and the record never did: it is told, as what it has become.
    (orphan,) = desk.sql("SELECT actual FROM discrepancies WHERE type = 'ORPHAN_ORDER'")
    assert orphan["actual"] == "CANCELLED"
    told = operator.types("discrepancy", "greenlight resume", ACCOUNT=account["code"])
    assert told.strip().endswith("ACTIVE")


def test_key_rotation(operator: Operator):
    desk = operator.desk
    key_file = desk.home.root / "keys" / "secrets.key"
    url = "jsons://hook.example.com/path"
    with desk.login() as browser:
        made = browser.post(
            "/api/auth/channels/",
            json={"name": "hook", "address": url, "events": ["KILL_SWITCH"]},
        )
        assert made.status_code == 201, made.text
    before = read_keys(key_file)

    told = operator.types("key-rotation", "greenlight users", EMAIL=desk.email)
    desk.password = re.search(r"New password of \S+ (\S+)", told)[1]
    assert "1 secrets" in operator.types("key-rotation", "greenlight keys rotate")
    operator.restart("core worker", "api")
    assert "1 old keys" in operator.types("key-rotation", "greenlight keys drop-old")
    assert set(read_keys(key_file)).isdisjoint(before)
    (channel,) = desk.sql("SELECT sealed_url FROM notification_channels")
    assert KeyRing(key_file).decrypt(channel["sealed_url"]) == url

    payloads = desk.home.root / "keys" / "payloads.key"
    operator.types(
        "key-rotation",
        "greenlight keys rotate-payloads",
        GREENLIGHT_TEMPORAL_PAYLOAD_KEY_FILE=str(payloads),
    )
    assert len(read_keys(payloads)) == 1
    operator.types("key-rotation", "greenlight doctor")
    sign_in: dict[str, Any] = {"email": desk.email, "password": desk.password}
    answer = httpx.post(f"{desk.url}/api/auth/login/", json=sign_in, headers=HEADERS, timeout=20)
    assert answer.status_code == 200, answer.text


def test_upgrade(operator: Operator, offers: dict[str, str]):
    desk, waiting = operator.desk, offers["AAPL"]
    assert operator.types("upgrade", "greenlight backup").strip()
    counted = operator.types("upgrade", "temporal workflow count")
    assert int(re.search(r"\d+", counted)[0]) >= 2
    operator.types("upgrade", "greenlight migrate")
    operator.types("upgrade", "greenlight setup-temporal")
    desk.leave_strategy_runs_to_the_test()
    operator.restart("core worker", "broker worker", "api")
    operator.types("upgrade", "greenlight doctor")
    with desk.login() as browser:
        approved(Approver(browser), waiting)
    until_completed(desk, waiting)


def test_restore(operator: Operator, offers: dict[str, str]):
    desk, forgotten = operator.desk, offers["MSFT"]
    folder = operator.types("restore", "greenlight backup").strip()
    operator.types("restore", "greenlight prune")
    # After the backup a trade is approved and filled: the restored record will not know of it.
    with desk.login() as browser:
        approved(Approver(browser), forgotten)
    until_completed(desk, forgotten)
    with desk.ledger() as ledger:
        sent = {order["order_key"] for order in desk.orders(forgotten)}
        assert all(len(ledger.orders(key)) == 1 for key in sent)

    desk.stop()
    told = operator.types("restore", "greenlight restore", answer="y\n", BACKUP=folder)
    assert "HALTED" in told
    desk.start_again()
    operator.until_connected()
    assert state(desk, forgotten) == "PROPOSED"
    operator.types("restore", "greenlight doctor")
    said = operator.types("restore", "greenlight reconcile")
    assert re.search(r"[1-9] open discrepanc", said)
    assert desk.sql("SELECT 1 FROM alerts WHERE state <> 'CLEARED'")
    operator.types("restore", "greenlight resume")
    with desk.ledger() as ledger:
        assert all(len(ledger.orders(key)) == 1 for key in sent), "nothing was sent again"


def test_every_command_of_every_runbook_was_walked(operator: Operator):
    written = {
        (page.stem, command) for page in RUNBOOKS.glob("*.md") for command in commands(page.stem)
    }
    assert written - operator.typed == set()
    assert len(written) > 20
