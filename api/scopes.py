"""What an API token allows on which route. A route that is not listed here refuses tokens.

A scope never adds to what its user may do: the route asks for the role as it does of a person.
"""

from __future__ import annotations

import re

from domain.errors import ErrorCode, GreenlightError
from infra.db.models import TokenScope
from infra.db.queries.viewer import Viewer

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Tried in turn; all of them for methods that change something.
_CHANGING = tuple(
    (re.compile(pattern), scope)
    for pattern, scope in (
        (r"/api/recommendations/.*", TokenScope.DECIDE),
        (r"/api/orders/[^/]+/cancel/", TokenScope.DECIDE),
        (r"/api/orders/.*", TokenScope.OPERATE),
        (r"/api/(alerts|discrepancies|limits)/.*", TokenScope.OPERATE),
        (r"/api/(trading-state|kill-switch)/.*", TokenScope.OPERATE),
        (r"/api/backtests/.*", TokenScope.BACKTEST),
    )
)
# What protects an account is its owner's alone, and people are administered by people.
_PEOPLE_ONLY = re.compile(r"/api/(auth/(?!me/)|users/|clients/).*")


def scope_of(method: str, path: str) -> TokenScope | None:
    """The scope a token needs for this; None where no token will do."""
    if _PEOPLE_ONLY.fullmatch(path) or not path.startswith("/api/"):
        return None
    if method in _SAFE:
        return TokenScope.READ
    return next((scope for pattern, scope in _CHANGING if pattern.fullmatch(path)), None)


def require_scope(viewer: Viewer, method: str, path: str) -> None:
    """Raise GreenlightError SCOPE_MISSING where a token asks for more than it allows."""
    if viewer.scopes is None:
        return
    needed = scope_of(method, path)
    if needed is None:
        raise GreenlightError(ErrorCode.SCOPE_MISSING, "this is not possible with a token")
    if needed not in viewer.scopes:
        raise GreenlightError(
            ErrorCode.SCOPE_MISSING, f"the token lacks the scope {needed}", scope=needed.value
        )
