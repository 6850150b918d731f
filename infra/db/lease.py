"""The lease on a gateway: at most one worker may send, and its epoch fences all earlier ones.

Time is Postgres's own, so that a wrong clock on a worker's host cannot stretch it; and the time
of the statement, for ``now()`` is when the transaction began, which may have waited for a lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, text, update

from infra.db.models import Gateway
from infra.db.session import Sessions

# Short, for a successor waits this long after a kill; renewed three times within it.
LEASE_SECONDS = 6


@dataclass(frozen=True, slots=True)
class Lease:
    """Held by ``owner`` at ``epoch``; whoever takes it next has a higher epoch."""

    gateway: str
    owner: str
    epoch: int

    @property
    def identity(self) -> tuple[str, str, int]:
        return self.gateway, self.owner, self.epoch


async def acquire_lease(sessions: Sessions, gateway: str, owner: str) -> Lease | None:
    """Take a free or run-out lease and raise its epoch; None while another worker holds it."""
    async with sessions.begin() as session:
        epoch = await session.scalar(
            update(Gateway)
            .where(
                Gateway.slug == gateway,
                or_(
                    Gateway.lease_until.is_(None),
                    Gateway.lease_until < func.clock_timestamp(),
                    Gateway.lease_owner == owner,
                ),
            )
            .values(
                lease_owner=owner,
                lease_epoch=Gateway.lease_epoch + 1,
                lease_until=_run_out(),
            )
            .returning(Gateway.lease_epoch)
        )
    return None if epoch is None else Lease(gateway, owner, epoch)


async def renew_lease(sessions: Sessions, lease: Lease) -> bool:
    """Extend the lease; False when it has passed to another owner or epoch."""
    async with sessions.begin() as session:
        renewed = await session.scalar(
            update(Gateway)
            .where(
                Gateway.slug == lease.gateway,
                Gateway.lease_owner == lease.owner,
                Gateway.lease_epoch == lease.epoch,
            )
            .values(lease_until=_run_out())
            .returning(Gateway.id)
        )
    return renewed is not None


async def release_lease(sessions: Sessions, lease: Lease) -> None:
    """Give the lease up at once, so that a successor need not wait for it to run out."""
    async with sessions.begin() as session:
        await session.execute(
            update(Gateway)
            .where(
                Gateway.slug == lease.gateway,
                Gateway.lease_owner == lease.owner,
                Gateway.lease_epoch == lease.epoch,
            )
            .values(lease_until=None, lease_owner=None)
        )


def _run_out() -> ColumnElement[datetime]:
    return func.clock_timestamp() + text(f"interval '{LEASE_SECONDS} seconds'")


def is_held(lease: Lease) -> Select[UUID]:
    """SQL: the gateway's id while its row carries this lease and it has not run out."""
    return select(Gateway.id).where(
        Gateway.slug == lease.gateway,
        Gateway.lease_owner == lease.owner,
        Gateway.lease_epoch == lease.epoch,
        Gateway.lease_until > func.clock_timestamp(),
    )
