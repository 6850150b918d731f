"""How a person is notified while away: channels made, tried and removed by themselves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, status
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.commands import once
from api.deps import Desk, Resources, SignedIn, Transaction, actor
from api.entity_tags import IfMatch, require_match
from api.proof import ACCOUNT_CHANGES, require_fresh
from api.schemas.notifications import (
    ChannelAnswer,
    ChannelAsk,
    ChannelChange,
    ChannelsAnswer,
    ChannelWishes,
)
from domain.errors import ErrorCode, GreenlightError
from domain.notifications import Message
from infra.db.audit import audit
from infra.db.models import NotificationChannel
from infra.db.queries.notifications import channel_rows, own_channel
from infra.notify import AppriseMessenger, checked_address

router = APIRouter(prefix="/auth/channels", tags=["account"])

AT_MOST = 10
_TEST = "This is a test. What waits for you on the desk will be told here."


@router.get("/")
async def list_channels(desk: Desk, session: Transaction, viewer: SignedIn) -> ChannelsAnswer:
    """Your channels, by name."""
    rows = await channel_rows(session, viewer.user_id)
    return ChannelsAnswer(
        channels=[ChannelAnswer.model_validate(row) for row in rows],
        kinds=sorted(desk.settings.notification_kinds),
    )


@router.post("/", status_code=status.HTTP_201_CREATED)
@once
async def create_channel(
    ask: ChannelAsk, request: Request, desk: Desk, session: Transaction, viewer: SignedIn
) -> ChannelAnswer:
    """A further channel; it hears of what happens from now on."""
    require_fresh(viewer, desk, ACCOUNT_CHANGES)
    held = await session.scalar(
        select(func.count()).where(NotificationChannel.user_id == viewer.user_id)
    )
    if (held or 0) >= AT_MOST:
        raise GreenlightError(
            ErrorCode.CHANNEL_REFUSED, f"there are {AT_MOST} channels already; remove one first"
        )
    channel = NotificationChannel(user_id=viewer.user_id, **_address(desk, ask), **_wishes(ask))
    session.add(channel)
    await session.flush()
    audit(
        session, actor(request, viewer), "channel.created", "notification_channel", channel.id,
        after=_told(channel),
    )  # fmt: skip
    return await _answer(session, viewer.user_id, channel.id)


@router.put("/{channel_id}/")
@once
async def change_channel(
    channel_id: UUID,
    ask: ChannelChange,
    request: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    if_match: IfMatch = None,
) -> ChannelAnswer:
    """Put other wishes in place of those of a channel; a new address takes a fresh proof."""
    channel = await _own(session, viewer.user_id, channel_id)
    require_match(if_match, (await _answer(session, viewer.user_id, channel_id)).etag)
    before = _told(channel)
    values = _wishes(ask)
    if ask.address is not None:
        require_fresh(viewer, desk, ACCOUNT_CHANGES)
        values |= _address(desk, ask)
    for name, value in values.items():
        setattr(channel, name, value)
    await session.flush()
    audit(
        session, actor(request, viewer), "channel.changed", "notification_channel", channel_id,
        before=before, after=_told(channel),
    )  # fmt: skip
    return await _answer(session, viewer.user_id, channel_id)


@router.delete("/{channel_id}/", status_code=status.HTTP_204_NO_CONTENT)
@once
async def delete_channel(
    channel_id: UUID, request: Request, session: Transaction, viewer: SignedIn
) -> None:
    """Remove a channel and what it was told."""
    channel = await _own(session, viewer.user_id, channel_id)
    before = _told(channel)
    await session.delete(channel)
    audit(
        session, actor(request, viewer), "channel.removed", "notification_channel", channel_id,
        before=before,
    )  # fmt: skip


@router.post("/{channel_id}/test/", status_code=status.HTTP_204_NO_CONTENT)
@once
async def test_channel(
    channel_id: UUID, request: Request, desk: Desk, session: Transaction, viewer: SignedIn
) -> None:
    """Send a message on a channel now; 502 with the reason if it does not get through."""
    channel = await _own(session, viewer.user_id, channel_id)
    url = desk.keys.decrypt(channel.sealed_url)
    if url is None:
        raise GreenlightError(
            ErrorCode.NOTIFICATION_FAILED, "its address cannot be read any more: enter it again"
        )
    messenger = AppriseMessenger(desk.settings.notification_kinds)
    body = f"{_TEST}\n{desk.settings.public_url}/"
    await messenger.send(url, Message(title="Greenlight: a test", body=body))
    audit(
        session, actor(request, viewer), "channel.tested", "notification_channel", channel_id,
        after=_told(channel),
    )  # fmt: skip


async def _own(session: AsyncSession, user_id: UUID, channel_id: UUID) -> NotificationChannel:
    channel = await own_channel(session, user_id, channel_id, lock=True)
    if channel is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such channel")
    return channel


def _address(desk: Resources, ask: ChannelAsk | ChannelChange) -> dict[str, Any]:
    assert ask.address is not None, "asked for by the caller"
    url = ask.address.get_secret_value().strip()
    kind = checked_address(url, desk.settings.notification_kinds)
    return {"kind": kind, "sealed_url": desk.keys.encrypt(url)}


def _wishes(ask: ChannelWishes) -> dict[str, Any]:
    values = ask.model_dump(exclude={"address", "events"})
    return {**values, "events": sorted(event.value for event in ask.events)}


def _told(channel: NotificationChannel) -> dict[str, Any]:
    """What the audit trail keeps of a channel: never its address."""
    return {
        "name": channel.name,
        "kind": channel.kind,
        "events": list(channel.events),
        "least_severity": channel.least_severity,
        "is_enabled": channel.is_enabled,
    }


async def _answer(session: AsyncSession, user_id: UUID, channel_id: UUID) -> ChannelAnswer:
    rows = await channel_rows(session, user_id)
    return next(ChannelAnswer.model_validate(row) for row in rows if row.id == channel_id)
