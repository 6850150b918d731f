"""Limits: looking at what binds, and changing what one scope says."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from api.deps import (
    SignedIn,
    Transaction,
    actor,
    found,
    require_operating,
    throttled_command,
)
from api.schemas.limits import ChangeLimitsAsk, LimitInForce, LimitsAnswer, ScopeLimits
from domain.errors import ErrorCode, GreenlightError
from domain.risk.limits import Limits, LimitScope
from infra.db.limits import (
    LimitsChange,
    LimitsSubject,
    Owner,
    limits_in_force,
    newest_version,
    owner_of,
    set_limits,
)
from infra.db.models import LimitVersion
from infra.db.queries.viewer import Viewer

router = APIRouter(prefix="/limits", tags=["limits"])
OwnerId = Annotated[UUID | None, Query(description="of the scope; left out for GLOBAL")]
NOTHING = "no such owner of limits"


@router.get("/in-force/{account_id}/")
async def in_force(
    account_id: UUID,
    session: Transaction,
    viewer: SignedIn,
    strategy_instance: Annotated[UUID | None, Query()] = None,
) -> LimitsAnswer:
    """What binds an order of the account, with the scope that each limit comes from."""
    subjects = [LimitsSubject(scope=LimitScope.ACCOUNT, owner_id=account_id)]
    if strategy_instance is not None:
        subjects.append(LimitsSubject(scope=LimitScope.STRATEGY, owner_id=strategy_instance))
    for subject in subjects:
        await _visible_owner(session, viewer, subject)
    bound = await limits_in_force(session, account_id, strategy_instance)
    values = bound.limits.model_dump(mode="json")
    return LimitsAnswer(
        limits=[
            LimitInForce(
                name=name,
                description=field.description or "",
                value=values[name],
                sources=list(bound.sources.get(name, ())),
            )
            for name, field in Limits.model_fields.items()
        ],
        versions=list(bound.versions),
    )


@router.get("/{scope}/")
async def of_scope(
    scope: LimitScope, session: Transaction, viewer: SignedIn, owner: OwnerId = None
) -> ScopeLimits:
    """What one scope says now."""
    subject = LimitsSubject(scope=scope, owner_id=owner)
    await _visible_owner(session, viewer, subject)
    return _answer(subject, await newest_version(session, subject))


@router.put("/{scope}/", dependencies=[Depends(throttled_command)])
async def change(
    scope: LimitScope,
    ask: ChangeLimitsAsk,
    request: Request,
    session: Transaction,
    viewer: SignedIn,
    owner: OwnerId = None,
) -> ScopeLimits:
    """Write the next version. 409 LIMITS_CHANGED when somebody else did meanwhile."""
    subject = LimitsSubject(scope=scope, owner_id=owner)
    of = await _visible_owner(session, viewer, subject)
    if of is not None:
        require_operating(viewer, of.client_id, of.portfolio_id)
    elif not viewer.is_admin:
        raise GreenlightError(
            ErrorCode.FORBIDDEN, "the limits of the whole desk need an administrator"
        )
    wanted = LimitsChange(
        subject=subject, limits=ask.limits, based_on=ask.based_on, reason=ask.reason
    )
    return _answer(subject, await set_limits(session, wanted, actor(request, viewer)))


async def _visible_owner(
    session: Transaction, viewer: Viewer, subject: LimitsSubject
) -> Owner | None:
    """Whose limits these are; None for the whole desk's, which everybody may see."""
    if subject.scope is LimitScope.GLOBAL:
        if subject.owner_id is not None:
            raise GreenlightError(
                ErrorCode.INVALID_INPUT, "the whole desk has no owner", field="owner"
            )
        return None
    of = found(await owner_of(session, subject), NOTHING)
    return found(of if viewer.knows(of.client_id, of.portfolio_id) else None, NOTHING)


def _answer(subject: LimitsSubject, row: LimitVersion | None) -> ScopeLimits:
    return ScopeLimits(
        scope=subject.scope,
        owner_id=subject.owner_id,
        version=0 if row is None else row.version,
        limits={} if row is None else row.limits,
        author=None if row is None else row.author,
        reason=None if row is None else row.reason,
        changed_at=None if row is None else row.created_at,
    )
