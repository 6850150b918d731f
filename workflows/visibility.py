"""What an operator sees of a workflow in Temporal Web without reading code."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from workflows import policies


class WaitingOn(StrEnum):
    HUMAN = "human"
    BROKER = "broker"
    MARKET = "market"
    OPERATOR = "operator"
    NOTHING = "nothing"


STATE = SearchAttributeKey.for_keyword("GreenlightState")
WAITING_ON = SearchAttributeKey.for_keyword("GreenlightWaitingOn")
ACCOUNT = SearchAttributeKey.for_keyword("GreenlightAccount")
UNDERLYING = SearchAttributeKey.for_keyword("GreenlightUnderlying")
STRATEGY = SearchAttributeKey.for_keyword("GreenlightStrategy")
ORDER_KEY = SearchAttributeKey.for_keyword("GreenlightOrderKey")
DEADLINE = SearchAttributeKey.for_datetime("GreenlightDeadline")


ALL = (STATE, WAITING_ON, ACCOUNT, UNDERLYING, STRATEGY, ORDER_KEY, DEADLINE)


def _upsert(updates: list[SearchAttributeUpdate[Any]]) -> None:
    workflow.upsert_search_attributes(updates)  # pyright: ignore[reportUnknownMemberType]


def describe_backtest(strategy: str, state: str, detail: str) -> None:
    """What a backtest or a sweep is of; it waits on nobody."""
    _upsert(
        [
            STRATEGY.value_set(strategy),
            WAITING_ON.value_set(WaitingOn.NOTHING.value),
            STATE.value_set(state),
        ]
    )
    workflow.set_current_details(detail)


def conclude_backtest(state: str, detail: str) -> None:
    _upsert([STATE.value_set(state)])
    workflow.set_current_details(detail)


def history_is_long() -> bool:
    """Whether to go on as a new run, so that waiting can never fill a history."""
    info = workflow.info()
    return (
        info.is_continue_as_new_suggested()
        or info.get_current_history_length() >= policies.HISTORY_EVENTS
    )


class Visibility:
    """State, what is waited on, and plain words; written only when they change."""

    def __init__(self) -> None:
        self.state = ""
        self.waiting_on = WaitingOn.NOTHING
        self.detail = ""

    def describe(self, account: str, underlying: str, strategy: str, deadline: datetime) -> None:
        """The attributes that never change."""
        _upsert(
            [
                ACCOUNT.value_set(account),
                UNDERLYING.value_set(underlying),
                STRATEGY.value_set(strategy),
                DEADLINE.value_set(deadline),
            ]
        )

    def show(
        self, state: str, waiting_on: WaitingOn, detail: str, order_key: str | None = None
    ) -> None:
        if (state, waiting_on) != (self.state, self.waiting_on) or order_key is not None:
            updates: list[SearchAttributeUpdate[Any]] = [
                STATE.value_set(state),
                WAITING_ON.value_set(waiting_on.value),
            ]
            if order_key is not None:
                updates.append(ORDER_KEY.value_set(order_key))
            _upsert(updates)
        self.state, self.waiting_on, self.detail = state, waiting_on, detail
        workflow.set_current_details(detail)
