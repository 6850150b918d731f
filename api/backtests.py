"""Asking for backtests over HTTP: which data may be read, and the edge to their workflows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from domain.errors import ErrorCode, GreenlightError


def confined(directory: Path, names: Sequence[str], field: str) -> tuple[str, ...]:
    """``names`` as absolute paths inside ``directory``.

    Raises GreenlightError INVALID_INPUT for whatever lies outside, symbolic links followed, and
    for what is not there.
    """
    home = directory.resolve()
    paths: list[str] = []
    for number, name in enumerate(names):
        path = (home / name).resolve()
        if not path.is_relative_to(home) or not path.exists():
            raise GreenlightError(
                ErrorCode.INVALID_INPUT,
                f"there is no {name!r} in the desk's history directory",
                field=f"{field}.{number}",
            )
        paths.append(str(path))
    return tuple(paths)


def command_workflow_id(kind: str, user_id: UUID, key: str) -> str:
    """The same for a repeated command, so that it finds what the first one started."""
    return f"{kind}-{uuid5(NAMESPACE_URL, f'{user_id}/{key}')}"
