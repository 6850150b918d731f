"""A backtest's report: one HTML page that asks nothing of any server.

Style and charts are inside it, and it has no scripts: it opens from a disk, an e-mail or the desk
alike, in light and dark. Every figure is the document's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from html import escape
from importlib.resources import files
from typing import Any

from infra.backtests.document import BacktestDocument, Table, TableName
from infra.backtests.figures import figures
from infra.backtests.svg import Line, bar_chart, line_chart, money, percent

ROWS_SHOWN = 250
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STYLES = ("second", "third")


def report_html(document: BacktestDocument) -> str:
    """The whole page."""
    equity = document.table(TableName.EQUITY)
    sessions = last_of_session(equity)
    days = [date.fromisoformat(day) for day in sessions.column("session")]
    values = [float(value) for value in sessions.column("equity")]
    start = float(document.request["cash"])
    sections = [
        _head(document, days),
        _figures(document),
        _section("Equity", _equity(document, days, values)),
        _section("Drawdown", _drawdown(days, values, start)),
        _section("Month by month", _monthly(days, values, start)),
        _section("Exposure and margin", _exposure(sessions, days)),
        _section("Result of each trade", _payoffs(document.table(TableName.TRADES))),
        _section("What ended the trades", _exits(document.table(TableName.TRADES))),
        _section("Trades", _trades(document.table(TableName.TRADES))),
        _section("Without an order", _events(document.table(TableName.EVENTS))),
        _section("Skipped days", _skipped(document.table(TableName.SKIPPED))),
        _section("Refused and unfilled", _denials(document.table(TableName.DENIALS))),
        _section("Errors", _listed(document.errors)),
        _section("Notes", _listed(document.notes)),
        _foot(document),
    ]
    style = files("infra.backtests").joinpath("report.css").read_text("utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(document.title)} – backtest</title><style>{style}</style></head>"
        f"<body>{''.join(sections)}</body></html>\n"
    )


def last_of_session(equity: Table) -> Table:
    """The rows at the end of each session."""
    place = equity.columns.index("session")
    return Table(equity.columns, tuple({row[place]: row for row in equity.rows}.values()))


def drawdowns(values: Sequence[float], start: float) -> list[float]:
    """How far each value lies below the highest so far, ``start`` included, as a fraction of it;
    zero or negative."""
    highest = start
    found: list[float] = []
    for value in values:
        highest = max(highest, value)
        found.append(value / highest - 1 if highest > 0 else 0.0)
    return found


def monthly_returns(
    days: Sequence[date], values: Sequence[float], start: float
) -> dict[tuple[int, int], float]:
    """Return by (year, month): last value over that of the month before, less one.

    The first month counts from ``start``.
    """
    last: dict[tuple[int, int], float] = {}
    for day, value in zip(days, values, strict=True):
        last[day.year, day.month] = value
    found: dict[tuple[int, int], float] = {}
    before = start
    for month, value in last.items():
        found[month] = value / before - 1 if before > 0 else 0.0
        before = value
    return found


def _head(document: BacktestDocument, days: Sequence[date]) -> str:
    span = f"{days[0]} to {days[-1]}" if days else "no sessions"
    return (
        f"<h1>{escape(document.title)}</h1>"
        f'<p class="soft">Strategy {escape(document.strategy)} · {span} · '
        f"data {escape(document.data_label)}</p>"
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def _figures(document: BacktestDocument) -> str:
    shown = "".join(
        f"<div><dt>{escape(each.label)}</dt><dd>{escape(each.text)}</dd></div>"
        for each in figures(document.stats)
    )
    return f"<dl>{shown}</dl>"


def _equity(document: BacktestDocument, days: Sequence[date], values: Sequence[float]) -> str:
    sessions = document.table(TableName.EQUITY).column("session")
    lines = [Line(document.strategy, values)]
    for style, benchmark in zip(_STYLES, document.benchmarks, strict=False):
        last = dict(zip(sessions, benchmark.equity, strict=True))
        lines.append(Line(benchmark.name, list(last.values()), style))
    said = "".join(f"<p class='soft'>{escape(b.description)}</p>" for b in document.benchmarks)
    return line_chart("Equity by day", days, lines, money) + said


def _drawdown(days: Sequence[date], values: Sequence[float], start: float) -> str:
    line = Line("drawdown", drawdowns(values, start), "loss", filled=True)
    return line_chart("Drawdown by day", days, [line], percent)


def _exposure(equity: Table, days: Sequence[date]) -> str:
    lines = [
        Line("exposure over equity", equity.column("exposure")),
        Line("margin over equity with loan value", equity.column("pm_usage"), "second"),
    ]
    return line_chart("Exposure and margin by day", days, lines, percent)


def _monthly(days: Sequence[date], values: Sequence[float], start: float) -> str:
    returns = monthly_returns(days, values, start)
    rows: list[list[str]] = []
    for year in sorted({year for year, _ in returns}):
        months = [returns.get((year, month)) for month in range(1, 13)]
        whole = 1.0
        for each in months:
            whole *= 1 + (each or 0.0)
        rows.append([str(year), *map(_return, months), _return(whole - 1)])
    return _html_table(("Year", *_MONTHS, "Year's"), rows, numeric=range(1, 14), raw=True)


def _return(value: float | None) -> str:
    if value is None:
        return ""
    colour = "gain-text" if value >= 0 else "loss-text"
    return f'<span class="{colour}">{100 * value:+.2f} %</span>'


def _payoffs(trades: Table) -> str:
    records = [each for each in trades.records() if each["closed_at"]]
    records.sort(key=lambda each: each["closed_at"])
    titles = [
        f"{each['description']}: {each['result']} on {each['closed_at'][:10]}, {each['exit_rule']}"
        for each in records
    ]
    return bar_chart(
        "Result of each trade, by its end", [float(r["result"]) for r in records], titles, money
    )


def _exits(trades: Table) -> str:
    by_rule: dict[str, list[float]] = {}
    for each in trades.records():
        by_rule.setdefault(each["exit_rule"], []).append(float(each["result"]))
    rows = [
        [rule, str(len(found)), f"{sum(found):,.2f}", f"{sum(found) / len(found):,.2f}"]
        for rule, found in sorted(by_rule.items())
    ]
    return _html_table(("Ended by", "Trades", "Result", "Mean"), rows, numeric=(1, 2, 3))


def _trades(trades: Table) -> str:
    rows = [
        [
            each["opened_at"][:10],
            (each["closed_at"] or "open")[:10],
            each["description"],
            each["quantity"],
            each["open_price"],
            each["close_price"],
            each["commission"],
            each["result"],
            str(each["days"]),
            each["exit_rule"],
        ]
        for each in trades.records()
    ]
    head = (
        "Opened", "Closed", "What", "Quantity", "Opened at", "Closed at", "Commission", "Result",
        "Days", "Ended by",
    )  # fmt: skip
    return _shortened(head, rows, numeric=range(3, 9), folded=True)


def _events(events: Table) -> str:
    rows = [
        [each["at"][:10], each["kind"], each["description"], each["quantity"], each["cash"],
         each["detail"]]
        for each in events.records()
        if each["kind"] != "INTEREST"
    ]  # fmt: skip
    head = ("Day", "Event", "What", "Quantity", "Cash", "Detail")
    return _shortened(head, rows, numeric=(3, 4), folded=True)


def _skipped(skipped: Table) -> str:
    rows = [
        [each["session"], each["symbol"] or "all", each["reason"]] for each in skipped.records()
    ]
    return _shortened(("Session", "Underlying", "Why"), rows, numeric=(), folded=False)


def _denials(denials: Table) -> str:
    rows = [
        [each["at"][:10], each["symbol"], each["action"], each["code"], each["reason"]]
        for each in denials.records()
    ]
    return _shortened(("Day", "Underlying", "Action", "Code", "Why"), rows, numeric=(), folded=True)


def _listed(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def _shortened(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, numeric: Iterable[int], folded: bool
) -> str:
    if not rows:
        return ""
    said = ""
    if len(rows) > ROWS_SHOWN:
        said = f'<p class="soft">The last {ROWS_SHOWN} of {len(rows)}; the CSV file has all.</p>'
    table = said + _html_table(head, rows[-ROWS_SHOWN:], numeric=numeric)
    if not folded or len(rows) <= 10:
        return table
    return f"<details><summary>{len(rows)} rows</summary>{table}</details>"


def _html_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numeric: Iterable[int],
    raw: bool = False,
) -> str:
    places = set(numeric)
    show: Callable[[str], str] = str if raw else escape

    def cell(tag: str, place: int, text: str) -> str:
        kind = ' class="n"' if place in places else ""
        return f"<{tag}{kind}>{text}</{tag}>"

    header = "".join(cell("th", place, escape(text)) for place, text in enumerate(head))
    body = "".join(
        f"<tr>{''.join(cell('td', place, show(text)) for place, text in enumerate(row))}</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{header}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _foot(document: BacktestDocument) -> str:
    asked = "".join(
        f"<li>{escape(name)}: <code>{escape(_short(value))}</code></li>"
        for name, value in document.request.items()
    )
    return (
        f"<footer><details><summary>Settings</summary><ul>{asked}</ul></details>"
        f"<p>Result <code>{escape(document.result_digest)}</code><br>"
        f"data <code>{escape(document.data_digest)}</code></p></footer>"
    )


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {each}" for name, each in value.items()) or "defaults"
    return "–" if value is None else str(value)
