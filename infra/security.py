"""Passwords and session tokens."""

from __future__ import annotations

import hashlib
import secrets
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

# Argon2id by RFC 9106's profile for 64 MiB; OWASP's least is 19 MiB, 2 passes, 1 lane. Written out
# so that an upgrade of the library cannot weaken it; hashes made otherwise are renewed at sign-in.
_hasher = PasswordHasher(
    time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=16, type=Type.ID
)


def hash_password(password: str) -> str:
    """An argon2id hash with its parameters and salt. Takes tens of milliseconds of one core."""
    return _hasher.hash(password)


def verify_password(password_hash: str, password: str) -> bool:
    """Whether ``password`` is the one behind ``password_hash``; False for a malformed hash."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def verify_against_nobody(password: str) -> None:
    """Do the work of a verification, so that an unknown e-mail takes as long as a known one."""
    verify_password(_hash_of_nobody(), password)


@cache
def _hash_of_nobody() -> str:
    return hash_password(secrets.token_urlsafe(32))


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def new_session_token() -> str:
    """An opaque token of 256 random bits, safe in a cookie."""
    return secrets.token_urlsafe(32)


def new_api_token() -> str:
    """An opaque token for scripts; its beginning lets secret scanners find one that leaked."""
    return f"glt_{secrets.token_urlsafe(32)}"


def hash_token(token: str) -> bytes:
    """What is stored of a token. SHA-256 without salt: the token itself is random enough."""
    return hashlib.sha256(token.encode()).digest()
