"""How far an account may go, and whether it may trade at all.

Limits are data. What one scope says is a ``Limits`` with only the fields it sets (pydantic's
``model_fields_set``). The desk's own set fills the rest with the defaults here; every narrower
scope can only tighten (``in_force``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, JsonValue, field_serializer

from domain.instruments import Frozen
from domain.portfolio import ZERO


class TradingState(StrEnum):
    """ACTIVE trades; REDUCING and HALTED let through only what is proven to reduce risk."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"

    def is_looser_than(self, other: TradingState) -> bool:
        """Whether a change from ``other`` to this one lets more through."""
        order = list(TradingState)
        return order.index(self) < order.index(other)


class LimitScope(StrEnum):
    """Whom limits bind, from the widest to the narrowest."""

    GLOBAL = "GLOBAL"
    CLIENT = "CLIENT"
    PORTFOLIO = "PORTFOLIO"
    ACCOUNT = "ACCOUNT"
    STRATEGY = "STRATEGY"


class Tighter(StrEnum):
    """Which of two values of a limit is the tighter one. No value at all is no limit."""

    LOWER = "lower"
    HIGHER = "higher"
    UNION = "union"
    COMMON = "common"


def _in_form(group: str, unit: str = "") -> dict[str, JsonValue]:
    """Where a limit stands in the form the UI draws, and the unit beside its field."""
    return {"group": group, "unit": unit}


class Limits(Frozen):
    """What may be done. The defaults are meant for a cautious first month.

    Fractions are decimals of net liquidation value unless they say otherwise. None is no limit.
    """

    max_contracts: Annotated[int, Tighter.LOWER] = Field(
        title="Contracts per order",
        json_schema_extra=_in_form("Size of an order", "contracts"),
        default=10,
        ge=1,
        description="contracts per order",
    )
    max_notional: Annotated[Decimal, Tighter.LOWER] = Field(
        title="Notional per order",
        json_schema_extra=_in_form("Size of an order", "currency"),
        default=Decimal(250_000),
        gt=0,
        description="strike × multiplier × contracts per order",
    )
    max_loss: Annotated[Decimal, Tighter.LOWER] = Field(
        title="Loss per order",
        json_schema_extra=_in_form("Size of an order", "currency"),
        default=Decimal(250_000),
        gt=0,
        description="the most an order can lose at expiry, its premium counted",
    )
    max_quote_age_seconds: Annotated[int, Tighter.LOWER] = Field(
        title="Age of a quote",
        json_schema_extra=_in_form("Data", "seconds"),
        default=30,
        ge=1,
        description="market seconds",
    )
    max_account_age_seconds: Annotated[int, Tighter.LOWER] = Field(
        title="Age of the account’s values",
        json_schema_extra=_in_form("Data", "seconds"),
        default=300,
        ge=1,
        description="market seconds",
    )
    max_pm_usage: Annotated[Decimal, Tighter.LOWER] = Field(
        title="PM usage",
        json_schema_extra=_in_form("Account", "fraction"),
        default=Decimal("0.5"),
        gt=0,
        le=1,
        description="maintenance margin over equity, after",
    )
    min_available_funds: Annotated[Decimal, Tighter.HIGHER] = Field(
        title="Available funds kept",
        json_schema_extra=_in_form("Account", "currency"),
        default=ZERO,
        description="equity with loan less initial margin, after the trade",
    )
    collar_fraction: Annotated[Decimal, Tighter.LOWER] = Field(
        title="Price collar",
        json_schema_extra=_in_form("Price", "fraction"),
        default=Decimal("0.1"),
        gt=0,
        le=1,
        description="how far through the market a limit may be, of the price it would meet",
    )
    max_price_over_mid: Annotated[Decimal, Tighter.LOWER] = Field(
        title="Limit over mid",
        json_schema_extra=_in_form("Price", "× mid"),
        default=Decimal(2),
        gt=1,
        description="a limit beyond this multiple of mid is a mistake",
    )
    require_covered: Annotated[bool, Tighter.HIGHER] = Field(
        title="Cover required",
        json_schema_extra=_in_form("Account"),
        default=True,
        description="short puts must be covered by cash, short calls by shares",
    )
    max_orders_per_minute: Annotated[int, Tighter.LOWER] = Field(
        title="Orders per minute",
        json_schema_extra=_in_form("Pace", "orders"),
        default=20,
        ge=1,
        description="sent for the account within a minute by the desk's clock",
    )
    max_orders_per_day: Annotated[int | None, Tighter.LOWER] = Field(
        title="Orders per day",
        json_schema_extra=_in_form("Pace", "orders"),
        default=100,
        ge=1,
        description="sent for the account on one exchange day",
    )
    max_daily_notional: Annotated[Decimal | None, Tighter.LOWER] = Field(
        title="Notional opened per day",
        json_schema_extra=_in_form("Pace", "currency"),
        default=Decimal(1_000_000),
        gt=0,
        description="opened in the account on one exchange day, this order included",
    )
    duplicate_window_seconds: Annotated[int, Tighter.HIGHER] = Field(
        title="Duplicate window",
        json_schema_extra=_in_form("Pace", "seconds"),
        default=300,
        ge=0,
        description="market seconds in which the same trade of another approval is a duplicate",
    )
    max_daily_loss: Annotated[Decimal | None, Tighter.LOWER] = Field(
        title="Loss per day",
        json_schema_extra=_in_form("Account", "fraction"),
        default=Decimal("0.05"),
        gt=0,
        le=1,
        description="fall of net liquidation value since the day began; opens stop beyond it",
    )
    max_position_contracts: Annotated[int | None, Tighter.LOWER] = Field(
        title="Contracts per underlying",
        json_schema_extra=_in_form("Concentration", "contracts"),
        default=50,
        ge=1,
        description="option contracts on one underlying after the trade",
    )
    max_name_fraction: Annotated[Decimal | None, Tighter.LOWER] = Field(
        title="Stake per underlying",
        json_schema_extra=_in_form("Concentration", "fraction"),
        default=None,
        gt=0,
        description="at stake in one underlying after the trade",
    )
    max_delta_fraction: Annotated[Decimal | None, Tighter.LOWER] = Field(
        title="Dollar delta",
        json_schema_extra=_in_form("Concentration", "fraction"),
        default=None,
        gt=0,
        description="dollar delta of the account after the trade, absolute",
    )
    max_vega_fraction: Annotated[Decimal | None, Tighter.LOWER] = Field(
        title="Vega",
        json_schema_extra=_in_form("Concentration", "fraction"),
        default=None,
        gt=0,
        description="change per volatility point of the account after the trade, absolute",
    )
    expiry_cutoff_minutes: Annotated[int, Tighter.HIGHER] = Field(
        title="Cut-off before expiry",
        json_schema_extra=_in_form("Price", "minutes"),
        default=60,
        ge=0,
        description="nothing opens in a contract this long before its last trading ends",
    )
    restricted_symbols: Annotated[frozenset[str], Tighter.UNION] = Field(
        title="Restricted underlyings",
        json_schema_extra=_in_form("What may be traded"),
        default=frozenset(),
        description="underlyings in which nothing may be opened",
    )
    permitted_strategies: Annotated[frozenset[str] | None, Tighter.COMMON] = Field(
        title="Permitted strategies",
        json_schema_extra=_in_form("What may be traded"),
        default=None,
        description="slugs of the strategies that may open; none listed: none may",
    )
    live_trading: Annotated[bool, Tighter.LOWER] = Field(
        title="Real money",
        json_schema_extra=_in_form("What may be traded"),
        default=False,
        description="whether orders may go to a gateway that trades real money",
    )

    @field_serializer("restricted_symbols", "permitted_strategies")
    def _in_order(self, value: frozenset[str] | None) -> list[str] | None:
        return None if value is None else sorted(value)

    def stored(self) -> dict[str, Any]:
        """As JSON, only what is set; ``Limits.model_validate`` reads it back."""
        return self.model_dump(mode="json", exclude_unset=True)


