"""Telling people what waits for them, through the channels they chose."""

from __future__ import annotations

from temporalio import activity

from domain.errors import GreenlightError
from domain.instruments import Frozen
from domain.notifications import compose
from domain.ports.notifications import Messenger, NotificationStore


class NotificationReport(Frozen):
    """Occurrences put on record for channels, and messages that went out or did not."""

    collected: int
    sent: int
    failed: int


class NotificationActivities:
    def __init__(self, store: NotificationStore, messenger: Messenger, desk_url: str) -> None:
        self._store = store
        self._messenger = messenger
        self._desk_url = desk_url

    @activity.defn
    async def notify(self) -> NotificationReport:
        """Collect what is new and send what is due.

        A message that went out while its worker died before saying so goes out again: better
        told twice than not at all.
        """
        collected = await self._store.collect()
        sent = failed = 0
        for delivery in await self._store.take_due():
            message = compose(delivery.occurrences, self._desk_url)
            try:
                await self._messenger.send(delivery.url, message)
            except GreenlightError as error:
                failed += 1
                activity.logger.warning("channel %s: %s", delivery.channel_id, error.detail)
                await self._store.failed(delivery, error.detail)
            else:
                sent += 1
                await self._store.sent(delivery)
        return NotificationReport(collected=collected, sent=sent, failed=failed)
