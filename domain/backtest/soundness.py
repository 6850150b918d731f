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
from domain.chain_grading import graded
from domain.instruments import Side
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
    chains: dict[str, OptionChain] = {}
    is_sound = True
    for contract in sold:
        symbol = contract.symbol
        if symbol not in chains:
            chains[symbol] = graded(market.chains[symbol], rate)
        chain = chains[symbol]
        row = row_of(chain, contract.con_id)
        is_sound &= row is not None and chain.code is not None and chain.code[row] == QuoteCode.OK
    if is_sound:
        return None
    others = {s: graded(c, rate) for s, c in market.chains.items() if s not in chains}
    return replace(market, chains={**chains, **others})
