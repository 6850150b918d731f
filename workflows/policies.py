"""How long things may take and how they are tried again, each named once."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy


class ActivityPolicy(TypedDict, total=False):
    start_to_close_timeout: timedelta
    schedule_to_start_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


_PERSISTENT = RetryPolicy(
    initial_interval=timedelta(milliseconds=500),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=10),
)

# Our own records: quick, repeatable, tried until the database is back.
RECORDS: ActivityPolicy = {
    "start_to_close_timeout": timedelta(seconds=15),
    "retry_policy": _PERSISTENT,
}

# Reading from the broker: repeatable, tried until it answers. Heartbeats tell of a killed worker.
BROKER_READ: ActivityPolicy = {
    "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": timedelta(seconds=4),
    "retry_policy": _PERSISTENT,
}

# A look at the market that only spares a needless step: not worth waiting for.
BROKER_GLANCE: ActivityPolicy = {
    "start_to_close_timeout": timedelta(seconds=10),
    "schedule_to_start_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(maximum_attempts=1),
}

# Reading whole option chains, contract by contract, at the broker's pace.
MARKET_READ: ActivityPolicy = {
    "start_to_close_timeout": timedelta(minutes=15),
    "heartbeat_timeout": timedelta(seconds=4),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=2),
        maximum_interval=timedelta(seconds=30),
        maximum_attempts=5,
    ),
}

# The one send. Never retried, and not begun late: its checks would have gone stale.
BROKER_SEND: ActivityPolicy = {
    "schedule_to_start_timeout": timedelta(seconds=20),
    "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": timedelta(seconds=4),
    "retry_policy": RetryPolicy(maximum_attempts=1),
}

# Ingestion comes round again by itself, so a pass that finds no broker gives up.
INGESTION: ActivityPolicy = {
    "schedule_to_start_timeout": timedelta(seconds=60),
    "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": timedelta(seconds=4),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(seconds=5),
        maximum_attempts=5,
    ),
}

# Reviewing what is on record: it comes round again by itself.
REVIEW: ActivityPolicy = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(maximum_attempts=3),
}

# Messages to people: each may take seconds, and a failed one is on record to be tried again.
NOTIFY: ActivityPolicy = {
    "start_to_close_timeout": timedelta(minutes=2),
    "retry_policy": RetryPolicy(maximum_attempts=3),
}

# A strategy's own computing.
COMPUTE: ActivityPolicy = {
    "start_to_close_timeout": timedelta(minutes=5),
    "heartbeat_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(seconds=10),
        maximum_attempts=5,
    ),
}

# A backtest: hours at most, begun again elsewhere when its worker dies. A worker that is stopped
# hands it back at once, and a fleet's restart may do so several times.
BACKTEST: ActivityPolicy = {
    "start_to_close_timeout": timedelta(hours=12),
    "heartbeat_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(seconds=30),
        maximum_attempts=20,
    ),
}

# A working order: how often its row is read again without being told, how long one price is
# given before it is walked, and in how many steps it goes from the limit to the floor.
ORDER_REREAD = timedelta(seconds=20)
UNPROVEN_REREAD = timedelta(seconds=25)
UNPROVEN_LOOKS = 5
UNPROVEN_SELDOM = timedelta(minutes=5)
CANCEL_REREAD = timedelta(seconds=3)
CANCEL_AGAIN_AFTER = timedelta(seconds=20)
PRICE_STEP_AFTER = timedelta(seconds=30)
PRICE_STEPS = 4
# A quarantined order waits for a person, who announces what was decided.
QUARANTINE_REREAD = timedelta(minutes=5)
# Attempts that ended before anything was sent (a worker died) are made again, up to so many.
ABANDONED_ATTEMPTS = 20
# Events after which a run hands over to one with a fresh history, if Temporal has not said so.
HISTORY_EVENTS = 8000
