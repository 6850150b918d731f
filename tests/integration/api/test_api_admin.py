"""The read-only admin: every page renders, for administrators, and changes nothing."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import inspect, select

from api.admin import MODELS
from api.content_policy import ADMIN_HANDLERS
from infra.db import models as m
from infra.db.models import Base
from tests.integration.api.access_maker import access_rows, config_proposal
from tests.integration.api.client import ApiWorld
from tests.integration.api.reconciliation_maker import (
    backtest_rows,
    market_rows,
    reconciled,
    stopping_rows,
)
from tests.integration.api.world import password_hash

pytestmark = pytest.mark.integration


def slug(model: type[Base]) -> str:
    words = "".join(f"-{c.lower()}" if c.isupper() else c for c in model.__name__)
    return words.strip("-")


def test_every_table_has_a_page() -> None:
    assert set(MODELS) == {mapper.class_ for mapper in Base.registry.mappers}


async def _fill_what_the_world_leaves_empty(api: ApiWorld) -> None:
    async with api.sessions.begin() as session:
        instrument = await session.scalar(select(m.Instrument.id))
        assert instrument is not None
        await reconciled(session, api.world.a.account, instrument, api.clock.at)
        session.add_all(market_rows(instrument, api.clock.at))
        session.add_all(backtest_rows(api.clock.at))
        session.add_all(stopping_rows(api.world.a.approved.id))
        approver = api.world.users["approver_a"].id
        session.add_all(access_rows(approver, api.world.a.approved.id, api.clock.at))
        instance = api.world.a.waiting.strategy_instance_id
        session.add(config_proposal(instance, api.world.users["admin"]))
        session.add(
            m.StrategyConfigVersion(
                strategy_instance_id=instance,
                version=1,
                config={},
                author="desk",
            )
        )
        session.add(
            m.RecordedChain(
                instrument_id=instrument,
                gateway_id=api.world.gateway.id,
                as_of=api.clock.at,
                underlying_price=655,
                contracts=1,
                columns=b"\x1f\x8b",
            )
        )


async def test_every_list_and_detail_page_renders_with_data(api: ApiWorld) -> None:
    await _fill_what_the_world_leaves_empty(api)
    async with api.signed_in("admin") as browser:
        home = await browser.get("/admin/")
        assert home.status_code == 200
        for model in MODELS:
            listed = await browser.get(f"/admin/{slug(model)}/list")
            assert listed.status_code == 200, (model, listed.text[:500])
            async with api.sessions() as session:
                keys = (await session.scalars(select(inspect(model).primary_key[0]).limit(1))).all()
            assert keys, f"the world has no {model.__name__}"
            for key in keys:
                assert str(key) in listed.text, model
                found = await browser.get(f"/admin/{slug(model)}/list", params={"q": str(key)})
                assert str(key) in found.text, model
                detail = await browser.get(f"/admin/{slug(model)}/detail?pk={key}")
                assert detail.status_code == 200, (model, detail.text[:500])


async def test_searching_and_sorting_render(api: ApiWorld) -> None:
    async with api.signed_in("admin") as browser:
        for model in MODELS:
            page = await browser.get(
                f"/admin/{slug(model)}/list", params={"q": "spy", "sort": "created_at__asc"}
            )
            assert page.status_code == 200, (model, page.text[:500])


async def test_inline_code_of_the_admin_runs_by_nonce_or_hash_alone(api: ApiWorld) -> None:
    client = api.world.a.client
    async with api.signed_in("admin") as browser:
        for path in ("", "client/list", f"client/detail?pk={client.id}", "order/list"):
            page = await browser.get(f"/admin/{path}")
            policy = page.headers["content-security-policy"]
            (nonce,) = set(re.findall("'nonce-([^']+)'", policy))
            elements = re.findall(r"<(?:script|style)\b[^>]*>", page.text)
            assert elements, path
            assert all(f'nonce="{nonce}"' in element for element in elements), path
            handlers = set(re.findall(r"""\son[a-z]+="([^"]*)\"""", page.text))
            assert handlers <= set(ADMIN_HANDLERS), path


async def test_no_page_shows_a_password_or_token_hash(api: ApiWorld) -> None:
    async with api.signed_in("admin") as browser:
        async with api.sessions() as session:
            token_hash = await session.scalar(select(m.Session.token_hash))
            session_id = await session.scalar(select(m.Session.id))
        assert token_hash is not None
        admin = api.world.users["admin"]
        for path in (
            "user/list",
            f"user/detail?pk={admin.id}",
            "session/list",
            f"session/detail?pk={session_id}",
            "decision/list",
        ):
            text = (await browser.get(f"/admin/{path}")).text
            assert password_hash() not in text, path
            assert "argon2" not in text, path
            assert token_hash.hex() not in text, path
            assert repr(token_hash)[2:20] not in text, path


async def test_nothing_can_be_created_edited_deleted_or_exported(api: ApiWorld) -> None:
    client = api.world.a.client
    async with api.signed_in("admin") as browser:
        token = (await browser.get("/admin/client/list")).cookies["starlette_admin_csrftoken"]
        headers = {"X-CSRFToken": token}
        for path in ("create", f"edit?pk={client.id}", "import"):
            assert (await browser.get(f"/admin/client/{path}")).status_code in (403, 404, 405), path
            answer = await browser.post(
                f"/admin/client/{path}", data={"name": "changed"}, headers=headers
            )
            assert answer.status_code in (403, 404, 405), path
        routes = [route for route in api.app.routes if getattr(route, "name", "") == "admin"]
        inner = routes[0].app.routes  # type: ignore[attr-defined]
        for route in inner:
            methods = getattr(route, "methods", None) or ()
            if "POST" not in methods or route.name == "logout":
                continue
            path = route.path.replace("{key}", "client")
            for action in ("delete", "export", "edit"):
                answer = await browser.post(
                    f"/admin{path}",
                    params={"name": action, "pks": str(client.id), "pk": str(client.id)},
                    headers=headers,
                )
                assert answer.status_code >= 400, (path, action)
    async with api.sessions() as session:
        assert (
            await session.scalar(select(m.Client.name).where(m.Client.id == client.id))
            == "Client A"
        )


async def test_an_address_that_names_no_row_is_not_found(api: ApiWorld) -> None:
    async with api.signed_in("admin") as browser:
        for key in ("not-a-key", "01a203b0-6740-710a-b32c-8e51f0c22b09"):
            assert (await browser.get(f"/admin/client/detail?pk={key}")).status_code == 404


async def test_signing_out_in_the_admin_ends_the_session(api: ApiWorld) -> None:
    async with api.signed_in("admin") as browser:
        page = await browser.get("/admin/")
        token = page.cookies["starlette_admin_csrftoken"]
        answer = await browser.post("/admin/logout", data={"csrftoken": token})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert (await browser.get("/api/auth/me/")).status_code == 401


async def test_without_a_session_the_admin_leads_to_the_sign_in(api: ApiWorld) -> None:
    async with api.browser() as browser:
        for path in ("/admin/", "/admin/user/list", "/admin/static/css/main.css"):
            answer = await browser.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"] == "/login?return=%2Fadmin"


@pytest.mark.parametrize("who", ["approver_a", "operator_a", "nobody"])
async def test_the_admin_is_refused_to_everybody_else(api: ApiWorld, who: str) -> None:
    async with api.signed_in(who) as browser:
        for path in (
            "/admin/",
            "/admin/user/list",
            f"/admin/order/detail?pk={api.world.a.order.id}",
        ):
            assert (await browser.get(path)).status_code == 403, path
