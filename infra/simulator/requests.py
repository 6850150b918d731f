"""Which request is handled where, and where each carries its id."""

from __future__ import annotations

from infra.simulator import (
    requests_accounts,
    requests_contracts,
    requests_history,
    requests_market,
    requests_orders,
    requests_other,
)
from infra.simulator.requests_other import Handler

HANDLERS: dict[int, Handler] = {
    **requests_other.HANDLERS,
    **requests_orders.HANDLERS,
    **requests_accounts.HANDLERS,
    **requests_contracts.HANDLERS,
    **requests_market.HANDLERS,
    **requests_history.HANDLERS,
}

_VERSIONED = (
    *(1, 2, 4, 7, 9, 10, 11, 21, 23, 25, 50, 51, 52, 53, 54, 55, 56, 57, 62, 63),
    *(67, 68, 69, 70, 74, 75, 76, 77),
)
_UNVERSIONED = (
    *(3, 20, 22, 78, 79, 81, 83, 84, 86, 87, 88, 89, 90, 92, 93, 94, 95, 96, 97, 98),
    *(100, 101, 102, 103, 104),
)
_ID_POSITION = {**dict.fromkeys(_VERSIONED, 2), **dict.fromkeys(_UNVERSIONED, 1)}
_NO_ID = -1


def request_id(message_id: int, fields: list[str]) -> int:
    """The id by which an error about a request finds its asker; -1 where there is none."""
    position = _ID_POSITION.get(message_id)
    try:
        return _NO_ID if position is None else int(fields[position])
    except (IndexError, ValueError):
        return _NO_ID
