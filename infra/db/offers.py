"""Which new offers are made, and which of those waiting they replace.

Offers compete where they want the same thing. To close or to roll a position is about that
position; to open is about an underlying and a right, for that is where the cash or the shares
are. Within what is competed for:

- an offer that says nearly the same as one its instance has waiting is not made again;
- what else the instance has waiting there is superseded by what it offers now;
- what another instance of the account has waiting, or anyone has approved, was offered first and
  wins: the new one is not made, and its opportunity says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.instruments import Side
from domain.recommendations import RecommendationAction, RecommendationState, Terms
from domain.strategies.base import Proposal
from infra.db.models import Instrument, Recommendation, StrategyInstance

# A new limit this close to one already on offer is the same offer: leave the person in peace.
SAME_OFFER = Decimal("0.05")


class Contest(NamedTuple):
    """What an offer competes for."""

    kind: str
    what: str


def contests(terms: Terms) -> frozenset[Contest]:
    if terms.action is RecommendationAction.OPEN:
        rights = sorted({leg.contract.right.value for leg in terms.legs})
        return frozenset(Contest("open", f"{terms.contract.symbol} {right}") for right in rights)
    is_roll = terms.action is RecommendationAction.ROLL
    held = [leg for leg in terms.legs if not is_roll or leg.side is Side.BUY]
    return frozenset(Contest("position", str(leg.contract.con_id)) for leg in held)


@dataclass(slots=True)
class Standing:
    """A recommendation that waits or is being carried out."""

    row: Recommendation
    terms: Terms
    instance_name: str

    @property
    def contests(self) -> frozenset[Contest]:
        return contests(self.terms)


@dataclass(slots=True)
class Choice:
    """What becomes of each new proposal, by its place in the run."""

    made: list[int] = field(default_factory=list[int])
    kept: dict[int, Recommendation] = field(default_factory=dict[int, Recommendation])
    refused: dict[int, str] = field(default_factory=dict[int, str])
    replaced: dict[int, list[Recommendation]] = field(
        default_factory=dict[int, list[Recommendation]]
    )
    """Recommendations superseded, by the proposal that takes their place."""


async def standing(
    session: AsyncSession, broker_account_id: UUID, symbols: set[str]
) -> list[Standing]:
    """What the account has on offer or under way on ``symbols``; what still waits is locked."""
    rows = await session.execute(
        select(Recommendation, StrategyInstance.name)
        .join(Instrument, Instrument.id == Recommendation.instrument_id)
        .join(StrategyInstance, StrategyInstance.id == Recommendation.strategy_instance_id)
        .where(
            Recommendation.broker_account_id == broker_account_id,
            Recommendation.state.in_((RecommendationState.PROPOSED, RecommendationState.APPROVED)),
            # Of a package this is the leg it is filed under: all legs share the underlying.
            Instrument.symbol.in_(symbols),
        )
        .order_by(Recommendation.id)
        .with_for_update(of=Recommendation)
    )
    return [Standing(row, Terms.model_validate(row.terms), name) for row, name in rows]


def choose(proposals: Sequence[Proposal], before: Sequence[Standing], instance_id: UUID) -> Choice:
    """Decide on every proposal of one run against what stands already."""
    choice = Choice()
    own = [
        each
        for each in before
        if each.row.strategy_instance_id == instance_id
        and each.row.state is RecommendationState.PROPOSED
    ]
    others = [each for each in before if each not in own]
    taken: list[Standing] = []
    for number, proposal in enumerate(proposals):
        terms = proposal.terms
        rival = next((each for each in others if each.contests & contests(terms)), None)
        if rival is not None:
            choice.refused[number] = _lost_to(rival)
            continue
        same = next((each for each in own if is_same_offer(each.terms, terms)), None)
        if same is not None:
            choice.kept[number] = same.row
            taken.append(same)
        else:
            choice.made.append(number)
    for number in choice.made:
        wanted = contests(proposals[number].terms)
        beaten = [each for each in own if each not in taken and each.contests & wanted]
        choice.replaced[number] = [each.row for each in beaten]
        taken += beaten
    return choice


def _lost_to(rival: Standing) -> str:
    state = "on offer" if rival.row.state is RecommendationState.PROPOSED else "under way"
    return f"{rival.instance_name} has it {state} already: {rival.row.summary}."


def is_same_offer(old: Terms, new: Terms) -> bool:
    return (
        old.action is new.action
        and old.legs == new.legs
        and old.quantity == new.quantity
        and abs(old.limit_price - new.limit_price) <= SAME_OFFER * abs(old.limit_price)
        # Near its end an offer is renewed rather than left to run out.
        and old.deadline > new.quoted_at + (new.deadline - new.quoted_at) / 2
    )
