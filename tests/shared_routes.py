"""Applications by the hundred: making the routes is most of what making one takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from api import app as application


@contextmanager
def routes_made_once() -> Iterator[None]:
    """All applications share their routes, which know nothing of the one they serve."""
    make = application._add_routes
    made: list[Any] = []

    def add_routes(app: FastAPI) -> None:
        if made:
            app.router.routes.extend(made)
        else:
            make(app)
            made.extend(app.router.routes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "_add_routes", add_routes)
        yield
