"""Signing in by an identity provider: who it vouches for gets in, and nothing forged does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from joserfc.jwk import KeySet, RSAKey
from pydantic import SecretStr
from sqlalchemy import func, select

from infra.db import models as m
from infra.oidc import IdentityProvider, ProviderSettings
from tests.integration.api.client import ApiWorld
from tests.integration.api.identity_provider import (
    CLIENT,
    NEVER,
    SECRET,
    TestProvider,
    running_provider,
)
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration
START, CALLBACK = "/api/auth/oidc/start/", "/api/auth/oidc/callback/"


@pytest.fixture(scope="module")
def running() -> Iterator[TestProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: TestProvider, api: ApiWorld) -> TestProvider:
    """As on its first day, and known to the desk."""
    running.claims, running.codes, running.published = {}, {}, None
    running.algorithm, running.now = "RS256", int(api.clock.at.timestamp())
    settings = ProviderSettings(
        issuer=running.url,
        client_id=CLIENT,
        client_secret=SecretStr(SECRET),
        redirect_uri="http://desk/api/auth/oidc/callback/",
    )
    known = IdentityProvider(settings)
    api.app.state.resources = replace(api.app.state.resources, provider=known)
    return running


@pytest.fixture
async def browser(api: ApiWorld) -> AsyncIterator[httpx.AsyncClient]:
    async with api.browser() as opened:
        yield opened


async def sign_in(
    browser: httpx.AsyncClient, provider: TestProvider, **changes: str
) -> httpx.Response:
    started = await browser.get(START, params={"return": "/orders"})
    assert started.status_code == 303, started.text
    back = provider.authorize(started.headers["location"])
    return await browser.get(CALLBACK, params=back | changes)


async def who(browser: httpx.AsyncClient) -> str | None:
    answer = await browser.get("/api/auth/me/")
    return answer.json()["user"]["email"] if answer.is_success else None


async def test_nothing_of_it_is_there_unless_a_provider_is_set_up(
    browser: httpx.AsyncClient,
) -> None:
    assert (await browser.get("/api/auth/methods/")).json() == {"provider": None}
    for path in (START, CALLBACK):
        await problem(await browser.get(path), 404, "NOT_FOUND")


async def test_a_person_is_signed_in_by_their_verified_email_and_led_to_where_they_were(
    api: ApiWorld, provider: TestProvider, browser: httpx.AsyncClient
) -> None:
    assert (await browser.get("/api/auth/methods/")).json()["provider"] == "your company's account"
    answer = await sign_in(browser, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/orders")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert await who(browser) == "approver_a@desk.test"
    # A fresh proof there is one here.
    made = await browser.post("/api/auth/tokens/", json={"name": "t", "scopes": ["READ"]})
    assert made.status_code == 201, made.text
    async with api.sessions() as session:
        actions = set(await session.scalars(select(m.AuditEvent.action)))
    assert {"user.identity_linked", "session.opened"} <= actions


async def test_once_linked_the_providers_own_name_counts_whatever_the_email_becomes(
    api: ApiWorld, provider: TestProvider, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser, provider)
    provider.claims = {"email": "admin@desk.test"}
    await sign_in(browser, provider)
    assert await who(browser) == "approver_a@desk.test"
    # Another there with the same e-mail is not the same person.
    provider.claims = {"sub": "person-2"}
    async with api.browser() as other:
        refused = await sign_in(other, provider)
        assert refused.headers["location"] == "/login?refused=SIGN_IN_REFUSED"
        assert await who(other) is None


_NOT_GOOD: tuple[dict[str, Any], ...] = (
    {"nonce": "another"},
    {"nonce": NEVER},
    {"aud": "somebody-else"},
    {"aud": [CLIENT, "somebody-else"], "azp": "somebody-else"},
    {"iss": "http://127.0.0.1:1"},
    {"iat": -600, "exp": -120},
    {"iat": NEVER},
    {"sub": NEVER},
    {"email_verified": False},
    {"email_verified": NEVER},
    {"email": NEVER},
    {"email": "stranger@desk.test"},
    {"amr": "pwd"},
)


async def test_nobody_gets_in_by_a_token_that_is_not_as_it_must_be(
    provider: TestProvider, browser: httpx.AsyncClient
) -> None:
    for claims in _NOT_GOOD:
        provider.claims = {
            name: provider.now + value if type(value) is int else value
            for name, value in claims.items()
        }
        refused = await sign_in(browser, provider)
        assert refused.headers["location"] == "/login?refused=SIGN_IN_REFUSED", claims
        assert await who(browser) is None, claims


async def test_a_token_is_believed_by_the_providers_published_key_alone(
    provider: TestProvider, browser: httpx.AsyncClient
) -> None:
    for name in ("first", "another"):
        provider.published = KeySet([RSAKey.generate_key(2048, {"kid": name})])
        assert "refused" in (await sign_in(browser, provider)).headers["location"]
        assert await who(browser) is None


async def test_a_key_that_the_provider_has_changed_is_fetched_anew(
    provider: TestProvider, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser, provider)
    await browser.post("/api/auth/logout/")
    provider.key = RSAKey.generate_key(2048, {"kid": "second"})
    try:
        await sign_in(browser, provider)
        assert await who(browser) == "approver_a@desk.test"
    finally:
        provider.key = RSAKey.generate_key(2048, {"kid": "first"})


async def test_an_answer_counts_only_in_the_browser_that_asked_and_only_for_a_while(
    api: ApiWorld, provider: TestProvider, browser: httpx.AsyncClient
) -> None:
    refused = await sign_in(browser, provider, state="another")
    assert "refused" in refused.headers["location"]
    started = await browser.get(START)
    back = provider.authorize(started.headers["location"])
    async with api.browser() as victim:
        forged = await victim.get(CALLBACK, params=back)
        assert "refused" in forged.headers["location"]
        assert await who(victim) is None
    # The code was not spent by that; the browser that asked gets in, once.
    assert (await browser.get(CALLBACK, params=back)).headers["location"] == "/"
    again = await browser.get(CALLBACK, params=back)
    assert "refused" in again.headers["location"]


async def test_the_provider_may_say_no_and_may_be_away(
    provider: TestProvider, browser: httpx.AsyncClient, api: ApiWorld
) -> None:
    await browser.get(START)
    started = await browser.get(START)
    state = provider.authorize(started.headers["location"])["state"]
    denied = await browser.get(CALLBACK, params={"state": state, "error": "access_denied"})
    assert "refused=SIGN_IN_REFUSED" in denied.headers["location"]
    away = ProviderSettings("http://127.0.0.1:1", CLIENT, None, "http://desk/")
    api.app.state.resources = replace(api.app.state.resources, provider=IdentityProvider(away))
    answer = await browser.get(START)
    assert answer.headers["location"] == "/login?refused=SIGN_IN_UNAVAILABLE"


async def test_a_second_factor_set_up_here_is_asked_for_there(
    api: ApiWorld, provider: TestProvider, browser: httpx.AsyncClient
) -> None:
    async with api.sessions.begin() as session:
        user = await session.get_one(m.User, api.world.users["approver_a"].id)
        user.totp_secret, user.totp_confirmed_at = b"-", api.clock.at
    assert "refused" in (await sign_in(browser, provider)).headers["location"]
    provider.claims = {"amr": ["pwd", "otp"]}
    await sign_in(browser, provider)
    assert await who(browser) == "approver_a@desk.test"


async def test_an_old_proof_there_is_no_fresh_one_here(
    provider: TestProvider, browser: httpx.AsyncClient
) -> None:
    for said in (NEVER, provider.now - 3600):
        provider.claims = {"auth_time": said}
        await sign_in(browser, provider)
        made = await browser.post("/api/auth/tokens/", json={"name": "t", "scopes": ["READ"]})
        await problem(made, 403, "STEP_UP_REQUIRED")


async def test_who_is_disabled_here_stays_out(
    api: ApiWorld, provider: TestProvider, browser: httpx.AsyncClient
) -> None:
    async with api.sessions.begin() as session:
        (await session.get_one(m.User, api.world.users["approver_a"].id)).is_active = False
    assert "refused" in (await sign_in(browser, provider)).headers["location"]


async def test_strangers_become_users_without_a_role_only_where_that_is_set(
    api: ApiWorld, provider: TestProvider, browser: httpx.AsyncClient
) -> None:
    provider.claims = {"email": "new@desk.test", "name": "New Person"}
    resources = api.app.state.resources
    settings = resources.settings.model_copy(update={"oidc_create_users": True})
    api.app.state.resources = replace(resources, settings=settings)
    await sign_in(browser, provider)
    me = (await browser.get("/api/auth/me/")).json()
    assert (me["user"]["name"], me["user"]["is_admin"], me["clients"]) == ("New Person", False, [])
    assert (await browser.get("/api/recommendations/")).json()["items"] == []
    async with api.sessions() as session:
        assert await session.scalar(select(func.count(m.UserIdentity.id))) == 1


async def test_it_leads_to_pages_of_this_desk_alone(
    provider: TestProvider, browser: httpx.AsyncClient
) -> None:
    for wanted in ("https://evil.test/", "//evil.test", "/\\evil.test", "orders"):
        started = await browser.get(START, params={"return": wanted})
        back = provider.authorize(started.headers["location"])
        assert (await browser.get(CALLBACK, params=back)).headers["location"] == "/"


async def test_a_sign_in_that_took_too_long_is_begun_anew(
    provider: TestProvider, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = await browser.get(START)
    back = provider.authorize(started.headers["location"])
    monkeypatch.setattr("api.routers.oidc._PATIENCE", timedelta(seconds=-1))
    assert "refused" in (await browser.get(CALLBACK, params=back)).headers["location"]
