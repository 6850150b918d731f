from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from domain.pricing import vector_math


@vector_math.compiled
def _exponentials(x: np.ndarray, results: np.ndarray) -> None:
    for i in range(x.size):
        results[i] = vector_math.exp(x[i])


@vector_math.compiled
def _logarithms(x: np.ndarray, results: np.ndarray) -> None:
    for i in range(x.size):
        results[i] = vector_math.log(x[i])


@vector_math.compiled
def _cumulatives(x: np.ndarray, results: np.ndarray) -> None:
    for i in range(x.size):
        results[i] = vector_math.cumulative(x[i], vector_math.density(x[i]))


@pytest.mark.parametrize(
    ("function", "reference", "points"),
    [
        (_exponentials, np.exp, np.linspace(-690, 690, 5001)),
        (_logarithms, np.log, np.exp(np.linspace(-600, 600, 5002))),
        (_cumulatives, ndtr, np.linspace(-30, 12, 5001)),
    ],
)
def test_elementary_functions_agree_with_the_library(function, reference, points):
    results = np.empty_like(points)
    function(points, results)
    np.testing.assert_allclose(results, reference(points), rtol=2e-12)
