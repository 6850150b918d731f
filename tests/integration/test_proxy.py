"""The proxy before the API: its file is understood, and does what the deployment promises.

In front of the desk's own API: ``tests/faults/test_containers.py``.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.embedded.ports import LOOPBACK
from tests.desk import wait_until
from tests.integration.caddy import DEPLOY, HOST, Caddy, program

pytestmark = pytest.mark.integration
SECOND_EVENT_MAY_GO = threading.Event()
PATIENCE_SECONDS = 10.0


class Api(BaseHTTPRequestHandler):
    """Tells what it was asked, and streams one event; the second when the test says so."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/api/stream/":
            self._stream()
        else:
            body = json.dumps({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"event: hello\ndata: {}\n\n")
        self.wfile.flush()
        SECOND_EVENT_MAY_GO.wait(PATIENCE_SECONDS)
        self.wfile.write(b"event: change\ndata: {}\n\n")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caddy]:
    api = ThreadingHTTPServer((LOOPBACK, 0), Api)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    with Caddy(tmp_path_factory.mktemp("proxy"), api.server_port) as started:
        yield started
    api.shutdown()
    api.server_close()


def test_the_file_is_understood_by_the_version_that_the_image_holds(proxy: Caddy):
    image = re.search(r"FROM caddy:([\d.]+)-", (DEPLOY / "proxy.Dockerfile").read_text("utf-8"))
    version = subprocess.run([program(), "version"], capture_output=True, text=True, check=True)
    assert image is not None
    assert version.stdout.startswith(f"v{image[1]} ")
    judged = subprocess.run(
        [program(), "validate", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile"],
        env=proxy.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stderr
    assert "not formatted" not in judged.stderr


def test_people_are_led_to_https_and_a_script_is_told_that_plain_http_is_refused(proxy: Caddy):
    with proxy.client() as client:
        page = client.get(f"{proxy.plain_url}/orders?state=WORKING")
        assert page.status_code == 301
        assert page.headers["Location"] == f"https://{HOST}/orders?state=WORKING"
        refused = client.get(f"{proxy.plain_url}/api/orders/")
        assert refused.status_code == 403
        assert "HTTPS" in refused.text


def test_whoever_asks_cannot_say_where_from(proxy: Caddy):
    lies = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http", "X-Real-IP": "192.0.2.1"}
    with proxy.client() as client:
        answer = client.get("/api/anything/", headers={**lies, "X-Greenlight": "1"})
        told = answer.json()
    # No way is offered that the host does not pass on.
    assert "alt-svc" not in answer.headers
    assert told["x-forwarded-for"] in {LOOPBACK, "::1"}
    assert told["x-forwarded-proto"] == "https"
    assert told["x-greenlight"] == "1"
    assert told["host"] == f"{HOST}:{proxy.https_port}"


def test_requests_are_logged_without_what_signs_somebody_in(proxy: Caddy):
    secrets = {"Cookie": "__Host-desk=hidden", "Authorization": "Bearer hidden"}
    with proxy.client() as client:
        client.get("/api/logged/", headers=secrets).raise_for_status()
    wait_until(lambda: "/api/logged/" in proxy.log(), PATIENCE_SECONDS, "the request is logged")
    assert "hidden" not in proxy.log()


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_event_goes_out_before_the_next_is_there(proxy: Caddy, encoding: str):
    SECOND_EVENT_MAY_GO.clear()
    asked = {"Accept": "text/event-stream", "Accept-Encoding": encoding}
    try:
        with (
            proxy.client() as client,
            client.stream("GET", "/api/stream/", headers=asked, timeout=5) as answer,
        ):
            assert answer.headers["Cache-Control"] == "no-store"
            lines = answer.iter_lines()
            assert next(lines) == "event: hello"
            SECOND_EVENT_MAY_GO.set()
            assert "event: change" in list(lines)
    finally:
        SECOND_EVENT_MAY_GO.set()


def _greets_with(proxy: Caddy, version: ssl.TLSVersion) -> str | None:
    """What the proxy and a client of this version alone agree on."""
    context = proxy.trust()
    # What this machine's library would not even try must be refused by the proxy.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection((LOOPBACK, proxy.https_port), timeout=5) as line,
        context.wrap_socket(line, server_hostname=HOST) as secured,
    ):
        return secured.version()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_of_tls_are_refused(proxy: Caddy):
    assert _greets_with(proxy, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    assert _greets_with(proxy, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    with pytest.raises(ssl.SSLError, match=r"(?i)alert protocol version"):
        _greets_with(proxy, ssl.TLSVersion.TLSv1_1)


def test_an_api_that_is_away_is_told_by_the_proxy_s_own_answer(
    tmp_path_factory: pytest.TempPathFactory,
):
    """The web app takes it for a desk that cannot be reached."""
    with socket.create_server((LOOPBACK, 0)) as held:
        nobody = held.getsockname()[1]
    with Caddy(tmp_path_factory.mktemp("proxy"), nobody) as proxy, proxy.client() as client:
        assert client.get("/api/desk/").status_code == 502
