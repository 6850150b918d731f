"""Commands of people on strategy instances: made, configured, switched on and off.

Each is audited, and every config an instance ever had is kept; the caller commits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.strategies.registry import resolve_strategy, validate_config
from infra.db.audit import Actor, audit
from infra.db.models import (
    BrokerAccount,
    ConfigProposal,
    Portfolio,
    ProposalState,
    StrategyConfigVersion,
    StrategyInstance,
    StrategyVersion,
)
from infra.db.run_alerts import told_no_more

FIRST_VERSION = 1
ENTITY = "strategy_instance"


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A new config. ``based_on`` is the version the person saw."""

    config: Mapping[str, Any]
    based_on: int
    reason: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class NewInstance:
    strategy_version_id: UUID
    broker_account_id: UUID
    name: str
    config: Mapping[str, Any]
    idempotency_key: str


async def version_in_force(session: AsyncSession, instance_id: UUID) -> int:
    """The version in force; the first where no change is on record."""
    newest = await _newest(session, instance_id)
    return FIRST_VERSION if newest is None else newest.version


async def change_config(
    session: AsyncSession, instance_id: UUID, change: ConfigChange, actor: Actor
) -> int:
    """Put a new config in force and return its version.

    Repeating a change with its own key gives the version it made. Raises GreenlightError
    NOT_FOUND, CONFIG_CHANGED unless ``based_on`` is in force, CONFIG_INVALID with what is wrong
    by field, or IDEMPOTENCY_KEY_REUSED.
    """
    instance = await lock_instance(session, instance_id)
    known = await _made_with(session, actor, change.idempotency_key)
    config = await validated(session, instance.strategy_version_id, change.config)
    if known is not None:
        _require_same(known, config, instance_id)
        return known.version
    require_based_on(await version_in_force(session, instance_id), change.based_on)
    version = await put_in_force(session, instance, replace(change, config=config), actor)
    # One that still waits from when two people were asked for was made on what is now history.
    await session.execute(
        update(ConfigProposal)
        .where(
            ConfigProposal.strategy_instance_id == instance_id,
            ConfigProposal.state == ProposalState.PENDING,
        )
        .values(
            state=ProposalState.SUPERSEDED,
            decided_at=func.now(),
            decided_by=actor.name,
            decided_by_id=actor.user_id,
        )
    )
    return version


def require_based_on(version: int, based_on: int) -> None:
    """Raise GreenlightError CONFIG_CHANGED unless ``based_on`` is the version in force."""
    if version != based_on:
        raise GreenlightError(
            ErrorCode.CONFIG_CHANGED,
            f"the configuration is at version {version}, not {based_on}",
            version=version,
            based_on=based_on,
        )


async def put_in_force(
    session: AsyncSession,
    instance: StrategyInstance,
    change: ConfigChange,
    author: Actor,
    approved_by: Actor | None = None,
) -> int:
    """Write the next version of a config that was looked at; the instance is locked."""
    newest = await _newest(session, instance.id)
    version = FIRST_VERSION if newest is None else newest.version
    if newest is None:
        session.add(_version_row(instance, FIRST_VERSION, Actor(name="desk"), "as it was"))
        await session.flush()
    before, config = dict(instance.config), dict(change.config)
    instance.config = config
    # Of a proposal the proposal has the key.
    key = change.idempotency_key if approved_by is None else None
    session.add(_version_row(instance, version + 1, author, change.reason, key))
    after = {"version": version + 1, "config": config, "reason": change.reason}
    if approved_by is not None:
        after["proposed_by"] = author.name
    audit(
        session,
        approved_by or author,
        "strategy.configured",
        ENTITY,
        instance.id,
        before={"version": version, "config": before},
        after=after,
    )
    await session.flush()
    return version + 1


