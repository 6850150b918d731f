"""Sending messages to people through apprise: e-mail, chat, push, webhook."""

from __future__ import annotations

import logging
from collections.abc import Collection
from urllib.parse import urlsplit

from apprise import Apprise, NotifyType
from apprise.logger import LogCapture

from domain.errors import ErrorCode, GreenlightError
from domain.notifications import Message


def checked_address(url: str, kinds: Collection[str]) -> str:
    """The kind of an address, e.g. ``mailtos``.

    Raises GreenlightError CHANNEL_REFUSED: a kind that this installation does not allow, or an
    address that apprise cannot read. Kinds are an allowed list because some of what apprise
    knows reaches into this machine or its network.
    """
    kind = urlsplit(url).scheme.lower()
    if kind not in kinds:
        raise GreenlightError(
            ErrorCode.CHANNEL_REFUSED,
            f"addresses of kind {kind or 'without a scheme'!r} are not allowed here; "
            f"allowed: {', '.join(sorted(kinds))}",
        )
    if not Apprise().add(url):
        raise GreenlightError(
            ErrorCode.CHANNEL_REFUSED, f"this is no complete {kind} address: a part is missing"
        )
    return kind


class AppriseMessenger:
    """``domain.ports.notifications.Messenger`` over apprise."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = frozenset(kinds)

    async def send(self, url: str, message: Message) -> None:
        checked_address(url, self._kinds)
        to = Apprise()
        to.add(url)
        with LogCapture(level=logging.WARNING, fmt="%(message)s") as said:
            delivered = await to.async_notify(
                title=message.title, body=message.body, notify_type=NotifyType.INFO
            )
            why = str(said.getvalue()).strip()
        if not delivered:
            reason = why.splitlines()[-1][:300] if why else "no answer"
            raise GreenlightError(ErrorCode.NOTIFICATION_FAILED, f"not delivered: {reason}")
