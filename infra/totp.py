"""One-time codes of an authenticator app (RFC 6238), and the recovery codes for when it is lost."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime

import pyotp
from pyotp.totp import TOTP

ISSUER = "Greenlight"
STEP_SECONDS = 30
# One step either side: a phone's clock is off by seconds, and typing takes some.
_DRIFT_STEPS = 1
RECOVERY_CODES = 10
# 120 random bits: more than OWASP ASVS 6.5.2 asks of what is stored as a plain hash.
_RECOVERY_BYTES = 15
_GROUP = 6


def new_secret() -> str:
    """160 random bits in base32, as authenticator apps take them."""
    return pyotp.random_base32(32)


def provisioning_uri(secret: str, email: str) -> str:
    """The ``otpauth://`` address that an app reads from a QR code."""
    return TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step (30 s since 1970) whose code this is, near ``now``; None for a wrong one.

    Whoever accepts it keeps the step and refuses it and every earlier one from then on.
    """
    totp = TOTP(secret)
    current = int(now.timestamp()) // STEP_SECONDS
    for step in range(current - _DRIFT_STEPS, current + _DRIFT_STEPS + 1):
        if secrets.compare_digest(totp.at(step * STEP_SECONDS).encode(), code.encode()):
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Codes to print and lock away; each signs in once."""
    return [_grouped(secrets.token_bytes(_RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]


def recovery_hash(code: str) -> bytes:
    """What is stored of a recovery code; case, spaces and dashes do not matter."""
    plain = "".join(code.upper().replace("-", " ").split())
    return hashlib.sha256(plain.encode()).digest()


def _grouped(raw: bytes) -> str:
    text = base64.b32encode(raw).decode()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
