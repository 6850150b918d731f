"""Serving the built web app, and its one page for every address that is the app's own."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.content_policy import nonce_of

# Below the project's root; a deployment copies the built app to the same place.
WEB_DIST = Path(__file__).resolve().parents[1] / "web" / "dist"

# The build names these files by their content.
_HASHED = "assets/"
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"
# In the built page, for the nonce under which styles may be written.
NONCE_PLACE = "__CSP_NONCE__"
_NOT_THE_APPS = ("api", "admin", "healthz", "readyz")


class WebApp(StaticFiles):
    """Files of the built app; any other address gets its page, which then routes by itself."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, html=False)
        self._page = directory / "index.html"

    def _page_with(self, nonce: str) -> Response:
        """The page under a nonce of its own: kept by nobody, for the next answer has another."""
        page = self._page.read_text("utf-8").replace(NONCE_PLACE, nonce)
        return HTMLResponse(page, headers={"Cache-Control": "no-store"})

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path in {".", "index.html"} and scope["method"] in {"GET", "HEAD"}:
            return self._page_with(nonce_of(scope))
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or not self._is_page(path):
                raise
            return self._page_with(nonce_of(scope))
        hashed = path.startswith(_HASHED) and isinstance(response, FileResponse)
        response.headers["Cache-Control"] = _FOR_EVER if hashed else _ASK_FIRST
        return response

    @staticmethod
    def _is_page(path: str) -> bool:
        first = path.split("/", 1)[0]
        return first not in _NOT_THE_APPS and not path.startswith(_HASHED)
