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
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from domain.recommendations import RecommendationAction, Terms
from domain.strategies.base import Proposal

# A new limit this close to one already on offer is the same offer: leave the person in peace.
SAME_OFFER = Decimal("0.05")

K = TypeVar("K")


class Contest(NamedTuple):
    """What an offer competes for."""

    kind: str
    what: str


def contests(terms: Terms) -> frozenset[Contest]:
    if terms.action is RecommendationAction.OPEN:
        rights = sorted({leg.contract.right.value for leg in terms.legs})
        return frozenset(Contest("open", f"{terms.contract.symbol} {right}") for right in rights)
    return frozenset(Contest("position", str(leg.contract.con_id)) for leg in terms.closing_legs)


@dataclass(frozen=True, slots=True)
class Standing(Generic[K]):
    """An offer that waits for a person, or is being carried out."""

    key: K
    """What the caller knows it by."""
    terms: Terms
    instance_id: UUID
    instance_name: str
    is_waiting: bool

    @property
    def contests(self) -> frozenset[Contest]:
        return contests(self.terms)


@dataclass(slots=True)
class Choice(Generic[K]):
    """What becomes of each new proposal, by its place in the run."""

    made: list[int] = field(default_factory=list[int])
    kept: dict[int, K] = field(default_factory=dict[int, K])
    refused: dict[int, str] = field(default_factory=dict[int, str])
    replaced: dict[int, list[K]] = field(default_factory=dict[int, list[K]])
    """Offers superseded, by the proposal that takes their place."""


def choose(
    proposals: Sequence[Proposal], before: Sequence[Standing[K]], instance_id: UUID
) -> Choice[K]:
    """Decide on every proposal of one run against what stands already."""
    choice = Choice[K]()
    own = [each for each in before if each.instance_id == instance_id and each.is_waiting]
    others = [each for each in before if each not in own]
    taken: list[Standing[K]] = []
    for number, proposal in enumerate(proposals):
        terms = proposal.terms
        rival = next((each for each in others if each.contests & contests(terms)), None)
        if rival is not None:
            choice.refused[number] = _lost_to(rival)
            continue
        same = next((each for each in own if is_same_offer(each.terms, terms)), None)
        if same is not None:
            choice.kept[number] = same.key
            taken.append(same)
        else:
            choice.made.append(number)
    for number in choice.made:
        wanted = contests(proposals[number].terms)
        beaten = [each for each in own if each not in taken and each.contests & wanted]
        choice.replaced[number] = [each.key for each in beaten]
        taken += beaten
    return choice


def _lost_to(rival: Standing[K]) -> str:
    state = "on offer" if rival.is_waiting else "under way"
    return f"{rival.instance_name} has it {state} already: {rival.terms.describe()}."


def is_same_offer(old: Terms, new: Terms) -> bool:
    return (
        old.action is new.action
        and old.legs == new.legs
        and old.quantity == new.quantity
        and abs(old.limit_price - new.limit_price) <= SAME_OFFER * abs(old.limit_price)
        # Near its end an offer is renewed rather than left to run out.
        and old.deadline > new.quoted_at + (new.deadline - new.quoted_at) / 2
    )
