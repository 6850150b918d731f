"""``greenlight gateways`` and ``greenlight accounts``: what they set up, refuse and show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner, Result

from domain.discrepancies import DiscrepancyType
from domain.severity import Severity
from infra.db import models as m
from infra.db.session import create_engine, sessions
from infra.embedded.ports import any_free_port
from infra.gateway_commands import accounts_group, gateways_group
from infra.settings import Settings

pytestmark = pytest.mark.integration
ADD = ("gateways", "add", "adviser", "--host", "10.0.0.5", "--port", "4002", "--client-id", "21")
Run = Callable[..., Result]


@pytest.fixture
def settings(database_url: str) -> Settings:
    # Nobody listens there: the commands must do without Temporal.
    return Settings(database_url=database_url, temporal_address=f"127.0.0.1:{any_free_port()}")


@pytest.fixture
def run(settings: Settings) -> Run:
    app = typer.Typer()
    app.add_typer(gateways_group(lambda: settings), name="gateways")
    app.add_typer(accounts_group(lambda: settings), name="accounts")

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env={"TERM": "dumb", "COLUMNS": "200"})

    return invoke


@pytest.fixture
def adviser(run: Run) -> Run:
    """The same, with an adviser's gateway and the first client's account set up."""
    assert run(*ADD, "--paper").exit_code == 0
    done = add_account(run, "DU2000001", "--client", "first", "--client-name", "First client")
    assert done.exit_code == 0, done.output
    return run


def add_account(run: Run, code: str, *more: str, gateway: str = "adviser") -> Result:
    return run("accounts", "add", code, "--gateway", gateway, "--portfolio", "Income", *more)


def in_database(settings: Settings, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    async def session_of_its_own() -> Any:
        engine = create_engine(settings.database_url)
        try:
            async with sessions(engine).begin() as session:
                return await work(session)
        finally:
            await engine.dispose()

    return asyncio.run(session_of_its_own())


def rows(settings: Settings, entity: type[Any]) -> list[Any]:
    async def read(session: Any) -> list[Any]:
        return list(await session.scalars(select(entity).order_by(entity.id)))

    return in_database(settings, read)


def test_a_gateway_and_its_accounts_are_set_up_listed_and_audited(adviser: Run, settings: Settings):
    second = add_account(adviser, "du2000002", "--client", "second", "--client-name", "Second")
    assert "account DU2000002 on gateway adviser: added" in second.output
    (gateway,) = rows(settings, m.Gateway)
    assert (gateway.host, gateway.port, gateway.client_number) == ("10.0.0.5", 4002, 21)
    assert gateway.kind is m.GatewayKind.PAPER
    listed = adviser("gateways", "list").output.splitlines()
    assert listed[1].split() == ["adviser", "PAPER", "10.0.0.5:4002", "21", "2", "DISCONNECTED"]
    shown = adviser("gateways", "accounts", "adviser").output
    assert "DU2000001  -      First client  Income     ACTIVE" in shown
    assert "DU2000002  -      Second        Income     ACTIVE" in shown
    audited = [(event.action, event.actor) for event in rows(settings, m.AuditEvent)]
    assert audited == [
        (action, "command line")
        for action in (
            "gateway.added",
            *("client.added", "portfolio.added", "account.added") * 2,
        )
    ]


def test_adding_the_same_again_changes_and_audits_nothing(adviser: Run, settings: Settings):
    before = len(rows(settings, m.AuditEvent))
    assert "gateway adviser: unchanged" in adviser(*ADD, "--paper").output
    assert "unchanged" in add_account(adviser, "DU2000001").output
    assert len(rows(settings, m.AuditEvent)) == before
    assert len(rows(settings, m.BrokerAccount)) == 1


def test_a_gateway_that_moved_is_brought_up_to_date_and_its_worker_is_to_be_restarted(
    adviser: Run, settings: Settings
):
    moved = adviser(*ADD, "--paper", "--host", "10.0.0.6")
    assert "gateway adviser: changed" in moved.output
    assert "Restart its broker worker" in moved.output
    event = rows(settings, m.AuditEvent)[-1]
    assert (event.action, event.before["host"], event.after["host"]) == (
        "gateway.changed",
        "10.0.0.5",
        "10.0.0.6",
    )


def test_without_temporal_the_gateway_is_kept_and_the_missing_step_is_named(run: Run):
    done = run(*ADD, "--paper")
    assert done.exit_code == 0
    assert "greenlight setup-temporal" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*ADD, "--paper", "--port", "70000"), "--port: 70000 is not between 1 and 65535"),
        ((*ADD, "--paper", "--host", "http://x"), "--host: 'http://x' is not a host name"),
        ((*ADD, "--paper", "--client-id", "0"), "--client-id: 0 is not 1 or more"),
        (ADD, "--paper/--live/--simulated: say exactly one"),
        ((*ADD, "--paper", "--live"), "--paper/--live/--simulated: say exactly one"),
        (("gateways", "add", "Adviser 1", *ADD[3:], "--paper"), "SLUG: 'Adviser 1' is not made"),
        (("gateways", "accounts", "nowhere"), "--gateway: 'nowhere' is not set up"),
    ],
)
def test_bad_input_is_named_by_its_option_and_leaves_nothing(
    run: Run, settings: Settings, arguments: tuple[str, ...], said: str
):
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert said in refused.output
    assert rows(settings, m.Gateway) == rows(settings, m.AuditEvent) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("DU2000002", "--client", "secnd"), "--client: 'secnd' is not known; there is first."),
        (("12345",), "CODE: '12345' is not an account code"),
        (("DU2000001", "--portfolio", "Growth"), "--portfolio: DU2000001 is in 'Income'"),
        (("DU2000002", "--gateway", "advisor"), "--gateway: 'advisor' is not set up; there is adv"),
    ],
)
def test_an_account_that_cannot_be_set_up_is_refused_by_its_option_and_leaves_nothing(
    adviser: Run, settings: Settings, arguments: tuple[str, ...], said: str
):
    before = len(rows(settings, m.AuditEvent))
    refused = add_account(adviser, *arguments)
    assert refused.exit_code == 2
    assert said in refused.output
    assert len(rows(settings, m.BrokerAccount)) == 1
    assert len(rows(settings, m.AuditEvent)) == before


def test_the_owner_must_be_named_once_there_are_several_clients(adviser: Run):
    add_account(adviser, "DU2000002", "--client", "second", "--client-name", "Second")
    refused = add_account(adviser, "DU2000003")
    assert "--client: say whose account it is: first, second" in refused.output


def test_one_address_and_one_account_are_set_up_once(adviser: Run):
    same_address = adviser("gateways", "add", "other", *ADD[3:], "--paper")
    assert "--port: 10.0.0.5:4002 is gateway 'adviser' already" in same_address.output
    assert adviser("gateways", "add", "other", *ADD[3:], "--paper", "--port", "4003").exit_code == 0
    twice = add_account(adviser, "DU2000001", gateway="other")
    assert "CODE: DU2000001 is reached through gateway 'adviser' already" in twice.output


def test_a_login_does_not_turn_from_paper_into_live(adviser: Run, settings: Settings):
    refused = adviser(*ADD, "--live")
    assert refused.exit_code == 2
    assert "a LIVE login is a gateway of its own" in refused.output
    (gateway,) = rows(settings, m.Gateway)
    assert gateway.kind is m.GatewayKind.PAPER


def test_an_account_the_login_serves_but_the_desk_does_not_know_is_shown_as_such(
    adviser: Run, settings: Settings
):
    (gateway,) = rows(settings, m.Gateway)
    now = datetime.now(UTC)

    async def found(session: Any) -> None:
        session.add(
            m.Discrepancy(
                type=DiscrepancyType.UNKNOWN_ACCOUNT,
                severity=Severity.WARNING,
                subject="DU2000009",
                gateway_id=gateway.id,
                detail="DU2000009 is not set up here",
                first_seen_at=now,
                first_seen_market_at=now,
                last_seen_at=now,
                raised_at=now,
            )
        )

    in_database(settings, found)
    shown = adviser("gateways", "accounts", "adviser").output
    assert "not set up: never traded" in next(x for x in shown.splitlines() if "DU2000009" in x)
