"""Chains graded by the codes of the live desk, where a decision depends on them.

The live desk grades every chain as it comes in, which for a backtest would cost more than all the
rest of a session. A grade only ever takes candidates away: where everything that a strategy would
sell is sound, it would propose the same on graded chains. Only where something is not has it to
decide again, on graded ones, and the reason is then in its trace.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from domain.backtest.market import SliceMarket, row_of
from domain.chain_grading import code_of, graded
from domain.instruments import OptionContract, Side
from domain.market import OptionChain, QuoteCode
from domain.strategies.base import Proposal


def graded_where_unsound(
    market: SliceMarket, proposals: Iterable[Proposal], rate: float
) -> SliceMarket | None:
    """The market with graded chains if one of the proposals sells an option on a row that is not
    OK; None where all that would be sold is sound. ``rate`` is annual, continuously compounded."""
    sold = [
        leg.contract
        for proposal in proposals
        for leg in proposal.terms.legs
        if leg.side is Side.SELL
    ]
    if all(_is_sound(market.chains[each.symbol], each, rate) for each in sold):
        return None
    return replace(market, chains={s: graded(c, rate) for s, c in market.chains.items()})


def _is_sound(chain: OptionChain, contract: OptionContract, rate: float) -> bool:
    row = row_of(chain, contract.con_id)
    return row is not None and code_of(chain, row, rate) is QuoteCode.OK
