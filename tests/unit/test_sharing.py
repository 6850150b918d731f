"""Readings that many wait for at once."""

from __future__ import annotations

import asyncio

import pytest

from infra.ibkr.sharing import SharedReading


class Source:
    """Answers with the number of the reading, when told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def read(self) -> int:
        self.begun += 1
        number = self.begun
        await self.may_end.wait()
        return number


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_whoever_asks_while_a_reading_runs_shares_the_next_one():
    source = Source()
    shared = SharedReading(source.read, "test")
    first = asyncio.create_task(shared.get())
    await _settle()
    others = [asyncio.create_task(shared.get()) for _ in range(20)]
    await _settle()
    assert source.begun == 1
    source.may_end.set()
    assert await first == 1
    assert await asyncio.gather(*others) == [2] * 20


async def test_one_asker_that_gives_up_does_not_take_the_reading_from_the_others():
    source = Source()
    shared = SharedReading(source.read, "test")
    impatient, patient = (asyncio.create_task(shared.get()) for _ in range(2))
    await _settle()
    impatient.cancel()
    await _settle()
    source.may_end.set()
    assert await patient == 1


async def test_a_failure_reaches_every_asker_and_the_next_reading_starts_afresh():
    answers = iter([OSError("no line"), None])

    async def read() -> str:
        failure = next(answers)
        if failure is not None:
            raise failure
        return "read"

    shared = SharedReading(read, "test")
    told = await asyncio.gather(shared.get(), shared.get(), return_exceptions=True)
    assert [str(each) for each in told] == ["no line"] * 2
    assert await shared.get() == "read"


async def test_readings_that_share_a_turn_never_overlap():
    turn = asyncio.Lock()
    source = Source()
    shared = SharedReading(source.read, "test", turn)
    async with turn:
        waiting = asyncio.create_task(shared.get())
        await _settle()
        assert source.begun == 0
    source.may_end.set()
    assert await waiting == 1


async def test_a_failure_that_nobody_waits_for_any_more_is_not_complained_about(
    caplog: pytest.LogCaptureFixture,
):
    may_fail = asyncio.Event()

    async def read() -> None:
        await may_fail.wait()
        raise OSError("no line")

    shared = SharedReading(read, "test")
    asker = asyncio.create_task(shared.get())
    await _settle()
    asker.cancel()
    may_fail.set()
    await _settle()
    assert "never retrieved" not in caplog.text
