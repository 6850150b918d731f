"""The Wheel, first form: sell cash-secured puts on names one would be content to own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal

import numpy as np
from pydantic import JsonValue

from domain.instruments import Settlement, Side, plain
from domain.market import OptionChain
from domain.portfolio import ZERO, AccountState
from domain.proposals import OfferPolicy, TradeIdea, build_proposal, build_terms
from domain.recommendations import RecommendationAction, RuleResult
from domain.risk.state import RiskState
from domain.strategies.base import (
    BaseStrategy,
    ChainWindow,
    Opportunity,
    Proposal,
    Signal,
    SignalKind,
    StrategyConfig,
    StrategyContext,
    StrategyResult,
)
from domain.strategies.short_puts import (
    Candidate,
    PutBands,
    candidates,
    put_rationale,
    screen_short_puts,
)
from domain.strategies.wheel_config import WheelConfig

NAME_FREE = "name_free"


@dataclass(slots=True)
class _Look:
    """What one underlying had to offer."""

    signal: Signal
    chain: OptionChain | None = None
    found: list[Candidate] = field(default_factory=list[Candidate])
    removed: dict[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])


@dataclass(slots=True)
class _Budget:
    """What may still be spent while going down the ranking."""

    cash: Decimal
    trades: int
    chosen: set[str] = field(default_factory=set[str])


class Wheel(BaseStrategy):
    """Sells cash-secured puts within a delta and term band on a list of names.

    Each put that passes every rule is scored ``annualised return at the bid × chance to expire
    out of the money``: what the trade yields if it has to be sold at the worst price on the
    screen, weighted by the chance of keeping all of it. The best put of each name is proposed,
    best names first, as far as cash, the capital per name and the number of trades allow.

    Confidence is the mean of three margins, each 0 to 1: the chance to expire out of the money,
    how far the spread stays inside its limit, and how far the return exceeds its minimum.
    """

    slug = "wheel"
    title = "Wheel (cash-secured puts)"
    Config = WheelConfig

    @classmethod
    def chain_window(cls, config: StrategyConfig) -> ChainWindow:
        """Puts of the term band, from deep out of the money to just past the money."""
        wheel = config if isinstance(config, WheelConfig) else WheelConfig(universe=config.universe)
        return ChainWindow(
            min_dte=wheel.min_dte,
            max_dte=wheel.max_dte,
            min_moneyness=0.7,
            max_moneyness=1.02,
            min_abs_delta=wheel.min_delta,
            max_abs_delta=wheel.max_delta,
        )

    def generate_signals(
        self, account_state: AccountState, risk_state: RiskState, instance: StrategyContext
    ) -> StrategyResult:
        """Look at every name of the universe; CONFIG_INVALID if the config is not a WheelConfig."""
        config = instance.config_as(WheelConfig)
        blocked = _why_nothing_may_open(config, account_state, risk_state, instance)
        looks = [_look_at(symbol, config, account_state, instance) for symbol in config.universe]
        ranked = sorted(
            ((look.chain, found) for look in looks if look.chain for found in look.found),
            key=lambda pair: (-pair[1].score, pair[1].contract.con_id),
        )
        budget = _Budget(cash=_free_cash(account_state, instance), trades=config.max_new_trades)
        opportunities: list[Opportunity] = []
        proposals: list[Proposal] = []
        for rank, (chain, candidate) in enumerate(ranked, start=1):
            contracts, why_not = _size(config, account_state, budget, candidate)
            why_not = blocked or why_not
            opportunity = candidate.opportunity(rank, why_not)
            opportunities.append(opportunity)
            if not why_not:
                budget.cash -= candidate.metrics.collateral * contracts
                budget.trades -= 1
                budget.chosen.add(chain.symbol)
                proposals.append(
                    _propose(config, instance, chain, candidate, opportunity, contracts, budget)
                )
        removed = _merged(look.removed for look in looks)
        return StrategyResult(
            signals=tuple(look.signal for look in looks),
            opportunities=tuple(opportunities),
            proposals=tuple(proposals),
            eliminated={rule: len(con_ids) for rule, con_ids in removed.items()},
            eliminated_con_ids=removed,
            no_trade_reason=None if proposals else _no_trade_reason(blocked, looks, opportunities),
        )


# --- what is there -------------------------------------------------------------------------


def _why_nothing_may_open(
    config: WheelConfig, account: AccountState, risk: RiskState, instance: StrategyContext
) -> str:
    """A reason that rules out every new trade of this run; empty when there is none."""
    if not config.universe:
        return "The universe is empty."
    if instance.session_close <= instance.market.as_of:
        return "The session is over."
    if not account.account_code == risk.account_code == instance.account_code:
        return f"The account figures are not those of {instance.account_code}."
    if account.values.net_liquidation <= 0:
        return "The account has no positive net liquidation value."
    if risk.pm_usage is None:
        return "Margin usage is not known: equity with loan value is not positive."
    if risk.pm_usage > config.max_pm_usage:
        return f"Margin usage {risk.pm_usage:.1%} is above {config.max_pm_usage:.1%}."
    return ""


def _look_at(
    symbol: str, config: WheelConfig, account: AccountState, instance: StrategyContext
) -> _Look:
    chain = instance.market.chains.get(symbol)
    unusable = _why_unusable(chain, symbol, account)
    if chain is None or unusable:
        con_ids = () if chain is None else tuple(chain.con_id.tolist())
        signal = Signal(symbol=symbol, kind=SignalKind.DATA_UNUSABLE, summary=unusable)
        return _Look(signal, removed={"chain_usable": con_ids} if con_ids else {})
    taken = _why_taken(symbol, account, instance)
    if taken:
        signal = Signal(symbol=symbol, kind=SignalKind.SKIPPED, summary=taken)
        return _Look(
            signal, removed={NAME_FREE: tuple(chain.con_id.tolist())} if len(chain) else {}
        )
    screen, columns = screen_short_puts(
        chain, instance.market.today, _bands(config), _is_fresh(chain, config, instance)
    )
    found, outranked = candidates(
        chain, columns, screen.rows, _bands(config), config.max_candidates
    )
    removed = {rule: tuple(con_ids.tolist()) for rule, con_ids in screen.removed.items()}
    if len(outranked):
        removed["outranked"] = tuple(outranked.tolist())
    return _Look(_signal(chain, found, removed), chain, found, removed)


def _why_unusable(chain: OptionChain | None, symbol: str, account: AccountState) -> str:
    if chain is None:
        return f"No usable option chain for {symbol}."
    if chain.symbol != symbol:
        return f"The chain filed under {symbol} is that of {chain.symbol}."
    if not np.isfinite(chain.underlying_price):
        return f"{symbol} has no price."
    if chain.currency != account.values.currency:
        return f"{symbol} trades in {chain.currency}, the account is in {account.values.currency}."
    if chain.settlement is not Settlement.PHYSICAL:
        return f"{symbol} options settle in cash; the Wheel needs shares to be delivered."
    return ""


def _is_fresh(chain: OptionChain, config: WheelConfig, instance: StrategyContext) -> bool:
    """A chain from the future is as suspect as an old one."""
    age = instance.market.as_of - chain.as_of
    return abs(age) <= timedelta(minutes=config.max_chain_age_minutes)


def _why_taken(symbol: str, account: AccountState, instance: StrategyContext) -> str:
    short = [position for position in account.on(symbol) if position.is_short_put]
    if short:
        held = sum((abs(position.quantity) for position in short), ZERO)
        return f"{symbol}: {plain(held)} short put(s) are already held."
    if symbol in instance.working_symbols:
        return f"{symbol}: an approved trade is still under way."
    return ""


def _signal(
    chain: OptionChain, found: Sequence[Candidate], removed: dict[str, tuple[int, ...]]
) -> Signal:
    counts = {rule: len(con_ids) for rule, con_ids in removed.items()}
    facts: dict[str, JsonValue] = {
        "underlying_price": chain.underlying_price,
        "contracts": len(chain),
        "candidates": len(found),
        "quality": chain.quality.value,
        "eliminated": dict(counts),
    }
    if found:
        best = found[0]
        summary = (
            f"{chain.symbol} at {chain.underlying_price:.2f}: puts that pass every rule: "
            f"{len(found)}, best the {best.contract.describe()}, "
            f"{best.metrics.ror_annualised:.1%} a year."
        )
        return Signal(
            symbol=chain.symbol, kind=SignalKind.PUT_CANDIDATES, summary=summary, facts=facts
        )
    main = max(counts, key=lambda rule: counts[rule], default="")
    why = f"most fail {main} ({counts[main]} of {len(chain)})" if main else "the chain is empty"
    return Signal(
        symbol=chain.symbol,
        kind=SignalKind.NO_TRADE,
        summary=f"{chain.symbol} at {chain.underlying_price:.2f}: no put passes every rule; {why}.",
        facts=facts,
    )


def _bands(config: WheelConfig) -> PutBands:
    return PutBands(
        min_delta=config.min_delta,
        max_delta=config.max_delta,
        min_dte=config.min_dte,
        max_dte=config.max_dte,
        min_ror_annualised=config.min_ror_annualised,
        max_spread_fraction=config.max_spread_fraction,
        min_open_interest=config.min_open_interest,
        min_bid=config.min_bid,
    )


# --- what is done about it -----------------------------------------------------------------


def _free_cash(account: AccountState, instance: StrategyContext) -> Decimal:
    """Cash that no short put, held or under way, may call for."""
    held = account.assignment_cash + account.cash_settled_put_notional
    return account.values.cash - held - instance.committed_cash


def _size(
    config: WheelConfig, account: AccountState, budget: _Budget, candidate: Candidate
) -> tuple[int, str]:
    """How many contracts fit, and if none, why."""
    symbol = candidate.contract.symbol
    collateral = candidate.metrics.collateral
    if symbol in budget.chosen:
        return 0, f"A better {symbol} put is proposed."
    if budget.trades < 1:
        return 0, f"The limit of {config.max_new_trades} new trades is reached."
    exposure = account.exposure_by_underlying.get(symbol, ZERO)
    room = account.values.net_liquidation * config.max_capital_per_name - exposure
    if collateral > room:
        return 0, (
            f"One contract ties up {collateral:,.0f}; {max(room, ZERO):,.0f} is left of what "
            f"{symbol} may take."
        )
    if collateral > budget.cash:
        return 0, (
            f"One contract ties up {collateral:,.0f}; {max(budget.cash, ZERO):,.0f} of cash is "
            "free."
        )
    affordable = (min(room, budget.cash) / collateral).to_integral_value(ROUND_FLOOR)
    return min(int(affordable), config.max_contracts), ""


def _propose(
    config: WheelConfig,
    instance: StrategyContext,
    chain: OptionChain,
    candidate: Candidate,
    opportunity: Opportunity,
    contracts: int,
    budget: _Budget,
) -> Proposal:
    policy = OfferPolicy(
        concession=config.price_concession,
        max_drift=config.max_drift,
        decision_minutes=config.decision_minutes,
        worst_price=candidate.credit_for(config.min_ror_annualised),
    )
    idea = TradeIdea.from_chain(
        chain,
        candidate.row,
        instance.account_code,
        Side.SELL,
        RecommendationAction.OPEN,
        contracts,
    )
    terms = build_terms(idea, policy, instance.market.as_of, instance.session_close)
    sizing = RuleResult(
        rule="size",
        value=f"contracts: {contracts}, cash: {plain(candidate.metrics.collateral * contracts)}",
        threshold=f"≤ {config.max_contracts} contracts, within cash and capital per name",
        passed=True,
    )
    rationale = put_rationale(terms, candidate.metrics, cash_left=budget.cash)
    confidence = candidate.confidence(config.max_spread_fraction, config.min_ror_annualised)
    return build_proposal(opportunity, terms, rationale, confidence, (sizing,))


def _merged(parts: Iterable[dict[str, tuple[int, ...]]]) -> dict[str, tuple[int, ...]]:
    merged: dict[str, tuple[int, ...]] = {}
    for part in parts:
        for rule, con_ids in part.items():
            merged[rule] = merged.get(rule, ()) + con_ids
    return merged


def _no_trade_reason(
    blocked: str, looks: Sequence[_Look], opportunities: Sequence[Opportunity]
) -> str:
    if blocked:
        return blocked
    if opportunities:
        return f"No candidate could be taken: {opportunities[0].why_not}"
    return " ".join(look.signal.summary for look in looks)
