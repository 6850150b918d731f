"""The figures of a backtest as people read them: in order, named, with their units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

UNKNOWN = "–"


class Figure(NamedTuple):
    name: str
    """Its key in the stats."""
    label: str
    text: str


def _percent(value: float) -> str:
    # Adding zero takes the sign off a negative one.
    return f"{round(100 * value, 2) + 0.0:.2f} %"


def _money(value: float) -> str:
    return f"{value:,.2f}"


def _ratio(value: float) -> str:
    return f"{value:.2f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _days(value: float) -> str:
    return f"{value:,.1f} days".replace(".0 days", " days")


_SHOWN: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("return", "Return", _percent),
    ("cagr", "Return per year (CAGR)", _percent),
    ("equity_start", "Equity at the start", _money),
    ("equity_end", "Equity at the end", _money),
    ("volatility", "Volatility", _percent),
    ("sharpe", "Sharpe", _ratio),
    ("sortino", "Sortino", _ratio),
    ("max_drawdown", "Deepest drawdown", _percent),
    ("max_drawdown_days", "Longest drawdown", _days),
    ("var_95", "Value at risk, 95 %, a session", _percent),
    ("cvar_95", "Mean loss beyond it", _percent),
    ("worst_session", "Worst session", _percent),
    ("tail_days", "Tail days", _count),
    ("trades", "Option trades", _count),
    ("trades_open", "Still open", _count),
    ("win_rate", "Win rate", _percent),
    ("profit_factor", "Profit factor", _ratio),
    ("average_credit", "Mean credit", _money),
    ("average_result", "Mean result", _money),
    ("return_on_risk", "Return on risk per trade", _percent),
    ("days_in_trade", "Mean time in trade", _days),
    ("assignments", "Assignments", _count),
    ("rolls", "Rolls", _count),
    ("exposure_mean", "Mean exposure", _percent),
    ("time_in_market", "Time in the market", _percent),
    ("pm_usage_peak", "Highest margin usage", _percent),
    ("margin_calls", "Margin calls", _count),
    ("turnover", "Turnover a year", _ratio),
    ("commission", "Commission paid", _money),
    ("slippage", "Slippage paid", _money),
    ("dividends", "Dividends", _money),
    ("interest", "Interest", _money),
    ("unfilled", "Orders not filled", _count),
    ("sessions", "Sessions", _count),
)
OBJECTIVES = tuple(name for name, _, _ in _SHOWN)


def figures(stats: Mapping[str, Any]) -> list[Figure]:
    """Those that are in ``stats``; what could not be told shows as a dash."""
    return [
        Figure(name, label, text(stats[name]) if stats[name] is not None else UNKNOWN)
        for name, label, text in _SHOWN
        if name in stats
    ]
