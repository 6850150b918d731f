"""The TWS socket protocol: frames of NUL-terminated text fields behind a length.

Every frame is a 4-byte big-endian length and that many bytes of fields, each ended by NUL. The
first field is the message id. Layouts follow server version 178; differences down to 157, the
least that clients of the last years speak, are handled where a message is built.
"""

from __future__ import annotations

import struct
from asyncio import IncompleteReadError
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Protocol

from domain.instruments import plain
from infra.simulator.contracts import ContractSpec

SERVER_VERSION = 178
MIN_SERVER_VERSION = 157
MAX_FRAME_BYTES = 1 << 20
UNSET_DOUBLE = "1.7976931348623157E308"
UNSET_INTEGER = 2147483647
LARGEST_INTEGER = 2**63 - 1
MOST_DIGITS = 18
"""Numbers of more digits before or behind the point are nonsense."""
HELLO = b"API\0"

DECIMALS = 9
"""What lies beyond is noise of binary fractions."""
Field = str | int | float | Decimal | bool | date | None


class WireError(ValueError):
    """Bytes or fields that do not follow the protocol."""


class ByteSource(Protocol):
    """Where bytes come from: an ``asyncio.StreamReader``, or one behind faults."""

    async def readexactly(self, count: int, /) -> bytes: ...


def frame(fields: Iterable[Field]) -> bytes:
    """One message, framed."""
    payload = "".join(f"{text(field)}\0" for field in fields).encode()
    return struct.pack(">I", len(payload)) + payload


def text(field: Field) -> str:
    """A value as TWS writes it: no exponents, booleans as 1 or 0, None as an empty field."""
    match field:
        case None:
            return ""
        case bool():
            return "1" if field else "0"
        case Enum():
            return str(field.value)
        case float():
            return repr(field)
        case Decimal():
            return format(field, "f")
        case datetime():
            raise TypeError("times are formatted by the message that carries them")
        case date():
            return f"{field:%Y%m%d}"
        case _:
            return str(field).replace("\0", " ")


async def read_frame(reader: ByteSource) -> list[str] | None:
    """The fields of the next message; None at the end of the stream; WireError on nonsense."""
    payload = await _read_payload(reader)
    return None if payload is None else _split(payload)


async def read_hello(reader: ByteSource) -> int | None:
    """The server version agreed with a client that says hello; None if it hangs up first.

    The client sends ``API\\0`` and a frame ``v<min>..<max>`` with optional options behind a space.
    """
    try:
        if await reader.readexactly(len(HELLO)) != HELLO:
            raise WireError("not a TWS client")
    except IncompleteReadError:
        return None
    payload = await _read_payload(reader)
    if payload is None:
        return None
    versions = payload.decode(errors="replace").split(" ")[0]
    low, _, high = versions.removeprefix("v").partition("..")
    try:
        oldest, newest = int(low), int(high or low)
    except ValueError:
        raise WireError(f"version range {versions!r}") from None
    agreed = min(SERVER_VERSION, newest)
    if agreed < MIN_SERVER_VERSION or oldest > SERVER_VERSION:
        raise WireError(f"version range {versions!r} does not reach {MIN_SERVER_VERSION}")
    return agreed


async def _read_payload(reader: ByteSource) -> bytes | None:
    try:
        (length,) = struct.unpack(">I", await reader.readexactly(4))
        if length > MAX_FRAME_BYTES:
            raise WireError(f"frame of {length} bytes")
        return await reader.readexactly(length)
    except IncompleteReadError:
        return None


def _split(payload: bytes) -> list[str]:
    fields = payload.decode(errors="backslashreplace").split("\0")
    # The last field is terminated too; tolerate clients that forget it.
    return fields[:-1] if fields[-1] == "" else fields


class Fields:
    """Reads the fields of a request in order; WireError names the field that is wrong."""

    def __init__(self, fields: list[str]) -> None:
        self._fields = fields
        self._next = 0

    def __len__(self) -> int:
        """How many fields are left."""
        return len(self._fields) - self._next

    def skip(self, count: int = 1) -> None:
        for _ in range(count):
            self.str()

    def str(self) -> str:
        if self._next >= len(self._fields):
            raise WireError(f"message ends before field {self._next}")
        self._next += 1
        return self._fields[self._next - 1]

    def int(self, default: int = 0) -> int:
        raw = self.str()
        if not raw:
            return default
        try:
            value = int(raw)
        except ValueError:
            raise self._wrong(raw, "an integer") from None
        if abs(value) > LARGEST_INTEGER:
            raise self._wrong(raw, "within 64 bits")
        return value

    def bool(self) -> bool:
        return self.int() != 0

    def decimal(self) -> Decimal | None:
        """A number, or None for an empty or unset field."""
        raw = self.str()
        if not raw or raw.upper() in {UNSET_DOUBLE, "1.7976931348623157E+308"}:
            return None
        try:
            value = Decimal(raw)
        except InvalidOperation:
            raise self._wrong(raw, "a number") from None
        if not value.is_finite():
            raise self._wrong(raw, "finite")
        # Exponents first: an absurd one must not be computed with.
        if value and (value.adjusted() > MOST_DIGITS or value.adjusted() < -MOST_DIGITS):
            raise self._wrong(raw, "of a reasonable size")
        # Clients compute in doubles: 0.04999999999999999 means 0.05.
        return value if value == (rounded := round(value, DECIMALS)) else Decimal(plain(rounded))

    def pairs(self, count: int) -> list[tuple[str, str]]:
        return [(self.str(), self.str()) for _ in range(self._reasonable(count))]

    def count(self) -> int:
        """The length of a list that follows."""
        return self._reasonable(self.int())

    def contract(self) -> ContractSpec:
        """The twelve contract fields most requests carry."""
        values = [self.int(), *(self.str() for _ in range(11))]
        try:
            spec = ContractSpec(*values)  # type: ignore[arg-type]
            _ = spec.strike_value
        except ValueError as error:
            raise WireError(str(error)) from None
        return spec

    def _reasonable(self, count: int) -> int:
        if not 0 <= count <= 1000:
            raise WireError(f"a list of {count} entries")
        return count

    def _wrong(self, raw: str, wanted: str) -> WireError:
        return WireError(f"field {self._next - 1} is {raw[:60]!r}, not {wanted}")
