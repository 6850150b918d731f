"""A client made of bytes: sends requests as they are written here, and keeps every frame."""

from __future__ import annotations

import asyncio
import struct
from collections import defaultdict
from typing import Any

Frame = list[str]


def frame(*fields: Any) -> bytes:
    payload = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(payload)) + payload


def hello(version: int, oldest: int = 100) -> bytes:
    greeting = f"v{oldest}..{version}".encode()
    return b"API\0" + struct.pack(">I", len(greeting)) + greeting


class WireClient:
    """One connection; ``frames`` holds what arrived, by message id."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.frames: dict[int, list[Frame]] = defaultdict(list)
        self.version = 0

    @classmethod
    async def connect(cls, port: int, client_id: int = 1, version: int = 178) -> WireClient:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        client = cls(reader, writer)
        writer.write(hello(version) + frame(71, 2, client_id, ""))
        agreed = await client.read()
        assert agreed is not None
        client.version = int(agreed[0])
        await client.settle()
        return client

    def send(self, *fields: Any) -> None:
        self._writer.write(frame(*fields))

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def read(self, seconds: float = 5.0) -> Frame | None:
        """The next frame; None when the gateway has closed the connection."""
        async with asyncio.timeout(seconds):
            try:
                (length,) = struct.unpack(">I", await self._reader.readexactly(4))
                payload = await self._reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
        fields = payload.decode().split("\0")
        assert fields.pop() == "", "the last field is terminated, too"
        return fields

    async def collect(self, until_id: int) -> Frame | None:
        """Keep frames up to and including one of this id; None when the connection ends first."""
        while (received := await self.read()) is not None:
            self.frames[int(received[0])].append(received)
            if int(received[0]) == until_id:
                return received
        return None

    async def collect_at_least(self, wanted_id: int, count: int) -> None:
        while len(self.frames[wanted_id]) < count and await self.collect(wanted_id):
            pass

    async def settle(self) -> bool:
        """Everything said so far has arrived; False when the gateway has hung up."""
        self.send(49, 1)
        return await self.collect(49) is not None

    def codes(self) -> list[int]:
        return [int(fields[3]) for fields in self.frames[4]]

    def close(self) -> None:
        self._writer.close()
