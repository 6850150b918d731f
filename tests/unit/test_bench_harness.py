"""The yardstick itself: which way a ratio goes, and what a missed goal or an absent peer shows."""

from __future__ import annotations

from tests.bench.harness import Bench, Timings, Verdict, interleaved, table


def timings(**seconds: list[float]) -> Timings:
    taken = Timings()
    for name, rounds in seconds.items():
        taken.seconds[name].extend(rounds)
    return taken


def test_a_cost_goal_compares_our_median_with_the_floor():
    bench = Bench()
    bench.at_most("x", timings(ours=[3, 2, 9], floor=[2, 2, 2]), peer="floor", ratio=1.3)
    assert bench.rows[0].value == 1.5
    assert bench.missed == bench.rows


def test_a_speed_goal_is_how_often_we_finish_while_the_peer_does_once():
    bench = Bench()
    bench.at_least("x", timings(ours=[1, 1, 1], peer=[4, 3, 5]), peer="peer", times=3)
    assert bench.rows[0].value == 4
    assert not bench.missed


def test_an_absent_peer_is_told_and_fails_nothing():
    bench = Bench()
    bench.at_least("x", timings(ours=[1.0]), peer="iv-engine", times=3)
    assert bench.rows[0].verdict is Verdict.NOT_MEASURED
    assert "iv-engine: not installed" in table(bench.rows)
    assert not bench.missed


def test_rounds_rotate_who_begins():
    calls: list[str] = []
    interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2)
    assert "".join(calls) == "ab" + "ab" + "ba"


def test_a_tail_is_compared_at_its_own_percentile_not_at_the_median():
    taken = timings(ours=[1.0] * 98 + [9.0, 9.0], floor=[1.0] * 100)
    bench = Bench()
    bench.tail_at_most("p99", taken, peer="floor", percent=99, ratio=3)
    bench.tail_at_most("p50", taken, peer="floor", percent=50, ratio=3)
    assert [row.verdict for row in bench.rows] == [Verdict.MISSED, Verdict.MET]
    assert bench.rows[0].value == 9
