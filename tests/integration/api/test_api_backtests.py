"""Backtests over HTTP: who may start them, on what data, and what they answer."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.backtest.runner import run_backtest
from domain.ports.backtests import BacktestJob, BacktestRequest
from infra.backtests.document import document_of
from infra.backtests.run import Finished, findings_of
from infra.db.backtests import PostgresBacktests
from tests.integration.api.client import ApiWorld
from tests.unit.backtest_market import CALENDAR, Day, Row, recorded, wheel

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def history(api: ApiWorld) -> Path:
    """A file in the desk's history directory, one beside it, and a link that leads out."""
    folder = api.app.state.resources.settings.history
    folder.mkdir(parents=True)
    (folder / "spx.csv").write_text("x")
    (folder.parent / "secret.csv").write_text("x")
    (folder / "way-out.csv").symlink_to(folder.parent / "secret.csv")
    return folder


def asked(api: ApiWorld, **changes: Any) -> dict[str, Any]:
    client_id = str(api.world.a.client.id)
    return {"strategy": "theta", "data": ["spx.csv"], "client_id": client_id, **changes}


async def post(browser: httpx.AsyncClient, body: dict[str, Any], key: str = "") -> httpx.Response:
    headers = {"Idempotency-Key": key or str(uuid4())}
    return await browser.post("/api/backtests/", json=body, headers=headers)


async def completed(api: ApiWorld, client: str | None = None, **changes: Any) -> UUID:
    """A backtest of two days that has been kept."""
    rows = (Row(95.0, date(2024, 1, 19), 1.0, 1.2),)
    days = [Day(date(2024, 1, 2), 100.0, rows), Day(date(2024, 1, 3), 101.0, rows)]
    history = recorded(days)
    config = wheel(**changes)
    request = BacktestRequest.model_validate(
        {**config.model_dump(mode="json"), "data": ["/x"], "client": client}
    )
    document = document_of(request, run_backtest(config, history, CALENDAR), history.digest)
    store = PostgresBacktests(api.sessions)
    key = str(uuid4())
    begun = await store.begin(BacktestJob(key=key, workflow_id=key, request=request))
    await store.complete(begun.run_id, findings_of(Finished(document, stopped=False)))
    return begun.run_id


async def test_a_trader_starts_one_on_the_desks_own_data(api: ApiWorld, history: Path):
    async with api.signed_in("operator_a") as browser:
        answer = await post(browser, asked(api, config={"exit_dte": 5}))
        assert answer.status_code == 200, answer.text
        detail = (await browser.get(f"/api/backtests/{answer.json()['id']}/")).json()
    request = api.signals.backtests[answer.json()["workflow_id"]]
    assert request.data == (str(history / "spx.csv"),)
    assert request.author == api.world.email("operator_a")
    assert (detail["status"], detail["client_slug"]) == ("RUNNING", api.world.a.client.slug)
    assert detail["request"]["data"] == ["spx.csv"], "where the host keeps it is its own affair"


@pytest.mark.parametrize(
    "name", ["../secret.csv", "way-out.csv", "/etc/passwd", "absent.csv", "a/../../secret.csv"]
)
async def test_no_file_outside_the_history_directory_can_be_named(api: ApiWorld, name: str):
    async with api.signed_in("admin") as browser:
        answer = await post(browser, asked(api, data=["spx.csv", name]))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "data.1"
    assert api.signals.backtests == {}


async def test_wrong_settings_are_named_and_nothing_is_on_record(api: ApiWorld):
    async with api.signed_in("operator_a") as browser:
        wrong = await post(browser, asked(api, config={"max_delta": 7}))
        unknown = await post(browser, asked(api, strategy="alpha"))
        listed = (await browser.get("/api/backtests/")).json()
    assert (wrong.json()["code"], "max_delta" in wrong.text) == ("CONFIG_INVALID", True)
    assert "wheel, theta" in unknown.json()["detail"]
    assert listed["items"] == []


async def test_repeating_a_request_starts_nothing_more(api: ApiWorld):
    async with api.signed_in("operator_a") as browser:
        first = await post(browser, asked(api), "the-same-key")
        second = await post(browser, asked(api), "the-same-key")
        other = await post(browser, asked(api, seed=3), "the-same-key")
    assert first.json() == second.json()
    assert other.json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert len(api.signals.backtests) == 1


