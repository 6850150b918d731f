"""Workflows of earlier code still replay: one under way survives an upgrade.

A failure here means that a change would break workflows that wait for a person or a fill. Guard
it with ``workflow.patched``; see `tests.replay.record` for recording anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from infra.temporal.worker import WORKFLOWS, sandbox
from tests.replay.record import recorded
from tests.replay.scripted import SCRIPTS


@pytest.fixture(params=recorded(), ids=lambda file: file.stem)
def content(request: pytest.FixtureRequest) -> dict[str, Any]:
    file: Path = request.param
    return dict(json.loads(file.read_text("utf-8")))


async def test_a_recorded_history_replays(content: dict[str, Any]) -> None:
    history = WorkflowHistory.from_json(content["workflow_id"], content["history"])
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=sandbox(),
        data_converter=pydantic_data_converter,
    )
    await replayer.replay_workflow(history)


def test_every_workflow_and_every_ending_has_a_history() -> None:
    endings = {"completed", "rejected", "expired", "denied-with-successor", "walked"}
    wanted = {f"recommendation-{ending}" for ending in {*endings, *SCRIPTS}}
    wanted |= {workflow.__name__ for workflow in WORKFLOWS} - {"RecommendationWorkflow"}
    assert {file.stem for file in recorded()} == wanted
