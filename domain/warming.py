"""Everything compiled, called once: what a process will need loads before anybody waits for it."""

from __future__ import annotations

from importlib import import_module

import numpy as np


def warm() -> None:
    """Load, and on a new machine compile, the pricing library and the solver: seconds of work."""
    # numba, LLVM and the solver are loaded here and nowhere by an import.
    from domain.pricing.implied_vol import implied_greeks  # noqa: PLC0415
    from domain.pricing.options import (  # noqa: PLC0415
        CashDividends,
        OptionColumns,
        price_options,
        solve_vols,
    )
    from domain.risk.stress import OptionBook, StressGrid, stress_options  # noqa: PLC0415

    import_module("scipy.optimize")
    ones = np.ones(3)
    is_call = np.array([True, False, False])
    is_american = np.array([False, True, True])
    paid = CashDividends(
        np.array([[np.nan], [np.nan], [0.1]]), np.array([[np.nan], [np.nan], [1.0]])
    )
    options = OptionColumns(100.0 * ones, 95.0, 0.25, 0.04, 0.01, 0.2, is_call, is_american)
    prices = price_options(options, paid).price
    solve_vols(prices, options, paid)
    implied_greeks(prices, 100.0, 95.0, 0.25, 0.04, 0.01, is_call)
    book = OptionBook(
        ones, ones, 100 * ones, 95 * ones, 0.25 * ones, 0.2 * ones, 0.04 * ones, 0.01 * ones,
        is_call, is_american, np.zeros(3, dtype=np.int64),
    )  # fmt: skip
    stress_options(book, StressGrid((-0.1, 0.1)), 1)


if __name__ == "__main__":
    warm()
