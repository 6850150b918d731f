"""Every table of the desk, to look at. Nothing can be created, edited or deleted here."""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from jinja2.ext import Extension
from sqlalchemy import ColumnElement, LargeBinary, String, cast, inspect, or_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import RelationshipDirection
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp
from starlette_admin.auth import AdminUser, BaseAuthProvider
from starlette_admin.contrib.sqla import Admin, ModelView
from starlette_admin.contrib.sqla.converters import ModelConverter
from starlette_admin.converters import converts
from starlette_admin.fields import BaseField, FloatField
from starlette_admin.views import DropDown

from api.auth import sign_out
from api.content_policy import nonce_of
from api.deps import Resources, authenticate
from api.errors import coded, problem_response
from domain.errors import ErrorCode
from infra.db import models
from infra.db.queries.viewer import Viewer

ADMIN_PATH = "/admin"
_ELEMENT = re.compile(r"<(script|style)(?=[\s>])")
_SECRETS = frozenset({"password_hash", "token_hash", "totp_secret", "code_hash"})
_GROUPS: dict[str, tuple[type[models.Base], ...]] = {
    "Trading": (
        models.Recommendation,
        models.Decision,
        models.Approval,
        models.Order,
        models.OrderEvent,
        models.Execution,
        models.ExternalOrder,
        models.Discrepancy,
    ),
    "Portfolio": (
        models.Client,
        models.Portfolio,
        models.BrokerAccount,
        models.Gateway,
        models.AccountSnapshot,
        models.Position,
        models.PositionEvent,
        models.ReconciledPosition,
    ),
    "Strategies": (
        models.Strategy,
        models.StrategyVersion,
        models.StrategyInstance,
        models.StrategyConfigVersion,
        models.ConfigProposal,
        models.StrategyRun,
        models.Backtest,
        models.BacktestSweep,
        models.Signal,
        models.Opportunity,
    ),
    "Market": (
        models.Instrument,
        models.IbkrContract,
        models.Quote,
        models.RecordedChain,
        models.CorporateAction,
        models.UnderlyingFact,
        models.HistoryDay,
        models.EarningsDate,
    ),
    "System": (
        models.Alert,
        models.AuditEvent,
        models.AuditLink,
        models.Setting,
        models.CommandReceipt,
        models.TradingStateChange,
        models.KillSwitch,
        models.KillSwitchTrade,
        models.LimitVersion,
        models.User,
        models.Membership,
        models.Session,
        models.RecoveryCode,
        models.UserIdentity,
        models.ApiToken,
        models.NotificationChannel,
        models.Notification,
    ),
}
MODELS = tuple(model for group in _GROUPS.values() for model in group)


class FloatsToo(ModelConverter):
    """SQLAlchemy's floats are no kind of Numeric any more, which the library expects."""

    @converts("Float")
    def conv_float(self, *args: Any, **kwargs: Any) -> BaseField:
        return FloatField(**self._field_common(*args, **kwargs))


