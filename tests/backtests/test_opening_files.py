"""Files as vendors write them, opened as one history; a bad row is named and nothing half-read.

The rows here are made up in the published columns of each vendor.
"""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from domain.backtest.recorded import RecordedChains
from infra.history.canonical import HistoryError, Span
from infra.history.opening import examine, open_history
from infra.history.reading import Reading

CANONICAL = """\
timestamp,underlying,root,right,strike,expiry,bid,ask,bid_size,ask_size,underlying_price,iv,delta
2019-05-23T15:45:00-04:00,SPX,SPX,P,2800,2019-06-21,40.1,40.9,10,12,2822.24,0.15,-0.41
2019-05-23T15:45:00-04:00,SPX,SPXW,C,2800,2019-06-21,61.0,62.0,,,2822.24,,
2019-05-23T15:45:00-04:00,SPX,SPXW,P,2800,2019-06-21,40.0,41.0,11,13,2822.24,0.15,-0.41
2019-05-24,SPX,SPXW,P,2800,2019-06-21,38.0,39.0,,,2826.06,0.14,-0.40
"""
CHAIN_FILE = """\
underlying,underlying_last,exchange,optionroot,type,expiration,quotedate,strike,last,net,bid,ask,\
volume,openinterest,impliedvol,delta,gamma
SPX,2822.24,CBOE,SPXW190621P02800000,put,06/21/2019,05/23/2019,2800.0,0,0,40.0,41.0,5,7,0.15,-0.41,0
SPX,2822.24,CBOE,SPX190621P02800000,put,06/21/2019,05/23/2019,2800.0,0,0,40.1,40.9,5,7,0,-0.41,0
"""
OPTIONSDX = """\
[QUOTE_UNIXTIME], [QUOTE_READTIME], [QUOTE_DATE], [UNDERLYING_LAST], [EXPIRE_DATE], [C_DELTA],\
 [C_IV], [C_VOLUME], [C_SIZE], [C_BID], [C_ASK], [STRIKE], [P_BID], [P_ASK], [P_SIZE], [P_DELTA],\
 [P_IV], [P_VOLUME]
1558641600, 2019-05-23 16:00, 2019-05-23, 282.10, 2019-06-21, 0.55, 0.15, 9, 3 x 4, 6.1, 6.2,\
 280.0, 4.0, 4.1, 5 x 6, -0.45, 0.16,
"""
CBOE_EOD = """\
underlying_symbol,quote_date,root,expiration,strike,option_type,open,high,low,close,trade_volume,\
bid_size_1545,bid_1545,ask_size_1545,ask_1545,underlying_bid_1545,underlying_ask_1545,\
active_underlying_price_1545,implied_volatility_1545,delta_1545,bid_eod,ask_eod,open_interest
^SPX,2019-05-23,SPXW,2019-06-21,2800.000,P,0,0,0,0,5,11,40.0,13,41.0,2822.1,2822.3,0,0.15,-0.41,\
39.0,42.0,7
"""
CBOE_INTERVAL = """\
underlying_symbol,quote_datetime,root,expiration,strike,option_type,open,high,low,close,\
trade_volume,bid_size,bid,ask_size,ask,underlying_bid,underlying_ask,active_underlying_price,\
implied_volatility,delta
^SPX,2019-05-23 10:30:00,SPXW,2019-06-21,2800.000,P,0,0,0,0,5,11,40.0,13,41.0,2822.1,2822.3,2822.2,\
0.15,-0.41
"""
HISTORICAL_OPTION_DATA = """\
UnderlyingSymbol,UnderlyingPrice,Exchange,OptionRoot,OptionExt,Type,Expiration,DataDate,Strike,\
Last,Bid,Ask,Volume,OpenInterest,IV,Delta,Gamma,Theta,Vega
SPX,2822.24,*,SPXW,,put,06/21/2019,5/23/2019 4:00:00 PM,2800,0,40.0,41.0,5,7,0.15,-0.41,0,0,0
"""
ORATS = """\
ticker,stkPx,expirDate,yte,strike,cVolu,cOi,pVolu,pOi,cBidPx,cAskPx,pBidPx,pAskPx,cMidIv,pMidIv,\
delta,spot_px,trade_date
SPX,2825.0,6/21/2019,0.08,2800,1,2,5,7,61.0,62.0,40.0,41.0,0.15,0.15,0.59,2822.24,5/23/2019
"""


