"""The installation's keys: what secrets at rest are encrypted with.

A key file holds one Fernet key a line. The first encrypts; all of them decrypt, so that what was
written under an older key stays readable until it is written again.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class KeyFileError(Exception):
    """A key file that cannot be used; the message names the file and what to do."""


class KeyRing:
    """Encrypts and decrypts small secrets, authenticated (AES-128-CBC with HMAC-SHA256).

    The file is read at the first use; with ``create`` a first key is made where there is none.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._path = path
        self._create = create

    def load(self) -> None:
        """Read the file now. Raises KeyFileError: missing, empty, malformed or open to others."""
        _ = self._fernet

    @cached_property
    def _fernet(self) -> MultiFernet:
        if self._create:
            create_key_file(self._path)
        return MultiFernet([Fernet(key) for key in read_keys(self._path)])

    def encrypt(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, sealed: bytes, within: timedelta | None = None) -> str | None:
        """The secret, or None for what no key of this ring has sealed, or not of late."""
        seconds = None if within is None else int(within.total_seconds())
        try:
            return self._fernet.decrypt(sealed, ttl=seconds).decode()
        except InvalidToken:
            return None

    def renewed(self, sealed: bytes) -> bytes:
        """The same secret under the newest key. Raises InvalidToken for a foreign one."""
        return self._fernet.rotate(sealed)


def read_keys(path: Path) -> list[bytes]:
    """The keys of a file, newest first."""
    try:
        mode = path.stat().st_mode
        lines = path.read_text("ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"the key file {path} cannot be read: {error}") from error
    if mode & 0o077:
        raise KeyFileError(f"the key file {path} is open to other users: chmod 600 {path}")
    if not lines:
        raise KeyFileError(f"the key file {path} holds no key")
    for number, line in enumerate(lines, 1):
        try:
            Fernet(line.encode())
        except ValueError as error:
            raise KeyFileError(f"line {number} of the key file {path} is no key") from error
    return [line.encode() for line in lines]


def create_key_file(path: Path) -> None:
    """A file with a first key, unless there is one. Of two processes at once one makes it."""
    if path.exists():
        return
    with suppress(FileExistsError):
        _put(path, [Fernet.generate_key()], replace=False)


def add_key(path: Path) -> None:
    """Put a new key before the others: it encrypts from now on, the others still decrypt."""
    _put(path, [Fernet.generate_key(), *read_keys(path)], replace=True)


def drop_old_keys(path: Path) -> int:
    """Keep the newest key alone; how many were dropped."""
    keys = read_keys(path)
    _put(path, keys[:1], replace=True)
    return len(keys) - 1


def _put(path: Path, keys: list[bytes], *, replace: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Whole or not at all: a reader never sees half a key file. mkstemp makes it 0600.
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    made = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(b"\n".join(keys) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if replace:
            made.replace(path)
        else:
            os.link(made, path)
    finally:
        made.unlink(missing_ok=True)
