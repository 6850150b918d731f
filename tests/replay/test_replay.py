"""Workflows of earlier code still replay: one under way survives an upgrade.

A failure here means that a change would break workflows that wait for a person or a fill. Guard
it with ``workflow.patched``; see `tests.replay.record` for recording anew.
"""

from __future__ import annotations

import ast
import importlib
import json
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner

import workflows
from domain.recommendations import RecommendationState
from infra.temporal.worker import WORKFLOWS, sandbox
from tests.replay.record import newest, recorded
from tests.replay.scripted import SCRIPTS


def history_in(file: Path) -> WorkflowHistory:
    content = json.loads(file.read_text("utf-8"))
    return WorkflowHistory.from_json(content["workflow_id"], content["history"])


async def replay(file: Path, runner: WorkflowRunner) -> None:
    replayer = Replayer(
        workflows=WORKFLOWS, workflow_runner=runner, data_converter=pydantic_data_converter
    )
    await replayer.replay_workflow(history_in(file))


@pytest.mark.parametrize("file", recorded(), ids=lambda file: f"{file.parent.name}-{file.stem}")
async def test_a_recorded_history_replays(file: Path):
    await replay(file, sandbox())


def test_every_workflow_and_every_ending_has_a_history():
    endings = {state.lower() for state in RecommendationState if state.is_final}
    endings |= {"denied-with-successor", *SCRIPTS}
    wanted = {f"recommendation-{ending}" for ending in endings}
    wanted |= {each.__name__ for each in WORKFLOWS} - {"RecommendationWorkflow"}
    assert wanted == newest().keys()


async def test_the_newest_histories_go_the_way_of_todays_code(monkeypatch: pytest.MonkeyPatch):
    """None takes a turn that is there for older ones alone, and every patch is on some way."""
    answers: dict[str, bool] = {}
    is_patched = workflow.patched

    def patched(patch: str) -> bool:
        answers[patch] = is_patched(patch)
        return answers[patch]

    monkeypatch.setattr(workflow, "patched", patched)
    met: set[str] = set()
    outdated: list[str] = []
    for name, file in newest().items():
        answers.clear()
        # Outside the sandbox, for there the library is not the one changed here.
        await replay(file, UnsandboxedWorkflowRunner())
        met |= answers.keys()
        outdated += [f"{name}: before {patch}" for patch, said in answers.items() if not said]
    assert outdated == []
    assert met == patches_in_code()


def patches_in_code() -> set[str]:
    """The names of all patches that workflows ask about."""
    found: set[str] = set()
    (folder,) = workflows.__path__
    for file in Path(folder).glob("*.py"):
        module = importlib.import_module(f"workflows.{file.stem}")
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "workflow.patched":
                (asked,) = node.args
                named = isinstance(asked, ast.Name)
                found.add(getattr(module, asked.id) if named else ast.literal_eval(asked))
    return found
