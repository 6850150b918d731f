"""Which columns a vendor writes, and what they are in the canonical table.

Each layout is taken from what its publisher shows in public, named in ``source``; none was tried
on a purchased file but those whose ``source`` says so. A file is recognised by its header; another
layout, or other columns, can be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from infra.history.canonical import NUMBERS

TEXTS = ("timestamp", "underlying", "root", "right", "expiry")
FIELDS = (
    *TEXTS, "strike", "bid", "ask", "bid_size", "ask_size", "volume", "open_interest",
    "underlying_price", "iv", "delta", "multiplier",
)  # fmt: skip
"""What a backtest reads of the canonical table; the other columns stay on disk."""
NEEDED = ("timestamp", "underlying", "right", "strike", "expiry", "bid", "ask")
Side = Mapping[str, pl.Expr]


@dataclass(frozen=True, slots=True)
class Layout:
    """``sides`` gives, for each contract that a row describes, its canonical fields.

    A row describes one contract, or a call and a put of one strike. Expressions name columns by
    ``clean`` headers. ``us_dates`` are month first; times without an offset are New York's. A bare
    date means the session's end, less ``minutes_before_close``.
    """

    name: str
    source: str
    recognised_by: frozenset[str]
    sides: tuple[Side, ...]
    us_dates: bool = False
    minutes_before_close: int = 1
    needs_underlying: bool = False
    """The file does not name its underlying: it must be told."""
    clean: Callable[[str], str] = str.strip
    texts: frozenset[str] = field(default_factory=frozenset[str])
    """Columns read as text though a number comes out of them."""

    def of(self, fields: Collection[str]) -> Layout:
        """What it tells of these canonical fields."""
        sides = tuple({name: side[name] for name in side if name in fields} for side in self.sides)
        return replace(self, sides=sides)

    def number_columns(self) -> frozenset[str]:
        return self._columns(NUMBERS) - self.texts

    def text_columns(self) -> frozenset[str]:
        return self._columns(TEXTS) | self.texts

    def _columns(self, fields: Collection[str]) -> frozenset[str]:
        found = (
            name
            for side in self.sides
            for canonical, source in side.items()
            if canonical in fields
            for name in source.meta.root_names()
        )
        return frozenset(found)


def columns(**names: str) -> dict[str, pl.Expr]:
    return {canonical: pl.col(name) for canonical, name in names.items()}


def _constant(value: str) -> pl.Expr:
    return pl.lit(value)


def _positive(name: str) -> pl.Expr:
    """Publishers write 0 for what they could not compute."""
    return pl.when(pl.col(name) > 0).then(pl.col(name))


CANONICAL = Layout(
    name="canonical",
    source="docs/history-data.md",
    recognised_by=frozenset(NEEDED),
    sides=(columns(last="last", **{name: name for name in FIELDS}),),
)

CHAIN_FILE = Layout(
    name="chain-file",
    source="daily files of S&P 500 chains, April to June 2019 (tried on them)",
    recognised_by=frozenset({"underlying_last", "optionroot", "expiration", "quotedate"}),
    us_dates=True,
    sides=(
        columns(
            timestamp="quotedate", underlying="underlying", right="type", strike="strike",
            expiry="expiration", bid="bid", ask="ask", last="last", volume="volume",
            open_interest="openinterest", underlying_price="underlying_last", delta="delta",
        )
        | {
            # The column holds the option's OCC symbol: the root is what precedes its 15 last.
            "root": pl.col("optionroot").cast(pl.String).str.head(-15),
            "iv": _positive("impliedvol"),
        },
    ),
)  # fmt: skip


def _of_optionsdx(side: str, right: str) -> Side:
    size = pl.col(f"{side}_SIZE").cast(pl.String).str.extract_all(r"\d+").list
    return columns(
        timestamp="QUOTE_READTIME", strike="STRIKE", expiry="EXPIRE_DATE", bid=f"{side}_BID",
        ask=f"{side}_ASK", volume=f"{side}_VOLUME", underlying_price="UNDERLYING_LAST",
        delta=f"{side}_DELTA",
    ) | {
        "right": _constant(right),
        "iv": _positive(f"{side}_IV"),
        "bid_size": size.get(0, null_on_oob=True).cast(pl.Float64),
        "ask_size": size.get(1, null_on_oob=True).cast(pl.Float64),
    }  # fmt: skip


OPTIONSDX = Layout(
    name="optionsdx",
    source="headers of optionsdx.com's end-of-day files as their users publish them: names in "
    "brackets, a call and a put to a row, sizes as '10 x 20', no column for the underlying",
    recognised_by=frozenset({"QUOTE_READTIME", "EXPIRE_DATE", "STRIKE", "C_BID", "P_ASK"}),
    sides=(_of_optionsdx("C", "C"), _of_optionsdx("P", "P")),
    needs_underlying=True,
    clean=lambda name: name.strip().strip("[]"),
    texts=frozenset({"C_SIZE", "P_SIZE"}),
)

_CBOE = {
    "underlying": pl.col("underlying_symbol").cast(pl.String).str.strip_chars_start("^"),
    **columns(root="root", right="option_type", strike="strike", expiry="expiration",
              volume="trade_volume", open_interest="open_interest"),
}  # fmt: skip


def _middle(bid: str, ask: str) -> pl.Expr:
    return pl.when((pl.col(bid) > 0) & (pl.col(ask) > 0)).then((pl.col(bid) + pl.col(ask)) / 2)


CBOE_EOD = Layout(
    name="cboe-eod",
    source="Cboe DataShop, 'End-Of-Day Option Quotes with Calcs' specification; the quotes and "
    "greeks of a quarter of an hour before the close are read",
    recognised_by=frozenset({"underlying_symbol", "quote_date", "bid_1545", "ask_1545"}),
    minutes_before_close=15,
    sides=(
        _CBOE
        | columns(
            timestamp="quote_date", bid="bid_1545", ask="ask_1545", bid_size="bid_size_1545",
            ask_size="ask_size_1545", delta="delta_1545",
        )
        | {
            "iv": _positive("implied_volatility_1545"),
            "underlying_price": pl.coalesce(
                _positive("active_underlying_price_1545"),
                _middle("underlying_bid_1545", "underlying_ask_1545"),
            ),
        },
    ),
)  # fmt: skip

CBOE_INTERVAL = Layout(
    name="cboe-interval",
    source="Cboe DataShop, 'Option Quote Intervals' with calcs: the header as its users publish it",
    recognised_by=frozenset({"underlying_symbol", "quote_datetime", "option_type", "bid", "ask"}),
    sides=(
        _CBOE
        | columns(
            timestamp="quote_datetime", bid="bid", ask="ask", bid_size="bid_size",
            ask_size="ask_size", delta="delta",
        )
        | {
            "iv": _positive("implied_volatility"),
            "underlying_price": pl.coalesce(
                _positive("active_underlying_price"), _middle("underlying_bid", "underlying_ask")
            ),
        },
    ),
)  # fmt: skip

HISTORICAL_OPTION_DATA = Layout(
    name="historicaloptiondata",
    source="historicaloptiondata.com/structure.aspx (the list of columns and a sample line)",
    recognised_by=frozenset({"UnderlyingSymbol", "UnderlyingPrice", "DataDate", "Expiration"}),
    us_dates=True,
    sides=(
        columns(
            timestamp="DataDate", underlying="UnderlyingSymbol", root="OptionRoot", right="Type",
            strike="Strike", expiry="Expiration", bid="Bid", ask="Ask", volume="Volume",
            open_interest="OpenInterest", underlying_price="UnderlyingPrice", delta="Delta",
        )
        | {"iv": _positive("IV")},
    ),
)  # fmt: skip


def _of_orats(side: str, right: str, delta: pl.Expr) -> Side:
    return columns(
        timestamp="trade_date", underlying="ticker", strike="strike", expiry="expirDate",
        bid=f"{side}BidPx", ask=f"{side}AskPx", volume=f"{side}Volu", open_interest=f"{side}Oi",
    ) | {
        # Of an index, stkPx is the future implied for the expiry; spot_px, where it is, the level.
        "underlying_price": pl.coalesce(_positive("spot_px"), _positive("stkPx")),
        "right": _constant(right),
        "iv": _positive(f"{side}MidIv"),
        "delta": delta,
    }  # fmt: skip


ORATS = Layout(
    name="orats",
    source="orats.com/near-eod-data (definitions): a call and a put to a row, delta the call's",
    recognised_by=frozenset({"ticker", "stkPx", "expirDate", "cBidPx", "pAskPx"}),
    us_dates=True,
    sides=(
        _of_orats("c", "C", pl.col("delta")),
        _of_orats("p", "P", pl.col("delta") - 1),
    ),
)

LAYOUTS = {
    each.name: each
    for each in (
        CANONICAL, CHAIN_FILE, OPTIONSDX, CBOE_EOD, CBOE_INTERVAL, HISTORICAL_OPTION_DATA, ORATS,
    )
}  # fmt: skip


def recognised(header: Collection[str]) -> Layout | None:
    """The layout with these columns; the most demanding one where several fit."""
    fitting = [
        layout
        for layout in LAYOUTS.values()
        if layout.recognised_by <= {layout.clean(name) for name in header}
    ]
    return max(fitting, key=lambda layout: len(layout.recognised_by), default=None)


def remapped(layout: Layout, mapping: Mapping[str, str]) -> Layout:
    """``layout`` with other columns: canonical name to the file's, or to ``=value`` for all rows.

    ValueError for a name that is not canonical.
    """
    unknown = sorted(set(mapping) - set(FIELDS))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: not one of {', '.join(FIELDS)}")
    given = {
        name: _literal(name, source[1:]) if source.startswith("=") else pl.col(source)
        for name, source in mapping.items()
    }
    return replace(
        layout,
        sides=tuple({**side, **given} for side in layout.sides),
        needs_underlying=layout.needs_underlying and "underlying" not in mapping,
    )


def _literal(name: str, value: str) -> pl.Expr:
    return pl.lit(float(value)) if name in NUMBERS else pl.lit(value)
