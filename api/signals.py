"""Telling workflows what was recorded: a connection to Temporal that may come and go.

The API starts and serves without Temporal. A decision that cannot be signalled stays on record
and is delivered by the reconciliation schedule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from domain.errors import ErrorCode, GreenlightError
from domain.ports import DryRunFindings, DryRunRequest
from domain.ports.backtests import BacktestRequest
from domain.recommendations import DecisionAction
from infra.backtests.submitting import cancel_backtest, start_backtest
from infra.settings import Settings
from infra.temporal.client import connect
from infra.temporal.delivery import announce_order, deliver_decision, request_withdrawal
from infra.temporal.schedules import put_schedules
from infra.temporal.strategies import dry_run, next_strategy_runs, start_strategy_run

log = structlog.stdlib.get_logger(__name__)

DELIVERY_SECONDS = 5.0
_HEALTH_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 15.0


class Signals(Protocol):
    """What the API asks of workflows, from ``start`` to ``stop``."""

    def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def decision(
        self, recommendation_id: UUID, decision_id: UUID, action: DecisionAction
    ) -> bool:
        """Whether the workflow now knows of the decision."""
        ...

    async def withdraw(self, recommendation_id: UUID) -> None:
        """Tell the workflow of a withdrawal on record; what does not arrive is told again."""
        ...

    async def order_changed(self, recommendation_id: UUID, order_key: str) -> None:
        """Hint the workflow that a person changed an order; it also looks by itself."""
        ...

    async def start_backtest(self, request: BacktestRequest, workflow_id: str) -> None:
        """Start a backtest or a sweep. GreenlightError NOT_STARTED while Temporal is away."""
        ...

    async def cancel_backtest(self, workflow_id: str) -> bool:
        """Whether a running workflow was asked to stop. Raises as ``start_backtest`` does."""
        ...

    async def run_strategy(self, instance_id: UUID, workflow_id: str) -> None:
        """Start a run of one instance. Raises as ``start_backtest`` does."""
        ...

    async def dry_run(self, request: DryRunRequest, workflow_id: str) -> DryRunFindings:
        """Wait for a dry run. GreenlightError NOT_STARTED, or what prevented it."""
        ...

    async def set_schedules(self, gateways: Sequence[str]) -> bool:
        """Schedule what every gateway asks for; False where that has to be done later."""
        ...

    async def next_strategy_runs(self) -> datetime | None:
        """When enabled instances run next; None if they do not, or Temporal does not say."""
        ...

    async def is_reachable(self) -> bool: ...

    @property
    def client(self) -> Client | None:
        """The connection, for looking at Temporal itself; None while there is none."""
        ...


class TemporalSignals:
    """Signals over one Temporal client, connected in the background for as long as it takes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._connecting: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._connecting = asyncio.create_task(self._connect(), name="connect to Temporal")

    async def stop(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            with suppress(asyncio.CancelledError):
                await self._connecting

    async def until_connected(self) -> None:
        """Return once Temporal has been reached."""
        if self._connecting is not None:
            await asyncio.shield(self._connecting)

    async def decision(
        self, recommendation_id: UUID, decision_id: UUID, action: DecisionAction
    ) -> bool:
        try:
            async with asyncio.timeout(DELIVERY_SECONDS):
                await deliver_decision(self._connected(), recommendation_id, decision_id, action)
        except Exception:
            # Whatever it was, the decision is on record and will be delivered again; an error
            # here would tell the person that it was not made.
            log.warning(
                "decision.not_delivered",
                recommendation_id=str(recommendation_id),
                decision_id=str(decision_id),
                exc_info=True,
            )
            return False
        return True

    async def withdraw(self, recommendation_id: UUID) -> None:
        try:
            async with asyncio.timeout(DELIVERY_SECONDS):
                await request_withdrawal(self._connected(), recommendation_id)
        except Exception:
            # On record, like a decision: reconciliation signals it again until the order ends.
            log.warning(
                "withdrawal.not_delivered", recommendation_id=str(recommendation_id), exc_info=True
            )

    async def order_changed(self, recommendation_id: UUID, order_key: str) -> None:
        try:
            async with asyncio.timeout(DELIVERY_SECONDS):
                await announce_order(self._connected(), recommendation_id, order_key)
        except Exception:
            log.warning("order.change_not_announced", order_key=order_key, exc_info=True)

    async def start_backtest(self, request: BacktestRequest, workflow_id: str) -> None:
        with _not_started():
            async with asyncio.timeout(DELIVERY_SECONDS):
                await start_backtest(self._connected(), request, workflow_id)

    async def cancel_backtest(self, workflow_id: str) -> bool:
        with _not_started():
            async with asyncio.timeout(DELIVERY_SECONDS):
                return await cancel_backtest(self._connected(), workflow_id)

    async def run_strategy(self, instance_id: UUID, workflow_id: str) -> None:
        with _not_started():
            async with asyncio.timeout(DELIVERY_SECONDS):
                await start_strategy_run(self._connected(), instance_id, workflow_id)

    async def dry_run(self, request: DryRunRequest, workflow_id: str) -> DryRunFindings:
        with _not_started():
            return await dry_run(self._connected(), request, workflow_id)

    async def set_schedules(self, gateways: Sequence[str]) -> bool:
        try:
            async with asyncio.timeout(DELIVERY_SECONDS):
                await put_schedules(self._connected(), gateways)
        except Exception:
            # The gateway is on record; its schedules can be set by ``setup-temporal`` as well.
            log.warning("schedules.not_set", gateways=list(gateways), exc_info=True)
            return False
        return True

    async def next_strategy_runs(self) -> datetime | None:
        try:
            async with asyncio.timeout(_HEALTH_SECONDS):
                return await next_strategy_runs(self._connected())
        except (RPCError, TimeoutError):
            return None

    async def is_reachable(self) -> bool:
        if self._client is None:
            return False
        try:
            async with asyncio.timeout(_HEALTH_SECONDS):
                return await self._client.service_client.check_health()
        except (RPCError, TimeoutError):
            return False

    @property
    def client(self) -> Client | None:
        return self._client

    def _connected(self) -> Client:
        if self._client is None:
            raise TimeoutError("Temporal has not been reached yet")
        return self._client

    async def _connect(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while self._client is None:
            try:
                self._client = await connect(self._settings)
            except (RPCError, RuntimeError, OSError) as error:
                # The SDK raises RuntimeError when the frontend does not answer.
                log.warning("temporal.not_reachable", error=str(error), retry_in_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        log.info("temporal.connected")


@contextmanager
def _not_started() -> Iterator[None]:
    try:
        yield
    except (RPCError, TimeoutError) as error:
        raise GreenlightError(
            ErrorCode.NOT_STARTED, f"Temporal does not answer: {error}"
        ) from error
