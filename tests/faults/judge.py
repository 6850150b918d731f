"""The judge: the gateway's ledger, which knows nothing of the desk, against the desk's rows.

Everything is computed here anew and simply, from the two records: none of the desk's own folding
of events is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from infra.db.session import Sessions
from infra.simulator.ledger import Ledger
from infra.simulator.records import ExecutionRecord, OrderRecord
from tests.faults.rounds import Verdict

ENDED = ("COMPLETED", "LAPSED", "DENIED", "REJECTED", "EXPIRED", "SUPERSEDED")
WAITS_FOR_A_PERSON = ("UNKNOWN", "QUARANTINE")
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
OUR_PREFIX = "GL-"
"""Of every orderRef this desk writes."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Records:
    """The desk's rows about some recommendations."""

    recommendations: dict[UUID, Row]
    decisions: dict[UUID, Row]
    """By recommendation."""
    orders: dict[UUID, list[Row]]
    """By recommendation, by attempt."""
    executions: dict[str, list[Row]]
    """By order key."""
    alerted: frozenset[str]
    """Subjects of alerts that are open."""
    keys_of_others: frozenset[str] = field(default=frozenset())

    def waits_for_a_person(self, recommendation_id: UUID) -> bool:
        """Its last order is in doubt, looked for often enough, and somebody was told."""
        orders = self.orders[recommendation_id]
        if not orders or orders[-1]["state"] not in WAITS_FOR_A_PERSON:
            return False
        told = orders[-1]["order_key"] in self.alerted
        looked = orders[-1]["state"] != "UNKNOWN" or orders[-1]["absent_looks"] >= 3
        return told and (looked or orders[-1]["acknowledged_at"] is not None)


async def read_records(sessions: Sessions, only: Iterable[UUID] | None = None) -> Records:
    """Everything on record, or on record about the recommendations named."""
    ids = None if only is None else list(only)
    which = "" if ids is None else " WHERE {} = ANY(:ids)"

    async with sessions() as session:

        async def rows(query: str, column: str) -> list[Row]:
            found = await session.execute(text(query.format(which.format(column))), {"ids": ids})
            return [dict(row) for row in found.mappings()]

        recommendations = await rows("SELECT * FROM recommendations{}", "id")
        decisions = await rows("SELECT * FROM decisions{}", "recommendation_id")
        orders = await rows("SELECT * FROM orders{} ORDER BY attempt", "recommendation_id")
        executions = (
            await session.execute(
                text(
                    "SELECT e.*, coalesce(o.order_key, e.order_ref) AS key FROM executions e"
                    " LEFT JOIN orders o ON o.id = e.order_id"
                )
            )
        ).mappings()
        alerts = await session.scalars(text("SELECT subject FROM alerts WHERE state <> 'CLEARED'"))
        every_key = await session.scalars(text("SELECT order_key FROM orders"))
        by_recommendation: dict[UUID, list[Row]] = defaultdict(list)
        for order in orders:
            by_recommendation[order["recommendation_id"]].append(order)
        by_key: dict[str, list[Row]] = defaultdict(list)
        for execution in executions:
            by_key[execution["key"]].append(dict(execution))
        own = {order["order_key"] for order in orders}
        return Records(
            recommendations={row["id"]: row for row in recommendations},
            decisions={row["recommendation_id"]: row for row in decisions},
            orders=by_recommendation,
            executions=by_key,
            alerted=frozenset(alerts),
            keys_of_others=frozenset(every_key) - own,
        )


def unsettled(records: Records, receipts: Iterable[UUID]) -> list[UUID]:
    """Approvals about which something is still to happen."""
    return [each for each in receipts if not _is_settled(records, each)]


def _is_settled(records: Records, recommendation_id: UUID) -> bool:
    row = records.recommendations.get(recommendation_id)
    if row is None:
        return False
    if records.waits_for_a_person(recommendation_id):
        return True
    keys = [order["order_key"] for order in records.orders[recommendation_id]]
    fills = [fill for key in keys for fill in records.executions[key]]
    return row["state"] in ENDED and all(
        fill["commission"] is not None for fill in fills if not fill["superseded"]
    )


