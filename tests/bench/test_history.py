"""Five years of recorded chains, 2.5 million rows: opened and checked, beside a bare reading."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from infra.history.conversion import convert
from infra.history.opening import open_history
from tests.backtests.synthetic import synthetic_quotes
from tests.bench.harness import Bench, interleaved

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

ROUNDS = 5
CSV_RATIO = 1.3
PARQUET_RATIO = 2.0
SLICE_MICROSECONDS = 100.0


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same rows as one CSV file and as a folder of Parquet."""
    folder = tmp_path_factory.mktemp("recording")
    csv, parquet = folder / "quotes.csv", folder / "parquet"
    synthetic_quotes().write_csv(csv)
    convert([csv], parquet)
    return csv, parquet


def test_a_csv_file_is_opened_and_checked_in_little_more_than_it_takes_to_read(
    bench: Bench, recording: tuple[Path, Path]
):
    csv, _ = recording
    timings = interleaved(
        {"ours": lambda: open_history([csv]), "polars": lambda: pl.read_csv(csv)}, rounds=ROUNDS
    )
    bench.at_most("CSV, 2.5M rows, checked", timings, peer="polars", ratio=CSV_RATIO)


def test_parquet_is_ready_to_slice_soon_after_it_is_read(
    bench: Bench, recording: tuple[Path, Path]
):
    _, parquet = recording
    files = sorted(parquet.rglob("*.parquet"))
    timings = interleaved(
        {
            "ours": lambda: open_history([parquet]),
            "polars": lambda: pl.read_parquet(files, hive_partitioning=False),
        },
        rounds=ROUNDS,
    )
    what = "Parquet, 2.5M rows, checked"
    bench.at_most(what, timings, peer="polars", ratio=PARQUET_RATIO)


def test_a_slice_costs_tens_of_microseconds(bench: Bench, recording: tuple[Path, Path]):
    history = open_history([recording[1]])
    count = len(history.moments)
    timings = interleaved(
        {"ours": lambda: [history.slice(number) for number in range(count)]}, rounds=ROUNDS
    )
    value = timings.median("ours") / count * 1e6
    what = "one slice of 2,000 contracts, µs"
    bench.within(what, value, SLICE_MICROSECONDS, against="a wall clock")