def write(folder: Path, text: str, name: str = "quotes.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def opened(path: Path, **how: object) -> RecordedChains:
    return open_history([path], Reading(**how))  # pyright: ignore[reportArgumentType]


def test_the_canonical_table_becomes_slices(tmp_path: Path):
    history = opened(write(tmp_path, CANONICAL))
    assert [*history.timestamps()] == [
        datetime(2019, 5, 23, 19, 45, tzinfo=UTC),
        datetime(2019, 5, 24, 19, 59, tzinfo=UTC),
    ]
    first = history.slice(0)
    chain = first.chains["SPX"]
    assert chain.underlying_price == 2822.24
    assert chain.trading_class == ("SPX", "SPXW", "SPXW")
    assert [*chain.bid] == [40.1, 40.0, 61.0]
    assert [*first.bid_size["SPX"]][:2] == [10, 11]
    assert np.isnan(first.bid_size["SPX"][2])
    assert first.faults == {}


def test_an_option_settled_in_the_morning_trades_until_the_session_before(tmp_path: Path):
    chain = opened(write(tmp_path, CANONICAL)).slice(0).chains["SPX"]
    assert [chain.contract(row).expiry for row in (0, 1)] == [date(2019, 6, 20), date(2019, 6, 21)]


@pytest.mark.parametrize(
    ("text", "layout", "how"),
    [
        (CHAIN_FILE, "chain-file", {}),
        (OPTIONSDX, "optionsdx", {"mapping": {"underlying": "=SPX", "root": "=SPXW"}}),
        (CBOE_EOD, "cboe-eod", {}),
        (CBOE_INTERVAL, "cboe-interval", {}),
        (HISTORICAL_OPTION_DATA, "historicaloptiondata", {}),
        (ORATS, "orats", {"mapping": {"root": "=SPXW"}}),
    ],
)
def test_a_vendors_layout_is_recognised(
    tmp_path: Path, text: str, layout: str, how: dict[str, dict[str, str]]
):
    found = examine([write(tmp_path, text)], Reading(**how))  # pyright: ignore[reportArgumentType]
    assert found.layouts == (layout,)
    piece = found.chains.slice(0)
    assert piece.session == date(2019, 5, 23)
    chain = piece.chains["SPX"]
    puts = [row for row in range(len(chain)) if chain.trading_class[row] == "SPXW"]
    put = next(row for row in puts if not chain.is_call[row])
    bid, ask = (4.0, 4.1) if layout == "optionsdx" else (40.0, 41.0)
    assert (chain.bid[put], chain.ask[put]) == (bid, ask)
    assert chain.contract(put).expiry == date(2019, 6, 21)
    assert -0.46 < chain.delta[put] < -0.4
    assert 0.14 < chain.iv[put] < 0.17
    assert chain.underlying_price == pytest.approx(282.1 if layout == "optionsdx" else 2822.2, 1e-4)


def test_the_snapshot_before_the_close_is_read_of_a_cboe_summary(tmp_path: Path):
    history = opened(write(tmp_path, CBOE_EOD))
    assert history.timestamps()[0] == datetime(2019, 5, 23, 19, 45, tzinfo=UTC)
    assert history.slice(0).ask_size["SPX"][0] == 13


def test_quotes_stamped_at_the_close_are_of_the_last_minute(tmp_path: Path):
    history = opened(write(tmp_path, HISTORICAL_OPTION_DATA))
    assert history.timestamps()[0] == datetime(2019, 5, 23, 19, 59, tzinfo=UTC)


def test_a_layout_without_an_underlying_asks_for_it(tmp_path: Path):
    with pytest.raises(HistoryError, match="--map underlying==SYMBOL"):
        opened(write(tmp_path, OPTIONSDX))


def test_other_columns_can_be_named(tmp_path: Path):
    text = CANONICAL.replace("underlying,root", "symbol,class")
    history = opened(write(tmp_path, text), mapping={"underlying": "symbol", "root": "class"})
    assert len(history.slice(0).chains["SPX"]) == 3


def test_a_name_that_is_not_canonical_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="colour: not one of"):
        opened(write(tmp_path, CANONICAL), mapping={"colour": "root"})


