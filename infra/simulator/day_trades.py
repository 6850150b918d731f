"""What was traded in each contract since the market day began, for profit by position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from infra.simulator.accounts import PositionValue
from infra.simulator.contracts import BAG_CON_ID
from infra.simulator.exchange import Exchange
from infra.simulator.records import ExecutionRecord, execution_root


@dataclass
class Flow:
    """The day's trades in one contract of one account, USD."""

    quantity: Decimal = Decimal(0)
    """Bought less sold."""
    paid: Decimal = Decimal(0)
    """For what was bought, less what was sold for, with commissions."""
    realized: Decimal = Decimal(0)


class DayTrades:
    """Kept up with every fill; read anew from the ledger when the day turns or history changes."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._day: datetime | None = None
        self._flows: dict[tuple[str, int], Flow] = {}

    def add(self, executions: Iterable[ExecutionRecord]) -> None:
        if self._day == self._exchange.today:
            self._count(executions)

    def read_again(self) -> None:
        """An execution has been corrected."""
        self._day = None

    def flow(self, account: str, con_id: int) -> Flow:
        if self._day != self._exchange.today:
            self._day = self._exchange.today
            self._flows = defaultdict(Flow)
            known = self._exchange.ledger.executions(since=self._day)
            self._count({execution_root(record.exec_id): record for record in known}.values())
        return self._flows.get((account, con_id), Flow())

    def daily_pnl(self, account: str, position: PositionValue, close: float) -> float:
        """Change of a position's value since the previous close, less what was paid since."""
        flow = self.flow(account, position.holding.con_id)
        before = float(position.holding.quantity - flow.quantity)
        worth_before = before * close * position.security.multiplier if before else 0.0
        return position.market_value - worth_before - float(flow.paid)

    def _count(self, executions: Iterable[ExecutionRecord]) -> None:
        for record in executions:
            if record.con_id == BAG_CON_ID:
                continue
            security = self._exchange.book.by_id(record.con_id)
            if security is None:
                continue
            flow = self._flows[record.account, record.con_id]
            signed = record.side.sign * record.quantity
            flow.quantity += signed
            flow.paid += signed * record.price * security.multiplier + record.commission
            flow.realized += record.realized_pnl or Decimal(0)
