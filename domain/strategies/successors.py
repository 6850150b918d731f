"""What may take the place of a trade that was denied: the same trade, on fresh terms."""

from __future__ import annotations

from domain.recommendations import Terms
from domain.strategies.base import StrategyResult

NOT_THE_DENIED = "It is not the trade that was denied; the next run looks at all there is."


def is_same_trade(denied: Terms, fresh: Terms) -> bool:
    """Whether ``fresh`` does what ``denied`` would have done, at whatever price and size.

    What is opened must be the same, leg by leg. Of what is closed a wing may be left out: nobody
    may bid for it any more.
    """
    return (
        fresh.action is denied.action
        and fresh.contract == denied.contract
        and set(fresh.opening_legs) == set(denied.opening_legs)
        and set(fresh.closing_legs) <= set(denied.closing_legs)
    )


def successor_to(denied: Terms, found: StrategyResult) -> StrategyResult:
    """``found`` on the contracts of a denied trade alone, without any other trade.

    A strategy that sees those contracts only may want something else with them: to buy in what it
    cannot roll into the one option it is shown. Whether there is another, a run over the whole
    market can tell.
    """
    kept = tuple(each for each in found.proposals if is_same_trade(denied, each.terms))
    if len(kept) == len(found.proposals):
        return found
    ranks = {each.opportunity_rank for each in kept}
    reason = found.no_trade_reason if kept else f"The strategy no longer wants {_named(denied)}."
    return found.model_copy(
        update={
            "proposals": kept,
            "opportunities": tuple(
                each
                if each.rank in ranks or not each.recommended
                else each.model_copy(update={"recommended": False, "why_not": NOT_THE_DENIED})
                for each in found.opportunities
            ),
            "no_trade_reason": reason,
        }
    )


def _named(denied: Terms) -> str:
    return f"the trade that was denied: {denied.describe()}"
