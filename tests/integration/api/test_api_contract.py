"""The API keeps its own description whatever it is sent: no failure, nothing undescribed.

Requests are generated from the OpenAPI document by schemathesis, valid ones and invalid ones, and
sent over the wire in turn by somebody of each role. Identifiers are made up in some and those of
real rows in others, so that what lies behind them is reached as well.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi import checks

from infra.embedded import EmbeddedPostgres
from tests.integration.api.access_table import Rows, known_ids, more_rows
from tests.integration.api.client import HEADERS
from tests.integration.api.served import SECONDS, ServedApi, served_api

pytestmark = pytest.mark.integration

PEOPLE = ("viewer_a", "approver_a", "trader_a", "operator_a", "admin_a", "admin")
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
_DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "web" / "openapi.json").read_text()
)
# Never ends; its own tests read it.
_STREAM = "/api/stream/"
OPERATIONS = [
    f"{method.upper()} {path}"
    for path, methods in _DOCUMENT["paths"].items()
    for method in methods
    if path != _STREAM
]


class People:
    """A session for each role, opened again when what was sent has ended it."""

    def __init__(self, served: ServedApi) -> None:
        self._served = served
        self._sessions = {who: served.signed_in(who) for who in PEOPLE}
        self._turns = itertools.cycle(PEOPLE)

    def send(self, case: Case) -> None:
        who = next(self._turns)
        answer = case.call(
            base_url=self._served.url,
            session=self._sessions[who],
            headers=HEADERS,
            timeout=SECONDS,
        )
        if answer.status_code == 401:
            self._sessions[who] = self._served.signed_in(who)
        case.validate_response(answer, checks=CHECKS)


@pytest.fixture(scope="module")
def served(
    postgres: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedApi]:
    postgres.create_database("contract", template=migrated_template)
    with served_api(postgres.url("contract"), tmp_path_factory.mktemp("contract")) as api:
        yield api


@pytest.fixture(scope="module")
def rows(served: ServedApi) -> Rows:
    return served.run(more_rows(served.api))


@pytest.fixture(scope="module")
def people(served: ServedApi, rows: Rows) -> People:
    assert rows
    served.api.never_throttle()
    return People(served)


@pytest.fixture(scope="module")
def schema() -> BaseSchema:
    read = schemathesis.openapi.from_dict(_DOCUMENT)
    # Sessions are the people's own, below; made-up ones would all be refused alike.
    read.config.generation.update(with_security_parameters=False)
    return read


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_keeps_its_description(
    operation: str, schema: BaseSchema, served: ServedApi, rows: Rows, people: People
) -> None:
    _fuzz(_found(schema, operation), served, rows, people, examples=8)


@pytest.mark.faults
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_keeps_its_description_at_length(
    operation: str, schema: BaseSchema, served: ServedApi, rows: Rows, people: People
) -> None:
    _fuzz(_found(schema, operation), served, rows, people, examples=250)


def _found(schema: BaseSchema, operation: str) -> APIOperation[Any, Any]:
    method, path = operation.split(" ")
    return schema[path][method]


def _fuzz(
    operation: APIOperation[Any, Any],
    served: ServedApi,
    rows: Rows,
    people: People,
    *,
    examples: int,
) -> None:
    ids = known_ids(served.api, rows)
    known = {
        each.name: str(ids[each.name]) for each in operation.path_parameters if each.name in ids
    }
    kinds = [operation.as_strategy(mode) for mode in GenerationMode]
    if known:
        kinds.append(operation.as_strategy(path_parameters=known))

    # The same requests each time in the quick run, new ones in the long one.
    quick = examples < 50
    run = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=quick,
        phases=[Phase.generate] if quick else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    run(given(case=st.one_of(kinds))(people.send))()
