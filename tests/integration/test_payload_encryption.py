"""What Temporal's own history shows of an encrypted workflow: nothing."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client

from infra.keys import add_key, create_key_file
from infra.settings import Settings
from infra.temporal.client import connect
from workflows.messages import DecisionMessage, RecommendationInput
from workflows.recommendation import RecommendationWorkflow

pytestmark = pytest.mark.integration


async def test_the_history_is_unreadable_without_the_key_and_readable_after_a_rotation(
    temporal_address: str, tmp_path: Path
) -> None:
    keys = tmp_path / "payloads.key"
    create_key_file(keys)
    settings = Settings(temporal_address=temporal_address, temporal_payload_key_file=keys)
    ours = await connect(settings)
    told, decided = uuid4(), uuid4()
    handle = await ours.start_workflow(
        RecommendationWorkflow.run,
        RecommendationInput(recommendation_id=told),
        id=f"encrypted-{told.hex}",
        task_queue="nobody-polls-this",
        static_summary="sells 2 SPY puts",
        start_signal="approve",
        start_signal_args=[DecisionMessage(decision_id=decided)],
    )
    try:
        stranger = await Client.connect(temporal_address)
        events = (await stranger.get_workflow_handle(handle.id).fetch_history()).events
        seen = b"".join(event.SerializeToString() for event in events)
        for secret in (str(told), str(decided), "sells 2 SPY puts"):
            assert secret.encode() not in seen
        add_key(keys)
        rotated = await connect(settings)
        first = events[0].workflow_execution_started_event_attributes
        (read,) = await rotated.data_converter.decode(first.input.payloads, [RecommendationInput])
        assert read == RecommendationInput(recommendation_id=told)
    finally:
        await handle.terminate()
