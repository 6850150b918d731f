"""``docker compose up``, as far as it goes without a container engine: the commands, for real."""

from __future__ import annotations

import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.desk import HEADERS, wait_until
from tests.faults.containers import Containers
from tests.integration.caddy import Caddy

pytestmark = pytest.mark.faults
EMAIL = "admin@desk.example"
SERVING = ("core-worker", "broker-worker", "api")
BY_SIGTERM = (0, -signal.SIGTERM)
"""In its own way, within the grace period: uvicorn ends by the signal that it was asked with."""


@pytest.fixture
def containers(short_tmp_path: Path) -> Iterator[Containers]:
    with Containers(short_tmp_path) as opened:
        yield opened


def ran_well(containers: Containers, name: str, command: str = "") -> str:
    done = containers.run(name, command)
    assert done.returncode == 0, (name, command, done.stdout, done.stderr)
    return done.stdout


def gateway_state(containers: Containers) -> str:
    with psycopg.connect(containers.postgres.conninfo("greenlight")) as connection:
        row = connection.execute("SELECT connection FROM gateways").fetchone()
    return str(row[0]) if row else ""


def signed_in_from(browser: httpx.Client, password: str, forwarded_for: str) -> str:
    """The address that the desk notes of somebody who, or whose proxy, says to be elsewhere."""
    said = {"X-Forwarded-For": forwarded_for, "X-Forwarded-Proto": "https"}
    credentials = {"email": EMAIL, "password": password}
    answer = browser.post("/api/auth/login/", json=credentials, headers={**HEADERS, **said})
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert cookie.startswith("__Host-")
    sessions = browser.get("/api/auth/sessions/", headers={"Cookie": cookie}).json()
    return next(each["address"] for each in sessions if each["is_current"])


def reached_through_the_proxy(containers: Containers, password: str) -> None:
    """As a browser reaches the desk: by TLS, its address seen by the proxy, events as they come."""
    with (
        Caddy(containers.root / "proxy", containers.ports["api"]) as proxy,
        proxy.client() as browser,
    ):
        assert signed_in_from(browser, password, "203.0.113.7") in {"127.0.0.1", "::1"}
        page = browser.get("/")
        assert page.headers["content-type"].startswith("text/html")
        assert "max-age=31536000" in page.headers["strict-transport-security"]
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        with browser.stream("GET", "/api/stream/", headers={"Accept-Encoding": "gzip"}) as events:
            assert events.status_code == 200
            # The desk goes on with the stream, and has said no more than this.
            lines = events.iter_lines()
            assert next(lines).startswith("id: ")
            assert next(lines) == "event: hello"


def test_services_start_in_order_serve_tell_of_their_health_are_restored_and_stop(
    containers: Containers,
):
    # What runs to its end, in the order of the conditions; a second `up` changes nothing.
    for _ in range(2):
        ran_well(containers, "migrate")
        ran_well(containers, "setup-temporal")

    # docs/deploy.md: a person, a gateway, an account.
    made = ran_well(containers, "api", f"greenlight users add {EMAIL} --name Admin --admin")
    password = re.search(r"New password of \S+ (\S+)", made)
    assert password is not None, made
    containers.start_gateway()
    port = containers.ports["gateway"]
    ran_well(
        containers, "api", f"greenlight gateways add paper --host 127.0.0.1 --port {port} --paper"
    )
    ran_well(
        containers,
        "api",
        "greenlight accounts add DU1000001 --gateway paper --client first"
        " --client-name First --portfolio Income",
    )
    ran_well(containers, "setup-temporal")

    for name in SERVING:
        assert not containers.is_healthy(name)
        containers.start(name)
    containers.until_healthy(*SERVING)
    wait_until(lambda: gateway_state(containers) == "CONNECTED", 60, "the gateway is connected")

    keys = containers.data / "keys" / "secrets.key"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    metrics = f"http://127.0.0.1:{containers.environment('core-worker')['GREENLIGHT_METRICS_PORT']}"
    connected = 'greenlight_gateway_connected{gateway="paper"} 1.0'
    wait_until(lambda: connected in httpx.get(metrics).text, 30, "the gauges are read")

    # Nobody but the proxy's network is believed; where the proxy is, it is.
    direct = httpx.Client(base_url=f"http://127.0.0.1:{containers.ports['api']}", timeout=20)
    with direct:
        assert signed_in_from(direct, password[1], "203.0.113.7") == "127.0.0.1"
        assert containers.stop("api") in BY_SIGTERM
        containers.start("api", FORWARDED_ALLOW_IPS="127.0.0.0/29")
        containers.until_healthy("api")
        assert signed_in_from(direct, password[1], "203.0.113.7") == "203.0.113.7"
    reached_through_the_proxy(containers, password[1])

    examined = containers.run("api", "greenlight doctor").stdout
    assert "cannot rewrite the audit trail" in examined
    assert "FAILED" not in examined, examined

    folder = ran_well(containers, "core-worker", "greenlight backup").strip()
    for name in SERVING:
        assert containers.stop(name) in BY_SIGTERM, containers.log(name)
    # Restored by the one service that has the owner's password.
    refused = containers.run("core-worker", f"greenlight restore {folder} --yes")
    assert refused.returncode == 1, refused.stdout
    told = ran_well(containers, "migrate", f"greenlight restore {folder} --yes")
    assert "HALTED" in told
    containers.start("api")
    containers.until_healthy("api")
