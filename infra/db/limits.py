"""Limits in Postgres: the newest version of each scope, and how a new one comes to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen
from domain.risk.limits import (
    Limits,
    LimitScope,
    LimitsInForce,
    LimitsRef,
    LimitsVersion,
    in_force,
)
from infra.db.audit import Actor, audit
from infra.db.models import (
    BrokerAccount,
    Client,
    LimitVersion,
    Portfolio,
    StrategyInstance,
)
from infra.db.queries.columns import AnyRow, Rowed
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows

_DESK_LIMITS = 0x11111775
"""Postgres's advisory lock for the limits of the whole desk, which no row owns."""

_OWNER: dict[LimitScope, InstrumentedAttribute[UUID | None]] = {
    LimitScope.CLIENT: LimitVersion.client_id,
    LimitScope.PORTFOLIO: LimitVersion.portfolio_id,
    LimitScope.ACCOUNT: LimitVersion.broker_account_id,
    LimitScope.STRATEGY: LimitVersion.strategy_instance_id,
}
_OWNER_TABLES = {
    LimitScope.CLIENT: Client,
    LimitScope.PORTFOLIO: Portfolio,
    LimitScope.ACCOUNT: BrokerAccount,
    LimitScope.STRATEGY: StrategyInstance,
}


class LimitsSubject(Frozen):
    """Whom a set of limits binds: a scope, and its owner unless that is the whole desk."""

    scope: LimitScope
    owner_id: UUID | None = None


class Owner(NamedTuple):
    """Whose limits, or whose account, something is; no portfolio where it is a whole client's."""

    client_id: UUID
    portfolio_id: UUID | None


class Bound(Frozen):
    """An account, and perhaps a strategy instance, with those whose limits bind it as well."""

    client_id: UUID
    portfolio_id: UUID
    broker_account_id: UUID
    strategy_instance_id: UUID | None

    def subjects(self) -> list[LimitsSubject]:
        owners = {
            LimitScope.CLIENT: self.client_id,
            LimitScope.PORTFOLIO: self.portfolio_id,
            LimitScope.ACCOUNT: self.broker_account_id,
            LimitScope.STRATEGY: self.strategy_instance_id,
        }
        return [
            LimitsSubject(scope=LimitScope.GLOBAL),
            *(
                LimitsSubject(scope=scope, owner_id=owner)
                for scope, owner in owners.items()
                if owner is not None
            ),
        ]


class LimitsChange(Frozen):
    """A new version of one subject's limits. ``based_on`` is the version the person saw, or 0."""

    subject: LimitsSubject
    limits: Limits
    based_on: int
    reason: str


async def limits_in_force(
    session: AsyncSession, broker_account_id: UUID, strategy_instance_id: UUID | None = None
) -> LimitsInForce:
    """What binds an order of the account, and of the strategy instance where one is named."""
    return await limits_binding(
        session, await _bound(session, broker_account_id, strategy_instance_id)
    )


async def _bound(
    session: AsyncSession, broker_account_id: UUID, strategy_instance_id: UUID | None
) -> Bound:
    owners = (
        await session.execute(
            select(BrokerAccount.portfolio_id, Portfolio.client_id)
            .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
            .where(BrokerAccount.id == broker_account_id)
        )
    ).one()
    return Bound(
        client_id=owners.client_id,
        portfolio_id=owners.portfolio_id,
        broker_account_id=broker_account_id,
        strategy_instance_id=strategy_instance_id,
    )


async def limits_binding(session: AsyncSession, bound: Bound) -> LimitsInForce:
    """``limits_in_force`` where the owners are known already: one statement."""
    return in_force(await _newest(session, bound.subjects()))


async def limits_heard(
    session: AsyncSession, broker_account_id: UUID, strategy_instance_id: UUID | None = None
) -> list[LimitsVersion]:
    """What each scope that concerns the account says; ``in_force`` makes one of them."""
    bound = await _bound(session, broker_account_id, strategy_instance_id)
    return await _newest(session, bound.subjects())


VERSIONS = Ordering(
    LimitVersion.version,
    "-version",
    version=LimitVersion.version,
    author=LimitVersion.author,
    changed_at=LimitVersion.created_at,
)


async def limit_versions(
    session: AsyncSession, subject: LimitsSubject, page: PageAsk
) -> Rows[AnyRow]:
    """Every version of one subject's limits, each row's ``LimitVersion``."""
    statement: Rowed = select(LimitVersion).where(_concerns(subject))
    return await page_rows(session, statement, VERSIONS, page)