def judge(ledger: Ledger, records: Records, receipts: Mapping[UUID, UUID]) -> Verdict:
    """What was promised and not kept.

    Args:
        ledger: of the gateway, to be read when nothing moves any more.
        receipts: decision id by recommendation, of every approval that was answered with 2xx.
    """
    verdict = Verdict()
    by_key: dict[str, list[OrderRecord]] = defaultdict(list)
    for order in ledger.orders():
        if order.order_ref.startswith(OUR_PREFIX) and order.order_ref not in records.keys_of_others:
            by_key[order.order_ref].append(order)
    executions: dict[str, list[ExecutionRecord]] = defaultdict(list)
    for execution in ledger.executions():
        executions[execution.order_ref].append(execution)

    for key, orders in by_key.items():
        _judge_approval(verdict, records, key, orders)
    for recommendation_id in records.decisions:
        _judge_trade(verdict, ledger, records, recommendation_id, executions)
    for recommendation_id, decision_id in receipts.items():
        _judge_receipt(verdict, records, recommendation_id, decision_id)
    for recommendation_id in records.decisions:
        verdict.endings[_ending(records, recommendation_id)] += 1
    return verdict


def _judge_approval(
    verdict: Verdict, records: Records, key: str, orders: list[OrderRecord]
) -> None:
    """Every order at the broker is one attempt, once, of a trade that a person approved."""
    if len(orders) > 1:
        verdict.duplicates += 1
        verdict.broken.append(f"{key}: {len(orders)} orders at the broker under one key")
    row, decision, recommendation = _grounds(records, key)
    if row is None or decision is None or recommendation is None:
        verdict.unapproved += len(orders)
        verdict.broken.append(f"{key}: an order without a decision on record")
        return
    wrong = [
        name
        for name, holds in {
            "the decision is no approval": decision["action"] == "APPROVE",
            "other terms were approved": decision["terms_hash"] == recommendation["terms_hash"],
            "more than approved": all(
                each.terms.quantity <= _approved(recommendation, decision) for each in orders
            ),
            "under the floor": all(
                each.terms.limit_price is not None
                and each.terms.limit_price >= recommendation["floor_price"]
                for each in orders
            ),
            "another side": all(each.terms.side == recommendation["side"] for each in orders),
            "another order than on record": all(
                each.terms.account == row["intent"]["account_code"]
                and each.terms.limit_price == row["limit_price"]
                for each in orders
            ),
        }.items()
        if not holds
    ]
    if wrong:
        verdict.unapproved += len(orders)
        verdict.broken.append(f"{key}: {', '.join(wrong)}")


def _grounds(records: Records, key: str) -> tuple[Row | None, Row | None, Row | None]:
    """The order row of that key, its decision and its recommendation, as far as on record."""
    for recommendation_id, orders in records.orders.items():
        for row in orders:
            if row["order_key"] == key:
                decision = records.decisions.get(recommendation_id)
                return row, decision, records.recommendations.get(recommendation_id)
    return None, None, None


def _judge_trade(
    verdict: Verdict,
    ledger: Ledger,
    records: Records,
    recommendation_id: UUID,
    executions: Mapping[str, list[ExecutionRecord]],
) -> None:
    """Nothing twice, nothing lost, nothing made up in the attempts of one approval."""
    recommendation = records.recommendations[recommendation_id]
    decision = records.decisions[recommendation_id]
    rows = records.orders[recommendation_id]
    live = most_live = 0
    traded = Decimal(0)
    is_live: dict[int, bool] = {}
    keys = {row["order_key"] for row in rows}
    events = [event for key in keys for event in ledger.events(key)]
    for event in sorted(events, key=lambda each: each.sequence):
        is_live[event.perm_id] = event.status.is_working
        live = sum(is_live.values())
        most_live = max(most_live, live)
    for row in rows:
        key = row["order_key"]
        hidden = _untold(ledger, records, row)
        traded += _judge_executions(
            verdict, row, executions.get(key, []), records.executions[key], hidden
        )
    if most_live > 1:
        verdict.duplicates += 1
        verdict.broken.append(f"{recommendation_id}: {most_live} attempts live at once")
    approved = _approved(recommendation, decision)
    if traded > approved:
        verdict.over_executed += 1
        verdict.broken.append(f"{recommendation_id}: traded {traded} of {approved} approved")
    state = recommendation["state"]
    # An execution corrected after the end puts its order in doubt again, and a person is told.
    in_doubt = records.waits_for_a_person(recommendation_id)
    claims_too_much = state == "COMPLETED" and traded != approved and not in_doubt
    leaves_behind = state in ENDED and live > 0
    if claims_too_much or leaves_behind:
        verdict.false_endings += 1
        verdict.broken.append(
            f"{recommendation_id}: {state} with {traded} of {approved} traded, {live} at work"
        )


