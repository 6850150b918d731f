"""Tells clients what happens: routes exchange events and market data to their sessions."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

from infra.simulator import messages, order_messages
from infra.simulator.clock import MarketClock
from infra.simulator.contracts import BAG_CON_ID, ContractSpec, Security, full_spec
from infra.simulator.day_trades import DayTrades
from infra.simulator.events import (
    ExchangeEvent,
    ExecutionCorrected,
    OrderChanged,
    OrderFilled,
    PositionsChanged,
)
from infra.simulator.exchange import Exchange
from infra.simulator.faults import Faults
from infra.simulator.history_pacing import HistoryPacing, PacingScope
from infra.simulator.market import Market
from infra.simulator.messages import Message
from infra.simulator.quality import QualityBoard
from infra.simulator.records import ExecutionRecord, OrderRecord
from infra.simulator.session import ClientSession
from infra.simulator.subscriptions import MarketDataLine

ACCOUNT_REFRESH = timedelta(minutes=3)
MASTER_CLIENT = 0
PREVIEW_PERM_ID = 900_000_001
"""what-if answers carry permIds of a range of their own: no order exists."""


class Gateway:
    """The sessions of one gateway and what they are told."""

    def __init__(
        self,
        exchange: Exchange,
        market: Market,
        quality: QualityBoard,
        clock: MarketClock,
        faults: Faults,
        *,
        market_data_lines: int,
        messages_per_second: int,
        history_pacing: PacingScope = PacingScope.ALL,
    ) -> None:
        self.exchange = exchange
        self.market = market
        self.quality = quality
        self.clock = clock
        self.faults = faults
        self.market_data_lines = market_data_lines
        self.messages_per_second = messages_per_second
        self.history_pacing = HistoryPacing(history_pacing, time.monotonic)
        self.sessions: dict[int, ClientSession] = {}
        self.preview_perm_ids = count(PREVIEW_PERM_ID)
        self._accounts_shown_at = clock.now()
        self.day_trades = DayTrades(exchange)
        exchange.listeners.append(self.on_event)

    def spec_of(self, order: OrderRecord) -> ContractSpec:
        """The contract of an order as TWS describes it; combos have one id for all."""
        terms = order.terms
        return combo_spec(terms.contract) if terms.is_combo else terms.contract

    def open_order(self, session: ClientSession, order: OrderRecord) -> Message:
        session.known_orders.add(order.perm_id)
        return order_messages.open_order(order, self.spec_of(order), session.version)

    def execution(
        self, session: ClientSession, request_id: int, record: ExecutionRecord
    ) -> Message:
        security = self.security(record.con_id) if record.con_id != BAG_CON_ID else None
        if security is not None:
            spec = full_spec(security, record.exchange)
            return messages.execution(request_id, record, spec, session.version)
        underlying = ContractSpec(symbol=record.symbol, exchange="SMART", currency="USD")
        return messages.execution(request_id, record, combo_spec(underlying), session.version)

    def security(self, con_id: int) -> Security:
        security = self.market.book.by_id(con_id)
        if security is None:
            raise LookupError(f"no contract {con_id}")
        return security

    def on_event(self, event: ExchangeEvent) -> None:
        match event:
            case OrderChanged():
                for session in self._audience(event.order):
                    session.tell(self._order_changed(session, event))
            case OrderFilled():
                self.day_trades.add(event.executions)
                for session in self._audience(event.order):
                    session.tell(self._order_filled(session, event))
            case ExecutionCorrected():
                self.day_trades.read_again()
                for session in self._audience(event.order):
                    rows = [self.execution(session, -1, event.execution)]
                    session.tell([*rows, messages.commission(event.execution)])
            case PositionsChanged():
                self._positions_changed(event)

    def on_tick(self) -> None:
        """Market time has moved: show what is new to whoever asked for it."""
        if not self.faults.line.up:
            return
        now = self.clock.now()
        sessions = list(self.sessions.values())
        lines = [(session, line) for session in sessions for line in session.lines.values()]
        if lines:
            securities = {leg.security.con_id: leg.security for _, li in lines for leg in li.legs}
            self.market.quotes(list(securities.values()), now)
        for session in sessions:
            session.send(row for line in session.lines.values() for row in self.ticks(line, now))
            for stream in list(session.streams.values()):
                session.send(stream.rows(self.market, now))
            if session.pnl:
                session.send(self.new_pnl(session))
        if now - self._accounts_shown_at >= ACCOUNT_REFRESH:
            self._accounts_shown_at = now
            for session in sessions:
                self._refresh_account(session)

    def ticks(self, line: MarketDataLine, now: datetime) -> list[Message]:
        securities = [leg.security for leg in line.legs]
        rows = line.regraded(self.quality.granted(securities, line.asked, now))
        quotes = self.quality.shown(securities, now)
        return rows + line.ticks(quotes, self.market, self.quality.moment_shown(securities, now))

    def new_pnl(self, session: ClientSession) -> list[Message]:
        """Profit rows that differ from those last shown."""
        rows = []
        for request_id, (account, con_id) in session.pnl.items():
            row = self._pnl_row(request_id, account, con_id)
            if session.shown_pnl.get(request_id) != row:
                session.shown_pnl[request_id] = row
                rows.append(row)
        return rows

    def account_rows(self, account: str) -> list[Message]:
        """The messages of an account update: values, portfolio, time."""
        values = self.exchange.values(account)
        portfolio = [
            messages.portfolio_value(account, p, self._realized(account, p.holding.con_id))
            for p in values.positions
        ]
        now = self.clock.now()
        return [*messages.account_values(values), *portfolio, messages.account_time(now)]

    def summary_rows(
        self, request_id: int, accounts: tuple[str, ...], tags: frozenset[str]
    ) -> list[Message]:
        return [
            row
            for account in accounts
            for row in messages.account_summary(request_id, self.exchange.values(account), tags)
        ]

    def _audience(self, order: OrderRecord) -> list[ClientSession]:
        """The placing client, and the master client who sees everything."""
        ids = dict.fromkeys((order.client_id, MASTER_CLIENT))
        return [self.sessions[i] for i in ids if i in self.sessions]

    def _order_changed(self, session: ClientSession, event: OrderChanged) -> list[Message]:
        order, rows = event.order, []
        # A cancel needs no openOrder, unless this client has never been shown the order.
        if event.error is None or order.perm_id not in session.known_orders:
            rows.append(self.open_order(session, order))
        rows.append(order_messages.order_status(order))
        if event.error is not None and session.client_id == order.client_id:
            rows.append(messages.error(order.api_order_id, *event.error))
        return rows

    def _order_filled(self, session: ClientSession, event: OrderFilled) -> list[Message]:
        rows = []
        if event.order.perm_id not in session.known_orders:
            rows.append(self.open_order(session, event.order))
        rows += [self.execution(session, -1, record) for record in event.executions]
        rows.append(self.open_order(session, event.order))
        rows.append(order_messages.order_status(event.order))
        rows += [messages.commission(r) for r in event.executions if r.con_id != BAG_CON_ID]
        return rows

    def _positions_changed(self, event: PositionsChanged) -> None:
        account = self.exchange.accounts[event.account]
        holdings = [(self.security(c), account.holding(c)) for c in event.con_ids]
        positions = [messages.position(account.name, s, h) for s, h in holdings]
        gone = [c for c in event.con_ids if not account.quantity(c)]
        for session in self.sessions.values():
            if session.wants_positions:
                session.tell(positions)
            if session.account_updates == account.name:
                session.tell(self._closed_rows(account.name, gone))
                session.tell(self.account_rows(account.name))
            for request_id, (names, model) in session.positions_multi.items():
                if account.name in names:
                    session.tell(
                        messages.position_multi(request_id, row, model) for row in positions
                    )
            for request_id, (names, model) in session.account_multi.items():
                if account.name in names:
                    values = self.exchange.values(account.name)
                    session.tell(messages.account_multi(request_id, values, model))

    def _closed_rows(self, account: str, con_ids: list[int]) -> list[Message]:
        """Portfolio rows of quantity 0, by which clients learn that a position is gone."""
        rows = []
        for con_id in con_ids:
            realized = self._realized(account, con_id)
            rows.append(messages.portfolio_value(account, self._empty_position(con_id), realized))
        return rows

    def _realized(self, account: str, con_id: int) -> Decimal:
        return self.day_trades.flow(account, con_id).realized

    def _empty_position(self, con_id: int) -> messages.PositionValue:
        security = self.security(con_id)
        holding = next(iter(self.exchange.accounts.values())).holding(0)
        empty = holding.model_copy(update={"con_id": con_id, "quantity": Decimal(0)})
        return messages.PositionValue(empty, security, 0.0, 0.0)

    def _refresh_account(self, session: ClientSession) -> None:
        if session.account_updates:
            session.send(self.account_rows(session.account_updates))
        for request_id, (accounts, tags) in session.summaries.items():
            session.send(self.summary_rows(request_id, accounts, tags))
        for request_id, (names, model) in session.account_multi.items():
            for name in names:
                values = self.exchange.values(name)
                session.send(messages.account_multi(request_id, values, model))

    def _pnl_row(self, request_id: int, account: str, con_id: int) -> Message:
        values = self.exchange.values(account)
        if not con_id:
            daily, unrealized = round(values.daily_pnl, 2), round(values.unrealized_pnl, 2)
            return [94, request_id, daily, unrealized, round(values.realized_pnl, 2)]
        held = [p for p in values.positions if p.holding.con_id == con_id]
        security = self.market.book.by_id(con_id)
        if not held and security is None:
            return [95, request_id, 0, 0.0, 0.0, 0.0, 0.0]
        position = held[0] if held else self._empty_position(con_id)
        close = self.market.quote(position.security, self.clock.now()).close
        return [
            95,
            request_id,
            position.holding.quantity,
            round(self.day_trades.daily_pnl(account, position, close), 2),
            round(position.unrealized_pnl, 2),
            float(self.day_trades.flow(account, con_id).realized),
            round(position.market_value, 2),
        ]


def combo_spec(contract: ContractSpec) -> ContractSpec:
    return ContractSpec(
        con_id=BAG_CON_ID,
        symbol=contract.symbol,
        sec_type="BAG",
        strike="0",
        right="",
        exchange=contract.exchange or "SMART",
        currency=contract.currency or "USD",
        local_symbol=contract.symbol,
        trading_class="COMB",
    )
