"""What a strategy is given, what it must give back, and the shape of the code in between.

A strategy is a pure function of an account, its risk and a market. Live runs and backtests call
the same code; only the market it is shown differs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Self, TypeVar
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    field_validator,
)

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen, OptionContract, Side
from domain.market import MarketView
from domain.portfolio import ZERO, AccountState, PositionState
from domain.recommendations import RecommendationAction, RuleResult, Terms
from domain.risk.limits import Limits
from domain.risk.state import RiskState
from domain.strategies.wheel_cycle import WheelCycle

Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9. ]{0,15}$")]


class ChainWindow(Frozen):
    """Which part of an underlying's option chain to read."""

    min_dte: int = Field(ge=0)
    max_dte: int = Field(ge=0)
    min_moneyness: float = Field(default=0.8, gt=0, description="strike over underlying price")
    max_moneyness: float = Field(default=1.02, gt=0)
    calls: bool = False
    puts: bool = True
    min_abs_delta: float = Field(
        default=0.0, ge=0, le=1, description="contracts estimated well below need not be read"
    )
    max_abs_delta: float = Field(
        default=1.0, ge=0, le=1, description="contracts estimated well above need not be read"
    )


def in_form(group: str, unit: str = "") -> dict[str, JsonValue]:
    """Where a setting stands in the form the UI draws, and the unit beside its field.

    A ``fraction`` (0.01 = 1 %) and a ``fraction a year`` are typed and shown as percentages.
    """
    return {"group": group, "unit": unit}


class StrategyConfig(BaseModel):
    """Base of every strategy's configuration.

    Its JSON schema is the form the UI draws: each field carries a title, a description with its
    unit, and bounds. Unknown fields are refused. Defaults are validated too, because a default
    can contradict a field that was given.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )

    universe: tuple[Symbol, ...] = Field(
        title="Universe",
        description="Underlying symbols to look at, in order of preference.",
        max_length=50,
        json_schema_extra=in_form("Universe"),
    )
    decision_minutes: int = Field(
        default=30,
        ge=1,
        le=390,
        title="Time to decide",
        description="Market minutes a recommendation waits for a person; never past the close.",
        json_schema_extra=in_form("Offer", "market minutes"),
    )
    max_drift: Decimal = Field(
        default=Decimal("0.01"),
        gt=0,
        le=Decimal("0.2"),
        title="Maximum drift",
        description="How far the underlying may move before an approval is void (0.01 = 1 %).",
        json_schema_extra=in_form("Offer", "fraction"),
    )

    @field_validator("universe")
    @classmethod
    def _no_symbol_twice(cls, universe: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(universe)) < len(universe):
            raise ValueError("a symbol is listed twice")
        return universe


C = TypeVar("C", bound=StrategyConfig)


@dataclass(frozen=True, slots=True)
class StrategyContext:
    """The instance being run and the market it is shown.

    ``session_close`` is the aware UTC end of the session the market's ``as_of`` lies in: no
    recommendation waits past it. ``working_symbols`` are underlyings with an approved trade or
    an order still under way; a strategy opens nothing more on them. ``committed_cash`` is what
    assignment of those working short puts, and of the puts other instances of the account have on
    offer, would need, in the account's currency. ``cycles`` are the wheel cycles under way by
    underlying, as far as the account's record tells them. ``limits`` are those that bind the
    account's orders, None where the caller knows of none. ``explains`` says whether anybody will
    read what was seen, why not, and why: a backtest, which keeps the terms of proposals and what
    moved a position, asks for no more.
    """

    instance_id: UUID
    name: str
    account_code: str
    config: StrategyConfig
    market: MarketView
    session_close: datetime
    working_symbols: frozenset[str] = frozenset()
    committed_cash: Decimal = ZERO
    cycles: Mapping[str, WheelCycle] = field(default_factory=dict[str, WheelCycle])
    limits: Limits | None = None
    explains: bool = True

    def config_as(self, config_type: type[C]) -> C:
        """The config as the strategy's own type; GreenlightError CONFIG_INVALID if it is not."""
        if not isinstance(self.config, config_type):
            raise GreenlightError(
                ErrorCode.CONFIG_INVALID,
                f"{self.name} needs a {config_type.__name__}, not {type(self.config).__name__}",
                field="config",
            )
        return self.config


class SignalKind(StrEnum):
    """What a strategy saw in one underlying."""

    PUT_CANDIDATES = "PUT_CANDIDATES"
    CALL_CANDIDATES = "CALL_CANDIDATES"
    CLOSE_POSITION = "CLOSE_POSITION"
    ROLL_POSITION = "ROLL_POSITION"
    HOLD_POSITION = "HOLD_POSITION"
    NO_TRADE = "NO_TRADE"
    SKIPPED = "SKIPPED"
    DATA_UNUSABLE = "DATA_UNUSABLE"


class Signal(Frozen):
    """What the strategy saw in one underlying: a sentence and the figures behind it."""

    symbol: str
    kind: SignalKind
    summary: str
    facts: dict[str, JsonValue] = Field(default_factory=dict)


