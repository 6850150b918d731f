"""The same short puts by others: statistics of trades, an engine on data frames, a bare loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import timedelta
from io import StringIO
from typing import Any

import numpy as np
import polars as pl

from tests.bench.recorded_years import SYMBOL

LOW_DELTA, HIGH_DELTA = 0.08, 0.16
FIRST_DTE, LAST_DTE, EXIT_DTE = 30, 60, 21
RUNGS, RUNG_GAP_DAYS = 3, 5
ENOUGH = 0.5
"""Of the credit."""


# --- optopsy: what every such put would have earned, without an account -------------------------


def optopsy_frame(rows: pl.DataFrame) -> Any:
    """``rows`` (canonical columns) as optopsy wants them, a pandas frame."""
    return rows.select(
        pl.col("underlying").cast(pl.String).alias("underlying_symbol"),
        "underlying_price",
        pl.col("right").cast(pl.String).str.to_lowercase().alias("option_type"),
        pl.col("expiry").cast(pl.Datetime("us")).alias("expiration"),
        pl.col("timestamp").dt.date().cast(pl.Datetime("us")).alias("quote_date"),
        "strike",
        "bid",
        "ask",
        "delta",
    ).to_pandas()


def optopsy_short_puts(frame: Any) -> Any:
    import optopsy  # pyright: ignore[reportMissingImports] # noqa: PLC0415

    return optopsy.short_puts(
        frame,
        max_entry_dte=LAST_DTE,
        exit_dte=EXIT_DTE,
        delta_min=-HIGH_DELTA,
        delta_max=-LOW_DELTA,
    )


# --- opstrat-backtester: an event engine on data frames -----------------------------------------


def opstrat_frame(rows: pl.DataFrame) -> Any:
    """``rows`` as that engine wants them: a ticker per contract, one row per contract and day."""
    ticker = pl.format("{}-{}-{}", "expiry", "strike", pl.col("right").cast(pl.String))
    frame = rows.select(
        ticker.alias("symbol"),
        pl.col("timestamp").alias("time"),
        pl.when(pl.col("right").cast(pl.String) == "C")
        .then(pl.lit("CALL"))
        .otherwise(pl.lit("PUT"))
        .alias("type"),
        pl.col("expiry").cast(pl.String).alias("expiry_date"),
        (pl.col("expiry") - pl.col("timestamp").dt.date()).dt.total_days().alias("dte"),
        "strike",
        "delta",
        pl.col("underlying_price").alias("spot_price"),
        pl.col("ask").alias("high"),
        pl.col("bid").alias("low"),
        ((pl.col("bid") + pl.col("ask")) / 2).alias("close"),
    )
    return frame.to_pandas()


def opstrat_short_puts(frame: Any) -> Any:
    """A ladder of short puts through its engine: half of the credit, 21 days, expiry."""
    from opstrat_backtester.core.engine import (  # pyright: ignore[reportMissingImports] # noqa: PLC0415
        Backtester,
    )
    from opstrat_backtester.core.strategy import (  # pyright: ignore[reportMissingImports] # noqa: PLC0415
        Strategy,
    )
    from opstrat_backtester.data.datasource import (  # pyright: ignore[reportMissingImports] # noqa: PLC0415
        DataSource,
    )

    class Frames(DataSource):
        def stream_options_data(self, **_: Any) -> Iterator[Any]:
            months = frame["time"].dt.to_period("M")
            for _month, part in frame.groupby(months):
                yield part

        def stream_stock_data(self, **_: Any) -> Iterator[Any]:
            days = frame.drop_duplicates("time")
            yield days[["time", "spot_price"]].rename(
                columns={"time": "date", "spot_price": "close"}
            )

    class Ladder(Strategy):
        def __init__(self) -> None:
            super().__init__()
            self.sold: dict[str, float] = {}

        def generate_signals(  # the engine's own arguments
            self, date: Any, daily_options_data: Any, stock_history: Any, portfolio: Any
        ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
            held = {name: each["quantity"] for name, each in portfolio.get_positions().items()}
            today = daily_options_data.set_index("symbol")
            signals = [
                {"ticker": name, "quantity": -count}
                for name, count in held.items()
                if name in today.index and self._is_over(today.loc[name], name)
            ]
            if len(held) < RUNGS:
                signals += self._sale(daily_options_data, held)
            return signals, {}

        def _is_over(self, row: Any, name: str) -> bool:
            credit = self.sold.setdefault(name, float(row["close"]))
            return row["close"] <= credit * (1 - ENOUGH) or row["dte"] <= EXIT_DTE

        def _sale(self, day: Any, held: dict[str, float]) -> list[dict[str, Any]]:
            size = day["delta"].abs()
            fits = (day["type"] == "PUT") & size.between(LOW_DELTA, HIGH_DELTA)
            fits &= day["dte"].between(FIRST_DTE, LAST_DTE) & ~day["symbol"].isin(list(held))
            candidates = day[fits]
            if candidates.empty:
                return []
            best = candidates.loc[(candidates["close"] / candidates["strike"]).idxmax()]
            return [{"ticker": best["symbol"], "quantity": -1}]

    first, last = frame["time"].iloc[0], frame["time"].iloc[-1]
    engine = Backtester(
        spot_symbol=SYMBOL,
        strategy=Ladder(),
        start_date=str(first.date()),
        end_date=str((last + timedelta(days=1)).date()),
        initial_cash=2_000_000,
    )
    engine.set_data_source(Frames())
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        return engine.run()


# --- a bare loop: the same puts over contiguous arrays, nothing else -----------------------------


def bare_loop(rows: pl.DataFrame) -> int:
    """Puts sold and bought in, in numpy: no account, no controls, no record. Trades made."""
    day = rows["timestamp"].dt.date().to_physical().to_numpy()
    expiry = rows["expiry"].to_physical().to_numpy()
    strike, delta = rows["strike"].to_numpy(), np.abs(rows["delta"].to_numpy())
    bid, ask = rows["bid"].to_numpy(), rows["ask"].to_numpy()
    is_put = (rows["right"].cast(pl.String) == "P").to_numpy()
    starts = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
    held: list[tuple[int, float, float]] = []
    trades = 0
    for first, end in zip(starts.tolist(), [*starts[1:].tolist(), len(day)], strict=True):
        part, today = slice(first, end), int(day[first])
        days, strikes, puts = expiry[part], strike[part], is_put[part]
        mid = (bid[part] + ask[part]) / 2
        kept: list[tuple[int, float, float]] = []
        for put in held:
            at = ((days == put[0]) & (strikes == put[1]) & puts).nonzero()[0]
            is_over = put[0] - today <= EXIT_DTE
            is_over |= len(at) > 0 and float(mid[at[0]]) <= put[2] * (1 - ENOUGH)
            trades += is_over
            if not is_over:
                kept.append(put)
        held = kept
        if len(held) < RUNGS:
            left = days - today
            fits = puts & (left >= FIRST_DTE) & (left <= LAST_DTE)
            fits &= (delta[part] >= LOW_DELTA) & (delta[part] <= HIGH_DELTA)
            for put in held:
                fits &= np.abs(days - put[0]) >= RUNG_GAP_DAYS
            found = fits.nonzero()[0]
            if len(found):
                best = int(found[np.argmax(mid[found] / (strikes[found] * left[found]))])
                held.append((int(days[best]), float(strikes[best]), float(mid[best])))
                trades += 1
    return trades
