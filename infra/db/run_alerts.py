"""What went wrong in a strategy's run, as an alert of the account it trades for.

One per instance for as long as its runs go wrong: the next that looks at everything clears it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode
from domain.severity import Severity
from infra.db.alerts import clear_alert, raise_alert
from infra.db.models import RunStatus, StrategyInstance, StrategyRun

LONGEST = 500


async def tell_errors(
    session: AsyncSession, run: StrategyRun, instance: StrategyInstance, errors: Sequence[str]
) -> None:
    """Raise or clear the alert, of a run that has ended with ``errors``."""
    subject = str(instance.id)
    if run.status is RunStatus.FAILED:
        severity, title = Severity.WARNING, f"{instance.name}: its run failed"
    elif errors:
        severity, title = Severity.INFO, f"{instance.name}: its run could not look at everything"
    else:
        await clear_alert(session, ErrorCode.STRATEGY_FAILED, subject)
        return
    await raise_alert(
        session,
        ErrorCode.STRATEGY_FAILED,
        subject,
        severity,
        title,
        detail="; ".join(map(_in_a_line, errors))[:LONGEST],
        account_id=instance.broker_account_id,
        context={"strategy_instance_id": subject, "run_id": str(run.id)},
    )


async def told_no_more(session: AsyncSession, instance: StrategyInstance) -> None:
    """Clear the alert of an instance that is switched off: no run will."""
    await clear_alert(session, ErrorCode.STRATEGY_FAILED, str(instance.id))


def _in_a_line(error: str) -> str:
    """Of a traceback, what was raised; the whole of it is with the run."""
    lines = error.strip().splitlines()
    return lines[-1] if lines else ""
