"""Record the histories that `test_replay` replays: about five minutes.

They are taken from real desks; those of `tests.replay.scripted` from scripted answers.

    python -m tests.replay.record
    python -m tests.replay.record endings   # or: scripted, backtests, …

Every change of what a workflow commands is guarded with ``workflow.patched``, a change of a time in
`workflows.policies` that a workflow compares with its clock too. The old histories stay, and must
replay; `test_replay` then names those whose newest recording is from before the change. Raise
`GENERATION`, record them, and they stand beside the old ones.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from tests.approver import Approver
from tests.chain_files import write_chains, write_config
from tests.desk import Desk, in_own_loop, running_desk, wait_until
from tests.replay.scripted import histories
from workflows.ids import recommendation_workflow_id

HISTORIES = Path(__file__).parent / "histories"
GENERATION = 3
"""Of the recordings made now; 1 is from before judging and sending became one activity, 2 from
before an order stayed where its next price is its own."""
_ENDED = ("COMPLETED", "REJECTED", "EXPIRED", "DENIED", "LAPSED")
_SETTLE_SECONDS = 400.0


def record_endings(desk: Desk) -> None:
    """One recommendation for each way to end, and the other workflows on the way."""
    expiring = desk.propose("IWM", "QQQ", decision_minutes=2)
    offers = desk.propose("NVDA", "AAPL")
    with desk.login() as browser:
        approver = Approver(browser)
        with desk.frozen("broker worker"):
            # Approved in time, and still not begun two minutes after its deadline.
            _accepted(approver.approve(expiring["QQQ"]))
            _until_ended(desk, expiring["IWM"])
            _until_too_late_to_start(desk, expiring["QQQ"])
        _accepted(approver.approve(offers["NVDA"]))
        _accepted(approver.reject(offers["AAPL"], "earnings next week"))
    for symbol, rec in (*expiring.items(), *offers.items()):
        sys.stdout.write(f"{symbol}: {_until_ended(desk, rec)}\n")
    _save(desk, "recommendation-completed", _id(offers["NVDA"]))
    _save(desk, "recommendation-rejected", _id(offers["AAPL"]))
    _save(desk, "recommendation-expired", _id(expiring["IWM"]))
    _save(desk, "recommendation-denied-with-successor", _id(expiring["QQQ"]))
    _save_latest(desk, "StrategyRunsWorkflow", "StrategyRunWorkflow")
    _save_latest(desk, "IngestionWorkflow", "ReconciliationWorkflow", "RedeliveryWorkflow")
    assert desk.cli("sync-ibkr-market").returncode == 0
    _save_latest(desk, "MarketReadingWorkflow")
    # It runs as long as the desk; what it has done so far is its history.
    _save(desk, "LifecycleWorkflow", in_own_loop(_latest(desk, "LifecycleWorkflow", "Running")))


def record_backtests(desk: Desk) -> None:
    """A backtest, and a sweep of which one has nothing to sell."""
    data = str(write_chains(desk.home.root / "history.csv"))
    config = str(write_config(desk.home.root / "config.json"))
    asked = ("--strategy", "wheel", "--data", data, "--config", config, "--wait")
    for command in (("backtest", "--submit"), ("sweep", "--set", "min_delta=0.15,0.20")):
        done = desk.cli(*command, *asked)
        assert done.returncode == 0, done.stderr
    _save_latest(desk, "BacktestWorkflow", "BacktestSweepWorkflow")


def record_dry_run(desk: Desk) -> None:
    """What a strategy would find now, asked for as the web app does."""
    with desk.login() as browser:
        strategy = browser.get("/api/strategies/").json()["items"][0]["id"]
        answer = browser.post(
            f"/api/strategies/{strategy}/dry-run/",
            json={},
            headers={"Idempotency-Key": uuid4().hex},
            timeout=120,
        )
        _accepted(answer)
        _save_latest(desk, "StrategyDryRunWorkflow")


def record_notifications(desk: Desk) -> None:
    """One look for what people are to be told, as its schedule starts it."""

    def looked() -> str | None:
        try:
            return in_own_loop(_latest(desk, "NotificationWorkflow"))
        except AssertionError:
            return None

    _save(desk, "NotificationWorkflow", str(wait_until(looked, 90, "a look for news")))


def record_scripted() -> None:
    """Endings that a real desk comes to only by accident."""
    for name, (workflow_id, history) in in_own_loop(histories()).items():
        _write(f"recommendation-{name}", workflow_id, history)


def _id(recommendation_id: str) -> str:
    return recommendation_workflow_id(UUID(recommendation_id))


def _accepted(answer: Any) -> None:
    assert answer.status_code == 200, answer.text


def _until_ended(desk: Desk, recommendation_id: str) -> str:
    def state() -> str | None:
        now = desk.recommendation(recommendation_id)["state"]
        return now if now in _ENDED else None

    return str(wait_until(state, _SETTLE_SECONDS, f"{recommendation_id} ends"))


def _until_too_late_to_start(desk: Desk, recommendation_id: str) -> None:
    # The stopped worker does not tell the time: its last reading, carried forward.
    wait_until(
        lambda: desk.sql(
            "SELECT 1 FROM recommendations r, gateways g WHERE r.id = %s AND"
            " g.market_at + (now() - g.clock_read_at) * g.clock_rate"
            " > r.deadline + interval '130 seconds'",
            recommendation_id,
        ),
        _SETTLE_SECONDS,
        "the approval's grace is over",
    )


def _save_latest(desk: Desk, *workflow_types: str) -> None:
    for name in workflow_types:
        _save(desk, name, in_own_loop(_latest(desk, name)))


async def _latest(desk: Desk, workflow_type: str, status: str = "Completed") -> str:
    client = await desk.temporal()
    query = f"WorkflowType = '{workflow_type}' AND ExecutionStatus = '{status}'"
    async for found in client.list_workflows(query):
        return found.id
    raise AssertionError(f"no {workflow_type} is {status.lower()}")


def _save(desk: Desk, name: str, workflow_id: str) -> None:
    async def fetch() -> str:
        handle = (await desk.temporal()).get_workflow_handle(workflow_id)
        if name != "LifecycleWorkflow":
            await handle.result()
        return (await handle.fetch_history()).to_json()

    _write(name, workflow_id, in_own_loop(fetch()))


def _write(name: str, workflow_id: str, history: str) -> None:
    content = {"workflow_id": workflow_id, "history": _anonymous(json.loads(history))}
    folder = HISTORIES / str(GENERATION)
    folder.mkdir(exist_ok=True)
    compact = json.dumps(content, separators=(",", ":"))
    (folder / f"{name}.json").write_text(compact + "\n", "utf-8")


def _anonymous(value: Any) -> Any:
    """The history without names of machines and files, which replay does not look at."""
    if isinstance(value, dict):
        masked = {"identity": "worker", "stackTrace": ""}
        if value.get("kind") == "TASK_QUEUE_KIND_STICKY":
            masked["name"] = "sticky"
        return {k: masked[k] if k in masked else _anonymous(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_anonymous(each) for each in value]
    return value


def recorded() -> Sequence[Path]:
    """All there are, the oldest generation first."""
    return sorted(HISTORIES.glob("*/*.json"), key=lambda file: (int(file.parent.name), file.stem))


def newest() -> dict[str, Path]:
    """The last recording of each, by name."""
    return {file.stem: file for file in recorded()}


ON_A_DESK: dict[str, Callable[[Desk], None]] = {
    "endings": record_endings,
    "backtests": record_backtests,
    "dry-run": record_dry_run,
    "notifications": record_notifications,
}


def main(names: Sequence[str]) -> None:
    """Record what is named, or everything."""
    wanted = names or ["scripted", *ON_A_DESK]
    if "scripted" in wanted:
        record_scripted()
    chosen = [ON_A_DESK[name] for name in wanted if name != "scripted"]
    if chosen:
        with running_desk("--speed", "4", "--seed", "7") as desk:
            for record in chosen:
                record(desk)


if __name__ == "__main__":
    main(sys.argv[1:])