class OpportunityMetrics(Frozen):
    """One short option in numbers. Prices per share; amounts per contract, incl. multiplier.

    Of a position to be closed they say what holding it would still earn and risk. A covered call
    ties up its shares: their value is its collateral, their cost the base of its break-even. A
    put spread has the net prices of both its legs, its width as collateral, and delta, volatility,
    volume and open interest of the put that is short.
    """

    bid: Decimal
    ask: Decimal
    mid: Decimal
    underlying_price: Decimal
    dte: int = Field(description="calendar days to expiry")
    delta: float | None = Field(description="the holder's")
    iv: float | None = Field(description="annualised, decimal")
    ror: float = Field(description="mid credit over collateral, decimal")
    ror_annualised: float = Field(description="ror × 365 / dte, simple")
    pop: float | None = Field(description="estimated chance to expire out of the money, 0..1")
    breakeven: Decimal = Field(description="underlying price at expiry with neither gain nor loss")
    max_loss: Decimal = Field(description="per contract, the underlying going to zero")
    wing_strike: Decimal | None = Field(
        default=None, description="of the long put that makes it a spread; None without one"
    )
    collateral: Decimal = Field(
        description="per contract: a put's strike, a covered call's underlying price, × multiplier"
    )
    spread_fraction: float = Field(
        description="(ask − bid) / mid; of a put spread over the mid of its short put"
    )
    open_interest: int | None = Field(ge=0)
    volume: int | None = Field(ge=0)
    iv_rank: float | None = Field(
        default=None, description="of the underlying's 30-day volatility within a year, 0..1"
    )


class Opportunity(Frozen):
    """A concrete contract that came through every rule, ranked within its run (1 is best).

    What to do about positions comes first: to close is the contract bought in, to roll the one
    sold instead. ``score`` compares opportunities of one action only.
    """

    contract: OptionContract
    side: Side
    action: RecommendationAction
    rank: int = Field(ge=1)
    score: float
    metrics: OpportunityMetrics
    rules: tuple[RuleResult, ...]
    recommended: bool
    why_not: str = Field(default="", description="why it is not recommended; empty if it is")


class Proposal(Frozen):
    """A trade offered for approval: terms, and why, where somebody reads it.

    ``confidence`` (0..1) says how comfortably the trade clears its strategy's rules, as the
    strategy's own description defines it; it is no probability of profit.
    """

    opportunity_rank: int = Field(ge=1, description="the Opportunity this proposal is made of")
    terms: Terms
    rationale: tuple[str, ...] = Field(min_length=1, description="plain sentences")
    confidence: float = Field(ge=0, le=1)
    rule_trace: tuple[RuleResult, ...]


def packed_ids(con_ids: Iterable[int]) -> Sequence[int]:
    """Contract ids as 64-bit integers side by side: a run may name a hundred thousand."""
    return array("q", con_ids)


ConIds = Annotated[Sequence[int], PlainValidator(packed_ids), PlainSerializer(list)]


class StrategyResult(Frozen):
    """All that one run found, and what became of every contract it looked at.

    Where its context asks for no explanations a strategy may give its ``proposals`` alone.

    ``eliminated`` counts contracts by the first rule that removed them and
    ``eliminated_con_ids`` names them, so that every contract of every chain is either an
    opportunity or has a reason.
    """

    signals: tuple[Signal, ...] = ()
    opportunities: tuple[Opportunity, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    eliminated: dict[str, int] = Field(default_factory=dict)
    eliminated_con_ids: dict[str, ConIds] = Field(default_factory=dict)
    no_trade_reason: str | None = Field(
        default=None, description="why nothing is proposed; None when something is"
    )

    @classmethod
    def unexplained(cls, proposals: Iterable[Proposal]) -> Self:
        """For a context that asks for no explanations."""
        return cls.of_checked(
            signals=(),
            opportunities=(),
            proposals=tuple(proposals),
            eliminated={},
            eliminated_con_ids={},
            no_trade_reason=None,
        )


class BaseStrategy(ABC):
    """One way to find trades. Instances hold no state: everything comes in, everything goes out.

    ``generate_signals`` must work on any part of a chain, down to a single row: a successor to
    a recommendation that was denied is made by running the strategy again on a fresh chain of
    the contracts it trades and no others.
    """

    slug: ClassVar[str]
    title: ClassVar[str]
    Config: ClassVar[type[StrategyConfig]]

    @classmethod
    @abstractmethod
    def chain_window(cls, config: StrategyConfig) -> ChainWindow:
        """The part of each chain this config can use; what lies outside need not be read."""

    @classmethod
    def window_on(cls, config: StrategyConfig, held: Sequence[PositionState]) -> ChainWindow:
        """The part of one underlying's chain that is of use given what is ``held`` on it."""
        return cls.chain_window(config)

    @abstractmethod
    def generate_signals(
        self, account_state: AccountState, risk_state: RiskState, instance: StrategyContext
    ) -> StrategyResult:
        """Look at the market for this account. Deterministic; data faults never raise."""
