"""What protects an account: its sessions, its password, its second factor, a fresh proof."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pyotp
import pytest
from sqlalchemy import select, update

from infra.db.models import AuditEvent, Client, User
from tests.integration.api.client import ApiWorld, sign_in
from tests.integration.api.test_api_sign_in import COOKIE, problem
from tests.integration.api.world import PASSWORD

pytestmark = pytest.mark.integration
BETTER = "seven unrelated garden lanterns"


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/api/auth/me/")).status_code == 200


async def test_own_sessions_are_listed_and_each_can_be_ended(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as here, api.signed_in("approver_a") as there:
        async with api.signed_in("viewer_a") as other:
            sessions = (await here.get("/api/auth/sessions/")).json()
            assert [row["is_current"] for row in sessions].count(True) == 1
            assert len(sessions) == 2
            theirs = (await other.get("/api/auth/sessions/")).json()[0]["id"]
            await problem(await here.delete(f"/api/auth/sessions/{theirs}/"), 404, "NOT_FOUND")
            assert await is_signed_in(other)
        away = next(row["id"] for row in sessions if not row["is_current"])
        assert (await here.delete(f"/api/auth/sessions/{away}/")).status_code == 204
        assert await is_signed_in(here)
        assert not await is_signed_in(there)


@pytest.mark.parametrize("but_this", [False, True])
async def test_signing_out_everywhere_or_everywhere_else(api: ApiWorld, but_this: bool) -> None:
    async with api.signed_in("approver_a") as here, api.signed_in("approver_a") as there:
        done = await here.delete("/api/auth/sessions/", params={"but_this": but_this})
        assert done.status_code == 204
        assert await is_signed_in(here) is but_this
        assert not await is_signed_in(there)


async def test_a_changed_password_ends_every_session_and_renews_this_one(api: ApiWorld) -> None:
    email = api.world.email("approver_a")
    change = {"current_password": PASSWORD, "new_password": BETTER}
    async with api.signed_in("approver_a") as here, api.signed_in("approver_a") as there:
        before = here.cookies[COOKIE]
        assert (await here.post("/api/auth/password/", json=change)).status_code == 204
        assert here.cookies[COOKIE] != before
        assert await is_signed_in(here)
        assert not await is_signed_in(there)
        here.cookies.set(COOKIE, before)
        assert not await is_signed_in(here)
    async with api.browser() as browser:
        await problem(await sign_in(browser, email), 401, "INVALID_CREDENTIALS")
        assert (await sign_in(browser, email, BETTER)).status_code == 200


async def test_a_password_is_not_changed_to_a_common_one_nor_without_the_current(
    api: ApiWorld,
) -> None:
    async with api.signed_in("approver_a") as here:
        weak = {"current_password": PASSWORD, "new_password": "qwertyuiop123"}
        await problem(await here.post("/api/auth/password/", json=weak), 422, "WEAK_PASSWORD")
        wrong = {"current_password": "a guess", "new_password": BETTER}
        await problem(await here.post("/api/auth/password/", json=wrong), 422, "WRONG_PASSWORD")
        assert await is_signed_in(here)


async def enrol(browser: httpx.AsyncClient, api: ApiWorld) -> tuple[pyotp.TOTP, list[str]]:
    made = (await browser.post("/api/auth/totp/")).json()
    totp = pyotp.TOTP(made["secret"])
    answer = await browser.post("/api/auth/totp/confirm/", json={"code": totp.at(api.clock.at)})
    assert answer.status_code == 200, answer.text
    return totp, answer.json()["codes"]


async def with_code(browser: httpx.AsyncClient, email: str, code: str) -> httpx.Response:
    body = {"email": email, "password": PASSWORD, "code": code}
    return await browser.post("/api/auth/login/", json=body)


async def test_signing_in_takes_two_steps_and_no_code_counts_twice(api: ApiWorld) -> None:
    email = api.world.email("approver_a")
    async with api.signed_in("approver_a") as here:
        totp, _ = await enrol(here, api)
        factor = (await here.get("/api/auth/totp/")).json()
        assert factor == {"enabled": True, "recovery_codes_left": 10}
    async with api.browser() as browser:
        await problem(await sign_in(browser, email), 401, "TOTP_REQUIRED")
        used = totp.at(api.clock.at)
        await problem(await with_code(browser, email, used), 422, "TOTP_INVALID")
        api.clock.advance(timedelta(seconds=30))
        code = totp.at(api.clock.at)
        answers = await asyncio.gather(*(with_code(browser, email, code) for _ in range(2)))
        assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_a_code_helps_nobody_without_the_password(api: ApiWorld) -> None:
    email = api.world.email("approver_a")
    async with api.signed_in("approver_a") as here:
        totp, codes = await enrol(here, api)
    api.clock.advance(timedelta(seconds=30))
    async with api.browser() as browser:
        for code in (totp.at(api.clock.at), codes[0]):
            body = {"email": email, "password": "a guess", "code": code}
            answer = await browser.post("/api/auth/login/", json=body)
            await problem(answer, 401, "INVALID_CREDENTIALS")


async def test_a_recovery_code_signs_in_once_even_when_codes_are_throttled(api: ApiWorld) -> None:
    email = api.world.email("approver_a")
    async with api.signed_in("approver_a") as here:
        _, codes = await enrol(here, api)
    throttle = api.app.state.resources.throttle
    for _ in range(10):
        await throttle.code(str(api.world.users["approver_a"].id))
    async with api.browser() as browser:
        guess = await with_code(browser, email, "000000")
        await problem(guess, 429, "TOO_MANY_REQUESTS")
        assert (await with_code(browser, email, codes[3].lower())).status_code == 200
        again = await with_code(browser, email, codes[3])
        await problem(again, 422, "TOTP_INVALID")


async def test_new_recovery_codes_take_the_place_of_the_old(api: ApiWorld) -> None:
    email = api.world.email("approver_a")
    async with api.signed_in("approver_a") as here:
        renew = "/api/auth/totp/recovery-codes/"
        await problem(await here.post(renew), 409, "SECOND_FACTOR_STATE")
        _, old = await enrol(here, api)
        new = (await here.post(renew)).json()["codes"]
        api.clock.advance(timedelta(minutes=11))
        await problem(await here.post(renew), 403, "STEP_UP_REQUIRED")
    async with api.browser() as browser:
        await problem(await with_code(browser, email, old[0]), 422, "TOTP_INVALID")
        assert (await with_code(browser, email, new[0])).status_code == 200


async def test_the_secret_is_stored_encrypted(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as here:
        totp, _ = await enrol(here, api)
    async with api.sessions() as session:
        stored = await session.scalar(
            select(User.totp_secret).where(User.email == api.world.email("approver_a"))
        )
    assert stored is not None
    assert totp.secret.encode() not in stored


async def test_changing_the_second_factor_needs_a_fresh_proof(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as here:
        totp, _ = await enrol(here, api)
        api.clock.advance(timedelta(minutes=11))
        await problem(await here.delete("/api/auth/totp/"), 403, "STEP_UP_REQUIRED")
        refused = await here.post("/api/auth/step-up/", json={"password": PASSWORD})
        assert refused.status_code == 401
        assert refused.json()["code"] == "TOTP_REQUIRED"
        before = here.cookies[COOKIE]
        code = {"code": totp.at(api.clock.at)}
        assert (await here.post("/api/auth/step-up/", json=code)).status_code == 204
        assert here.cookies[COOKIE] != before
        assert (await here.delete("/api/auth/totp/")).status_code == 204
        await problem(await here.delete("/api/auth/totp/"), 409, "SECOND_FACTOR_STATE")


async def test_an_approval_asks_for_a_fresh_proof_where_the_client_wants_one(
    api: ApiWorld,
) -> None:
    waiting = api.world.a.waiting
    async with api.sessions.begin() as session:
        mine = Client.id == api.world.a.client.id
        await session.execute(update(Client).where(mine).values(step_up_minutes=5))
    approve = f"/api/recommendations/{waiting.id}/approve/"
    body, key = {"terms_hash": waiting.terms_hash}, {"Idempotency-Key": "k" * 16}
    async with api.signed_in("approver_a") as here:
        api.clock.advance(timedelta(minutes=6))
        refused = await here.post(approve, json=body, headers=key)
        told = await problem(refused, 403, "STEP_UP_REQUIRED")
        assert told["context"]["within_minutes"] == 5
        assert api.signals.decisions == []
        wrong = await here.post("/api/auth/step-up/", json={"password": "a guess"})
        await problem(wrong, 422, "WRONG_PASSWORD")
        assert (
            await here.post("/api/auth/step-up/", json={"password": PASSWORD})
        ).status_code == 204
        assert (await here.post(approve, json=body, headers=key)).status_code == 200


async def test_failures_elsewhere_do_not_lock_out_a_browser_that_is_known(api: ApiWorld) -> None:
    email = api.world.email("approver_a")
    async with api.signed_in("approver_a") as known:
        await known.post("/api/auth/logout/")
        async with api.browser() as attacker:
            for _ in range(6):
                last = await sign_in(attacker, email, "a guess")
            await problem(last, 429, "TOO_MANY_REQUESTS")
            assert int(last.headers["retry-after"]) > 0
        assert (await sign_in(known, email)).status_code == 200


async def test_what_changes_an_account_is_audited(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as here:
        await enrol(here, api)
        await here.delete("/api/auth/totp/")
        await here.post(
            "/api/auth/password/", json={"current_password": PASSWORD, "new_password": BETTER}
        )
    async with api.sessions() as session:
        actions = await session.scalars(select(AuditEvent.action).order_by(AuditEvent.id))
        assert list(actions) == [
            "session.opened",
            "user.totp_begun",
            "user.totp_enabled",
            "user.totp_disabled",
            "user.password_changed",
        ]