async def newest_refs(session: AsyncSession, bound: Bound) -> frozenset[LimitsRef]:
    """Which versions bind now, without what they say."""
    subjects = bound.subjects()
    rows = await session.execute(
        select(LimitVersion.scope, func.max(LimitVersion.version))
        .where(or_(*map(_concerns, subjects)))
        .group_by(LimitVersion.scope)
    )
    owners = {subject.scope: subject.owner_id for subject in subjects}
    return frozenset(
        LimitsRef(scope=scope, subject_id=owners[scope], version=version) for scope, version in rows
    )


async def owner_of(session: AsyncSession, subject: LimitsSubject) -> Owner | None:
    """Where the owner of a scope's limits belongs; None where there is none."""
    owner = subject.owner_id
    client, portfolio = Portfolio.client_id, Portfolio.id
    match subject.scope:
        case LimitScope.GLOBAL:
            return None
        case LimitScope.CLIENT:
            client_id = await session.scalar(select(Client.id).where(Client.id == owner))
            return None if client_id is None else Owner(client_id, None)
        case LimitScope.PORTFOLIO:
            statement = select(client, portfolio).where(portfolio == owner)
        case LimitScope.ACCOUNT:
            statement = (
                select(client, portfolio)
                .join(BrokerAccount, BrokerAccount.portfolio_id == portfolio)
                .where(BrokerAccount.id == owner)
            )
        case LimitScope.STRATEGY:
            statement = (
                select(client, portfolio)
                .join(StrategyInstance, StrategyInstance.portfolio_id == portfolio)
                .where(StrategyInstance.id == owner)
            )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Owner(*row)


async def newest_version(session: AsyncSession, subject: LimitsSubject) -> LimitVersion | None:
    """The version in force of one subject's limits, or None while it says nothing."""
    return await session.scalar(
        select(LimitVersion)
        .where(_concerns(subject))
        .order_by(LimitVersion.version.desc())
        .limit(1)
    )


async def set_limits(session: AsyncSession, change: LimitsChange, actor: Actor) -> LimitVersion:
    """Write the next version; the caller commits.

    Raises GreenlightError NOT_FOUND for an owner that does not exist, and LIMITS_CHANGED unless
    ``based_on`` is the version in force.
    """
    subject = change.subject
    await _lock_owner(session, subject)
    known = await newest_version(session, subject)
    version = 0 if known is None else known.version
    if version != change.based_on:
        raise GreenlightError(
            ErrorCode.LIMITS_CHANGED,
            f"the {subject.scope} limits are at version {version}, not {change.based_on}",
            version=version,
            based_on=change.based_on,
        )
    row = LimitVersion(
        scope=subject.scope,
        version=version + 1,
        limits=change.limits.stored(),
        user_id=actor.user_id,
        author=actor.name,
        reason=change.reason,
    )
    if subject.scope is not LimitScope.GLOBAL:
        setattr(row, _OWNER[subject.scope].key, subject.owner_id)
    session.add(row)
    await session.flush()
    audit(
        session,
        actor,
        "limits.changed",
        f"{subject.scope.lower()} limits",
        subject.owner_id or "desk",
        before=None if known is None else {"version": known.version, "limits": known.limits},
        after={"version": row.version, "limits": row.limits, "reason": change.reason},
    )
    return row


async def _lock_owner(session: AsyncSession, subject: LimitsSubject) -> None:
    """Changes of one subject take turns: the second then sees the version of the first."""
    if subject.scope is LimitScope.GLOBAL:
        await session.execute(select(func.pg_advisory_xact_lock(_DESK_LIMITS)))
        return
    table = _OWNER_TABLES[subject.scope]
    statement = select(table.id).where(table.id == subject.owner_id).with_for_update()
    if await session.scalar(statement) is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, f"no such {subject.scope.lower()}")


async def _newest(session: AsyncSession, subjects: Sequence[LimitsSubject]) -> list[LimitsVersion]:
    concerns = or_(*map(_concerns, subjects))
    rows = await session.scalars(
        select(LimitVersion)
        .ext(distinct_on(LimitVersion.scope))
        .where(concerns)
        .order_by(LimitVersion.scope, LimitVersion.version.desc())
    )
    owners = {subject.scope: subject.owner_id for subject in subjects}
    return [
        LimitsVersion(
            scope=row.scope,
            subject_id=owners[row.scope],
            version=row.version,
            limits=Limits.model_validate(row.limits),
        )
        for row in rows
    ]


def _concerns(subject: LimitsSubject) -> ColumnElement[bool]:
    if subject.scope is LimitScope.GLOBAL:
        return LimitVersion.scope == LimitScope.GLOBAL
    return _OWNER[subject.scope] == subject.owner_id
