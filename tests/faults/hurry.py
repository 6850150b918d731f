"""The one place where a campaign shortens waits of the desk.

A careful desk paces itself: it rests between looks at the broker, between prices, between tries.
Campaigns need thousands of orders, so they rest less. Only pauses are listed here. Nothing that
decides is: not how many looks an absence takes, how long a lease or a send's permission lasts,
what counts as proof, or how many attempts may be made.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy

_SOON = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=1.5,
    maximum_interval=timedelta(seconds=2),
)

PAUSES: dict[str, Any] = {
    # Market seconds between two looks that may both count as an absence.
    "infra.db.book_comparison:ABSENCE_SPACING": timedelta(seconds=5),
    # Between two comparisons of the broker's books with ours while an order is in doubt.
    "infra.ibkr.session:COMPARE_SECONDS": 3.0,
    # Between two looks for decisions that nobody has read.
    "infra.temporal.schedules:REDELIVER_EVERY": timedelta(seconds=6),
    # Between two reconciliations of the accounts with the broker.
    "infra.temporal.schedules:RECONCILE_EVERY": timedelta(seconds=30),
    # Of the workflow: looks at an order, and how long one price is given.
    "workflows.policies:ORDER_REREAD": timedelta(seconds=5),
    "workflows.policies:UNPROVEN_REREAD": timedelta(seconds=4),
    "workflows.policies:UNPROVEN_SELDOM": timedelta(seconds=10),
    "workflows.policies:CANCEL_REREAD": timedelta(seconds=2),
    "workflows.policies:CANCEL_AGAIN_AFTER": timedelta(seconds=6),
    "workflows.policies:PRICE_STEP_AFTER": timedelta(seconds=6),
    # Between tries of what may be repeated. The one send has no second try, here or there.
    "workflows.policies:RECORDS": {"retry_policy": _SOON},
    "workflows.policies:BROKER_READ": {"retry_policy": _SOON},
}


def hurried() -> AbstractContextManager[None]:
    """The desk's code in this process with the shorter pauses, until the block ends."""
    return swapped(PAUSES)


@contextmanager
def swapped(constants: Mapping[str, Any]) -> Iterator[None]:
    """Other values for constants, each named ``module:NAME``, until the block ends."""
    before = [(name, _swap(name, value)) for name, value in constants.items()]
    try:
        yield
    finally:
        for name, value in before:
            _swap(name, value)


def _swap(name: str, value: Any) -> Any:
    """Put ``value`` in the place of a module's constant; a mapping changes entries of one."""
    module_name, _, attribute = name.partition(":")
    module = importlib.import_module(module_name)
    # A constant that was renamed must not silently keep its length.
    before = getattr(module, attribute)
    if isinstance(before, dict):
        kept = {key: before[key] for key in value}
        before.update(value)
        return kept
    setattr(module, attribute, value)
    return before
