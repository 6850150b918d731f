"""Tests of several parts together."""

import pytest

# Its checks are assertions: a failure shows what was compared.
pytest.register_assert_rewrite("tests.integration.cycle_world")
