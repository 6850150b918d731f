"""The edge to Temporal: it may be there, be away, or come later."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client

from api.signals import TemporalSignals
from domain.recommendations import DecisionAction
from infra.settings import Settings
from infra.temporal.client import connect
from workflows.ids import recommendation_workflow_id

pytestmark = pytest.mark.integration
NOBODY_LISTENS = "127.0.0.1:1"


async def test_without_temporal_a_decision_is_not_delivered_and_nothing_hangs(
    tmp_path: Path,
) -> None:
    signals = TemporalSignals(Settings(home=tmp_path, temporal_address=NOBODY_LISTENS))
    signals.start()
    began = time.perf_counter()
    assert not await signals.is_reachable()
    assert not await signals.decision(uuid4(), uuid4(), DecisionAction.APPROVE)
    await signals.withdraw(uuid4())
    await signals.stop()
    assert time.perf_counter() - began < 5


async def test_a_decision_starts_or_tells_the_recommendation_s_workflow(
    temporal_address: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, temporal_address=temporal_address)
    signals = TemporalSignals(settings)
    signals.start()
    await asyncio.wait_for(signals.until_connected(), 30)
    assert await signals.is_reachable()
    recommendation_id = uuid4()
    assert await signals.decision(recommendation_id, uuid4(), DecisionAction.APPROVE)
    await signals.withdraw(recommendation_id)
    await signals.stop()
    client = await Client.connect(temporal_address)
    handle = client.get_workflow_handle(recommendation_workflow_id(recommendation_id))
    told = [
        event.workflow_execution_signaled_event_attributes.signal_name
        async for event in handle.fetch_history_events()
        if event.HasField("workflow_execution_signaled_event_attributes")
    ]
    assert told == ["approve", "withdraw"]
    await handle.terminate()


async def test_a_withdrawal_brings_back_a_workflow_that_was_lost(
    temporal_address: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, temporal_address=temporal_address)
    signals = TemporalSignals(settings)
    signals.start()
    await asyncio.wait_for(signals.until_connected(), 30)
    client = await connect(settings)
    assert await signals.is_reachable()
    lost = uuid4()
    await signals.withdraw(lost)
    handle = client.get_workflow_handle(recommendation_workflow_id(lost))
    told = [
        event.workflow_execution_signaled_event_attributes.signal_name
        async for event in handle.fetch_history_events()
        if event.HasField("workflow_execution_signaled_event_attributes")
    ]
    assert told == ["withdraw"]
    await handle.terminate()
    await signals.stop()
