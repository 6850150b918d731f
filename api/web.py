"""Serving the built web app, and its one page for every address that is the app's own."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

# Below the project's root; a deployment copies the built app to the same place.
WEB_DIST = Path(__file__).resolve().parents[1] / "web" / "dist"

# The build names these files by their content.
_HASHED = "assets/"
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"
_NOT_THE_APPS = ("api", "admin", "healthz", "readyz")


class WebApp(StaticFiles):
    """Files of the built app; any other address gets its page, which then routes by itself."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, html=False)
        self._page = directory / "index.html"

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or not self._is_page(path):
                raise
            response = FileResponse(self._page)
        hashed = path.startswith(_HASHED) and isinstance(response, FileResponse)
        response.headers["Cache-Control"] = _FOR_EVER if hashed else _ASK_FIRST
        return response

    @staticmethod
    def _is_page(path: str) -> bool:
        first = path.split("/", 1)[0]
        return first not in _NOT_THE_APPS and not path.startswith(_HASHED)
