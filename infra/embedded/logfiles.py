"""Log files of child processes: bounded in size, and quoted when something fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LARGEST_BYTES = 10 * 1024 * 1024
_TAIL_BYTES = 64 * 1024


def rotate_if_large(log: Path, *, largest_bytes: int = LARGEST_BYTES) -> bool:
    """Move a log's content to ``<log>.1`` once it is large; returns whether it did.

    Copy and truncate, because the process that writes the file keeps it open (for appending).
    """
    try:
        if log.stat().st_size <= largest_bytes:
            return False
    except FileNotFoundError:
        return False
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)
    return True


def tail(log: Path, lines: int = 15) -> list[str]:
    """The last lines of a log; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
