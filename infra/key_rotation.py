"""Sealing every stored secret anew under a new key of the installation."""

from __future__ import annotations

from sqlalchemy import select

from infra.db.audit import audit
from infra.db.models import NotificationChannel, User
from infra.db.session import engine, sessions
from infra.keys import KeyRing, add_key
from infra.settings import Settings
from infra.users import COMMAND_LINE


async def rotate_keys(settings: Settings) -> int:
    """Add a key and seal under it the secrets of one-time codes and the addresses of notification
    channels; how many those were.

    Running processes keep reading with the old key, which stays in the file: a secret sealed under
    the new one is read again once they have been restarted.
    """
    add_key(settings.secrets_key_file)
    keys = KeyRing(settings.secrets_key_file)
    database = engine(settings)
    try:
        async with sessions(database).begin() as session:
            sealed = select(User).where(User.totp_secret.is_not(None)).with_for_update()
            users = (await session.scalars(sealed)).all()
            for user in users:
                assert user.totp_secret is not None, "selected for having one"
                user.totp_secret = keys.renewed(user.totp_secret)
            channels = (await session.scalars(select(NotificationChannel).with_for_update())).all()
            for channel in channels:
                channel.sealed_url = keys.renewed(channel.sealed_url)
            audit(session, COMMAND_LINE, "keys.rotated", "key_file", settings.secrets_key_file)
            return len(users) + len(channels)
    finally:
        await database.dispose()
