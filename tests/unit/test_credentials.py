"""Passwords, one-time codes and the keys that seal them."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from domain.errors import ErrorCode, GreenlightError
from infra.keys import KeyFileError, KeyRing, add_key, drop_old_keys
from infra.passwords import require_good_password
from infra.security import hash_password
from infra.totp import (
    matching_step,
    new_recovery_codes,
    new_secret,
    provisioning_uri,
    recovery_hash,
)

NOW = datetime(2026, 11, 2, 15, 0, 10, tzinfo=UTC)


def test_hashes_state_argon2id_with_64_mib_3_passes_4_lanes():
    assert hash_password("x").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "password1234",
        "qwertyuiop123",
        "aaaaaaaaaaaaaaaa",
        "iloveyou12345",
        "approver.desk",
        "greenlight12345",
    ],
)
def test_common_and_personal_passwords_are_refused(password: str):
    with pytest.raises(GreenlightError) as refused:
        require_good_password(password, ("approver@desk.test", "Approver"))
    assert refused.value.code is ErrorCode.WEAK_PASSWORD


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "vT9#kq2!xLw8", "zebra lamp orbit velvet " * 20]
)
def test_long_or_random_passwords_pass(password: str):
    require_good_password(password, ("approver@desk.test", "Approver"))


def test_a_code_is_good_in_its_own_step_and_one_either_side():
    secret = new_secret()
    totp = pyotp.TOTP(secret)
    step = int(NOW.timestamp()) // 30
    for drift, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = totp.at(NOW + timedelta(seconds=30 * drift))
        assert matching_step(secret, code, NOW) == (step + drift if good else None)


def test_the_secret_is_offered_as_apps_read_it():
    assert provisioning_uri("JBSWY3DP" * 4, "a@b.test") == (
        f"otpauth://totp/Greenlight:a%40b.test?secret={'JBSWY3DP' * 4}&issuer=Greenlight"
    )


def test_recovery_codes_are_distinct_and_read_whatever_their_dashes_and_case():
    codes = new_recovery_codes()
    assert len(set(codes)) == len(codes) == 10
    assert recovery_hash(codes[0]) == recovery_hash(f" {codes[0].lower().replace('-', ' ')} ")
    assert recovery_hash(codes[0]) != recovery_hash(codes[1])


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path):
    path = tmp_path / "keys" / "secrets.key"
    sealed = KeyRing(path, create=True).encrypt("secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyRing(path, create=True).decrypt(sealed) == "secret"
    assert b"secret" not in sealed


def test_after_a_rotation_old_secrets_open_until_renewed_and_the_old_key_dropped(tmp_path: Path):
    path = tmp_path / "secrets.key"
    sealed = KeyRing(path, create=True).encrypt("secret")
    add_key(path)
    rotated = KeyRing(path)
    assert rotated.decrypt(sealed) == "secret"
    renewed = rotated.renewed(sealed)
    assert drop_old_keys(path) == 1
    newest = KeyRing(path)
    assert newest.decrypt(sealed) is None
    assert newest.decrypt(renewed) == "secret"


@pytest.mark.parametrize(
    ("content", "mode", "complaint"),
    [
        (None, 0o600, "cannot be read"),
        ("", 0o600, "holds no key"),
        ("nonsense\n", 0o600, "line 1"),
        ("x" * 44, 0o644, "chmod 600"),
    ],
)
def test_an_unusable_key_file_is_named(
    tmp_path: Path, content: str | None, mode: int, complaint: str
):
    path = tmp_path / "secrets.key"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    with pytest.raises(KeyFileError, match=complaint) as refused:
        KeyRing(path).load()
    assert str(path) in str(refused.value)
