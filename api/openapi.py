"""Print the OpenAPI document, from which the web app's client is generated.

``python -m api.openapi > web/openapi.json``
"""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from api.app import create_app
from api.description import describe
from infra.settings import Settings


def document() -> bytes:
    """The document with sorted keys, so that a change shows as what it is."""
    app = create_app(Settings(home=Path("/nonexistent")), web_dist=Path("/nonexistent"))
    return orjson.dumps(describe(app), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


if __name__ == "__main__":
    sys.stdout.buffer.write(document() + b"\n")
