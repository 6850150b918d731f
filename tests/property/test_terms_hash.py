from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.instruments import OptionContract, PriceIncrements, Right, Side
from domain.recommendations import Leg, RecommendationAction, Terms
from tests.unit.trade_factories import NICKELS, contract, terms

CENTS = PriceIncrements.flat(Decimal("0.01"))
money = st.decimals("0.01", "9999", places=2)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
waits = st.timedeltas(timedelta(microseconds=1), timedelta(days=1))


@st.composite
def any_terms(draw: st.DrawFn) -> Terms:
    side = draw(st.sampled_from(list(Side)))
    low, high = sorted([draw(money), draw(money)])
    limit, floor = (high, low) if side is Side.SELL else (low, high)
    quoted_at = draw(moments)
    option = contract(
        strike=draw(money),
        right=draw(st.sampled_from(list(Right))),
        multiplier=draw(st.sampled_from([Decimal(100), Decimal(10), Decimal(150)])),
        con_id=draw(st.integers(1, 10**9)),
    )
    return terms(
        contract=option,
        side=side,
        quantity=draw(st.integers(1, 50)),
        limit_price=limit,
        floor_price=floor,
        increments=CENTS,
        reference_underlying_price=draw(money),
        quoted_at=quoted_at,
        deadline=quoted_at + draw(waits),
    )


def longer(value: Any, places: int) -> Any:
    """The same numbers, every decimal written with more zeros, as a database returns them."""
    match value:
        case Decimal():
            return value.quantize(Decimal(1).scaleb(-places))
        case dict():
            return {key: longer(item, places) for key, item in value.items()}
        case list() | tuple():
            return tuple(longer(item, places) for item in value)
        case _:
            return value


@given(any_terms(), st.integers(4, 12))
def test_trailing_zeros_do_not_change_the_hash(offered: Terms, places: int):
    stored = Terms.model_validate(longer(offered.model_dump(), places))
    assert str(stored.limit_price) != str(offered.limit_price)
    assert stored.hash == offered.hash


def test_the_price_that_was_approved_is_the_price_read_back():
    assert terms(limit_price=Decimal("4.1")).hash == terms(limit_price=Decimal("4.1000")).hash
    assert terms(limit_price=Decimal("4.1")).hash != terms(limit_price=Decimal("4.15")).hash


def test_numbers_in_exponent_form_hash_as_the_same_numbers():
    assert terms(contract=contract(strike=Decimal("6.4E+2"))).hash == terms().hash


@given(any_terms())
def test_the_hash_survives_json(offered: Terms):
    assert Terms.model_validate_json(offered.model_dump_json()).hash == offered.hash


@given(any_terms(), any_terms())
def test_hashes_are_equal_exactly_when_terms_are(one: Terms, other: Terms):
    assert (one.hash == other.hash) == (one == other)


OTHER: dict[str, Any] = {
    "schema_version": 2,
    "account_code": "DU9999999",
    "action": RecommendationAction.CLOSE,
    "quantity": 3,
    "limit_price": Decimal("4.2"),
    "floor_price": Decimal("3.9"),
    "max_drift": Decimal("0.02"),
    "reference_underlying_price": Decimal("656.21"),
    "reference_bid": Decimal("4.11"),
    "reference_ask": Decimal("4.21"),
    "increments": CENTS,
    "quoted_at": terms().quoted_at + timedelta(microseconds=1),
    "deadline": terms().deadline + timedelta(seconds=1),
    "legs": (Leg(contract=contract(), side=Side.BUY),),
}
OTHER_CONTRACT: dict[str, Any] = {
    "symbol": "SPX",
    "trading_class": "SPY1",
    "expiry": contract().expiry + timedelta(days=1),
    "strike": Decimal("640.5"),
    "right": Right.CALL,
    "multiplier": Decimal(10),
    "currency": "EUR",
    "con_id": 1002,
}


def test_a_change_in_any_field_changes_the_hash():
    # With the floor at the limit either side of the trade is valid.
    level = {"floor_price": Decimal("4.15")}
    assert OTHER.keys() == Terms.model_fields.keys()
    changed = (terms(**level | {name: value}).hash for name, value in OTHER.items())
    hashes = {terms(**level).hash, *changed}
    assert len(hashes) == len(OTHER) + 1


def test_a_change_in_any_field_of_the_contract_changes_the_hash():
    assert OTHER_CONTRACT.keys() == OptionContract.model_fields.keys()
    changed = (
        terms(contract=contract(**{name: value})).hash for name, value in OTHER_CONTRACT.items()
    )
    assert len({terms().hash, *changed}) == len(OTHER_CONTRACT) + 1


def package(ratio: int = 1) -> Terms:
    bought = Leg(contract=contract(), side=Side.BUY)
    sold = Leg(contract=contract(strike=Decimal(650), con_id=1002), side=Side.SELL, ratio=ratio)
    price = Decimal("-1.2")
    return terms(legs=(bought, sold), limit_price=price, floor_price=price)


def test_terms_of_one_option_hash_as_they_were_stored():
    assert terms().hash == (
        "sha256:b3e53955f9fd27ed5b24303e9fa8a94050a2c2c06dc4552dc679ae549ad1f9c4"
    )
    assert terms(side=Side.BUY).hash == (
        "sha256:c4f94818b0fde4ab550a8c8f53787cf0e93d52986eab8899a0ce130293215296"
    )


def test_the_hash_of_a_package_survives_json_and_knows_its_sign():
    assert Terms.model_validate_json(package().model_dump_json()).hash == package().hash
    debit = package().model_copy(update={"limit_price": Decimal("1.2")})
    assert debit.hash != package().hash


def test_a_change_of_ratio_or_price_band_changes_the_hash():
    assert package(ratio=2).hash != package().hash
    assert terms(increments=NICKELS).hash == terms().hash
