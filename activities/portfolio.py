"""An account as the broker has it at this moment, and the review of its risk."""

from __future__ import annotations

import asyncio

from temporalio import activity

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen, SecType, Settlement, instrument_key
from domain.portfolio import AccountState, PositionState, build_account_state
from domain.ports import Broker, BrokerPosition
from domain.ports.risk import RiskStore
from domain.risk.alerts import alert_transitions
from domain.risk.state import compute_risk_state


class RiskReviewRequest(Frozen):
    gateway: str


class RiskReview(Frozen):
    """How many risk alerts changed, over all accounts of a gateway."""

    accounts: int = 0
    raised: int = 0
    changed: int = 0
    cleared: int = 0


class PortfolioActivities:
    """What the desk makes of accounts that were ingested."""

    def __init__(self, store: RiskStore) -> None:
        self._store = store

    @activity.defn
    async def review_risk(self, request: RiskReviewRequest) -> RiskReview:
        """Raise, change and clear the risk alerts of every account of one gateway."""
        inputs = await self._store.risk_review_inputs(request.gateway)
        raised = changed = cleared = 0
        for each in inputs:
            risk = await asyncio.to_thread(compute_risk_state, each.account)
            transitions = alert_transitions(
                each.open_alerts,
                risk,
                each.thresholds,
                each.market_now,
                is_open=each.is_open,
            )
            await self._store.keep_alert_transitions(
                each.account_id, each.account.account_code, transitions
            )
            raised += len(transitions.raised)
            changed += len(transitions.changed)
            cleared += len(transitions.cleared)
        return RiskReview(accounts=len(inputs), raised=raised, changed=changed, cleared=cleared)


async def fresh_account(broker: Broker, account_code: str) -> AccountState | None:
    """Values and positions read now; None where the broker leaves a figure out.

    Raises BrokerUnavailable while the broker cannot be asked.
    """
    try:
        values, positions = await asyncio.gather(
            broker.account_values(account_code), broker.positions(account_code)
        )
    except GreenlightError as error:
        if error.code is not ErrorCode.ACCOUNT_STALE:
            raise
        return None
    return build_account_state(values, [position_state(row) for row in positions])


def position_state(row: BrokerPosition) -> PositionState:
    """A broker's position in the terms of the controls."""
    contract, option = row.contract, row.contract.option
    on_index = row.underlying is not None and row.underlying.sec_type is SecType.INDEX
    return PositionState(
        key=(
            option.key
            if option is not None
            else instrument_key(contract.sec_type, contract.symbol, contract.currency)
        ),
        description=contract.local_symbol,
        symbol=contract.symbol,
        currency=contract.currency,
        sec_type=contract.sec_type,
        option=option,
        settlement=Settlement.CASH if on_index else Settlement.PHYSICAL,
        quantity=row.quantity,
        average_cost=row.average_cost,
        multiplier=contract.multiplier,
        market_price=row.market_price,
        market_value=row.market_value,
        unrealized_pnl=row.unrealized_pnl,
    )
