"""Telling recommendation workflows: start, approve, reject, look again, withdraw.

All of it may be repeated: a workflow that has heard already hears nothing new, and one that has
ended or was lost is started again and reads from Postgres where things stand.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from domain.ports import RecommendationBrief, UndeliveredDecision
from domain.recommendations import DecisionAction
from workflows.ids import CORE_QUEUE, recommendation_workflow_id, reconciliation_workflow_id
from workflows.messages import (
    DecisionMessage,
    OrderMessage,
    RecommendationInput,
    ReconciliationInput,
)
from workflows.recommendation import RecommendationWorkflow
from workflows.reconciliation import ReconciliationWorkflow

RPC_TIMEOUT = timedelta(seconds=5)


async def start_recommendation(
    client: Client,
    recommendation_id: UUID,
    summary: str = "",
    *,
    signal: str | None = None,
    message: DecisionMessage | None = None,
) -> WorkflowHandle[RecommendationWorkflow, object]:
    """The recommendation's workflow, started unless it runs; with ``signal``, told that too."""
    return await client.start_workflow(
        RecommendationWorkflow.run,
        RecommendationInput(recommendation_id=recommendation_id),
        id=recommendation_workflow_id(recommendation_id),
        task_queue=CORE_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary=summary or None,
        start_signal=signal,
        start_signal_args=() if message is None else (message,),
        rpc_timeout=RPC_TIMEOUT,
    )


async def deliver_decision(
    client: Client, recommendation_id: UUID, decision_id: UUID, action: DecisionAction
) -> None:
    """Signal a recorded decision; raises RPCError when Temporal did not take it."""
    signal = "approve" if action is DecisionAction.APPROVE else "reject"
    await start_recommendation(
        client, recommendation_id, signal=signal, message=DecisionMessage(decision_id=decision_id)
    )


async def request_withdrawal(client: Client, recommendation_id: UUID) -> None:
    """Have the working order cancelled and no further attempt made.

    A workflow that was lost comes back for it, finds the order in the record and cancels it.
    """
    await start_recommendation(client, recommendation_id, signal="withdraw")


async def announce_order(client: Client, recommendation_id: UUID, order_key: str) -> None:
    """A hint that the order's row has changed."""
    handle = client.get_workflow_handle_for(
        RecommendationWorkflow.run, recommendation_workflow_id(recommendation_id)
    )
    await handle.signal(
        RecommendationWorkflow.order_changed,
        OrderMessage(order_key=order_key),
        rpc_timeout=RPC_TIMEOUT,
    )


async def start_reconciliation(client: Client, gateway: str) -> None:
    """Have every account of a gateway looked at now; a look under way suffices."""
    await client.start_workflow(
        ReconciliationWorkflow.run,
        ReconciliationInput(gateway=gateway),
        id=reconciliation_workflow_id(gateway),
        task_queue=CORE_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary=f"gateway {gateway} has (re)connected: every account against the record",
        rpc_timeout=RPC_TIMEOUT,
    )


class TemporalDelivery:
    """``domain.ports.DecisionDelivery`` over Temporal."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, brief: RecommendationBrief) -> None:
        signal = "withdraw" if brief.withdrawn else None
        await start_recommendation(self._client, brief.id, brief.summary, signal=signal)

    async def deliver(self, decision: UndeliveredDecision) -> None:
        await deliver_decision(
            self._client, decision.recommendation_id, decision.decision_id, decision.action
        )
