"""The database role the desk works as: it may not change or remove what is only ever added to.

The tables belong to whoever migrates. The desk's processes connect as ``APP_ROLE``, which can
neither alter a table, nor switch its triggers off, nor write a link of the audit chain itself.
"""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

APP_ROLE = "greenlight_app"
# Rows of these are only ever added; those of the second by the database alone.
_ADDED_TO = ("audit_events", "order_events")
_READ_ONLY = ("audit_links", "alembic_version")


def let_app_in(connection: Connection) -> bool:
    """Create the desk's role if absent, and grant it what the desk does in every table.

    False where the role is absent and this login may not create one; the desk can then only work
    as the owner. An operator who creates it (``CREATE ROLE greenlight_app LOGIN PASSWORD …``)
    migrates once more.
    """
    if not _role_exists(connection):
        try:
            with connection.begin_nested():
                connection.execute(text(f"CREATE ROLE {APP_ROLE} LOGIN"))
        except ProgrammingError:
            return False
    for statement in _grants():
        connection.execute(text(statement))
    return True


def _role_exists(connection: Connection) -> bool:
    found = connection.execute(
        text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": APP_ROLE}
    )
    return found.first() is not None


def _grants() -> list[str]:
    changing = "INSERT, UPDATE, DELETE, TRUNCATE"
    return [
        f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}",
        *(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {APP_ROLE}" for table in _ADDED_TO),
        *(f"REVOKE {changing} ON {table} FROM {APP_ROLE}" for table in _READ_ONLY),
    ]
