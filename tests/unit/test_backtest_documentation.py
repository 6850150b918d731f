"""docs/backtests.md says what the commands and the workflows' input really are."""

from __future__ import annotations

import re

from domain.ports.backtests import SweepRequest
from infra.backtests.exits import Exit
from tests.documented import table_rows

NOT_ASKED_FOR = {"author", "user_id"}
"""Who asks is told by the way in: a session of the API, the user of a terminal."""


def test_every_field_of_a_workflows_input_is_documented_and_no_other():
    documented = {
        name
        for row in table_rows("backtests.md", "field")
        for name in re.findall(r"`(\w+)`", row[0])
    }
    assert documented == set(SweepRequest.model_fields) - NOT_ASKED_FOR


def test_every_exit_code_is_documented_and_no_other():
    documented = {int(row[0]) for row in table_rows("backtests.md", "exit code")}
    assert documented == {0, *(int(code) for code in Exit)}
