"""Backtests and sweeps as workflows: retried, resumed, cancelled, asked how far they are."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import CancelledError

from domain.ports.backtests import BacktestStatus, Progress
from infra.temporal.setup import add_search_attributes
from tests.workflows.backtests.desk import (
    GRID,
    SMALL,
    Engine,
    Records,
    computing,
    core,
    failure,
    started,
)
from workflows import backtest as code
from workflows.messages import SweepProgress

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_backtest_runs_and_is_asked_how_far_it_is(
    desk: Client, engine: Engine, records: Records
):
    engine.gate.clear()
    handle = await started(desk, "BacktestWorkflow", {**SMALL, "config": {"exit_dte": 5}})
    await engine.begun.get()
    while (now := await handle.query("progress"))["percent"] != 50.0:  # noqa: ASYNC110 - asked for
        await asyncio.sleep(0.05)
    assert now["progress"] == {"done": 1, "of": 2, "session": "2019-05-01"}
    assert now["status"] == "RUNNING"
    engine.gate.set()
    result = await handle.result()
    assert (result["status"], result["stats"]) == ("COMPLETED", {"sharpe": 5})
    assert UUID(result["run_id"]) == records.runs[handle.id]
    assert records.kept[0] == Progress(done=1, of=2, session="2019-05-01")


@pytest.mark.parametrize(
    ("raw", "kind", "said"),
    [
        ({"strategy": "theta"}, "INVALID_INPUT", "data: Field required"),
        ("theta", "INVALID_INPUT", "must be a JSON object"),
        (SMALL | {"strategy": "alpha"}, "STRATEGY_UNRESOLVED", "wheel, theta"),
        (SMALL | {"config": {"max_delta": 7}}, "CONFIG_INVALID", "max_delta"),
    ],
)
async def test_bad_input_fails_at_once_and_says_what_is_wrong(
    desk: Client, raw: Any, kind: str, said: str
):
    failed = await failure(await started(desk, "BacktestWorkflow", raw))
    assert (failed.type, failed.non_retryable) == (kind, True)
    assert said in failed.message


async def test_unusable_data_fails_the_backtest_on_record(
    desk: Client, engine: Engine, records: Records
):
    engine.refuses = 5
    handle = await started(desk, "BacktestWorkflow", {**SMALL, "config": {"exit_dte": 5}})
    failed = await failure(handle)
    assert failed.type == "DATA_INVALID"
    assert failed.message.startswith("x.csv, line 3")
    assert {end.status for end in records.ends} == {BacktestStatus.FAILED}


async def test_a_cancelled_backtest_stops_computing_and_is_cancelled_on_record(
    desk: Client, engine: Engine, records: Records
):
    engine.gate.clear()
    handle = await started(desk, "BacktestWorkflow", SMALL)
    await engine.begun.get()
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    assert isinstance(failed.value.cause, CancelledError)
    assert engine.stopped == 1
    assert {end.status for end in records.ends} == {BacktestStatus.CANCELLED}


async def test_a_worker_that_stops_hands_its_backtest_to_the_next(
    client: Client, engine: Engine, records: Records
):
    await add_search_attributes(client)
    engine.gate.clear()
    async with core(client, records, engine):
        async with computing(client, records, engine):
            handle = await started(client, "BacktestWorkflow", SMALL)
            await engine.begun.get()
        assert engine.stopped == 1
        engine.gate.set()
        async with computing(client, records, engine):
            result = await handle.result()
    assert result["status"] == "COMPLETED"
    assert (len(records.runs), records.ends) == (1, [])


async def test_a_sweep_ranks_its_backtests_and_outlives_one_that_fails(
    desk: Client, engine: Engine, records: Records
):
    engine.refuses = 4
    handle = await started(desk, "BacktestSweepWorkflow", {**SMALL, "grid": GRID})
    result = SweepProgress.model_validate(await handle.result())
    assert (result.total, result.completed, result.failed) == (4, 3, 1)
    assert [row.label for row in result.best] == ["exit_dte=3", "exit_dte=2", "exit_dte=1"]
    assert result.errors == ("3 (exit_dte=4): x.csv, line 3, bid: 'a' is no number",)
    assert records.sweep_ends[0].status is BacktestStatus.COMPLETED


async def test_no_more_run_at_once_than_asked_for(desk: Client, engine: Engine):
    engine.gate.clear()
    asked = {**SMALL, "grid": GRID, "max_concurrent": 2}
    handle = await started(desk, "BacktestSweepWorkflow", asked)
    for _ in range(2):
        await engine.begun.get()
    assert (await handle.query("progress"))["next"] == 2
    assert engine.begun.empty()
    engine.gate.set()
    assert (await handle.result())["completed"] == 4


async def test_a_sweep_that_loses_its_worker_does_only_what_was_not_done(
    client: Client, engine: Engine, records: Records
):
    await add_search_attributes(client)
    engine.gate.clear()
    engine.holds = 3
    asked = {**SMALL, "grid": GRID, "max_concurrent": 1}
    async with core(client, records, engine):
        async with computing(client, records, engine):
            handle = await started(client, "BacktestSweepWorkflow", asked)
            while (await engine.begun.get()).config["exit_dte"] != 3:
                pass
        engine.gate.set()
        async with computing(client, records, engine):
            result = await handle.result()
    assert result["completed"] == 4
    again = [engine.begun.get_nowait() for _ in range(engine.begun.qsize())]
    assert [request.config["exit_dte"] for request in again] == [3, 4]


async def test_a_sweep_goes_on_at_the_other_worker_when_one_stops(client: Client, records: Records):
    await add_search_attributes(client)
    other_host = await Client.connect(
        client.service_client.config.target_host,
        namespace=client.namespace,
        data_converter=client.data_converter,
    )
    one, two = Engine(), Engine()
    one.gate.clear()
    two.gate.clear()
    asked = {**SMALL, "grid": {"exit_dte": list(range(6))}, "max_concurrent": 2}
    async with core(client, records, one), computing(client, records, one, slots=1):
        async with computing(other_host, records, two, slots=1):
            handle = await started(client, "BacktestSweepWorkflow", asked)
            lost = await two.begun.get()
            one.gate.set()
            while (await handle.query("progress"))["completed"] < 5:  # noqa: ASYNC110 - asked for
                await asyncio.sleep(0.05)
        result = SweepProgress.model_validate(await handle.result())
    assert (result.completed, result.failed, len(result.best)) == (6, 0, 6)
    assert (two.stopped, two.begun.empty()) == (1, True)
    done = [one.begun.get_nowait().config["exit_dte"] for _ in range(one.begun.qsize())]
    assert done[-1] == lost.config["exit_dte"]
    assert set(done) == set(range(6))
    assert len(done) == 6, "none is done twice"


async def test_a_cancelled_sweep_stops_what_runs_and_begins_no_more(
    desk: Client, engine: Engine, records: Records
):
    engine.gate.clear()
    asked = {**SMALL, "grid": GRID, "max_concurrent": 2}
    handle = await started(desk, "BacktestSweepWorkflow", asked)
    for _ in range(2):
        await engine.begun.get()
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    assert isinstance(failed.value.cause, CancelledError)
    assert (engine.stopped, engine.begun.qsize()) == (2, 0)
    assert [end.status for end in records.sweep_ends] == [BacktestStatus.CANCELLED]


async def test_a_long_sweep_goes_on_with_a_fresh_history(
    desk: Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(code.policies, "HISTORY_EVENTS", 30)
    asked = {**SMALL, "grid": {"exit_dte": list(range(12))}, "max_concurrent": 2}
    handle = await started(desk, "BacktestSweepWorkflow", asked)
    result = SweepProgress.model_validate(await handle.result())
    assert (result.completed, result.next) == (12, 12)
    first = await desk.get_workflow_handle(
        handle.id, run_id=handle.first_execution_run_id
    ).describe()
    assert first.status is not None
    assert first.status.name == "CONTINUED_AS_NEW"
    assert engine.begun.qsize() == 12


async def test_a_wrong_configuration_in_a_sweep_is_named_before_anything_runs(
    desk: Client, engine: Engine
):
    asked = {**SMALL, "configs": [{"exit_dte": 3}, {"exit_dte": -3}]}
    failed = await failure(await started(desk, "BacktestSweepWorkflow", asked))
    assert failed.type == "CONFIG_INVALID"
    assert failed.message.startswith("backtest 1 (exit_dte=-3): ")
    assert engine.begun.empty()
