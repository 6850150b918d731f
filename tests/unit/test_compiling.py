from __future__ import annotations

from pathlib import Path

from domain.pricing import compiling, kernel, vector_math
from domain.pricing.american_boundary import solve_boundary


def test_a_change_in_any_module_of_the_package_is_another_place_for_compiled_code(tmp_path: Path):
    (tmp_path / "inlined.py").write_text("one")
    (tmp_path / "outer.py").write_text("two")
    before = compiling.source_digest(tmp_path)
    (tmp_path / "inlined.py").write_text("changed")
    after = compiling.source_digest(tmp_path)
    (tmp_path / "inlined.py").write_text("one")
    assert before != after
    assert compiling.source_digest(tmp_path) == before


def test_what_is_compiled_is_kept_under_the_digest_of_its_source():
    expected = str(compiling.cache_directory())
    assert compiling.source_digest() in expected
    for function in (kernel.solve, solve_boundary):
        assert function.stats.cache_path.startswith(expected)  # pyright: ignore


def test_numbas_own_setting_is_left_as_it_was():
    before = compiling.config.CACHE_DIR
    compiled, _ = compiling.decorators("contract")

    @compiled
    def twice(x: float) -> float:
        return 2 * x

    assert twice(2.0) == 4.0
    assert before == compiling.config.CACHE_DIR


def test_one_exponential_serves_all_kernels():
    assert vector_math.unbounded_exp is kernel._exp  # pyright: ignore