def _untold(ledger: Ledger, records: Records, row: Row) -> frozenset[str]:
    """Executions that the broker's API forgot before it told them, of an order in doubt.

    Nobody can record those; what can be asked for is that the order waits for a person.
    """
    if row["state"] not in WAITS_FOR_A_PERSON or row["order_key"] not in records.alerted:
        return frozenset()
    told = {each.exec_id for each in ledger.visible_executions(_LONG_AGO)}
    return frozenset(e.exec_id for e in ledger.executions(row["order_key"])) - told


def _judge_executions(
    verdict: Verdict,
    row: Row,
    at_broker: list[ExecutionRecord],
    on_record: list[Row],
    untold: frozenset[str],
) -> Decimal:
    """The quantity the broker executed for one attempt; corrections replace what they correct."""
    effective = _latest(at_broker)
    recorded = {each["exec_id"]: each for each in on_record}
    traded = sum((each.quantity for each in effective.values()), Decimal(0))
    missing = {each.exec_id for each in effective.values()} - set(recorded)
    lost = sorted(missing - untold)
    unpriced = sorted(
        each.exec_id
        for each in effective.values()
        if each.exec_id in recorded
        and recorded[each.exec_id]["commission"] is None
        and each.exec_id not in untold
    )
    if lost or unpriced:
        verdict.lost_executions += len(lost) + len(unpriced)
        verdict.broken.append(f"{row['order_key']}: not on record {lost}, commissions {unpriced}")
    made_up = set(recorded) - {each.exec_id for each in at_broker}
    counted = sum((e["quantity"] for e in on_record if not e["superseded"]), Decimal(0))
    if not missing and (made_up or counted != traded or row["filled_quantity"] != traded):
        verdict.miscounted += 1
        verdict.broken.append(
            f"{row['order_key']}: executed {traded}, rows say {counted}, the order "
            f"{row['filled_quantity']}; unknown to the broker: {sorted(made_up)}"
        )
    return traded


def _latest(executions: list[ExecutionRecord]) -> dict[str, ExecutionRecord]:
    """By the part of the execId that corrections share, the one of the highest revision."""
    latest: dict[str, ExecutionRecord] = {}
    for execution in sorted(executions, key=lambda each: each.exec_id):
        latest[execution.exec_id.rpartition(".")[0]] = execution
    return latest


def _judge_receipt(
    verdict: Verdict, records: Records, recommendation_id: UUID, decision_id: UUID
) -> None:
    """An approval answered with 2xx is on record, was taken up, and came to something."""
    decision = records.decisions.get(recommendation_id)
    if decision is None or decision["id"] != decision_id or decision["delivered_at"] is None:
        verdict.lost_approvals += 1
        verdict.broken.append(f"{recommendation_id}: answered, and not on record or not taken up")
        return
    if records.waits_for_a_person(recommendation_id):
        verdict.unknown_with_alert += 1
    elif not _is_settled(records, recommendation_id):
        verdict.stuck += 1
        orders = [(o["order_key"], o["state"]) for o in records.orders[recommendation_id]]
        state = records.recommendations[recommendation_id]["state"]
        verdict.broken.append(f"{recommendation_id}: stuck in {state} with {orders}")


def _approved(recommendation: Row, decision: Row) -> int:
    return decision["quantity"] or recommendation["quantity"]


def _ending(records: Records, recommendation_id: UUID) -> str:
    if records.waits_for_a_person(recommendation_id):
        return "waits for a person"
    row = records.recommendations[recommendation_id]
    return f"{row['state']} {row['reason_code']}" if row["reason_code"] else row["state"]
