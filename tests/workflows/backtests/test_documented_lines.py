"""The lines that docs/backtests.md gives for Temporal's own command lines, typed as they stand."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.common import RawValue

from domain.ports.backtests import BacktestRequest
from infra.embedded.temporal import temporal_binary
from tests.documented import commands
from tests.workflows.backtests.desk import Engine, Records

pytestmark = pytest.mark.asyncio(loop_scope="session")
START, QUERY, RESULT, CANCEL, SWEEP = commands("backtests.md", "temporal")
TCTL_START, TCTL_QUERY = commands("backtests.md", "tctl")


async def typed(client: Client, line: str, *more: str) -> tuple[int, str]:
    """The line in a shell, beside the server's address; its exit code and what it printed."""
    programs = str(Path(temporal_binary()).parent)
    process = await asyncio.create_subprocess_shell(
        " ".join([line, *more]),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "TEMPORAL_ADDRESS": client.service_client.config.target_host,
            "TEMPORAL_NAMESPACE": client.namespace,
        },
    )
    said, wrong = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode() + wrong.decode()


async def test_the_documented_line_starts_a_backtest_whose_progress_and_result_can_be_read(
    desk: Client, engine: Engine
):
    engine.gate.clear()
    code, said = await typed(desk, START)
    assert (code, "my-test" in said) == (0, True), said
    request = await engine.begun.get()
    assert (request.config, request.data) == ({"max_delta": 0.2}, ("/history/spx_2019",))
    code, said = await typed(desk, QUERY)
    assert code == 0, said
    assert '"status":"RUNNING"' in said
    engine.gate.set()
    code, said = await typed(desk, RESULT)
    assert (code, "COMPLETED" in said) == (0, True), said
    code, said = await typed(desk, RESULT, "--output json")
    assert json.loads(said)["result"]["status"] == "COMPLETED"
    code, said = await typed(desk, QUERY, "--output json")
    assert json.loads(said)["queryResult"][0]["percent"] == 100.0


async def test_the_documented_line_cancels_one(desk: Client, engine: Engine, records: Records):
    engine.gate.clear()
    await typed(desk, START)
    await engine.begun.get()
    code, said = await typed(desk, CANCEL)
    assert code == 0, said
    code, said = await typed(desk, RESULT)
    assert (code != 0, "CANCEL" in said.upper()) == (True, True), said
    assert engine.stopped == 1


async def test_the_documented_line_starts_a_sweep(desk: Client, engine: Engine):
    code, said = await typed(desk, SWEEP, "--workflow-id my-sweep")
    assert code == 0, said
    result = await desk.get_workflow_handle("my-sweep").result()
    assert (result["total"], result["completed"]) == (2, 2)
    assert {request.config["exit_dte"] for request in _all(engine)} == {5, 7}


async def test_the_line_for_tctl_starts_the_same_backtest(desk: Client, engine: Engine):
    """By what tctl sends for it: the flags of tctl 1.18 and its input as it stands, as JSON."""
    tctl = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    for flag in ("--workflow_type", "--taskqueue", "--workflow_id", "--input"):
        tctl.add_argument(flag, required=True)
    tctl.add_argument("--execution_timeout", type=int)
    words = shlex.split(TCTL_START)
    assert words[:3] == ["tctl", "workflow", "start"]
    said = tctl.parse_args(words[3:])
    payload = Payload(metadata={"encoding": b"json/plain"}, data=said.input.encode())
    handle = await desk.start_workflow(
        said.workflow_type,
        RawValue(payload),
        id=said.workflow_id,
        task_queue=said.taskqueue,
    )
    assert (await handle.result())["status"] == "COMPLETED"
    assert (await engine.begun.get()).config == {"max_delta": 0.2}

    query = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    query.add_argument("--workflow_id", required=True)
    query.add_argument("--query_type", required=True)
    asked = query.parse_args(shlex.split(TCTL_QUERY)[3:])
    told = await desk.get_workflow_handle(asked.workflow_id).query(asked.query_type)
    assert told["status"] == "COMPLETED"


def _all(engine: Engine) -> list[BacktestRequest]:
    return [engine.begun.get_nowait() for _ in range(engine.begun.qsize())]
