"""The API behind a real server in a thread of its own, for clients that know only addresses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any, TypeVar

import requests
import uvicorn

from infra.embedded.ports import any_free_port
from tests.integration.api.client import HEADERS, ApiWorld, running_api
from tests.integration.api.world import PASSWORD

T = TypeVar("T")
# Far more than any answer takes, even where the machine has much else to do.
SECONDS = 60


@dataclass
class ServedApi:
    """A running server, and the world behind it."""

    url: str
    api: ApiWorld
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the server's own event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=SECONDS)

    def signed_in(self, who: str) -> requests.Session:
        session = requests.Session()
        ask = {"email": self.api.world.email(who), "password": PASSWORD}
        path = f"{self.url}/api/auth/login/"
        answer = session.post(path, json=ask, headers=HEADERS, timeout=SECONDS)
        assert answer.status_code == 200, answer.text
        return session


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, up: Callable[[], None]) -> None:
        super().__init__(config)
        self._up = up

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self._up()


@contextmanager
def served_api(database_url: str, home: Path) -> Iterator[ServedApi]:
    """Serve the API on a freshly filled database until the block ends."""
    ready = threading.Event()
    served: list[ServedApi] = []
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        port, loop = any_free_port(), asyncio.get_running_loop()
        async with running_api(database_url, home) as api:
            served.append(ServedApi(f"http://127.0.0.1:{port}", api, loop))
            config = uvicorn.Config(
                api.app, host="127.0.0.1", port=port, lifespan="off", log_config=None
            )
            servers.append(_Server(config, ready.set))
            await servers[0].serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="served API", daemon=True)
    thread.start()
    assert ready.wait(SECONDS), "the server did not start"
    try:
        yield served[0]
    finally:
        servers[0].should_exit = True
        thread.join(30)
