"""The compose file as an engine would read it: variables put in, anchors merged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::(?P<how>[-?])(?P<word>[^}]*))?\})")


def compose_file(variables: Mapping[str, str]) -> dict[str, Any]:
    """docker-compose.yml with ``variables`` as the caller's environment.

    Raises KeyError for a variable that the file requires.
    """

    def put(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        value = variables.get(found["name"], "")
        if value or found["how"] == "-":
            return value or found["word"]
        raise KeyError(f"{found['name']}: {found['word']}")

    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: resolved(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [resolved(inner) for inner in value]
        return _VARIABLE.sub(put, value) if isinstance(value, str) else value

    return resolved(yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8")))
