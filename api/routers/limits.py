"""Limits: looking at what binds, and changing what one scope says."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from api.commands import once
from api.deps import (
    SignedIn,
    Transaction,
    actor,
    found,
    paged,
    require_operating,
    throttled_command,
)
from api.entity_tags import IfMatch, require_match
from api.schemas.common import Page
from api.schemas.limits import (
    ChangeLimitsAsk,
    LimitInForce,
    LimitsAnswer,
    LimitsForm,
    ScopeLimits,
)
from domain.errors import ErrorCode, GreenlightError
from domain.risk.limits import Limits, LimitScope, sense_of
from domain.risk.limits import in_force as in_force_of
from infra.db.limits import (
    VERSIONS,
    LimitsChange,
    LimitsSubject,
    Owner,
    limit_versions,
    limits_heard,
    newest_version,
    owner_of,
    set_limits,
)
from infra.db.models import LimitVersion
from infra.db.queries.paging import PageAsk
from infra.db.queries.viewer import Viewer

router = APIRouter(prefix="/limits", tags=["limits"])
OwnerId = Annotated[UUID | None, Query(description="of the scope; left out for GLOBAL")]
NOTHING = "no such owner of limits"


@router.get("/")
async def form(viewer: SignedIn) -> LimitsForm:
    """What can be limited, in words, units and bounds."""
    schema = Limits.model_json_schema()
    for name, field in schema["properties"].items():
        field["tighter"] = sense_of(name).value
    return LimitsForm(schema=schema, defaults=Limits().model_dump(mode="json"))


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
    heard = await limits_heard(session, account_id, strategy_instance)
    bound = in_force_of(heard)
    values = bound.limits.model_dump(mode="json")
    said = {version.scope: version.limits.stored() for version in heard}
    return LimitsAnswer(
        limits=[
            LimitInForce(
                name=name,
                description=field.description or "",
                value=values[name],
                sources=list(bound.sources.get(name, ())),
                said={scope: limits[name] for scope, limits in said.items() if name in limits},
            )
            for name, field in Limits.model_fields.items()
        ],
        versions=list(bound.versions),
    )


@router.get("/{scope}/")
async def of_scope(
    scope: LimitScope,
    response: Response,
    session: Transaction,
    viewer: SignedIn,
    owner: OwnerId = None,
) -> ScopeLimits:
    """What one scope says now."""
    subject = LimitsSubject(scope=scope, owner_id=owner)
    of = await _visible_owner(session, viewer, subject)
    newest = await newest_version(session, subject)
    said = _answer(subject, newest, _may_change(viewer, of))
    response.headers["ETag"] = said.etag
    return said


@router.get("/{scope}/history/")
async def history(
    scope: LimitScope,
    session: Transaction,
    viewer: SignedIn,
    page: Annotated[PageAsk, Depends(paged(VERSIONS))],
    owner: OwnerId = None,
) -> Page[ScopeLimits]:
    """What one scope said, the newest version first: who changed what, when and why."""
    subject = LimitsSubject(scope=scope, owner_id=owner)
    of = await _visible_owner(session, viewer, subject)
    rows = await limit_versions(session, subject, page)
    may_change = _may_change(viewer, of)
    return Page(
        items=[_answer(subject, row.LimitVersion, may_change) for row in rows.items],
        next_cursor=rows.next_cursor,
    )


@router.put("/{scope}/", dependencies=[Depends(throttled_command)])
@once
async def change(
    scope: LimitScope,
    ask: ChangeLimitsAsk,
    request: Request,
    session: Transaction,
    viewer: SignedIn,
    owner: OwnerId = None,
    if_match: IfMatch = None,
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
    newest = await newest_version(session, subject)
    require_match(if_match, _answer(subject, newest, True).etag)
    wanted = LimitsChange(
        subject=subject, limits=ask.limits, based_on=ask.based_on, reason=ask.reason
    )
    return _answer(subject, await set_limits(session, wanted, actor(request, viewer)), True)


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


def _may_change(viewer: Viewer, of: Owner | None) -> bool:
    if of is None:
        return viewer.is_admin
    return viewer.may_operate_for(of.client_id, of.portfolio_id)


def _answer(subject: LimitsSubject, row: LimitVersion | None, may_change: bool) -> ScopeLimits:
    return ScopeLimits(
        scope=subject.scope,
        owner_id=subject.owner_id,
        version=0 if row is None else row.version,
        limits={} if row is None else row.limits,
        author=None if row is None else row.author,
        reason=None if row is None else row.reason,
        changed_at=None if row is None else row.created_at,
        may_change=may_change,
    )
