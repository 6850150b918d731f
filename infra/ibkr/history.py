"""Daily bars of the past, at the pace IBKR allows."""

from __future__ import annotations

import math
from datetime import date, datetime

from ib_async import Contract
from ib_async.objects import BarDataList

from domain.errors import BrokerUnavailable, ErrorCode, GreenlightError
from domain.market_facts import DailyHistory, HistoryKind
from infra.calendars import trading_calendar
from infra.ibkr.client import IbkrClient
from infra.ibkr.recorder import BrokerMessage, ErrorSeen

ANSWER_SECONDS = 60.0
MOST_SESSIONS_IN_DAYS = 250
"""TWS takes longer spans in years only."""
NOTICES = range(2100, 2200)


class PastBars:
    """Historical requests of one session, all under one pace."""

    def __init__(self, client: IbkrClient) -> None:
        self._client = client

    def has_room(self, requests: int) -> bool:
        return self._client.history_pacer.has_capacity(requests)

    async def daily(
        self, contract: Contract, kind: HistoryKind, sessions: int, as_of: datetime
    ) -> DailyHistory:
        """The last value of each session completed by ``as_of`` (market time), prices' first too.

        Raises GreenlightError DATA_INVALID with the refusal (162: no data, no permission, pacing),
        or where no bar came. Bars of days that are no sessions, and values that are no positive
        numbers, are left out.
        """
        ib = self._client.require_ready()
        refusals: list[ErrorSeen] = []

        def note(message: BrokerMessage) -> None:
            if isinstance(message, ErrorSeen) and message.request_id == request_id:
                refusals.append(message)

        await self._client.history_pacer.acquire()
        request_id = ib.client.getReqId()
        bars = BarDataList()
        answered = ib.wrapper.startReq(request_id, contract, container=bars)
        with self._client.collecting(note):
            ib.client.reqHistoricalData(
                request_id, contract, "", _duration(sessions), "1 day", kind.value,
                useRTH=True, formatDate=1, keepUpToDate=False, chartOptions=[],
            )  # fmt: skip
            try:
                await self._client.ask(answered, ANSWER_SECONDS)
            except BrokerUnavailable:
                if ib.isConnected():
                    ib.client.cancelHistoricalData(request_id)
                raise
        values = {_day(bar.date): float(bar.close) for bar in bars}
        completed = {day: value for day, value in values.items() if _counts(day, value, as_of)}
        if not completed:
            told = "; ".join(f"{e.message} ({e.code})" for e in refusals if e.code not in NOTICES)
            raise GreenlightError(
                ErrorCode.DATA_INVALID,
                f"no {kind.value} history of {contract.symbol}: {told or 'no bars came'}",
                symbol=contract.symbol,
            )
        days = tuple(sorted(completed))
        opens = {_day(bar.date): _price(bar.open) for bar in bars}
        return DailyHistory(
            days=days,
            values=tuple(completed[day] for day in days),
            opens=tuple(opens[day] for day in days) if kind is HistoryKind.PRICE else (),
        )


def _duration(sessions: int) -> str:
    if sessions <= MOST_SESSIONS_IN_DAYS:
        return f"{sessions} D"
    return f"{math.ceil(sessions / 252)} Y"


def _price(told: float) -> float | None:
    return float(told) if math.isfinite(told) and told > 0 else None


def _day(at: date | datetime) -> date:
    return at.date() if isinstance(at, datetime) else at


def _counts(day: date, value: float, as_of: datetime) -> bool:
    calendar = trading_calendar()
    return (
        math.isfinite(value)
        and value > 0
        and calendar.first_date <= day <= calendar.last_date
        and calendar.is_session(day)
        and calendar.session_on(day).close_at <= as_of
    )
