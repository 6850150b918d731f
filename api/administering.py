"""Who administers the installation, and what setting it up answers where it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

from fastapi import Depends

from api.deps import Desk, SignedIn
from api.proof import require_fresh
from domain.errors import ErrorCode, GreenlightError
from infra.db.queries.viewer import Viewer
from infra.db.setting_up import FieldError

# How fresh a proof must be to change who may do what, with which money.
_ADMIN_CHANGES = timedelta(minutes=30)


async def administrator(viewer: SignedIn) -> Viewer:
    if not viewer.is_admin:
        raise GreenlightError(ErrorCode.FORBIDDEN, "this is an administrator's business")
    return viewer


async def _fresh_administrator(
    desk: Desk, viewer: Annotated[Viewer, Depends(administrator)]
) -> Viewer:
    require_fresh(viewer, desk, _ADMIN_CHANGES)
    return viewer


Administrator = Annotated[Viewer, Depends(_fresh_administrator)]


@contextmanager
def named_fields(**names: str) -> Iterator[None]:
    """Refuse with the field as the request calls it, where that is not how it is called inside."""
    try:
        yield
    except FieldError as error:
        field = names.get(error.field, error.field)
        raise GreenlightError(ErrorCode.INVALID_INPUT, error.reason, field=field) from error
