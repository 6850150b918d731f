"""What telling people asks of the record and of the world."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from domain.instruments import Frozen
from domain.notifications import Message, Occurrence


class Delivery(Frozen):
    """What is due on one channel, taken by whoever holds it."""

    channel_id: UUID
    url: str
    """Where to, secrets included, in apprise's notation."""
    notification_ids: tuple[UUID, ...]
    occurrences: tuple[Occurrence, ...]


class NotificationStore(Protocol):
    async def collect(self) -> int:
        """Put on record what each channel is to be told that it was not; how many."""
        ...

    async def take_due(self) -> list[Delivery]:
        """What is due, a delivery per channel; others find it again if it is not settled soon."""
        ...

    async def sent(self, delivery: Delivery) -> None: ...

    async def failed(self, delivery: Delivery, reason: str) -> None:
        """Tried again later, with growing pauses, and given up in the end."""
        ...


class Messenger(Protocol):
    async def send(self, url: str, message: Message) -> None:
        """Raises GreenlightError NOTIFICATION_FAILED with the reason."""
        ...
