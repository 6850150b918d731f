"""``greenlight data``: recorded chains looked over, and made quick to read.

Exit codes: 0 every session of the span can be traded, 1 a backtest will leave days out, 2 the
recording, or an option of the command, cannot be used.
"""

# ruff: noqa: PLC0415 (heavy imports inside the commands, as in infra.cli)

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.history.checking import DataReport
    from infra.history.reading import Reading

DAYS_LEFT_OUT = 1
UNREADABLE = 2
REASONS_SHOWN = 20

Sources = Annotated[
    list[Path],
    typer.Argument(help="Files or folders: CSV (also .gz, .zip), Parquet, LEAN archives."),
]
Layout = Annotated[
    str | None, typer.Option(help="Whose columns they are; told by the header if absent.")
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME=COLUMN",
        help="Canonical column and the file's; NAME==VALUE gives all rows one value.",
    ),
]
Side = Annotated[
    list[Path] | None,
    typer.Option(help="Prices, dividends, splits, rates, VIX: files or folders of them."),
]


def reading_of(layout: str | None, mapping: list[str] | None) -> Reading:
    """The options of a command as a ``Reading``; BadParameter where they make none."""
    from infra.history.layouts import LAYOUTS, remapped
    from infra.history.reading import Reading

    if layout is not None and layout not in LAYOUTS:
        raise typer.BadParameter(f"{layout!r} is none of {', '.join(LAYOUTS)}")
    pairs = dict(pair.split("=", 1) for pair in mapping or () if "=" in pair)
    if len(pairs) < len(mapping or ()):
        raise typer.BadParameter("--map takes NAME=COLUMN, each name once")
    try:
        remapped(LAYOUTS["canonical"], pairs)
    except ValueError as error:
        raise typer.BadParameter(f"--map {error}") from None
    return Reading(layout=layout, mapping=pairs or None)


def data_group() -> typer.Typer:
    group = typer.Typer(help="Recorded option chains.", no_args_is_help=True)

    @group.command("check")
    def check(
        sources: Sources,
        layout: Layout = None,
        mapping: Map = None,
        side: Side = None,
        as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
    ) -> None:
        """Say what a recording holds, what is wrong with it and which days a backtest skips."""
        from infra.history.canonical import HistoryError
        from infra.history.checking import report_on
        from infra.history.opening import examine
        from infra.history.side_files import SideFiles

        how = reading_of(layout, mapping)
        try:
            report = report_on(examine(sources, how, SideFiles(tuple(side or ()))))
        except HistoryError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(UNREADABLE) from None
        typer.echo(report.model_dump_json(indent=2) if as_json else "\n".join(_lines(report)))
        raise typer.Exit(0 if report.is_sound else DAYS_LEFT_OUT)

    @group.command("convert")
    def convert(
        sources: Sources,
        out: Annotated[Path, typer.Option(help="Folder to write; must not hold anything.")],
        layout: Layout = None,
        mapping: Map = None,
    ) -> None:
        """Write a recording as canonical Parquet, a file for each underlying and year."""
        from infra.history.canonical import HistoryError
        from infra.history.conversion import convert as write

        how = reading_of(layout, mapping)
        try:
            written = write(sources, out, how)
        except HistoryError as error:
            typer.echo(str(error), err=True)
            typer.echo("Nothing was written.", err=True)
            raise typer.Exit(UNREADABLE) from None
        for path in written:
            typer.echo(str(path))

    return group


def _lines(report: DataReport) -> list[str]:
    """The report for a person."""
    lines = [
        f"{report.label}: {report.rows:,} rows, layout {', '.join(report.layouts)}",
        f"from {report.first} to {report.last}: {report.slices} moments in "
        f"{report.sessions} sessions",
        f"missing sessions: {_listed(report.missing_sessions)}",
        f"quotes without a session: {_listed(report.not_sessions)}",
        f"stale duplicates: {_listed(report.stale_duplicates)}",
        f"rates {'known' if report.rates_known else 'unknown: 0 is taken'}, "
        f"VIX {'known' if report.vix_known else 'unknown'}",
    ]
    for each in report.underlyings:
        source = "official prices" if each.has_official_prices else "prices as recorded in chains"
        lines += [
            f"{each.symbol} ({source}): {each.rows:,} rows, {each.crossed:,} crossed, "
            f"{each.one_sided:,} one-sided, {each.parity:,} against parity",
            f"  left out: {each.expired:,} expired before the quote, {each.duplicates:,} "
            f"duplicates ({each.conflicting:,} with another quote)",
            f"  quotes: {_counted(each.quotes)}",
            f"  arbitrage between neighbours: {_counted(each.arbitrage)}",
        ]
    lines.append(f"chains a backtest will skip: {len(report.skipped) or 'none'}")
    lines += [
        f"  {skipped.at:%Y-%m-%d %H:%M} UTC {skipped.underlying}: {'; '.join(skipped.reasons)}"
        for skipped in report.skipped[:REASONS_SHOWN]
    ]
    if len(report.skipped) > REASONS_SHOWN:
        lines.append(f"  and {len(report.skipped) - REASONS_SHOWN} more (--json lists all)")
    return lines


def _listed(days: tuple[object, ...]) -> str:
    return ", ".join(map(str, days)) or "none"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"
