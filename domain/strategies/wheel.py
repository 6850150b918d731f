"""The Wheel: sell puts on names one would be content to own, and calls on those one does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal

from domain.instruments import Right, SecType, Settlement, Side, contracts_text, plain
from domain.portfolio import ZERO, AccountState, PositionState
from domain.proposals import (
    OfferPolicy,
    TradeIdea,
    build_proposal,
    build_terms,
    unexplained_proposal,
)
from domain.recommendations import RecommendationAction, RuleResult
from domain.risk.state import RiskState
from domain.strategies.base import (
    BaseStrategy,
    ChainWindow,
    Proposal,
    SignalKind,
    StrategyConfig,
    StrategyContext,
    StrategyResult,
)
from domain.strategies.gathering import (
    Look,
    free_cash,
    gather,
    is_fresh,
    why_margin_forbids,
    why_nothing_at_all,
    why_unusable,
)
from domain.strategies.managing import ManagePolicy
from domain.strategies.order_size import OpenedUnit, within_order_limits
from domain.strategies.short_options import (
    Candidate,
    ShareCost,
    ShortRules,
    Sifted,
    sift_short_options,
)
from domain.strategies.upkeep import look_after
from domain.strategies.wheel_config import WheelConfig
from domain.strategies.wings import HeldUnit
from domain.strategies.words import call_rationale, put_rationale

NAME_FREE = "name_free"


class Wheel(BaseStrategy):
    """Sells cash-secured puts on a list of names, and covered calls on the shares assigned.

    Each option that passes every rule is scored ``annualised return at the bid × chance to expire
    worthless``: what the trade yields if it has to be sold at the worst price on the screen,
    weighted by the chance of keeping all of it. The best of each name is proposed, best names
    first, as far as cash, the capital per name and the number of trades allow. Where shares are
    held, calls are sold instead of puts, never below what the shares have cost unless the
    configuration says so. What is held is bought in at its profit target, and rolled or bought in
    when it is tested near expiry.

    Confidence is the mean of three margins, each 0 to 1: the chance to expire worthless, how far
    the spread stays inside its limit, and how far the return exceeds its minimum.
    """

    slug = "wheel"
    title = "Wheel (cash-secured puts, covered calls)"
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

    @classmethod
    def window_on(cls, config: StrategyConfig, held: Sequence[PositionState]) -> ChainWindow:
        """With shares to write on, calls as well; with a short option, what it may be rolled to."""
        window = cls.chain_window(config)
        wheel = config if isinstance(config, WheelConfig) else WheelConfig(universe=config.universe)
        changes: dict[str, object] = {}
        if any(each.sec_type is SecType.STOCK and each.quantity > 0 for each in held):
            changes |= {"calls": wheel.sell_calls, "max_moneyness": 1.3}
        short = [each for each in held if each.is_short and each.option is not None]
        if short and wheel.roll:
            changes |= {
                "max_dte": max(wheel.max_dte, wheel.roll_max_dte),
                "max_abs_delta": max(wheel.max_delta, wheel.roll_max_delta),
            }
            if any(each.is_short_call for each in short):
                changes |= {"calls": True, "max_moneyness": 1.3}
        return window.model_copy(update=changes)

    def generate_signals(
        self, account_state: AccountState, risk_state: RiskState, instance: StrategyContext
    ) -> StrategyResult:
        """Look at every name of the universe; CONFIG_INVALID if the config is not a WheelConfig."""
        config = instance.config_as(WheelConfig)
        turn = _Turn(
            config=config,
            account=account_state,
            instance=instance,
            cash=free_cash(account_state, instance),
            trades=config.max_new_trades,
            policy=config.manage_policy(),
            rules={right: config.short_rules(right) for right in Right},
        )
        halted = why_nothing_at_all(account_state, instance, risk_state.account_code)
        blocked = why_margin_forbids(config.max_pm_usage, account_state, risk_state)
        looks = [turn.look_at(symbol) for symbol in config.universe]
        return gather(
            looks, halted, blocked, turn, config.max_opportunities, explains=instance.explains
        )


@dataclass(slots=True)
class _Turn:
    """One run over the universe, and what may still be spent while going down the ranking."""

    config: WheelConfig
    account: AccountState
    instance: StrategyContext
    cash: Decimal
    trades: int
    policy: ManagePolicy
    rules: Mapping[Right, ShortRules]
    chosen: set[tuple[str, Right]] = field(default_factory=set[tuple[str, Right]])

    @property
    def is_done(self) -> bool:
        return self.trades < 1

    # --- what is there -----------------------------------------------------------------------

    def look_at(self, symbol: str) -> Look:
        chain = self.instance.market.chains.get(symbol)
        look = Look(symbol, chain, explains=self.instance.explains)
        unusable = why_unusable(chain, symbol, self.account)
        if chain is not None and not unusable and chain.settlement is not Settlement.PHYSICAL:
            unusable = f"{symbol} options settle in cash; the Wheel needs shares to be delivered."
        if chain is None or unusable:
            look.say(SignalKind.DATA_UNUSABLE, unusable)
            look.leave("chain_usable")
            return look
        if symbol in self.instance.working_symbols:
            look.say(SignalKind.SKIPPED, f"{symbol}: an approved trade is still under way.")
            look.leave(NAME_FREE)
            return look
        fresh = is_fresh(chain, self.config.max_chain_age_minutes, self.instance)
        held = [HeldUnit(each) for each in self.account.on(symbol) if each.is_short and each.option]
        upkeep = look_after(
            held,
            chain,
            self.policy,
            self.config.price_concession,
            self.instance,
            fresh=fresh,
        )
        look.signals += upkeep.signals
        look.offers += upkeep.offers
        self._sift(look, fresh=fresh)
        return look

    def _sift(self, look: Look, *, fresh: bool) -> None:
        """Calls where there are shares to write on, else puts where none is held short."""
        symbol, chain = look.symbol, look.chain
        assert chain is not None
        cost: ShareCost | None = None
        right = Right.PUT
        if self._coverable(symbol) >= 1 and self.config.sell_calls:
            right, cost = Right.CALL, self._share_cost(symbol)
            if cost is None:
                look.say(SignalKind.SKIPPED, f"{symbol}: what the shares have cost is not known.")
                look.leave("cost_basis_known")
                return
        else:
            taken = self._why_taken(symbol)
            if taken:
                look.say(SignalKind.SKIPPED, taken)
                look.leave(NAME_FREE)
                return
        look.take(
            sift_short_options(
                chain,
                self.instance.market.today,
                self.rules[right],
                fresh=fresh,
                facts=self.instance.market.facts.get(symbol),
                cost=cost,
            ),
            self.config.max_candidates,
        )

    def _why_taken(self, symbol: str) -> str:
        short = [each for each in self.account.on(symbol) if each.is_short_put]
        if short:
            held = sum((abs(position.quantity) for position in short), ZERO)
            puts = "put is" if held == 1 else "puts are"
            return f"{symbol}: {plain(held)} short {puts} already held."
        written = any(each.is_short_call for each in self.account.on(symbol))
        if written and self.config.sell_calls:
            return f"{symbol}: the shares are written on; puts follow once they are called away."
        return ""

    def _coverable(self, symbol: str) -> int:
        """Calls of the standard size that the shares held, less those written on, would cover."""
        written = sum(
            (abs(p.quantity) * p.multiplier for p in self.account.on(symbol) if p.is_short_call),
            ZERO,
        )
        free = self.account.shares(symbol) - written
        return max(int((free / 100).to_integral_value(ROUND_FLOOR)), 0)

    def _share_cost(self, symbol: str) -> ShareCost | None:
        """The adjusted basis of the cycle where it holds these shares, else the broker's cost."""
        basis = self._cycle_basis(symbol)
        if basis is None:
            held = [p for p in self.account.on(symbol) if p.sec_type is SecType.STOCK]
            shares = sum((p.quantity for p in held), ZERO)
            paid = sum((p.quantity * p.average_cost for p in held), ZERO)
            if paid <= 0:
                return None
            basis = paid / shares
        least = ZERO if self.config.calls_below_cost else basis
        return ShareCost(basis=basis, min_strike=least)

    def _cycle_basis(self, symbol: str) -> Decimal | None:
        cycle = self.instance.cycles.get(symbol)
        if cycle is None or not cycle.complete or cycle.shares != self.account.shares(symbol):
            return None
        return cycle.adjusted_basis

    # --- what is done about it ---------------------------------------------------------------

    def sell(self, candidate: Candidate, sifted: Sifted, rank: int) -> tuple[Proposal | None, str]:
        """Propose as many contracts as fit; none, with the reason, where not even one does."""
        is_call = candidate.contract.right is Right.CALL
        contracts, why_not = self._calls(candidate) if is_call else self._puts(candidate)
        if why_not:
            return None, why_not
        self.trades -= 1
        self.chosen.add((candidate.contract.symbol, candidate.contract.right))
        if not is_call:
            self.cash -= candidate.metrics.collateral * contracts
        return self._propose(candidate, sifted, rank, contracts), ""

    def _why_not_another(self, candidate: Candidate) -> str:
        contract = candidate.contract
        if (contract.symbol, contract.right) in self.chosen:
            return f"A better {contract.symbol} {contract.right.name.lower()} is proposed."
        if self.trades < 1:
            return f"The limit of {self.config.max_new_trades} new trades is reached."
        return ""

    def _calls(self, candidate: Candidate) -> tuple[int, str]:
        why_not = self._why_not_another(candidate)
        coverable = self._coverable(candidate.contract.symbol)
        if candidate.contract.multiplier != 100:
            why_not = why_not or "The contract does not deliver 100 shares."
        return (0, why_not) if why_not else self._within_limits(candidate, coverable)

    def _puts(self, candidate: Candidate) -> tuple[int, str]:
        why_not = self._why_not_another(candidate)
        if why_not:
            return 0, why_not
        symbol, collateral = candidate.contract.symbol, candidate.metrics.collateral
        exposure = self.account.exposure_by_underlying.get(symbol, ZERO)
        room = self.account.values.net_liquidation * self.config.max_capital_per_name - exposure
        if collateral > room:
            return 0, (
                f"One contract ties up {collateral:,.0f}; {max(room, ZERO):,.0f} is left of what "
                f"{symbol} may take."
            )
        if collateral > self.cash:
            return 0, (
                f"One contract ties up {collateral:,.0f}; {max(self.cash, ZERO):,.0f} of cash is "
                "free."
            )
        affordable = (min(room, self.cash) / collateral).to_integral_value(ROUND_FLOOR)
        return self._within_limits(candidate, int(affordable))

    def _within_limits(self, candidate: Candidate, coverable: int) -> tuple[int, str]:
        contract, metrics = candidate.contract, candidate.metrics
        notional = contract.strike * contract.multiplier
        is_call = contract.right is Right.CALL
        loss = ZERO if is_call else notional - metrics.bid * contract.multiplier
        unit = OpenedUnit("contract", 1, notional, loss)
        wanted = min(coverable, self.config.max_contracts)
        return within_order_limits(wanted, unit, self.instance.limits)

    def _propose(self, candidate: Candidate, sifted: Sifted, rank: int, contracts: int) -> Proposal:
        config, rules = self.config, sifted.rules
        policy = OfferPolicy(
            concession=config.price_concession,
            max_drift=config.max_drift,
            decision_minutes=config.decision_minutes,
            worst_price=candidate.credit_for(rules.min_ror_annualised),
        )
        idea = TradeIdea.from_chain(
            sifted.chain,
            candidate.row,
            self.instance.account_code,
            Side.SELL,
            RecommendationAction.OPEN,
            contracts,
        )
        terms = build_terms(idea, policy, self.instance.market.as_of, self.instance.session_close)
        if not self.instance.explains:
            return unexplained_proposal(rank, terms)
        if sifted.cost is None:
            rationale = put_rationale(terms, candidate.metrics, cash_left=self.cash)
            tied_up = f"cash: {plain(candidate.metrics.collateral * contracts)}"
            bound = "within cash, capital per name and an order's limits"
        else:
            rationale = call_rationale(terms, candidate.metrics, sifted.cost)
            tied_up = f"shares: {plain(candidate.contract.multiplier * contracts)}"
            bound = "within the shares held and an order's limits"
        sizing = RuleResult(
            rule="size",
            value=f"contracts: {contracts}, {tied_up}",
            threshold=f"≤ {contracts_text(config.max_contracts)}, {bound}",
            passed=True,
        )
        confidence = candidate.confidence(config.max_spread_fraction, rules.min_ror_annualised)
        opportunity = candidate.opportunity(rank, "")
        return build_proposal(opportunity, terms, rationale, confidence, (sizing,))
