"""Theta: sell index puts far out of the money, in a ladder of expiries, and let time work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal

import numpy as np

from domain.instruments import OptionContract, Right, Settlement, Side, contracts_text, plain
from domain.market import OptionChain, decimal_of
from domain.package_offers import PackageIdea, PackagePolicy, build_package_terms
from domain.portfolio import ZERO, AccountState, PositionState
from domain.proposals import (
    OfferPolicy,
    TradeIdea,
    build_proposal,
    build_terms,
    unexplained_proposal,
)
from domain.recommendations import RecommendationAction, RuleResult, Terms
from domain.risk.margin_strategies import MarginLeg, naked
from domain.risk.state import RiskState
from domain.strategies.base import (
    BaseStrategy,
    ChainWindow,
    OpportunityMetrics,
    Proposal,
    SignalKind,
    StrategyConfig,
    StrategyContext,
    StrategyResult,
)
from domain.strategies.filters import EPOCH
from domain.strategies.gathering import (
    Look,
    free_cash,
    gather,
    is_fresh,
    why_margin_forbids,
    why_nothing_at_all,
    why_unusable,
)
from domain.strategies.order_size import OpenedUnit, within_order_limits
from domain.strategies.short_options import Candidate, Sifted, sift_short_options
from domain.strategies.theta_config import ThetaConfig
from domain.strategies.upkeep import look_after
from domain.strategies.wings import HeldUnit, paired
from domain.strategies.words import index_put_rationale, put_spread_rationale

# Classes whose settlement price is that of the opening: they last trade the session before.
AM_SETTLED_CLASSES = frozenset({"SPX", "RUT", "NDX", "DJX"})


class Theta(BaseStrategy):
    """Sells cash-settled index puts in a low delta band, on a ladder of expiries; with a wing as
    spreads, two legs of one order that are held, closed and rolled as one.

    Each put that passes every rule is scored ``annualised return at the bid × chance to expire
    worthless``. The best put of each free rung is proposed, as far as the number of trades, the
    notional and either free cash or margin usage allow; the VIX must lie inside its gates. What
    is held is bought in at its profit target or its loss stop, and rolled down and out, or bought
    in, when it is tested or out of time.

    Confidence is the mean of three margins, each 0 to 1: the chance to expire worthless, how far
    the spread stays inside its limit, and how far the return exceeds its minimum.
    """

    slug = "theta"
    title = "Theta (short index puts)"
    Config = ThetaConfig

    @classmethod
    def chain_window(cls, config: StrategyConfig) -> ChainWindow:
        theta = config if isinstance(config, ThetaConfig) else ThetaConfig(universe=config.universe)
        return ChainWindow(
            min_dte=theta.min_dte,
            max_dte=theta.max_dte,
            min_moneyness=0.6,
            max_moneyness=1.02,
            # A wing may lie however far below.
            min_abs_delta=theta.min_delta if theta.wing is None else 0.0,
            max_abs_delta=theta.max_delta,
        )

    @classmethod
    def window_on(cls, config: StrategyConfig, held: Sequence[PositionState]) -> ChainWindow:
        """With a short put, what it may be rolled to as well."""
        window = cls.chain_window(config)
        theta = config if isinstance(config, ThetaConfig) else ThetaConfig(universe=config.universe)
        if not theta.roll or not any(each.is_short_put for each in held):
            return window
        changes = {
            "max_dte": max(theta.max_dte, theta.roll_max_dte),
            "max_abs_delta": max(theta.max_delta, theta.roll_max_delta),
        }
        return window.model_copy(update=changes)

    def generate_signals(
        self, account_state: AccountState, risk_state: RiskState, instance: StrategyContext
    ) -> StrategyResult:
        """Look at every index of the universe; CONFIG_INVALID if the config is no ThetaConfig."""
        config = instance.config_as(ThetaConfig)
        turn = _Turn(
            config=config,
            account=account_state,
            instance=instance,
            cash=free_cash(account_state, instance),
            notional=account_state.cash_settled_put_notional,
            margin=account_state.values.maint_margin,
            trades=config.max_new_trades,
        )
        halted = why_nothing_at_all(account_state, instance, risk_state.account_code)
        blocked = why_margin_forbids(config.max_pm_usage, account_state, risk_state)
        blocked = blocked or _why_vix_forbids(config, instance.market.vix)
        looks = [turn.look_at(symbol) for symbol in config.universe]
        return gather(
            looks, halted, blocked, turn, config.max_opportunities, explains=instance.explains
        )


def _why_vix_forbids(config: ThetaConfig, vix: float | None) -> str:
    if config.min_vix is None and config.max_vix is None:
        return ""
    if vix is None or not np.isfinite(vix):
        return "The VIX is not known."
    if config.min_vix is not None and vix < config.min_vix:
        return f"The VIX at {vix:.1f} is below {config.min_vix:.1f}."
    if config.max_vix is not None and vix > config.max_vix:
        return f"The VIX at {vix:.1f} is above {config.max_vix:.1f}."
    return ""


def settlement_words(contract: OptionContract) -> str:
    """When a cash-settled option settles, after the words "it settles in cash"."""
    day = f"{contract.expiry.day} {contract.expiry:%b %Y}"
    if contract.trading_class in AM_SETTLED_CLASSES:
        return f"at the opening after {day}, its last trading day: a gap overnight is not traded"
    return f"at the close of {day}, its last trading day"


def index_put_margin(metrics: OpportunityMetrics, contract: OptionContract) -> Decimal:
    """Strategy-based margin of one index put, naked or with its wing, in the contract's currency,
    to the cent.

    A spread asks for its width. Under portfolio margin the broker asks for less: sizing by this
    errs on the safe side.
    """
    if metrics.wing_strike is not None:
        return metrics.collateral.quantize(Decimal("0.01"))
    sold = MarginLeg(
        symbol=contract.symbol,
        quantity=-1.0,
        mark=float(metrics.mid),
        spot=float(metrics.underlying_price),
        right=contract.right,
        strike=float(contract.strike),
        expiry=contract.expiry,
        multiplier=float(contract.multiplier),
        is_index=True,
    )
    return decimal_of(naked(sold)).quantize(Decimal("0.01"))


@dataclass(slots=True)
class _Turn:
    """One run over the indexes, and what may still be spent while going down the ranking."""

    config: ThetaConfig
    account: AccountState
    instance: StrategyContext
    cash: Decimal
    notional: Decimal
    margin: Decimal
    trades: int
    rungs: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Expiries taken by symbol, as days since 1970-01-01: those held, then those proposed."""

    @property
    def is_done(self) -> bool:
        return self.trades < 1

    # --- what is there -----------------------------------------------------------------------

    def look_at(self, symbol: str) -> Look:
        chain = self.instance.market.chains.get(symbol)
        look = Look(symbol, chain, explains=self.instance.explains)
        unusable = why_unusable(chain, symbol, self.account)
        if chain is not None and not unusable and chain.settlement is not Settlement.CASH:
            unusable = f"{symbol} options deliver shares; Theta sells what settles in cash."
        if chain is None or unusable:
            look.say(SignalKind.DATA_UNUSABLE, unusable)
            look.leave("chain_usable")
            return look
        held = [each for each in self.account.on(symbol) if each.is_short_put]
        self.rungs[symbol] = sorted(
            {(each.option.expiry - EPOCH).days for each in held if each.option is not None}
        )
        if symbol in self.instance.working_symbols:
            look.say(SignalKind.SKIPPED, f"{symbol}: an approved trade is still under way.")
            look.leave("name_free")
            return look
        fresh = is_fresh(chain, self.config.max_chain_age_minutes, self.instance)
        upkeep = look_after(
            self._units(held, symbol),
            chain,
            self.config.manage_policy(),
            self.config.price_concession,
            self.instance,
            fresh=fresh,
        )
        look.signals += upkeep.signals
        look.offers += upkeep.offers
        self._sift(look, chain, fresh=fresh)
        return look

    def _units(self, short_puts: Sequence[PositionState], symbol: str) -> list[HeldUnit]:
        """Without a wing in the configuration a long put is somebody else's business."""
        if self.config.wing is None:
            return [HeldUnit(each) for each in short_puts]
        return paired(self.account.on(symbol))

    def _sift(self, look: Look, chain: OptionChain, *, fresh: bool) -> None:
        taken = self.rungs[chain.symbol]
        if len(taken) >= self.config.ladder_rungs:
            # There is no room for any: a look at each of them would change nothing.
            said = f"All {self.config.ladder_rungs} rungs of {chain.symbol} are taken."
            look.say(SignalKind.SKIPPED, said)
            look.leave("ladder_full")
            return
        sifted = sift_short_options(
            chain,
            self.instance.market.today,
            self.config.short_rules(),
            fresh=fresh,
            facts=self.instance.market.facts.get(chain.symbol),
        )
        for rung in taken:
            apart = np.abs(sifted.chain.expiry - rung) >= self.config.ladder_gap_days
            sifted.screen.require("rung_free", apart)
        look.take(sifted, self.config.max_candidates)

    # --- what is done about it ---------------------------------------------------------------

    def sell(self, candidate: Candidate, sifted: Sifted, rank: int) -> tuple[Proposal | None, str]:
        """Propose as many contracts as fit; none, with the reason, where not even one does."""
        contract = candidate.contract
        why_not = self._why_not_this_rung(contract)
        if why_not:
            return None, why_not
        needed = index_put_margin(candidate.metrics, contract)
        contracts, why_not = self._size(candidate, needed)
        if why_not:
            return None, why_not
        self.trades -= 1
        self.rungs[contract.symbol].append((contract.expiry - EPOCH).days)
        self.notional += candidate.metrics.collateral * contracts
        self.cash -= candidate.metrics.collateral * contracts
        self.margin += needed * contracts
        return self._propose(candidate, sifted, rank, contracts, needed), ""

    def _why_not_this_rung(self, contract: OptionContract) -> str:
        config, taken = self.config, self.rungs[contract.symbol]
        if self.trades < 1:
            return f"The limit of {config.max_new_trades} new trades is reached."
        if len(taken) >= config.ladder_rungs:
            return f"All {config.ladder_rungs} rungs of {contract.symbol} are taken."
        day = (contract.expiry - EPOCH).days
        if any(abs(day - rung) < config.ladder_gap_days for rung in taken):
            return "A better put takes the rung of this expiry."
        return ""

    def _size(self, candidate: Candidate, needed: Decimal) -> tuple[int, str]:
        config, values = self.config, self.account.values
        collateral = candidate.metrics.collateral
        unit = "contract" if config.wing is None else "spread"
        room = values.net_liquidation * config.max_notional - self.notional
        if collateral > room:
            return 0, (
                f"One {unit}'s notional is {collateral:,.0f}; {max(room, ZERO):,.0f} is left of "
                "the most allowed."
            )
        if config.secured:
            if collateral > self.cash:
                return 0, (
                    f"One {unit} ties up {collateral:,.0f}; {max(self.cash, ZERO):,.0f} of cash "
                    "is free."
                )
            share = min(room, self.cash) / collateral
        else:
            free = values.equity_with_loan * config.max_pm_usage - self.margin
            if needed > free:
                return 0, (
                    f"One {unit} asks for a margin of about {needed:,.0f}; "
                    f"{max(free, ZERO):,.0f} is left below {config.max_pm_usage:.0%} usage."
                )
            share = min(room / collateral, free / needed)
        wanted = min(int(share.to_integral_value(ROUND_FLOOR)), config.max_contracts)
        return within_order_limits(wanted, self._opened(candidate), self.instance.limits)

    def _opened(self, candidate: Candidate) -> OpenedUnit:
        contract, metrics = candidate.contract, candidate.metrics
        notional = contract.strike * contract.multiplier
        loss = metrics.collateral - metrics.bid * contract.multiplier
        if metrics.wing_strike is None:
            return OpenedUnit("contract", 1, notional, loss)
        return OpenedUnit("spread", 2, notional, loss)

    def _propose(
        self, candidate: Candidate, sifted: Sifted, rank: int, contracts: int, needed: Decimal
    ) -> Proposal:
        config = self.config
        terms = self._terms(candidate, sifted, contracts)
        if not self.instance.explains:
            return unexplained_proposal(rank, terms)
        currency, winged = terms.contract.currency, candidate.metrics.wing_strike is not None
        if config.secured:
            sizing = f"Cash covers all of it; {self.cash:,.0f} {currency} then stays free."
        else:
            sold = "Not secured by cash" if winged else "Sold naked"
            sizing = f"{sold}: the margin is estimated at {needed * contracts:,.0f} {currency}."
        words = put_spread_rationale if winged else index_put_rationale
        rationale = words(terms, candidate.metrics, settlement_words(terms.contract), sizing)
        confidence = candidate.confidence(config.max_spread_fraction, config.min_ror_annualised)
        opportunity = candidate.opportunity(rank, "")
        return build_proposal(
            opportunity, terms, rationale, confidence, self._extra_rules(candidate, contracts)
        )

    def _terms(self, candidate: Candidate, sifted: Sifted, contracts: int) -> Terms:
        config, code = self.config, self.instance.account_code
        as_of, close = self.instance.market.as_of, self.instance.session_close
        least = candidate.credit_for(config.min_ror_annualised)
        if sifted.wing is not None:
            idea = PackageIdea.from_rows(
                sifted.chain,
                ((candidate.row, Side.SELL), (int(sifted.wing[candidate.row]), Side.BUY)),
                RecommendationAction.OPEN,
                code,
                contracts,
            )
            bounds = PackagePolicy(
                concession=config.price_concession,
                max_drift=config.max_drift,
                decision_minutes=config.decision_minutes,
                least_credit=least,
            )
            return build_package_terms(idea, bounds, as_of, close)
        policy = OfferPolicy(
            concession=config.price_concession,
            max_drift=config.max_drift,
            decision_minutes=config.decision_minutes,
            worst_price=least,
        )
        alone = TradeIdea.from_chain(
            sifted.chain, candidate.row, code, Side.SELL, RecommendationAction.OPEN, contracts
        )
        return build_terms(alone, policy, as_of, close)

    def _extra_rules(self, candidate: Candidate, contracts: int) -> tuple[RuleResult, ...]:
        """What was checked beyond the contract's own rules; a proposal has passed it all."""
        config, symbol = self.config, candidate.contract.symbol
        assert candidate.contract.right is Right.PUT
        read = [
            ("ladder", f"rungs: {len(self.rungs[symbol])}", f"≤ {config.ladder_rungs}"),
            (
                "size",
                f"contracts: {contracts}, "
                f"notional: {plain(candidate.metrics.collateral * contracts)}",
                f"≤ {contracts_text(config.max_contracts)}, within notional, "
                f"{'cash' if config.secured else 'margin usage'} and an order's limits",
            ),
        ]
        if config.min_vix is not None or config.max_vix is not None:
            low = "0" if config.min_vix is None else f"{config.min_vix:.1f}"
            high = "any" if config.max_vix is None else f"{config.max_vix:.1f}"
            read.append(("vix", f"{self.instance.market.vix or 0.0:.1f}", f"{low} … {high}"))
        return tuple(
            RuleResult(rule=rule, value=value, threshold=threshold, passed=True)
            for rule, value, threshold in read
        )
