"""What a person waits for on a slow line, and what the page may run."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.person import SOON_MS, Person

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]

FIRST_LOAD_BYTES = 250_000
ON_THE_WIRE = """
() => performance.getEntriesByType('resource')
    .concat(performance.getEntriesByType('navigation'))
    .filter(each => !new URL(each.name).pathname.startsWith('/api/'))
    .reduce((sum, each) => sum + each.encodedBodySize, 0)
"""


def test_the_queue_loads_within_its_budget(person: Person) -> None:
    page = person.page
    page.goto("/recommendations")
    expect(page.get_by_role("heading", name="Recommendations", level=1)).to_be_visible(
        timeout=SOON_MS
    )
    assert 100_000 < page.evaluate(ON_THE_WIRE) <= FIRST_LOAD_BYTES


def test_the_page_may_run_no_inline_script_and_call_nobody_else(person: Person) -> None:
    answer = person.page.goto("/recommendations")
    assert answer is not None
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in answer.headers["content-security-policy"].split(";")
    )
    assert policy["script-src"] == policy["connect-src"] == policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
