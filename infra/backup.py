"""Backing the desk up, and restoring it behind a broker that went on trading.

A backup is a folder: Temporal's state (embedded only), then Postgres, then the manifest, which
makes it complete. In that order the database is never behind the workflows, which is what a crash
between the two looks like and what redelivery mends.

A restored record has forgotten what was sent after the backup. So nothing approved in it may be
sent: a restore halts the desk and withdraws every approval under way, as the kill switch does, and
raises the epoch of every lease above any that was held meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from pydantic import Field, ValidationError
from sqlalchemy import func, make_url, select, text, update

from domain.instruments import Frozen
from infra.db.audit import Actor, audit
from infra.db.clock import host_now
from infra.db.kill_switch import Pressing, digest_now, press
from infra.db.migrate import MIGRATIONS, upgrade
from infra.db.models import Gateway
from infra.db.session import own_sessions
from infra.settings import Settings

DUMP, TEMPORAL, MANIFEST = "postgres.dump", "temporal.db", "manifest.json"
_EPOCHS_AHEAD = 1_000_000
"""More than any gateway's lease changes hands between two backups."""
RESTORER = Actor(name="restore")


class BackupError(Exception):
    """Why a backup or a restore did not happen, in words."""


class Manifest(Frozen):
    """What a complete backup holds."""

    made_at: datetime
    revision: str = Field(description="of the schema, as alembic names it")
    files: dict[str, str] = Field(description="SHA-256 by file name")


def make_backup(settings: Settings, into: Path | None = None, temporal: Path | None = None) -> Path:
    """The folder of a new backup, under ``into`` or where the settings say.

    ``temporal`` is the SQLite file of an embedded Temporal; it is copied while the server runs.
    Raises BackupError; a folder without a manifest is no backup.
    """
    made_at = datetime.now(UTC)
    folder = (into or settings.backups) / f"{made_at:%Y%m%dT%H%M%S%fZ}"
    folder.mkdir(parents=True, mode=0o700)
    if temporal is not None:
        _copy_sqlite(temporal, folder / TEMPORAL)
    _run_postgres(settings, "pg_dump", "--format=custom", f"--file={folder / DUMP}")
    files = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    revision = _migrations().get_current_head() or ""
    manifest = Manifest(made_at=made_at, revision=revision, files=files)
    unfinished = folder / f"{MANIFEST}.unfinished"
    unfinished.write_text(manifest.model_dump_json(indent=2), "utf-8")
    unfinished.replace(folder / MANIFEST)
    return folder


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup whose files are as they were. BackupError otherwise."""
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise BackupError(f"{folder} is not a complete backup: {error}") from error
    for name, digest in manifest.files.items():
        path = folder / name
        if not path.is_file() or _sha256(path) != digest:
            raise BackupError(f"{path} is missing or not what was backed up")
    return manifest


async def restore_database(settings: Settings, folder: Path) -> int:
    """Put the backup's database in the place of the present one; how many trades it withdrew.

    An older schema is migrated. Raises BackupError for a backup that is damaged or newer than this
    code, while anybody else is connected, or when pg_restore fails; nothing has changed then. Ended
    in any other way, it must be run again before anything is started.
    """
    manifest = read_manifest(folder)
    if manifest.revision not in {each.revision for each in _migrations().walk_revisions()}:
        raise BackupError(f"the backup's schema {manifest.revision} is newer than this code")
    # Tables are made anew by their owner; the desk's own role is let in again by the migration.
    settings = settings.model_copy(
        update={"database_url": settings.database_owner_url or settings.database_url}
    )
    await _require_alone(settings)
    _run_postgres(
        settings,
        "pg_restore",
        *("--clean", "--if-exists", "--no-owner", "--no-privileges"),
        *("--single-transaction", "--exit-on-error"),
        f"--dbname={make_url(settings.database_url).database}",
        str(folder / DUMP),
    )
    await asyncio.to_thread(upgrade, settings.database_url)
    return await _make_safe(settings, manifest)


def restore_temporal(folder: Path, target: Path) -> None:
    """Put the backup's embedded Temporal state in place; the server must not be running."""
    source = folder / TEMPORAL
    for leftover in target.parent.glob(f"{target.name}*"):
        leftover.unlink()
    if source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


async def _make_safe(settings: Settings, manifest: Manifest) -> int:
    """Nothing approved in a restored record is sent: the broker may have filled it meanwhile."""
    async with own_sessions(settings) as sessions, sessions.begin() as session:
        reason = f"restored from the backup of {manifest.made_at:%Y-%m-%d %H:%M} UTC"
        wanted = Pressing(digest=await digest_now(session, None), reason=reason, account_id=None)
        pressed = await press(session, wanted, RESTORER)
        await session.execute(
            update(Gateway).values(
                lease_owner=None, lease_until=None, lease_epoch=Gateway.lease_epoch + _EPOCHS_AHEAD
            )
        )
        at = {"made_at": manifest.made_at.isoformat(), "restored_at": host_now().isoformat()}
        audit(session, RESTORER, "desk.restored", "desk", "desk", after=at)
        return len(pressed.withdrawn)


async def _require_alone(settings: Settings) -> None:
    async with own_sessions(settings) as sessions, sessions() as session:
        others = await session.scalar(
            select(func.count())
            .select_from(text("pg_stat_activity"))
            .where(text("datname = current_database() AND pid <> pg_backend_pid()"))
        )
    if others:
        raise BackupError(f"{others} connections are open: stop the API and every worker first")


def _run_postgres(settings: Settings, program: str, *arguments: str) -> None:
    try:
        subprocess.run(  # noqa: S603 - our own program and arguments
            [_program(program), *arguments],
            env={**os.environ, **_connection(settings.database_url)},
            check=True,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        raise BackupError(f"{program} failed: {error.stderr.strip()}") from error


def _program(name: str) -> str:
    """The bundled program, which is the newest, else the one on PATH."""
    from infra.embedded.postgres import bundled_program  # noqa: PLC0415 - absent in slim images

    found = bundled_program(name) or shutil.which(name)
    if found is None:
        raise BackupError(f"{name} is missing: install Postgres's client programs")
    return str(found)


def _connection(database_url: str) -> Mapping[str, str]:
    """libpq's environment: a password on a command line would be everybody's to read."""
    url = make_url(database_url)
    given = {
        "PGHOST": url.query.get("host") or url.host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": url.query.get("sslmode"),
        "PGSSLROOTCERT": url.query.get("sslrootcert"),
    }
    return {name: str(value) for name, value in given.items() if value is not None}


def _copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy of a database that is being written to."""
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing)
    except sqlite3.Error as error:
        raise BackupError(f"{source} cannot be copied: {error}") from error


def _migrations() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