def _gzipped(folder: Path) -> Path:
    path = folder / "quotes.csv.gz"
    path.write_bytes(gzip.compress(CANONICAL.encode()))
    return path


def _zipped(folder: Path) -> Path:
    path = folder / "quotes.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("may.csv", CANONICAL)
    return path


def _parquet(folder: Path) -> Path:
    path = folder / "quotes.parquet"
    pl.read_csv(write(folder, CANONICAL)).write_parquet(path)
    return path


def _split_over_a_folder(folder: Path) -> Path:
    lines = CANONICAL.splitlines()
    (folder / "parts" / "old").mkdir(parents=True)
    write(folder / "parts", "\n".join([lines[0], lines[4]]))
    write(folder / "parts" / "old", "\n".join(lines[:4]))
    return folder / "parts"


@pytest.mark.parametrize("packed", [_gzipped, _zipped, _parquet, _split_over_a_folder])
def test_packing_changes_nothing(tmp_path: Path, packed: Callable[[Path], Path]):
    plain = opened(write(tmp_path, CANONICAL, "plain.csv"))
    other = opened(packed(tmp_path))
    assert [*other.timestamps()] == [*plain.timestamps()]
    for number in range(2):
        one, two = (each.slice(number).chains["SPX"] for each in (plain, other))
        assert one.to_json() == two.to_json()


