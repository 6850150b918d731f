"""Limits only ever tighten from scope to scope, and nothing unknown lets a trade open."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.risk.limits import Limits, LimitScope, LimitsVersion, Tighter, in_force, tightest
from domain.risk.pretrade import run_controls
from domain.risk.pretrade_inputs import HeldGreeks, PretradeInputs
from tests.unit.test_pretrade import inputs
from tests.unit.trade_factories import account, contract, option_position, quote

SYMBOLS = ("SPY", "QQQ", "GME", "AAPL")
COUNTS = (1, 2, 50, 500)
FRACTIONS = (Decimal("0.01"), Decimal("0.5"), Decimal(1))
AMOUNTS = (Decimal(1), Decimal(100_000), Decimal(9_000_000))
SETS = (frozenset[str](), frozenset({"SPY"}), frozenset({"SPY", "GME"}), frozenset(SYMBOLS))
VALUES: dict[str, Sequence[Any]] = {
    "max_contracts": COUNTS,
    "max_notional": AMOUNTS,
    "max_loss": AMOUNTS,
    "max_quote_age_seconds": COUNTS,
    "max_account_age_seconds": COUNTS,
    "max_pm_usage": FRACTIONS,
    "min_available_funds": AMOUNTS,
    "collar_fraction": FRACTIONS,
    "max_price_over_mid": (Decimal("1.1"), Decimal(2), Decimal(9)),
    "require_covered": (False, True),
    "max_orders_per_minute": COUNTS,
    "max_orders_per_day": (None, *COUNTS),
    "max_daily_notional": (None, *AMOUNTS),
    "duplicate_window_seconds": COUNTS,
    "max_daily_loss": (None, *FRACTIONS),
    "max_position_contracts": (None, *COUNTS),
    "max_name_fraction": (None, *FRACTIONS),
    "max_delta_fraction": (None, *FRACTIONS),
    "max_vega_fraction": (None, *FRACTIONS),
    "expiry_cutoff_minutes": COUNTS,
    "restricted_symbols": SETS,
    "permitted_strategies": (None, *SETS),
    "live_trading": (False, True),
}


def limits_of(dice: Random) -> Limits:
    """A set that says something about some of the limits."""
    said = dice.sample(sorted(VALUES), dice.randint(0, len(VALUES)))
    return Limits(**{name: dice.choice(VALUES[name]) for name in said})


LIMITS = st.integers(0, 2**32).map(lambda seed: limits_of(Random(seed)))


def sense(name: str) -> Tighter:
    return next(each for each in Limits.model_fields[name].metadata if isinstance(each, Tighter))


def is_as_tight(name: str, value: Any, than: Any) -> bool:
    """Whether ``value`` allows nothing that ``than`` does not; None allows everything."""
    if than is None or value is None:
        return than is None
    match sense(name):
        case Tighter.LOWER:
            return value <= than
        case Tighter.HIGHER | Tighter.UNION:
            return value >= than
        case Tighter.COMMON:
            return value <= than


def test_every_limit_is_tried_here():
    assert VALUES.keys() == Limits.model_fields.keys()


@given(LIMITS, st.lists(LIMITS, max_size=3), LIMITS)
def test_another_scope_never_loosens_anything(desk: Limits, scopes: list[Limits], another: Limits):
    before, after = tightest(desk, *scopes), tightest(desk, *scopes, another)
    for name in Limits.model_fields:
        assert is_as_tight(name, getattr(after, name), getattr(before, name)), name


@given(LIMITS, LIMITS, LIMITS)
def test_the_order_of_scopes_does_not_matter(desk: Limits, one: Limits, other: Limits):
    assert tightest(desk, one, other) == tightest(desk, other, one)


@given(LIMITS, LIMITS)
def test_each_scope_binds_with_all_it_sets(desk: Limits, scope: Limits):
    bound = tightest(desk, scope)
    for name in scope.model_fields_set:
        assert is_as_tight(name, getattr(bound, name), getattr(scope, name)), name


@given(LIMITS)
def test_what_is_stored_reads_back_as_it_was_set(limits: Limits):
    back = Limits.model_validate(limits.stored())
    assert back == limits
    assert back.model_fields_set == limits.model_fields_set


@given(st.lists(st.tuples(st.sampled_from(list(LimitScope)), LIMITS), unique_by=lambda v: v[0]))
def test_a_scope_named_as_a_source_says_what_binds(said: list[tuple[LimitScope, Limits]]):
    found = in_force(
        LimitsVersion(scope=scope, subject_id=None, version=1, limits=limits)
        for scope, limits in said
    )
    by_scope = dict(said)
    for name, scopes in found.sources.items():
        for scope in scopes:
            assert name in by_scope[scope].model_fields_set
            if sense(name) in (Tighter.LOWER, Tighter.HIGHER):
                assert getattr(by_scope[scope], name) == getattr(found.limits, name)
    unsourced = Limits.model_fields.keys() - found.sources.keys()
    for name in unsourced:
        assert getattr(found.limits, name) == getattr(Limits(), name)
    assert {ref.scope for ref in found.versions} == by_scope.keys()


def test_nothing_unknown_lets_a_trade_open():
    """With every limit set, each input that is not known refuses the trade."""
    other = contract(con_id=1009, strike=Decimal(600))
    complete = inputs(
        limits=Limits(
            max_delta_fraction=Decimal(9),
            max_vega_fraction=Decimal(9),
            max_name_fraction=Decimal(9),
        ),
        account=account(option_position(-1, other)),
        quote=quote(delta=-0.22, iv=0.16),
        held_greeks={
            other.key: HeldGreeks(delta=-0.1, vega=40.0, underlying_price=Decimal("656.2"))
        },
        # The last day of the contract: only then does the session's end matter.
        today=contract().expiry,
    )
    assert all(result.passed for result in run_controls(complete))
    known = [name for name in PretradeInputs.model_fields if name not in ("trading_state", "trade")]
    may_be_unknown = [
        name
        for name in known
        if type(None) in getattr(PretradeInputs.model_fields[name].annotation, "__args__", ())
    ]
    assert len(may_be_unknown) >= 12
    for name in may_be_unknown:
        lacking = complete.model_copy(update={name: None})
        assert not all(result.passed for result in run_controls(lacking)), name
