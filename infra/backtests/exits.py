"""How ``greenlight backtest`` and ``greenlight sweep`` end, for scripts to rely on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from types import FrameType

import typer

from domain.errors import ErrorCode, GreenlightError


class Exit(IntEnum):
    """Their exit codes beside 0, done."""

    FAILED = 1
    """The run failed, or the strategy raised errors on the way."""
    USAGE = 2
    """An option, the strategy or its configuration is wrong."""
    DATA = 3
    """The data cannot be used."""
    NOT_RECORDED = 4
    """Not on record, though ``--record`` asks for it."""
    NO_TEMPORAL = 5
    """Temporal cannot be reached."""
    INTERRUPTED = 130


_EXIT_OF = {
    ErrorCode.DATA_INVALID: Exit.DATA,
    ErrorCode.STRATEGY_UNRESOLVED: Exit.USAGE,
    ErrorCode.CONFIG_INVALID: Exit.USAGE,
    ErrorCode.INVALID_INPUT: Exit.USAGE,
    ErrorCode.IDEMPOTENCY_KEY_REUSED: Exit.USAGE,
}


@contextmanager
def exits() -> Iterator[None]:
    """Every foreseen failure as one line on stderr and its exit code; SIGTERM is an interrupt."""
    before = None
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except GreenlightError as error:
        typer.echo(f"{error.code}: {error.detail}", err=True)
        raise typer.Exit(_EXIT_OF.get(error.code, Exit.FAILED)) from None
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
        raise typer.Exit(Exit.INTERRUPTED) from None
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