class LimitsVersion(Frozen):
    """What one scope said at one time. ``subject_id`` is None for the whole desk."""

    scope: LimitScope
    subject_id: UUID | None
    version: int = Field(ge=1)
    limits: Limits


class LimitsRef(Frozen):
    """Which version of a scope's limits an order was judged by."""

    scope: LimitScope
    subject_id: UUID | None
    version: int


class LimitsInForce(Frozen):
    """The limits that bind, where each comes from, and the versions they were made of.

    A limit that no scope decides, and is the default, has no ``sources``.
    """

    limits: Limits
    sources: dict[str, tuple[LimitScope, ...]] = Field(default_factory=dict)
    versions: tuple[LimitsRef, ...] = ()


def tightest(desk: Limits, *narrower: Limits) -> Limits:
    """``desk`` in full, tightened by every limit that a narrower scope sets.

    A scope can therefore never loosen what the desk, or a wider scope, has set.
    """
    values = {name: getattr(desk, name) for name in Limits.model_fields}
    for limits in narrower:
        for name in limits.model_fields_set:
            values[name] = _tighter_of(sense_of(name), values[name], getattr(limits, name))
    return Limits(**values)


def in_force(versions: Iterable[LimitsVersion]) -> LimitsInForce:
    """The limits made of the newest version of every scope that concerns an order."""
    scopes = list(LimitScope)
    ordered = sorted(versions, key=lambda version: scopes.index(version.scope))
    desk = next((v.limits for v in ordered if v.scope is LimitScope.GLOBAL), Limits())
    limits = tightest(desk, *(v.limits for v in ordered if v.scope is not LimitScope.GLOBAL))
    return LimitsInForce(
        limits=limits,
        sources={
            name: sources
            for name in Limits.model_fields
            if (sources := _sources(name, getattr(limits, name), ordered))
        },
        versions=tuple(
            LimitsRef(scope=v.scope, subject_id=v.subject_id, version=v.version) for v in ordered
        ),
    )


def _sources(name: str, value: object, versions: Sequence[LimitsVersion]) -> tuple[LimitScope, ...]:
    """The widest scope that says ``value``; of a list, every scope that adds to it."""
    setting = [version for version in versions if name in version.limits.model_fields_set]
    if sense_of(name) in (Tighter.UNION, Tighter.COMMON):
        return tuple(v.scope for v in setting if getattr(v.limits, name) is not None)
    return tuple(v.scope for v in setting if getattr(v.limits, name) == value)[:1]


def sense_of(name: str) -> Tighter:
    """Which of two values of the limit is the tighter."""
    return next(each for each in Limits.model_fields[name].metadata if isinstance(each, Tighter))


def _tighter_of(sense: Tighter, one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    match sense:
        case Tighter.LOWER:
            return min(one, other)
        case Tighter.HIGHER:
            return max(one, other)
        case Tighter.UNION:
            return one | other
        case Tighter.COMMON:
            return one & other
