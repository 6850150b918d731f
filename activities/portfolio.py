"""An account as the broker has it at this moment."""

from __future__ import annotations

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import SecType, Settlement, instrument_key
from domain.portfolio import AccountState, PositionState, build_account_state
from domain.ports import Broker, BrokerPosition


async def fresh_account(broker: Broker, account_code: str) -> AccountState | None:
    """Values and positions read now; None where the broker leaves a figure out.

    Raises BrokerUnavailable while the broker cannot be asked.
    """
    try:
        values = await broker.account_values(account_code)
    except GreenlightError as error:
        if error.code is not ErrorCode.ACCOUNT_STALE:
            raise
        return None
    positions = await broker.positions(account_code)
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
