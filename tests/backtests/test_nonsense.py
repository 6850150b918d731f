"""What is no recording, or a broken one: file, line, column and reason named, nothing written."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from infra.cli import app
from tests.backtests.test_opening_files import CANONICAL, CBOE_EOD, ORATS

HEADER, FIRST, SECOND, *_ = CANONICAL.splitlines()
GARBAGE = bytes((7 * number * number + 13 * number) % 256 for number in range(4000))
LACKS = "lacks ask, bid, expiry, right, strike, timestamp, underlying"


def text(content: str) -> Callable[[Path], Path]:
    return raw(content.encode())


def raw(content: bytes, name: str = "quotes.csv") -> Callable[[Path], Path]:
    def written(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return written


def archive(content: str, name: str = "in/quotes.csv") -> bytes:
    with zipfile.ZipFile("packed.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(name, content)
    return Path("packed.zip").read_bytes()


def cut_zip(folder: Path) -> Path:
    return raw(archive(CANONICAL)[:200], "quotes.zip")(folder)


def scratched_zip(folder: Path) -> Path:
    content = archive(CANONICAL * 40)
    return raw(content[:80] + b"\xff" * 40 + content[120:], "quotes.zip")(folder)


def zip_with_a_bad_row(folder: Path) -> Path:
    return raw(archive(CANONICAL.replace("61.0", "much")), "quotes.zip")(folder)


def zip_of_something_else(folder: Path) -> Path:
    return raw(archive("x", "letter.docx"), "quotes.zip")(folder)


def cut_gzip(folder: Path) -> Path:
    return raw(gzip.compress(GARBAGE + CANONICAL.encode())[:900], "quotes.csv.gz")(folder)


def gzip_with_a_bad_row(folder: Path) -> Path:
    rows = [HEADER, *[SECOND] * 500, SECOND.replace("61.0", "much"), *[SECOND] * 500]
    return raw(gzip.compress("\n".join(rows).encode()), "quotes.csv.gz")(folder)


def parquet_with_a_bad_number(folder: Path) -> Path:
    rows = pl.read_csv(CANONICAL.replace("61.0", "much").encode(), infer_schema=False)
    rows.write_parquet(folder / "quotes.parquet")
    return folder / "quotes.parquet"


def folder_without_data(folder: Path) -> Path:
    (folder / "notes.md").write_text("nothing here")
    return folder


def folder_with_a_stranger(folder: Path) -> Path:
    text(CANONICAL)(folder)
    (folder / "vix.csv").write_text("date,vix\n2019-05-23,15\n")
    return folder


NONSENSE = [
    (text(""), "quotes.csv: empty CSV"),
    (text("\n\n"), "quotes.csv: empty CSV"),
    (text(HEADER + "\n"), "quotes.csv: has no rows"),
    (raw(gzip.compress(b""), "quotes.csv.gz"), "quotes.csv.gz: empty CSV"),
    (raw(GARBAGE), "quotes.csv: "),
    (raw(GARBAGE, "quotes.parquet"), "quotes.parquet: "),
    (raw(GARBAGE, "quotes.zip"), "quotes.zip: cannot be unpacked"),
    (raw(GARBAGE, "abc_2019_quote_american.zip"), "abc_2019_quote_american.zip: cannot be read"),
    (cut_zip, "quotes.zip: cannot be unpacked"),
    (scratched_zip, "quotes.zip: cannot be unpacked"),
    (zip_with_a_bad_row, "quotes.zip/in/quotes.csv, line 3, bid: 'much' is not a number"),
    (zip_of_something_else, "quotes.zip: holds no CSV file"),
    (cut_gzip, "quotes.csv.gz: "),
    (gzip_with_a_bad_row, "quotes.csv.gz, line 502, bid: 'much' is not a number"),
    (parquet_with_a_bad_number, "quotes.parquet, line 2, bid: 'much' is not a number"),
    (text(CANONICAL.replace(",", ";")), "(its columns: timestamp;underlying"),
    (raw(CANONICAL.encode("utf-16")), f"{LACKS} (its columns: "),
    (
        raw(CANONICAL.replace("SPXW,C", "SPXÜ,C").encode("latin-1")),
        "quotes.csv, line 3: is not UTF-8 text",
    ),
    (
        text(CANONICAL.replace("0.14,-0.40", "0.14,-0.40,1")),
        "quotes.csv, line 5: has 14 fields, the header 13",
    ),
    (
        text(CANONICAL.rstrip()[:-12]),
        "quotes.csv, line 5: has 11 fields, the header 13: the file is cut off",
    ),
    (text(CANONICAL.replace("bid_size", "bid", 1)), "quotes.csv, bid: the column is there twice"),
    (text(CANONICAL + CANONICAL), "quotes.csv, line 6, ask: 'ask' is not a number"),
    (text(CANONICAL + "Total" + "," * 12), "quotes.csv, line 6, underlying: is empty"),
    (text(CANONICAL.replace("2019-06", "2018-06")), "every option had expired by the date"),
    (text(CANONICAL.replace("2019-05-24", "2199-05-24")), "line 5, timestamp: '2199-05-24' is not"),
    (text(CANONICAL.replace("2019-05-24", "0001-05-24")), "line 5, timestamp: '0001-05-24' is not"),
    (text(CANONICAL.replace("2019-06-21", "9999-12-31")), "line 2, expiry: '9999-12-31' is not"),
    (folder_without_data, "holds no file ending in .csv"),
    (folder_with_a_stranger, "vix.csv: no known layout"),
]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


@pytest.mark.parametrize(("made", "says"), NONSENSE, ids=[str(n) for n in range(len(NONSENSE))])
def test_nonsense_is_named_in_one_line_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Callable[[Path], Path], says: str
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    source = made(tmp_path / "in")
    checked = run("check", source)
    assert (checked.exit_code, checked.stdout) == (2, ""), checked.output
    assert says in checked.stderr
    assert checked.stderr.startswith(str(tmp_path / "in"))
    assert checked.stderr.count("\n") == 1
    converted = run("convert", source, "--out", "out/deep")
    if "expired" not in says:
        assert (converted.exit_code, converted.stderr) == (
            2, f"{checked.stderr}Nothing was written.\n"
        )  # fmt: skip
        assert not Path("out/deep").exists()


def test_one_folder_may_hold_several_layouts(tmp_path: Path):
    for name, content in (("a.csv", CANONICAL), ("b.csv", ORATS), ("c.csv", CBOE_EOD)):
        (tmp_path / name).write_text(content)
    checked = run("check", tmp_path)
    assert "7 rows, layout canonical, orats, cboe-eod" in checked.stdout


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("vix.csv", "date,vix\n2019-05-23,a\n", "line 2, vix: 'a' is not a number"),
        ("vix.csv", "date,vix\n2019-05-23,0\n", "line 2, vix: '0' is not above 0"),
        ("rates.csv", "date,rate\n23/05/2019,0.1\n", "line 2, date: '23/05/2019' is not a date"),
        (
            "prices.csv",
            "symbol,date,open,high,low,close\nSPX,2019-05-22,1,2,1,2\nSPX,2019-05-23,1,2,1,0\n",
            "line 3, close: '0' is not above 0",
        ),
        (
            "dividends.csv",
            "symbol,ex_date,amount\nSPX,2019-05-23,-1\n",
            "line 2, amount: '-1' is below 0",
        ),
        ("splits.csv", "symbol,ex_date,new,old\nX,2019-05-23,0,1\n", "line 2, new: '0' is below 1"),
        ("splits.csv", "symbol,ex_date,new,old\nX,2019-05-23,2,\n", "line 2, old: is empty"),
        ("what.csv", "a,b\n1,2\n", "no side file has the columns a, b"),
        ("spy.zip", "no archive", "spy.zip: cannot be read"),
    ],
)
def test_a_side_file_of_nonsense_is_named(tmp_path: Path, name: str, content: str, says: str):
    (tmp_path / "quotes.csv").write_text(CANONICAL)
    (tmp_path / name).write_text(content)
    checked = run("check", tmp_path / "quotes.csv", "--side", tmp_path / name)
    assert (checked.exit_code, says in checked.stderr) == (2, True), checked.output
    assert checked.stderr.startswith(str(tmp_path / name))
