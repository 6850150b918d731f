"""A roll, proposed as a strategy run proposes: read the chain, build the offer, keep the result."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from activities.portfolio import position_state
from domain.instruments import Side
from domain.market import OptionChain
from domain.package_offers import PackageIdea, PackagePolicy, build_package_terms
from domain.portfolio import PositionState
from domain.ports import Broker, ChainReading, IngestionStore, RunPlan, StrategyStore
from domain.proposals import build_proposal
from domain.recommendations import RecommendationAction, Terms
from domain.rolls import roll_of, roll_rationale
from domain.strategies.base import (
    ChainWindow,
    Opportunity,
    OpportunityMetrics,
    StrategyResult,
)

POLICY = PackagePolicy(
    concession=Decimal("0.1"),
    max_drift=Decimal("0.05"),
    decision_minutes=120,
    least_credit=Decimal("-5"),
)


async def propose_roll(
    broker: Broker,
    ingestion: IngestionStore,
    store: StrategyStore,
    plan: RunPlan,
    session_close: datetime,
    **policy: Any,
) -> UUID:
    """The id of a recommendation to roll the account's short SPY put to a later expiry."""
    reading, row, idea = await idea_of_roll(broker, plan.account_code)
    await ingestion.save_chain(plan.gateway, reading)
    terms = build_package_terms(
        idea, POLICY.model_copy(update=policy), reading.chain.as_of, session_close
    )
    outcome = await store.save_result(plan, _result(reading.chain, row, idea, terms), ())
    (recommendation_id,) = outcome.proposed
    return recommendation_id


async def idea_of_roll(broker: Broker, account_code: str) -> tuple[ChainReading, int, PackageIdea]:
    """Rolling the account's short SPY put, the chain it was seen in and the row it goes to."""
    held = await short_put(broker, account_code, "SPY")
    reading = await broker.chain("SPY", await _window(broker, held))
    row = later_row(reading.chain, held)
    return reading, row, roll_of(reading.chain, held, row, account_code)


async def short_put(broker: Broker, account_code: str, symbol: str) -> PositionState:
    states = [position_state(each) for each in await broker.positions(account_code)]
    (held,) = [state for state in states if state.symbol == symbol and state.is_short_put]
    return held


async def _window(broker: Broker, held: PositionState) -> ChainWindow:
    """The held contract's neighbourhood, to two weeks after its expiry."""
    assert held.option is not None
    days = (held.option.expiry - broker.exchange_date(await broker.market_time())).days
    return ChainWindow(min_dte=days, max_dte=days + 14, min_moneyness=0.955, max_moneyness=0.965)


def later_row(chain: OptionChain, held: PositionState) -> int:
    """The same strike, or the next one below, at the last expiry of the chain."""
    assert held.option is not None
    last = int(chain.expiry.max())
    rows = [
        row
        for row in range(len(chain))
        if int(chain.expiry[row]) == last and float(chain.strike[row]) <= float(held.option.strike)
    ]
    return max(rows, key=lambda row: float(chain.strike[row]))


def _result(chain: OptionChain, row: int, idea: PackageIdea, terms: Terms) -> StrategyResult:
    quote = idea.quotes[1]
    assert quote.bid is not None
    assert quote.ask is not None
    assert quote.mid is not None
    contract = chain.contract(row)
    collateral = contract.strike * contract.multiplier
    breakeven = contract.strike - quote.mid
    opportunity = Opportunity(
        contract=contract,
        side=Side.SELL,
        action=RecommendationAction.ROLL,
        rank=1,
        score=1.0,
        metrics=OpportunityMetrics(
            bid=quote.bid,
            ask=quote.ask,
            mid=quote.mid,
            underlying_price=idea.underlying_price,
            dte=(contract.expiry - chain.as_of.date()) // timedelta(days=1),
            delta=float(chain.delta[row]),
            iv=float(chain.iv[row]),
            ror=float(quote.mid * contract.multiplier / collateral),
            ror_annualised=0.1,
            pop=0.8,
            breakeven=breakeven,
            max_loss=breakeven * contract.multiplier,
            collateral=collateral,
            spread_fraction=0.01,
            open_interest=1000,
            volume=100,
        ),
        rules=(),
        recommended=True,
    )
    proposal = build_proposal(opportunity, terms, roll_rationale(idea, terms), 0.7)
    return StrategyResult(opportunities=(opportunity,), proposals=(proposal,))
