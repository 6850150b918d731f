"""Names in a request's query: only those that its operation knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Cookie, Header, Path
from fastapi.routing import APIRoute

from domain.errors import ErrorCode, GreenlightError

# Identity providers add to what they were asked for (``iss``, ``session_state``, ``scope``).
_ADDED_TO_BY_OTHERS = frozenset({"finish_provider_sign_in"})
_known: WeakKeyDictionary[Callable[..., Any], frozenset[str]] = WeakKeyDictionary()


async def only_known_parameters(request: Request) -> None:
    """Refuse a query that names what the operation does not know (INVALID_INPUT).

    A filter with a slip in its name would otherwise be no filter: everything, and nobody told.
    """
    route: APIRoute = request.scope["route"]
    if not request.query_params or route.name in _ADDED_TO_BY_OTHERS:
        return
    for name in request.query_params.keys() - _known_to(route):
        raise GreenlightError(
            ErrorCode.INVALID_INPUT, f"there is no parameter {name!r} here", field=name[:100]
        )


def _known_to(route: APIRoute) -> frozenset[str]:
    """Looked up once: it takes a walk over everything that the endpoint depends on."""
    known = _known.get(route.endpoint)
    if known is None:
        known = _known[route.endpoint] = frozenset(
            each.alias
            for each in get_flat_params(route.dependant)
            if not isinstance(each.field_info, Path | Header | Cookie)
        )
    return known