async def create_instance(session: AsyncSession, wanted: NewInstance, actor: Actor) -> UUID:
    """A new instance, switched off until a person switches it on.

    Repeating it with its own key gives the instance it made. Raises GreenlightError as
    ``change_config`` does, and INVALID_INPUT for a name its portfolio has already.
    """
    config = await validated(session, wanted.strategy_version_id, wanted.config)
    known = await _made_with(session, actor, wanted.idempotency_key)
    if known is not None:
        _require_same(known, config, known.strategy_instance_id)
        return known.strategy_instance_id
    account = await session.get(BrokerAccount, wanted.broker_account_id)
    if account is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such account")
    # Names are the portfolio's: two that are made at once take turns.
    await session.scalar(
        select(Portfolio.id).where(Portfolio.id == account.portfolio_id).with_for_update()
    )
    taken = await session.scalar(
        select(StrategyInstance.id).where(
            StrategyInstance.portfolio_id == account.portfolio_id,
            StrategyInstance.name == wanted.name,
        )
    )
    if taken is not None:
        raise GreenlightError(
            ErrorCode.INVALID_INPUT, "a strategy of this portfolio has that name", field="name"
        )
    instance = StrategyInstance(
        strategy_version_id=wanted.strategy_version_id,
        portfolio_id=account.portfolio_id,
        broker_account_id=account.id,
        name=wanted.name,
        config=config,
        enabled=False,
    )
    session.add(instance)
    await session.flush()
    session.add(_version_row(instance, FIRST_VERSION, actor, "created", wanted.idempotency_key))
    audit(
        session, actor, "strategy.created", ENTITY, instance.id,
        after={"name": instance.name, "account": account.code, "config": config},
    )  # fmt: skip
    await session.flush()
    return instance.id


async def switch(
    session: AsyncSession, instance_id: UUID, actor: Actor, *, on: bool, by_two: bool = False
) -> None:
    """Switch an instance on or off; switching it to what it is does nothing.

    One whose code or config is not valid any more cannot be switched on: CONFIG_INVALID or
    STRATEGY_UNRESOLVED. ``by_two``: nor by the only person who stands for its config, which is
    SECOND_APPROVER_REQUIRED.
    """
    instance = await lock_instance(session, instance_id)
    if instance.enabled is on:
        return
    if on:
        await validated(session, instance.strategy_version_id, instance.config)
        if by_two and await _stands_alone(session, instance_id, actor):
            raise GreenlightError(
                ErrorCode.SECOND_APPROVER_REQUIRED,
                "somebody else switches on what runs on your configuration",
            )
    else:
        await told_no_more(session, instance)
    instance.enabled = on
    audit(
        session,
        actor,
        "strategy.enabled" if on else "strategy.disabled",
        ENTITY,
        instance.id,
        before={"enabled": not on},
        after={"enabled": on, "name": instance.name},
    )
    await session.flush()


async def _stands_alone(session: AsyncSession, instance_id: UUID, actor: Actor) -> bool:
    """Whether the config in force is the actor's own and nobody else has approved it."""
    newest = await _newest(session, instance_id)
    if newest is None or newest.user_id != actor.user_id:
        return False
    approved = await session.scalar(
        select(ConfigProposal.id).where(
            ConfigProposal.strategy_instance_id == instance_id,
            ConfigProposal.version == newest.version,
        )
    )
    return approved is None


async def lock_instance(session: AsyncSession, instance_id: UUID) -> StrategyInstance:
    instance = await session.get(StrategyInstance, instance_id, with_for_update=True)
    if instance is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such strategy")
    return instance


async def validated(
    session: AsyncSession, strategy_version_id: UUID, config: Mapping[str, Any]
) -> dict[str, Any]:
    """``config`` in full, defaults spelt out: what an instance runs on is what it says."""
    version = await session.get(StrategyVersion, strategy_version_id)
    if version is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such strategy version")
    strategy = resolve_strategy(version.code_ref)
    return validate_config(strategy, config).model_dump(mode="json")


async def _newest(session: AsyncSession, instance_id: UUID) -> StrategyConfigVersion | None:
    return await session.scalar(
        select(StrategyConfigVersion)
        .where(StrategyConfigVersion.strategy_instance_id == instance_id)
        .order_by(StrategyConfigVersion.version.desc())
        .limit(1)
    )


async def _made_with(session: AsyncSession, actor: Actor, key: str) -> StrategyConfigVersion | None:
    return await session.scalar(
        select(StrategyConfigVersion).where(
            StrategyConfigVersion.user_id == actor.user_id,
            StrategyConfigVersion.idempotency_key == key,
        )
    )


def _require_same(known: StrategyConfigVersion, config: dict[str, Any], instance_id: UUID) -> None:
    if known.strategy_instance_id != instance_id or known.config != config:
        raise GreenlightError(
            ErrorCode.IDEMPOTENCY_KEY_REUSED, "this key recorded another configuration before"
        )


def _version_row(
    instance: StrategyInstance,
    version: int,
    actor: Actor,
    reason: str,
    idempotency_key: str | None = None,
) -> StrategyConfigVersion:
    return StrategyConfigVersion(
        strategy_instance_id=instance.id,
        version=version,
        config=instance.config,
        user_id=actor.user_id,
        author=actor.name,
        reason=reason,
        idempotency_key=idempotency_key,
    )
