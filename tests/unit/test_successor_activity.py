"""Looking for a denied trade's successor where the market cannot be read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from activities.recommendations import RecommendationRef
from activities.strategies import SuccessorActivities
from domain.errors import BrokerUnavailable, ErrorCode, GreenlightError
from domain.ports import RunOutcome, RunPlan
from domain.recommendations import RecommendationState
from domain.strategies.base import ChainWindow
from tests.unit.trade_factories import ACCOUNT, roll

DENIED, RUN = UUID(int=1), UUID(int=2)


class Records:
    """What is on record, and the broker that will not tell."""

    def __init__(self, refusal: GreenlightError) -> None:
        self.refusal = refusal
        self.begun = 0
        self.failed: list[tuple[UUID, tuple[str, ...]]] = []

    async def brief(self, _: UUID) -> Any:
        return SimpleNamespace(id=DENIED, terms=roll(), state=RecommendationState.DENIED)

    async def read(self, _: Any, **__: Any) -> tuple[str, ...]:
        return ()

    async def chain_of(self, contracts: Any) -> None:
        assert [each.con_id for each in contracts] == [1001, 1002]
        raise self.refusal

    async def begin_successor_run(self, recommendation_id: UUID, _: str) -> RunPlan:
        assert recommendation_id == DENIED
        self.begun += 1
        return RunPlan(
            run_id=RUN,
            instance_id=UUID(int=3),
            gateway="test",
            account_code=ACCOUNT,
            universe=("SPY",),
            window=ChainWindow(min_dte=1, max_dte=60),
            predecessor_id=DENIED,
        )

    async def fail_run(self, run_id: UUID, errors: tuple[str, ...]) -> None:
        self.failed.append((run_id, errors))


async def sought(records: Records) -> RunOutcome:
    everything = cast("Any", records)
    activities = SuccessorActivities(*[everything] * 5)
    about = RecommendationRef(recommendation_id=DENIED)
    return await ActivityEnvironment().run(activities.propose_successor, about)


async def test_contracts_that_are_listed_no_more_are_the_runs_error():
    records = Records(GreenlightError(ErrorCode.INSTRUMENT_UNKNOWN, "it has expired"))
    outcome = await sought(records)
    told = ("INSTRUMENT_UNKNOWN: it has expired",)
    assert (outcome.run_id, outcome.proposed, outcome.errors) == (RUN, (), told)
    assert records.failed == [(RUN, told)]


async def test_an_attempt_that_finds_no_broker_leaves_no_run_behind():
    records = Records(BrokerUnavailable("the line is down"))
    with pytest.raises(BrokerUnavailable):
        await sought(records)
    assert (records.begun, records.failed) == (0, [])
