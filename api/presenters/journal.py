"""The journal as the API tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from api.presenters.common import account_brief, instrument_brief, stored_legs
from api.presenters.opportunities import strategy_brief
from api.schemas.journal import ContractResultRow, CycleRow, Journal, OutcomeRow, ResultTotal
from domain.instruments import Leg, Side
from domain.journal import Mark, worth_of
from domain.packages import describe_legs
from domain.recommendations import DecisionAction, RecommendationAction
from infra.db.queries.columns import AnyRow
from infra.db.queries.journal import AccountJournal, Opener, Traded

ZERO = Decimal(0)
ELSEWHERE = "Outside the desk"
BEFORE_THE_RECORD = datetime.min.replace(tzinfo=UTC)


def journal(accounts: Sequence[AccountJournal], since: datetime | None) -> Journal:
    """All of it; contracts that neither are held nor ended since are left out."""
    contracts = [row for account in accounts for row in _contracts(account, since)]
    cycles = [
        row
        for account in accounts
        for row in _cycles(account)
        if since is None or row.ended_at is None or row.ended_at >= since
    ]
    return Journal(
        contracts=sorted(
            contracts,
            key=lambda row: row.ended_at or row.opened_at or BEFORE_THE_RECORD,
            reverse=True,
        ),
        cycles=sorted(cycles, key=lambda row: row.started_at or BEFORE_THE_RECORD, reverse=True),
        by_strategy=_totals(contracts, "strategy"),
        by_approver=_totals(contracts, "approver"),
    )


def _contracts(account: AccountJournal, since: datetime | None) -> Iterable[ContractResultRow]:
    for result in account.results:
        if since is not None and result.ended_at is not None and result.ended_at < since:
            continue
        row = account.instruments.get(result.con_id)
        opener = account.openers.get(result.con_id, Opener())
        yield ContractResultRow(
            account=account_brief(account.account),
            client_id=account.account.client_id,
            contract=None if row is None else instrument_brief(row),
            con_id=result.con_id,
            currency="" if row is None else row.instrument_currency,
            opened_at=result.opened_at,
            ended_at=result.ended_at,
            quantity=result.quantity,
            cost=result.cost,
            realised=result.realised_since(since),
            unrealised=result.unrealised(account.market_values.get(result.con_id)),
            strategy_id=opener.instance_id,
            strategy=opener.strategy,
            approver_id=opener.user_id,
            approver=opener.approver,
            complete=result.complete,
        )


def _cycles(account: AccountJournal) -> Iterable[CycleRow]:
    for cycle in account.cycles:
        yield CycleRow(
            account=account_brief(account.account),
            client_id=account.account.client_id,
            symbol=cycle.symbol,
            started_at=cycle.started_at,
            ended_at=cycle.ended_at,
            premium=cycle.premium,
            dividends=cycle.dividends,
            realised=cycle.realised,
            result=cycle.result,
            shares=cycle.shares,
            share_cost=cycle.share_cost,
            adjusted_basis=cycle.adjusted_basis,
            assignments=cycle.assignments,
            rolls=cycle.rolls,
            complete=cycle.complete,
        )


def _totals(rows: Sequence[ContractResultRow], of: str) -> list[ResultTotal]:
    """``of`` is ``strategy`` or ``approver``; the largest result first."""
    groups: dict[tuple[UUID | None, str], list[ContractResultRow]] = {}
    for row in rows:
        groups.setdefault((getattr(row, f"{of}_id"), row.currency), []).append(row)
    totals = [
        ResultTotal(
            id=identity,
            name=getattr(group[0], of) or ELSEWHERE,
            currency=currency,
            contracts=len(group),
            ended=sum(row.ended_at is not None for row in group),
            won=sum(row.ended_at is not None and row.realised > 0 for row in group),
            realised=sum((row.realised for row in group), ZERO),
            unrealised=sum((row.unrealised or ZERO for row in group), ZERO),
            unpriced=sum(row.unrealised is None for row in group),
        )
        for (identity, currency), group in groups.items()
    ]
    return sorted(totals, key=lambda total: total.realised + total.unrealised, reverse=True)


def outcome(row: AnyRow, traded: Traded | None, marks: Mapping[int, Mark]) -> OutcomeRow:
    """A row of ``queries.journal.decision_rows`` with what its orders did and what it is worth."""
    legs = stored_legs(row.terms)
    if row.decision is DecisionAction.REJECT:
        quantity, entry = Decimal(row.quantity), _offered(row, legs)
    else:
        quantity, entry = (ZERO, None) if traded is None else (traded.quantity, traded.cash)
    worth = None if entry is None else worth_of(legs, quantity, marks)
    used = [marks[leg.contract.con_id] for leg in legs if leg.contract.con_id in marks]
    is_marked = worth is not None
    return OutcomeRow(
        id=row.decision_id,
        recommendation_id=row.recommendation_id,
        decided_at=row.decided_at,
        decision=row.decision,
        reason=row.decision_reason,
        approver_id=row.user_id,
        approver=row.approver,
        state=row.state,
        action=row.action,
        trade=describe_legs(legs, row.quantity, is_roll=row.action is RecommendationAction.ROLL),
        quantity=quantity,
        strategy=strategy_brief(row),
        account=account_brief(row),
        client_id=row.client_id,
        entry_cash=entry,
        worth=worth,
        result=entry + worth if entry is not None and worth is not None else None,
        marked_at=min(mark.at for mark in used) if is_marked else None,
        is_final=is_marked and all(mark.is_final for mark in used),
    )


def _offered(row: AnyRow, legs: Sequence[Leg]) -> Decimal:
    """What it would have brought at its limit, before commission."""
    amount: Decimal = row.limit_price * row.quantity * legs[0].contract.multiplier
    return amount if row.side is Side.SELL else -amount
