"""What browsers may load and run on each kind of page: the Content-Security-Policy.

Nothing is allowed merely for being inline. The app's page carries a nonce, new with each answer,
under which its component library may write style elements; so do the templates of the admin. The
backtest report is a page without scripts, whose one style sheet is allowed by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from importlib.resources import files

from starlette.types import Scope

_DIRECTIVES = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
_REPORT = re.compile(r"/api/backtests/[0-9a-f-]{36}/report/")
_STATE = "csp_nonce"


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


# The desk may show it in a frame, and it may ask for nothing.
_REPORT_POLICY = (
    "sandbox; default-src 'none'; "
    f"style-src {_hash(files('infra.backtests').joinpath('report.css').read_text('utf-8'))}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# The two handlers that the admin's templates write into attributes.
ADMIN_HANDLERS = ("applyColumnVisibility()", "window.location = this.value")


def nonce_of(scope: Scope) -> str:
    """The nonce of the answer to this request."""
    state = scope.setdefault("state", {})
    return state.setdefault(_STATE, secrets.token_urlsafe(18))


def is_report(path: str) -> bool:
    return _REPORT.fullmatch(path) is not None


def content_policy(scope: Scope) -> str:
    """The policy of the answer to this request."""
    path: str = scope["path"]
    if is_report(path):
        return _REPORT_POLICY
    nonce = f"'nonce-{nonce_of(scope)}'"
    if path == "/admin" or path.startswith("/admin/"):
        handlers = " ".join(map(_hash, ADMIN_HANDLERS))
        return _worded(
            {
                "script-src": f"'self' {nonce} 'unsafe-hashes' {handlers}",
                "style-src": f"'self' {nonce}",
                # Widths and heights in the library's templates; an attribute runs nothing.
                "style-src-attr": "'unsafe-inline'",
            }
        )
    if path.startswith("/api/"):
        return _worded({})
    return _worded({"style-src": f"'self' {nonce}"})


def _worded(changes: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in (_DIRECTIVES | changes).items())
