from __future__ import annotations

import asyncio
from threading import Event

import pytest

import domain.warming
from infra.temporal.warming import warming_up


async def test_a_worker_loads_its_library_without_being_waited_for(
    monkeypatch: pytest.MonkeyPatch,
):
    begun, finish = Event(), Event()

    def slow() -> None:
        begun.set()
        finish.wait(30)

    monkeypatch.setattr(domain.warming, "warm", slow)
    try:
        with warming_up(after_seconds=0):
            assert await asyncio.to_thread(begun.wait, 30)
        # The block has ended while the loading has not.
        assert not finish.is_set()
    finally:
        finish.set()


async def test_a_worker_that_ends_at_once_loads_nothing(monkeypatch: pytest.MonkeyPatch):
    begun = Event()
    monkeypatch.setattr(domain.warming, "warm", begun.set)
    with warming_up(after_seconds=0.01):
        pass
    await asyncio.sleep(0.05)
    assert not begun.is_set()
