"""``greenlight limits``: showing what binds, and writing new versions of what a scope says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner, Result

from infra.embedded.ports import any_free_port
from infra.gateway_commands import accounts_group, gateways_group
from infra.limit_commands import limits_group
from infra.settings import Settings

pytestmark = pytest.mark.integration
Run = Callable[..., Result]
ACCOUNT = "DU2000001"


@pytest.fixture
def run(database_url: str) -> Run:
    settings = Settings(database_url=database_url, temporal_address=f"127.0.0.1:{any_free_port()}")
    app = typer.Typer()
    app.add_typer(gateways_group(lambda: settings), name="gateways")
    app.add_typer(accounts_group(lambda: settings), name="accounts")
    app.add_typer(limits_group(lambda: settings), name="limits")

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env={"TERM": "dumb", "COLUMNS": "200"})

    add = ("gateways", "add", "desk", "--host", "10.0.0.5", "--port", "4002", "--paper")
    assert invoke(*add).exit_code == 0
    owner = ("--portfolio", "Income", "--client", "first", "--client-name", "First client")
    assert invoke("accounts", "add", ACCOUNT, "--gateway", "desk", *owner).exit_code == 0
    return invoke


def shown(run: Run, name: str) -> str:
    answer = run("limits", "show", ACCOUNT)
    assert answer.exit_code == 0, answer.output
    return next(line for line in answer.output.splitlines() if line.split()[0] == name)


def change(run: Run, scope: str, *changes: str, owner: str = "") -> Result:
    whose = ("--owner", owner) if owner else ()
    return run("limits", "set", scope, *changes, "--reason", "a calmer month", *whose)


def test_what_an_account_s_own_scope_says_is_shown_with_where_it_comes_from(run: Run):
    assert "default" in shown(run, "max_contracts")
    done = change(run, "account", "max_contracts=3", "max_notional=50000.5", owner=ACCOUNT)
    assert done.exit_code == 0, done.output
    assert shown(run, "max_contracts").split()[1:3] == ["3", "account"]
    assert shown(run, "max_notional").split()[1:3] == ["50000.5", "account"]


def test_changes_add_to_what_the_scope_says_until_they_are_unset(run: Run):
    change(run, "client", "max_contracts=4", owner="first")
    change(run, "client", "max_pm_usage=0.3", owner="first")
    assert "4" in shown(run, "max_contracts")
    assert "0.3" in shown(run, "max_pm_usage")
    change(run, "client", "max_contracts=unset", owner="first")
    assert "default" in shown(run, "max_contracts")
    assert "0.3" in shown(run, "max_pm_usage")


def test_a_narrower_scope_never_loosens(run: Run):
    change(run, "global", "max_contracts=2")
    change(run, "account", "max_contracts=9", owner=ACCOUNT)
    assert shown(run, "max_contracts").split()[1:3] == ["2", "global"]


@pytest.mark.parametrize(
    ("scope", "changes", "owner", "words"),
    [
        ("global", "most_contracts=2", "", "max_contracts"),
        ("global", "max_contracts", "", "NAME=VALUE"),
        ("global", "max_contracts=-1", "", "max_contracts: Input should be"),
        ("global", "max_contracts=2", "first", "no owner"),
        ("client", "max_contracts=2", "nobody", "nobody"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name_and_changes_nothing(
    run: Run, scope: str, changes: str, owner: str, words: str
):
    refused = change(run, scope, changes, owner=owner)
    assert refused.exit_code == 2
    assert words in refused.output
    assert "default" in shown(run, "max_contracts")