async def test_while_temporal_is_away_nothing_is_on_record(api: ApiWorld):
    api.signals.broken = True
    async with api.signed_in("operator_a") as browser:
        answer = await post(browser, asked(api))
        listed = (await browser.get("/api/backtests/")).json()
    assert (answer.status_code, answer.json()["code"]) == (503, "NOT_STARTED")
    assert listed["items"] == []


async def test_who_may_start_and_see_what(api: ApiWorld):
    ours = await completed(api, client=api.world.a.client.slug)
    desks = await completed(api)
    async with api.signed_in("viewer_a") as browser:
        assert (await post(browser, asked(api))).json()["code"] == "FORBIDDEN"
        seen = (await browser.get("/api/backtests/")).json()["items"]
        assert {item["id"] for item in seen} == {str(ours)}, "the desk's is not a viewer's"
        assert (await browser.get(f"/api/backtests/{desks}/")).status_code == 404
    async with api.signed_in("operator_a") as browser:
        seen = (await browser.get("/api/backtests/")).json()["items"]
        assert {item["id"] for item in seen} == {str(ours), str(desks)}
    async with api.signed_in("trader_b") as browser:
        assert (await post(browser, asked(api))).status_code == 404
        assert (await post(browser, asked(api, client_id=None))).json()["code"] == "FORBIDDEN"
        seen = (await browser.get("/api/backtests/")).json()["items"]
        assert seen == []
        for part in ("", "trades/", "equity/", "report/", "tables/fills/"):
            assert (await browser.get(f"/api/backtests/{ours}/{part}")).status_code == 404
        compared = await browser.get(f"/api/backtests/compare/?ids={ours}&ids={desks}")
        assert compared.status_code == 404


async def test_lists_are_paged_newest_first(api: ApiWorld):
    runs = [str(await completed(api)) for _ in range(3)]
    async with api.signed_in("admin") as browser:
        first = (await browser.get("/api/backtests/?limit=2")).json()
        rest = (await browser.get(f"/api/backtests/?limit=2&cursor={first['next_cursor']}")).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == runs[::-1]
    assert rest["next_cursor"] is None


async def test_what_it_found_is_served_as_json_csv_and_a_report(api: ApiWorld):
    run_id = await completed(api)
    async with api.signed_in("admin") as browser:
        stats = (await browser.get(f"/api/backtests/{run_id}/")).json()["stats"]
        trades = (await browser.get(f"/api/backtests/{run_id}/trades/")).json()
        equity = (await browser.get(f"/api/backtests/{run_id}/equity/")).json()
        csv = await browser.get(f"/api/backtests/{run_id}/equity/?format=csv")
        report = await browser.get(f"/api/backtests/{run_id}/report/")
    assert len(trades["rows"]) == stats["trades"] + stats["trades_open"] == 1
    last = dict(zip(equity["columns"], equity["rows"][-1], strict=True))
    assert float(last["equity"]) == stats["equity_end"]
    assert len(equity["benchmarks"][0]["equity"]) == len(equity["rows"])
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.text.splitlines()[0].split(",") == equity["columns"]
    assert f"{stats['equity_end']:,.2f}" in report.text


async def test_a_report_may_be_framed_by_the_desk_and_may_do_nothing_else(api: ApiWorld):
    run_id = await completed(api)
    async with api.signed_in("admin") as browser:
        page = await browser.get(f"/api/backtests/{run_id}/report/")
        report = page.headers
        other = (await browser.get(f"/api/backtests/{run_id}/")).headers
    assert report["x-frame-options"] == "SAMEORIGIN"
    policy = report["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'; style-src 'sha256-")
    (style,) = re.findall("<style>(.*?)</style>", page.text, re.DOTALL)
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{hashed}'" in policy
    assert "style=" not in page.text, "an attribute would be ignored"
    assert "frame-ancestors 'self'" in policy
    assert (other["x-frame-options"], "'none'" in other["content-security-policy"]) == (
        "DENY",
        True,
    )


async def test_an_unfinished_backtest_has_no_report_and_can_be_cancelled(api: ApiWorld):
    async with api.signed_in("operator_a") as browser:
        receipt = (await post(browser, asked(api))).json()
        report = await browser.get(f"/api/backtests/{receipt['id']}/report/")
        assert report.json()["code"] == "NO_RESULT_YET"
        asked_to_stop = await browser.post(f"/api/backtests/{receipt['id']}/cancel/")
        # Its workflow ends it on record; until then it is running.
        assert asked_to_stop.json()["status"] == "RUNNING"
        assert api.signals.cancelled == [receipt["workflow_id"]]
        # A workflow that somebody terminated cannot: the desk does.
        api.signals.backtests.clear()
        ended = await browser.post(f"/api/backtests/{receipt['id']}/cancel/")
    assert ended.json()["status"] == "CANCELLED"


