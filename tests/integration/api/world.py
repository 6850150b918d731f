"""A small desk in a database: two clients who must never see each other, and people of each role.

Client A trades account DU1000001, client B account DU2000002, both through one gateway. Each has
a waiting recommendation, an approved one with an order and its executions, an alert, a position
and a snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode
from domain.instruments import Right, SecType
from domain.orders import OrderState
from infra.db import models as m
from infra.security import hash_password
from tests.integration.api.client_maker import ClientMaker, ClientWorld, add, alert_on, expiry_after

PASSWORD = "correct horse battery staple"
CODE_A, CODE_B = "DU1000001", "DU2000002"


@cache
def password_hash() -> str:
    return hash_password(PASSWORD)


@dataclass
class World:
    a: ClientWorld
    b: ClientWorld
    gateway: m.Gateway
    version: m.StrategyVersion
    desk_alert: m.Alert
    users: dict[str, m.User] = field(default_factory=dict[str, m.User])

    def email(self, who: str) -> str:
        return self.users[who].email


async def build_world(session: AsyncSession, now: datetime | None = None) -> World:
    """Fill an empty database; the caller commits. ``now`` is both host and market time."""
    at = now or datetime.now(UTC)
    session.add_all(
        [
            m.Setting(key="trading_state", value="ACTIVE"),
            m.Setting(key="autotrade_enabled", value=False),
        ]
    )
    gateway = await add(
        session,
        m.Gateway(
            slug="simulated",
            name="Simulated",
            kind=m.GatewayKind.SIMULATED,
            host="127.0.0.1",
            port=4002,
            connection=m.ConnectionState.CONNECTED,
            connected_at=at,
            market_at=at,
            clock_read_at=at,
            session_open=True,
            session_close_at=at + timedelta(hours=3),
        ),
    )
    instrument = await _instruments(session, expiry_after(at))
    version = await _strategy(session)
    users = await _users(session)
    sides: list[ClientWorld] = []
    for slug, code in (("a", CODE_A), ("b", CODE_B)):
        maker = ClientMaker(session, gateway, instrument, version, users["approver_a"], at)
        sides.append(await maker.make(slug, code))
    await _memberships(session, users, sides[0].client.id, sides[1].client.id)
    desk_alert = await add(session, alert_on("GATEWAY_SLOW", "gateway", None, at))
    return World(
        a=sides[0],
        b=sides[1],
        gateway=gateway,
        version=version,
        desk_alert=desk_alert,
        users=users,
    )


async def _instruments(session: AsyncSession, expiry: date) -> m.Instrument:
    under = await add(
        session,
        m.Instrument(
            key="STK:SPY:USD",
            sec_type=SecType.STOCK,
            symbol="SPY",
            currency="USD",
            multiplier=Decimal(1),
        ),
    )
    option = await add(
        session,
        m.Instrument(
            key=f"OPT:SPY:SPY:{expiry:%Y%m%d}:P:640:100:USD",
            sec_type=SecType.OPTION,
            symbol="SPY",
            currency="USD",
            multiplier=Decimal(100),
            underlying_id=under.id,
            trading_class="SPY",
            expiry=expiry,
            strike=Decimal(640),
            right=Right.PUT,
        ),
    )
    await add(
        session,
        m.IbkrContract(
            instrument_id=option.id,
            con_id=700001,
            sec_type=SecType.OPTION,
            symbol="SPY",
            local_symbol=f"SPY   {expiry:%y%m%d}P00640000",
            trading_class="SPY",
            exchange="SMART",
            primary_exchange="",
            currency="USD",
            multiplier=Decimal(100),
            min_tick=Decimal("0.01"),
            increments={},
            valid_exchanges=["SMART"],
            market_rule_ids=[26],
        ),
    )
    return option


async def _strategy(session: AsyncSession) -> m.StrategyVersion:
    strategy = await add(session, m.Strategy(slug="wheel", name="Wheel"))
    return await add(
        session,
        m.StrategyVersion(
            strategy_id=strategy.id,
            version="1",
            code_ref="domain.strategies.wheel:Wheel",
            config_schema={},
        ),
    )


async def _users(session: AsyncSession) -> dict[str, m.User]:
    names = ("admin", "approver_a", "viewer_a", "operator_a", "trader_b", "nobody")
    return {
        name: await add(
            session,
            m.User(
                email=f"{name}@desk.test",
                name=name.replace("_", " ").title(),
                password_hash=password_hash(),
                is_admin=name == "admin",
            ),
        )
        for name in names
    }


async def _memberships(session: AsyncSession, users: dict[str, m.User], a: UUID, b: UUID) -> None:
    roles = {
        "approver_a": (a, m.Role.APPROVER),
        "viewer_a": (a, m.Role.VIEWER),
        "operator_a": (a, m.Role.OPERATOR),
        "trader_b": (b, m.Role.TRADER),
    }
    for name, (client_id, role) in roles.items():
        session.add(m.Membership(user_id=users[name].id, client_id=client_id, role=role))
    await session.flush()


def mark_unknown(order: m.Order, looks: int) -> None:
    """Put an unacknowledged order in doubt, with so many complete looks that did not find it."""
    order.state = OrderState.UNKNOWN
    order.reason_code = ErrorCode.ORDER_UNPROVEN
    order.reason = "no answer from the broker"
    order.absent_looks = looks
    order.perm_id = None
