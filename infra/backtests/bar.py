"""How far something is and how long it will take, on a person's terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Tell(Protocol):
    def __call__(self, words: str, done: float = 0, of: float | None = None) -> None:
        """Show ``words`` beside a bar of ``done`` of so many; without ``of``, that it goes on."""
        ...


@contextmanager
def progress_bar(words: str) -> Iterator[Tell]:
    """A bar with the time that is left on stderr; nothing where that is no terminal."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(words, total=None)

        def tell(words: str, done: float = 0, of: float | None = None) -> None:
            bar.update(task, description=words, completed=done, total=of)

        yield tell
