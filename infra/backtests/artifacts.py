"""A finished backtest as files in a folder."""

from __future__ import annotations

from pathlib import Path

import orjson

from infra.backtests.document import BacktestDocument, TableName
from infra.backtests.report import report_html

TRADES, EQUITY, STATS, REPORT = "trades.csv", "equity.csv", "stats.json", "report.html"


def write_artifacts(document: BacktestDocument, folder: Path) -> list[Path]:
    """Write trades, equity, stats and report; OSError where the folder cannot be written.

    A file appears whole or not at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        TRADES: document.table(TableName.TRADES).csv(),
        EQUITY: document.table(TableName.EQUITY).csv(),
        STATS: stats_json(document).decode(),
        REPORT: report_html(document),
    }
    written: list[Path] = []
    for name, content in contents.items():
        part = folder / f".{name}.part"
        part.write_text(content, "utf-8", newline="")
        written.append(part.rename(folder / name))
    return written


def stats_json(document: BacktestDocument) -> bytes:
    """The stats with the identity of what was run, indented."""
    content = {
        "strategy": document.strategy,
        "data": document.data_label,
        "data_digest": document.data_digest,
        "result_digest": document.result_digest,
        "request": document.request,
        "stats": document.stats,
        "errors": document.errors,
        "notes": document.notes,
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"
