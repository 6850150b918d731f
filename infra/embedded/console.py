"""What the operator sees of ``greenlight up`` and ``greenlight status``: calm, plain, complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from infra.embedded.ports import PortChange
from infra.supervisor import StartFailedError

_LABELS = {
    "postgres": "Postgres",
    "temporal": "Temporal and its Web UI",
    "gateway": "Simulated IB Gateway",
    "migrate": "Database migrated",
    "setup-temporal": "Temporal namespace and schedules",
    "seed-demo": "Demo data",
    "run-strategies": "First look at the market begun",
    "broker worker": "Broker worker",
    "core worker": "Core worker",
    "api": "Desk",
}


@dataclass(frozen=True)
class ProcessStatus:
    """One line of ``greenlight status``."""

    name: str
    pid: int | None
    uptime: timedelta | None
    ready: bool


class ConsoleProgress:
    """Prints the progress of a start and the life of the processes after it."""

    def __init__(self, console: Console | None = None) -> None:
        # Plain text keeps its line breaks in a pipe: rich must not wrap at 80 columns there.
        self._console = console or Console(highlight=False, soft_wrap=True)

    def starting(self, home: str) -> None:
        """The first line."""
        self._line("[bold]Greenlight[/bold] starts on", home)

    def port_changed(self, change: PortChange) -> None:
        """A usual port is taken; another one is used."""
        holder = f" by {change.holder}" if change.holder else ""
        self._line(
            "[yellow]![/yellow]",
            f"port {change.wanted} is taken{holder}; {change.name} uses {change.chosen}",
        )

    def left_over(self, names: list[str]) -> None:
        """Processes of an earlier, killed run were ended."""
        self._line("[yellow]![/yellow]", f"ended what an earlier run left: {', '.join(names)}")

    def done(self, what: str, seconds: float) -> None:
        """One step of the start is complete."""
        self._line("[green]✓[/green]", f"{_LABELS.get(what, what)} ({seconds:.1f} s)")

    def died(self, name: str, reason: str, retry_seconds: float) -> None:
        """A process ended by itself."""
        self._line("[red]✗[/red]", f"{name} died ({reason}); restarting in {retry_seconds:.1f} s")

    def recovered(self, name: str, seconds: float) -> None:
        """A restarted process is ready."""
        self._line("[green]✓[/green]", f"{name} is back after {seconds:.1f} s")

    def failed(self, error: StartFailedError) -> None:
        """The start failed: say what, and show the end of its log."""
        self._line("[red]✗[/red]", f"{error}; the end of {error.log}:")
        for line in error.last_lines:
            self._line(" ", line)

    def refused(self, reason: str) -> None:
        """The start cannot even begin, or a server cannot be prepared."""
        self._line("[red]✗[/red]", reason)

    def stopping(self) -> None:
        """The operator asked for the end."""
        self._line("…", "stopping; press Ctrl-C again to kill")

    def stopped(self, seconds: float) -> None:
        """Nothing of the stack runs any more."""
        self._line("[green]✓[/green]", f"stopped ({seconds:.1f} s)")

    def banner(
        self,
        desk_url: str,
        temporal_web_url: str,
        credentials: Sequence[dict[str, Any]],
        seconds: float,
    ) -> None:
        """Where to go, and how to log in the first time."""
        table = Table.grid(padding=(0, 2))
        table.add_row("Desk", Text(desk_url, style="bold cyan"))
        table.add_row("Temporal Web", Text(temporal_web_url, style="cyan"))
        for account in credentials:
            parts = (f"{key} {value}" for key, value in account.items())
            table.add_row("First login", Text("  ".join(parts), style="bold"))
        if credentials:
            table.add_row("", "shown this once; note it down")
        table.add_row("", "Ctrl-C stops everything; the data stays")
        title = f"Greenlight is ready ({seconds:.1f} s)"
        self._console.print(Panel(table, title=title, border_style="green", expand=False))

    def status(self, processes: Sequence[ProcessStatus], desk_url: str) -> None:
        """The processes of the running stack."""
        table = Table("process", "pid", "up", "ready", title=desk_url)
        for process in processes:
            table.add_row(
                process.name,
                str(process.pid or "–"),
                str(process.uptime or "–"),
                "[green]yes[/green]" if process.ready else "[red]no[/red]",
            )
        self._console.print(table)

    def _line(self, mark: str, text: str) -> None:
        # Only the mark is markup: text may quote a log line with brackets of its own.
        self._console.print(Text.from_markup(mark), Text(text))
