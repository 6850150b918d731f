"""What a run comes to, in numbers. Fractions are decimals, money in the account's currency.

Returns are those of sessions: the equity after the last slice of one over that of the session
before. Where a session has no data, the return after it covers both. What cannot be told (too few
sessions, no loss to divide by) is None.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from domain.backtest.config import BacktestConfig
from domain.backtest.results import UNFILLED, BacktestResult, EventKind, Trade
from domain.backtest.side_data import RateHistory
from domain.instruments import SecType
from domain.market import FloatArray

SESSIONS_PER_YEAR = 252
DAYS_PER_YEAR = 365.25
TAIL = 0.05
TAIL_DAY = -0.02
"""A session that loses more than this is a tail day."""
ZERO = Decimal(0)


def statistics(
    result: BacktestResult, config: BacktestConfig, rates: RateHistory
) -> dict[str, Any]:
    """Everything, ready for JSON."""
    curve = result.curve
    if not len(curve):
        return {"sessions": 0}
    days, equity = session_equity(curve.session, [float(each) for each in curve.equity])
    returns = (
        np.diff(equity, prepend=float(config.cash)) / np.append(float(config.cash), equity)[:-1]
    )
    free = np.array([rates.on(day) for day in days]) / SESSIONS_PER_YEAR
    return {
        "sessions": len(days),
        "first_session": days[0].isoformat(),
        "last_session": days[-1].isoformat(),
        "equity_start": float(config.cash),
        "equity_end": float(equity[-1]),
        "return": _rounded(equity[-1] / float(config.cash) - 1),
        "cagr": _rounded(cagr(float(config.cash), float(equity[-1]), days)),
        **_of_returns(returns, free),
        **drawdown(days, np.append(float(config.cash), equity)),
        **_of_use(result),
        **_of_trades(result),
        **_of_costs(result, equity, days),
        "benchmarks": {
            each.name: _of_benchmark(each.equity, curve.session, float(config.cash))
            for each in result.benchmarks
        },
    }


def session_equity(
    sessions: Sequence[date], equity: Sequence[float]
) -> tuple[list[date], FloatArray]:
    """The last value of each session, in order."""
    last = dict(zip(sessions, equity, strict=True))
    return list(last), np.array(list(last.values()))


def cagr(start: float, end: float, days: Sequence[date]) -> float | None:
    """Compound annual growth: (end / start)^(365.25 / calendar days) − 1; None within a month."""
    span = (days[-1] - days[0]).days
    if span < 28 or end <= 0:
        return None
    return (end / start) ** (DAYS_PER_YEAR / span) - 1


def _of_returns(returns: FloatArray, free: FloatArray) -> dict[str, Any]:
    """Risk by the sessions there were: historical simulation, nothing assumed of their law.

    ``var_95`` is the smallest loss among the worst twentieth of sessions, ``cvar_95`` their mean
    (R. T. Rockafellar and S. Uryasev, "Optimization of Conditional Value-at-Risk", Journal of Risk
    2 (2000)); neither is below 0.
    """
    losses = -np.sort(returns)[: max(int(np.ceil(TAIL * len(returns))), 1)]
    worst = int(np.argmin(returns))
    return {
        "volatility": _rounded(volatility(returns)),
        "sharpe": _rounded(sharpe(returns, free)),
        "sortino": _rounded(sortino(returns, free)),
        "var_95": _rounded(max(float(losses[-1]), 0.0)),
        "cvar_95": _rounded(max(float(losses.mean()), 0.0)),
        "worst_session": _rounded(float(returns[worst])),
        "tail_days": int((returns < TAIL_DAY).sum()),
        "best_session": _rounded(float(returns.max())),
    }


def volatility(returns: FloatArray) -> float | None:
    """Sample standard deviation of session returns × √252."""
    if len(returns) < 2:
        return None
    return float(returns.std(ddof=1)) * SESSIONS_PER_YEAR**0.5


def sharpe(returns: FloatArray, free: FloatArray) -> float | None:
    """Mean excess return over its standard deviation, × √252.

    W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management 21 (1994).
    """
    excess = returns - free
    if len(excess) < 2 or (spread := float(excess.std(ddof=1))) < 1e-12:
        return None
    return float(excess.mean()) / spread * SESSIONS_PER_YEAR**0.5


def sortino(returns: FloatArray, free: FloatArray) -> float | None:
    """Mean excess return over its downside deviation (root mean square of the shortfalls of all
    sessions), × √252.

    F. A. Sortino and L. N. Price, "Performance Measurement in a Downside Risk Framework", Journal
    of Investing 3 (1994).
    """
    excess = returns - free
    below = float(np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2)))
    if len(excess) < 2 or below < 1e-12:
        return None
    return float(excess.mean()) / below * SESSIONS_PER_YEAR**0.5


def drawdown(days: Sequence[date], equity: FloatArray) -> dict[str, Any]:
    """The deepest fall from an earlier high, and the longest time below one, in calendar days.

    ``equity`` has the value at the beginning before those of ``days``.
    """
    highs = np.maximum.accumulate(equity)
    falls = 1 - equity / highs
    longest, since, is_below = 0, days[0], False
    for day, value, high in zip(days, equity[1:].tolist(), highs[1:].tolist(), strict=True):
        if is_below or value < high:
            longest = max(longest, (day - since).days)
        is_below = value < high
        if not is_below:
            since = day
    return {
        "max_drawdown": _rounded(float(falls.max())),
        "max_drawdown_days": longest,
    }


def _of_use(result: BacktestResult) -> dict[str, Any]:
    """How much of the account was at stake: peaks and means over slices, fractions of equity."""
    curve = result.curve
    usage = [each for each in curve.pm_usage if np.isfinite(each)]
    exposure = [each for each in curve.exposure if np.isfinite(each)]
    held = sum(each > 0 for each in exposure)
    return {
        "pm_usage_peak": _rounded(max(usage, default=0.0)),
        "margin_peak": max(curve.margin),
        "portfolio_margin_peak": max(curve.portfolio_margin),
        "exposure_mean": _rounded(float(np.mean(exposure)) if exposure else None),
        "exposure_peak": _rounded(max(exposure, default=0.0)),
        "time_in_market": _rounded(held / len(curve)),
        "margin_calls": sum(each.kind is EventKind.MARGIN_CALL for each in result.events),
        "marks_carried": sum(curve.carried),
    }


def _of_trades(result: BacktestResult) -> dict[str, Any]:
    """Of options that were opened and ended, a spread counting as one; shares are told of apart.

    ``profit_factor`` is the sum of gains over that of losses, ``return_on_risk`` the mean of
    result over capital (`domain.backtest.results.Trade`), not annualised.
    """
    done = [each for each in result.trades if each.closed_at is not None]
    options = with_wings([each for each in done if each.sec_type is SecType.OPTION])
    gains = [float(each.result) for each in options if each.result > 0]
    losses = [-float(each.result) for each in options if each.result < 0]
    received = [float(each.credit) for each in options if each.credit > 0]
    returns = [each.return_on_risk for each in options if each.return_on_risk is not None]
    lost = sum(losses)
    assigned = (EventKind.ASSIGNED, EventKind.ASSIGNED_EARLY)
    return {
        "trades": len(options),
        "trades_open": len(result.trades) - len(done),
        "win_rate": _rounded(len(gains) / len(options)) if options else None,
        "profit_factor": _rounded(sum(gains) / lost) if lost else None,
        "average_result": _mean([float(each.result) for each in options]),
        "average_credit": _mean(received),
        "return_on_risk": _mean(returns, 6),
        "days_in_trade": _mean([float(each.days) for each in options]),
        "option_result": float(sum((each.result for each in options), ZERO)),
        "share_result": float(
            sum((each.result for each in done if each.sec_type is SecType.STOCK), ZERO)
        ),
        "assignments": sum(each.kind in assigned and each.con_id != 0 for each in result.events),
        "rolls": len({each.order for each in result.fills if each.action == "ROLL"}),
        "by_exit": by_exit(options),
        "denials": dict(Counter(e.code for e in result.denials if e.code != UNFILLED)),
        "unfilled": sum(each.code == UNFILLED for each in result.denials),
        "orders_filled": len({each.order for each in result.fills}),
    }


def with_wings(trades: Sequence[Trade]) -> list[Trade]:
    """``trades`` with every long option that was bought in one order with a short one of its
    expiry and right counted into that one: commission, result and the credit of both."""
    wings: dict[tuple[Any, ...], list[Trade]] = {}
    for each in trades:
        if each.quantity > 0 and not each.capital:
            wings.setdefault(_spread_key(each), []).append(each)
    return [
        _as_spread(each, wings.get(_spread_key(each), ()))
        for each in trades
        if each.quantity < 0 or each.capital
    ]


def _spread_key(trade: Trade) -> tuple[Any, ...]:
    return (trade.opened_at, trade.symbol, trade.expiry, trade.right, abs(trade.quantity))


def _as_spread(short: Trade, wings: Sequence[Trade]) -> Trade:
    return short._replace(
        open_price=short.open_price - sum((each.open_price for each in wings), ZERO),
        close_price=short.close_price - sum((each.close_price for each in wings), ZERO),
        commission=short.commission + sum((each.commission for each in wings), ZERO),
        result=short.result + sum((each.result for each in wings), ZERO),
    )


def by_exit(trades: Sequence[Trade]) -> dict[str, dict[str, Any]]:
    """Count, result and win rate of the trades that each rule, or event, has ended."""
    found: dict[str, dict[str, Any]] = {}
    for rule in sorted({each.exit_rule for each in trades}):
        results = [float(each.result) for each in trades if each.exit_rule == rule]
        found[rule] = {
            "trades": len(results),
            "result": round(sum(results), 2),
            "win_rate": _rounded(sum(each > 0 for each in results) / len(results)),
        }
    return found


def _of_costs(result: BacktestResult, equity: FloatArray, days: Sequence[date]) -> dict[str, Any]:
    traded = sum((f.quantity * f.price * f.multiplier for f in result.fills), ZERO)
    years = max((days[-1] - days[0]).days, 1) / DAYS_PER_YEAR

    def cash_of(kind: EventKind) -> float:
        return float(sum((each.cash for each in result.events if each.kind is kind), ZERO))

    return {
        "commission": float(sum((each.commission for each in result.fills), ZERO)),
        "slippage": float(sum((each.slippage for each in result.fills), ZERO)),
        "turnover": _rounded(float(traded) / float(equity.mean()) / years),
        "dividends": cash_of(EventKind.DIVIDEND),
        "interest": cash_of(EventKind.INTEREST) + float(result.curve.accrued[-1]),
    }


def _of_benchmark(
    values: Sequence[float], sessions: Sequence[date], start: float
) -> dict[str, Any]:
    days, equity = session_equity(sessions, values)
    returns = np.diff(equity, prepend=start) / np.append(start, equity)[:-1]
    return {
        "return": _rounded(equity[-1] / start - 1),
        "cagr": _rounded(cagr(start, float(equity[-1]), days)),
        "volatility": _rounded(volatility(returns)),
        "max_drawdown": drawdown(days, np.append(start, equity))["max_drawdown"],
    }


def _mean(values: Sequence[float], places: int = 2) -> float | None:
    return round(sum(values) / len(values), places) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 6)