class ReadOnlyView(ModelView):
    """One table: its columns, and the rows it belongs to. Secrets and blobs are left out."""

    actions = ()
    row_actions = ("view",)
    page_size = 25

    def __init__(self, model: type[models.Base]) -> None:
        mapper = inspect(model)
        parents = {
            relation.key: {column.key for column in relation.local_columns}
            for relation in mapper.relationships
            if relation.direction is RelationshipDirection.MANYTOONE
        }
        covered = set[str]().union(*parents.values())
        shown: list[str] = []
        wide: list[str] = []
        for attribute in mapper.column_attrs:
            column = attribute.columns[0]
            if attribute.key in _SECRETS or isinstance(column.type, LargeBinary):
                continue
            if attribute.key not in covered:
                shown.append(attribute.key)
            if isinstance(column.type, JSONB):
                wide.append(attribute.key)
        self.fields = [*shown, *parents]
        self.exclude_fields_from_list = [*wide, "updated_at"]
        texts = [key for key in shown if mapper.columns[key].type.python_type is str]
        self._searched = ["id", *texts]
        self.searchable_fields = self._searched
        self.fields_default_sort = [("created_at", True)]
        super().__init__(model, menu_label=_title(model.__tablename__), converter=FloatsToo())

    def can_create(self, request: Request) -> bool:
        return False

    def can_edit(self, request: Request) -> bool:
        return False

    def can_delete(self, request: Request) -> bool:
        return False

    def can_import(self, request: Request) -> bool:
        return False

    def can_export(self, request: Request) -> bool:
        return False

    def get_search_query(self, request: Request, term: str) -> ColumnElement[bool]:
        found = (getattr(self.model, key) for key in self._searched)
        return or_(*(cast(column, String).icontains(term, autoescape=True) for column in found))

    async def find_by_pk(self, request: Request, pk: Any) -> Any:
        try:
            return await super().find_by_pk(request, pk)
        except ValueError:
            return None  # an address that holds no UUID names no row

    async def repr(self, obj: Any, request: Request) -> str:
        # Within the session's greenlet: a row's words may need the row it belongs to.
        return await request.state.session.run_sync(lambda _: str(obj))


def _title(table: str) -> str:
    return table.replace("_", " ").capitalize()


class AdminsOnly(BaseAuthProvider):
    """Lets in whoever the desk's own session says is an administrator."""

    def __init__(self, resources: Resources) -> None:
        super().__init__()
        self._resources = resources

    async def authenticate(self, request: Request) -> AdminUser | None:
        viewer = await self.viewer(request)
        return AdminUser(username=viewer.name) if viewer and viewer.is_admin else None

    async def viewer(self, request: Request) -> Viewer | None:
        async with self._resources.sessions.begin() as session:
            live = await authenticate(request, self._resources, session)
        # Tokens are for scripts, and these are pages.
        return None if live is None or live.token_id is not None else live.viewer

    def get_middleware(self) -> Middleware:
        return Middleware(_Door, provider=self)

    def get_routes(self, templates: Jinja2Templates) -> list[Route]:
        return [Route(self.logout_path, self._sign_out, methods=["POST"], name="logout")]

    async def _sign_out(self, request: Request) -> Response:
        async with self._resources.sessions.begin() as session:
            await sign_out(request, self._resources, session)
        return RedirectResponse("/login", status_code=303)


class _Door(BaseHTTPMiddleware):
    """The admin's door, its files included."""

    def __init__(self, app: ASGIApp, provider: AdminsOnly) -> None:
        super().__init__(app)
        self._provider = provider

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        viewer = await self._provider.viewer(request)
        if viewer is None:
            return RedirectResponse(f"/login?return={quote(ADMIN_PATH, safe='')}", status_code=303)
        if not viewer.is_admin:
            return problem_response(coded(ErrorCode.FORBIDDEN, "the admin is for administrators"))
        request.state.admin_user = AdminUser(username=viewer.name)
        request.state.is_anonymous = False
        return await call_next(request)


class NoncedTemplates(Extension):
    """Gives each script and style element that a template writes the nonce of its answer.

    Only what the templates themselves write: this reads their source, not what they render.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return _ELEMENT.sub(r'<\1 nonce="{{ csp_nonce(request) }}"', source)


def mount_admin(app: FastAPI, resources: Resources) -> None:
    admin = Admin(
        resources.sessions,
        title="Greenlight admin",
        base_url=ADMIN_PATH,
        auth_provider=AdminsOnly(resources),
        # Signs nothing but passing notices on pages that change nothing.
        secret_key=secrets.token_hex(32),
    )
    for name, group in _GROUPS.items():
        admin.add_view(DropDown(name, views=[ReadOnlyView(model) for model in group]))
    admin.templates.env.add_extension(NoncedTemplates)
    admin.templates.env.globals["csp_nonce"] = lambda request: nonce_of(request.scope)
    admin.mount_to(app)