async def test_backtests_are_compared_by_their_figures_and_what_they_differ_in(api: ApiWorld):
    first, second = await completed(api), await completed(api, seed=9)
    async with api.signed_in("admin") as browser:
        found = (await browser.get(f"/api/backtests/compare/?ids={second}&ids={first}")).json()
    assert [item["id"] for item in found["items"]] == [str(second), str(first)]
    assert found["differing"] == {"seed": [9, 0]}
    assert found["figures"]["trades_open"] == [1, 1]


async def test_a_sweep_is_started_listed_and_cancelled(api: ApiWorld):
    body = asked(api, grid={"exit_dte": [1, 2, 3]})
    headers = {"Idempotency-Key": "a-sweep-key"}
    async with api.signed_in("operator_a") as browser:
        answer = await browser.post("/api/backtests/sweeps/", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        receipt = answer.json()
        listed = (await browser.get("/api/backtests/sweeps/")).json()["items"]
        api.signals.backtests.clear()
        ended = await browser.post(f"/api/backtests/sweeps/{receipt['id']}/cancel/")
        bad = await browser.post(
            "/api/backtests/sweeps/",
            json=asked(api, grid={"exit_dte": [1, -2]}),
            headers={"Idempotency-Key": "another-key"},
        )
    assert receipt["total"] == 3
    assert [(item["id"], item["status"], item["completed"]) for item in listed] == [
        (receipt["id"], "RUNNING", 0)
    ]
    assert ended.json()["status"] == "CANCELLED"
    assert bad.json()["code"] == "CONFIG_INVALID"


async def test_the_list_is_narrowed_by_strategy_and_by_where_it_was_started(api: ApiWorld):
    by_temporal = str(await completed(api))
    async with api.signed_in("admin") as browser:
        by_desk = (await post(browser, asked(api))).json()["id"]

        async def listed(query: str) -> list[tuple[str, str]]:
            items = (await browser.get(f"/api/backtests/?{query}")).json()["items"]
            return [(item["id"], item["source"]) for item in items]

        assert await listed("strategy=theta") == [(by_desk, "DESK")]
        assert await listed("source=TEMPORAL&source=COMMAND_LINE") == [(by_temporal, "TEMPORAL")]
        assert len(await listed("")) == 2


async def test_who_may_cancel_one_is_told_with_it(api: ApiWorld):
    async with api.signed_in("operator_a") as browser:
        run_id = (await post(browser, asked(api))).json()["id"]
        own = (await browser.get(f"/api/backtests/{run_id}/")).json()
    async with api.signed_in("viewer_a") as browser:
        seen = (await browser.get(f"/api/backtests/{run_id}/")).json()
    assert (own["may_cancel"], seen["may_cancel"]) == (True, False)
    assert own["workflow_id"] in own["workflow_url"]


async def test_recordings_are_told_apart_by_their_headers_and_paged(api: ApiWorld, history: Path):
    header = "timestamp,underlying,right,strike,expiry,bid,ask\n"
    (history / "year").mkdir()
    (history / "year" / "a.csv").write_text(header)
    (history / "year" / "b.csv").write_text(header)
    (history / "rates.csv").write_text("date,rate\n2024-01-02,0.05\n")
    async with api.signed_in("operator_a") as browser:
        first = (await browser.get("/api/backtests/recordings/?limit=3")).json()
        rest = await browser.get(f"/api/backtests/recordings/?cursor={first['next_cursor']}")
        chains = (await browser.get("/api/backtests/recordings/?holds=CHAINS")).json()["items"]
    found = {each["name"]: each["holds"] for each in first["items"] + rest.json()["items"]}
    # The link that leads out of the directory is none of them.
    assert found == {
        "rates.csv": "SIDE",
        "spx.csv": "UNKNOWN",
        "year": "CHAINS",
        "year/a.csv": "CHAINS",
        "year/b.csv": "CHAINS",
    }
    assert [(each["name"], each["files"]) for each in chains if each["is_folder"]] == [("year", 2)]


async def test_recordings_are_nothing_for_those_who_only_look(api: ApiWorld):
    async with api.signed_in("viewer_a") as browser:
        answer = await browser.get("/api/backtests/recordings/")
    assert answer.json()["code"] == "FORBIDDEN"