def test_dates_and_times_of_parquet_mean_what_they_mean_as_text(tmp_path: Path):
    rows = pl.read_csv(write(tmp_path, CANONICAL), try_parse_dates=False)
    typed = rows.with_columns(pl.col("expiry").str.to_datetime())
    days = typed.with_columns(timestamp=pl.col("timestamp").str.head(10).str.to_date())
    at_close = typed.with_columns(
        timestamp=pl.lit(datetime(2019, 5, 23, 20, 0)).dt.replace_time_zone("UTC")
    )
    for table, moments in (
        (days, [datetime(2019, 5, 23, 19, 59), datetime(2019, 5, 24, 19, 59)]),
        (at_close, [datetime(2019, 5, 23, 19, 59)]),
    ):
        table.write_parquet(tmp_path / "typed.parquet")
        history = opened(tmp_path / "typed.parquet")
        assert [*history.timestamps()] == [each.replace(tzinfo=UTC) for each in moments]
    no_zone = at_close.with_columns(pl.col("timestamp").dt.replace_time_zone(None))
    no_zone.write_parquet(tmp_path / "typed.parquet")
    with pytest.raises(HistoryError, match=r"line 1, timestamp: .* is not a time"):
        opened(tmp_path / "typed.parquet")


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (CANONICAL.replace("40.1", "forty"), "line 2, bid: 'forty' is not a number"),
        (CANONICAL.replace("61.0", "-61.0"), "line 3, bid: -61.0 is negative"),
        (CANONICAL.replace("SPXW,P,2800,2019-06-21,40", "SPXW,X,2800,2019-06-21,40"), "line 4, r"),
        (CANONICAL.replace("2019-05-24,", "24 May,"), "line 5, timestamp: '24 May'"),
        (CANONICAL.replace("15:45:00-04:00,SPX,SPXW,C", "15:45:00,SPX,SPXW,C"), "line 3, timestam"),
        (CANONICAL.replace("SPXW,C,2800,2019-06-21", "SPXW,C,2800,21.6.19"), "line 3, expiry"),
        (CANONICAL.replace("SPX,SPXW,C", ",SPXW,C"), "line 3, underlying: is empty"),
        (CANONICAL.replace("SPXW,C,2800", "SPXW,C,0"), "line 3, strike: 0.0 is not positive"),
        (CANONICAL.replace("SPXW,C,2800", "SPXW,C,"), "line 3, strike: is empty"),
        (CANONICAL.replace("62.0", "inf"), "line 3, ask: inf is not a number"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_column(tmp_path: Path, bad: str, says: str):
    path = write(tmp_path, bad)
    with pytest.raises(HistoryError) as error:
        opened(path)
    assert str(path) in str(error.value)
    assert says in str(error.value)


def test_a_file_of_no_known_layout_says_what_it_lacks(tmp_path: Path):
    with pytest.raises(HistoryError, match="as the canonical one it lacks ask, bid, expiry"):
        opened(write(tmp_path, "timestamp,underlying\n2019-05-23,SPX\n"))


def test_missing_and_empty_places_are_named(tmp_path: Path):
    with pytest.raises(HistoryError, match="no such file"):
        opened(tmp_path / "nothing")
    with pytest.raises(HistoryError, match="holds no file"):
        opened(tmp_path)
    with pytest.raises(HistoryError, match="no rows"):
        opened(write(tmp_path, CANONICAL.splitlines()[0] + "\n"))


def test_only_the_sessions_asked_for_are_read(tmp_path: Path):
    path = write(tmp_path, CANONICAL)
    history = open_history([path], span=Span(first=date(2019, 5, 24)))
    assert [moment.session for moment in history.moments] == [date(2019, 5, 24)]
    history = open_history([path], span=Span(last=date(2019, 5, 23)))
    assert [moment.session for moment in history.moments] == [date(2019, 5, 23)]


def _daily(folder: Path, **faulty: float) -> Path:
    """A Parquet file for each of three days of May 2019; the put of the last is ``faulty``."""
    folder.mkdir()
    for day in (20, 21, 22):
        rows = pl.DataFrame(
            {
                "timestamp": [datetime(2019, 5, day, 19, 45, tzinfo=UTC)] * 2,
                "underlying": ["SPX"] * 2,
                "right": ["C", "P"],
                "strike": [2800.0, 2800.0],
                "expiry": [date(2019, 6, 21)] * 2,
                "bid": [61.0, 40.0],
                "ask": [62.0, 41.0],
                "underlying_price": [2822.0 + day] * 2,
            }
        )
        if day == 22:
            is_put = pl.col("right") == "P"
            rows = rows.with_columns(
                pl.when(is_put).then(value).otherwise(name).alias(name)
                for name, value in faulty.items()
            )
        rows.write_parquet(folder / f"{day}.parquet")
    return folder


def test_daily_parquet_files_read_as_one_are_what_they_are_one_by_one(tmp_path: Path):
    whole = opened(_daily(tmp_path / "days"))
    for number, day in enumerate((20, 21, 22)):
        alone = opened(tmp_path / "days" / f"{day}.parquet")
        one, two = (each.chains["SPX"] for each in (whole.slice(number), alone.slice(0)))
        assert one.to_json() == two.to_json()


def test_of_parquet_files_read_as_one_the_faulty_one_is_named(tmp_path: Path):
    with pytest.raises(HistoryError, match=r"22.parquet, line 2, bid: -1.0 is negative"):
        opened(_daily(tmp_path / "days", bid=-1.0))


def test_rows_of_parquet_outside_the_span_are_not_even_read(tmp_path: Path):
    folder = _daily(tmp_path / "days", bid=-1.0)
    history = open_history([folder], span=Span(first=date(2019, 5, 21), last=date(2019, 5, 21)))
    assert [moment.session for moment in history.moments] == [date(2019, 5, 21)]


def test_a_contract_keeps_its_number_from_file_to_file(tmp_path: Path):
    history = opened(write(tmp_path, CANONICAL))
    before, after = (history.slice(number).chains["SPX"] for number in (0, 1))
    assert after.con_id[0] == before.con_id[1]


def test_the_digest_is_of_what_was_read(tmp_path: Path):
    one = opened(write(tmp_path, CANONICAL, "one.csv")).digest
    assert opened(write(tmp_path, CANONICAL, "two.csv")).digest == one
    assert opened(write(tmp_path, CANONICAL.replace("40.1", "40.2"), "three.csv")).digest != one
