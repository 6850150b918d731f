"""Labelled instants at which a fault campaign may kill this very process.

``crash_point("place_order.claimed")`` does nothing unless the environment variable
``GREENLIGHT_CRASH_POINTS`` names a file when the process starts. That file, while it exists, holds
one line: a label, how many passings to let go by, and ``KILL`` or ``STOP``. The process that passes
the label next removes the file and sends itself SIGKILL, or SIGSTOP to be woken by the campaign.

Here, in the lowest layer that may look at its surroundings, because every layer above passes
through some of these instants. docs/reliability.md lists them.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

VARIABLE = "GREENLIGHT_CRASH_POINTS"
_SIGNALS = {"KILL": signal.SIGKILL, "STOP": signal.SIGSTOP}

_order = os.environ.get(VARIABLE)
_let_by: dict[str, int] = {}


def crash_point(label: str) -> None:
    """An instant worth dying at; free of cost and effect outside campaigns."""
    if _order is not None:
        _obey(Path(_order), label)


def _obey(order: Path, label: str) -> None:
    try:
        text = order.read_text("utf-8")
        wanted, skip, how = text.split()
    except (FileNotFoundError, ValueError):
        # Nobody ordered anything, or somebody is just writing it.
        return
    if wanted != label:
        return
    passed = _let_by[text] = _let_by.get(text, 0) + 1
    if passed <= int(skip):
        return
    try:
        order.unlink()
    except FileNotFoundError:
        # Another process, or thread, took the order.
        return
    os.kill(os.getpid(), _SIGNALS[how])
