"""Failures a real gateway produces, on demand.

``SimulatedGateway.faults`` is the one switchboard: by Python calls, or by a plan
(:mod:`infra.simulator.fault_plan`) that makes the same calls at set moments. Every fault that
strikes is written to the ledger's ``faults`` table first.

The parts: bytes and their pace (:mod:`infra.simulator.delivery`), callbacks
(:mod:`infra.simulator.shaping`), refusals (:mod:`infra.simulator.refusals`), corrections
(:mod:`infra.simulator.corrections`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import numpy as np

from infra.simulator import messages
from infra.simulator.accepted_cancels import AcceptedCancels
from infra.simulator.connectivity import IbkrLine
from infra.simulator.corrections import correct_execution
from infra.simulator.delivery import ByteLimit, ConnectionCut, Delay, Direction, Pace
from infra.simulator.exchange import Exchange
from infra.simulator.faulty_connection import Connection
from infra.simulator.messages import Message
from infra.simulator.records import ExecutionRecord
from infra.simulator.refusals import RefusalRule, Refusals, RefusalShape
from infra.simulator.shaping import (
    COMMISSION_REPORT,
    ORDER_CALLBACKS,
    ORDER_STATUS,
    Aim,
    Drop,
    Duplicate,
    Late,
    Overtake,
    Regress,
    Reorder,
    Shaper,
)
from infra.simulator.triggers import Moment, Triggers

__all__ = ["ConnectionCut", "Direction", "Faults", "Moment", "RefusalShape"]

_RANDOM_STREAM = 0xFA17


class Faults:
    """The faults in force on one gateway. Message ids are those of the TWS protocol."""

    def __init__(self, exchange: Exchange, seed: int = 0) -> None:
        self._exchange = exchange
        self._rng = np.random.default_rng([seed, _RANDOM_STREAM])
        self.connections: set[Connection] = set()
        """Every connection now open; the server keeps it."""
        self.holding = False
        self.line = IbkrLine(lambda: list(self.connections))
        self.pace = Pace(self._rng)
        self.refusals = Refusals(self.struck)
        self.accept_delay = 0.0
        self._refusing = False
        self._refusing_until = 0.0
        self._clashes = 0
        self._cancels = AcceptedCancels(exchange, self.struck)
        self._triggers = Triggers()
        self._limits: list[ByteLimit] = []
        self._shapers: list[Shaper] = []
        self._noted: set[tuple[int, str]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        exchange.refuse = self.refusals.refuse
        exchange.listeners += [self._triggers.on_event, self._cancels.on_event]

    def struck(self, kind: str, detail: str = "", client_id: int | None = None) -> None:
        """Put on record that a fault struck."""
        self._exchange.ledger.append_fault(kind, self._exchange.clock.now(), detail, client_id)

    def struck_once(self, key: object, kind: str, detail: str) -> None:
        """Put on record the first time a lasting fault struck one connection."""
        if (id(key), kind) not in self._noted:
            self._noted.add((id(key), kind))
            self.struck(kind, detail)

    def reseed(self, seed: int) -> None:
        """Draw whatever is random from this seed from now on."""
        self._rng = np.random.default_rng([seed, _RANDOM_STREAM])
        self.pace.rng = self._rng

    def clear(self) -> None:
        """End every fault in force; what is kept back is sent, what is lost stays lost."""
        self._triggers.clear()
        self._limits.clear()
        self._noted.clear()
        self.refusals.orders.clear()
        self.refusals.cancels.clear()
        self.pace.delays.clear()
        self.pace.largest_piece, self.pace.gather_seconds = 0, 0.0
        self.accept_delay, self._clashes, self._cancels.times = 0.0, 0, 0
        self._refusing, self._refusing_until = False, 0.0
        for shaper in self._shapers:
            shaper.release()
        self._shapers.clear()
        self.release_callbacks()
        if not self.line.up:
            self.restore_connectivity()

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something so many wall seconds from now, if this gateway still runs then."""
        loop = asyncio.get_running_loop()
        self._timers = {timer for timer in self._timers if timer.when() > loop.time()}
        self._timers.add(loop.call_later(seconds, action))

    def close(self) -> None:
        """Call off what was to come: the gateway ends."""
        for timer in self._timers:
            timer.cancel()

    # --- connections -----------------------------------------------------------------------

    def drop_connection(self, moment: Moment | str, message_id: int, nth: int = 1) -> None:
        """Cut the connection right before or after processing the ``nth`` such message.

        Counting starts now and spans connections. ``before``: the gateway never acts on it.
        ``after``: it has acted, and the client never hears of it.
        """
        self._triggers.on_message(moment, message_id, nth, None)

    def on_message(
        self, moment: Moment | str, message_id: int, nth: int, action: Callable[[], object]
    ) -> None:
        """Do something right before or after processing the ``nth`` such message from now."""
        self._triggers.on_message(moment, message_id, nth, action)

    def on_execution(self, nth: int, action: Callable[[ExecutionRecord], object]) -> None:
        """Do something once the ``nth`` execution from now has been booked and told."""
        self._triggers.on_execution(nth, action)

    def cut_after_bytes(
        self, direction: Direction | str, count: int, client_id: int | None = None
    ) -> None:
        """Cut the connection over which the ``count``-th byte from now passes, right behind it.

        ``received``: a request of which not every byte has arrived is not acted on. ``sent``:
        the client is left with the beginning of a message.
        """
        if count < 0:
            raise ValueError(f"a count of bytes is not negative: {count}")
        self._limits.append(ByteLimit(Direction(direction), count, client_id))

    def drop_everyone(self, refuse_seconds: float = 0.0) -> None:
        """Cut every connection, and refuse new ones for so many wall seconds: a restart."""
        self.struck("drop_everyone", f"refusing for {refuse_seconds:g} s")
        self._refusing_until = time.monotonic() + refuse_seconds
        for connection in list(self.connections):
            connection.cut()

    def restart(self, refuse_seconds: float = 0.0, *, keep_day: bool = True) -> None:
        """Everyone is dropped; without ``keep_day`` the API also forgets the day."""
        if not keep_day:
            self.forget_day()
        self.drop_everyone(refuse_seconds)

    def forget_day(self) -> None:
        """The API no longer knows completed orders and executions; open orders it keeps."""
        self._exchange.ledger.forget_day()
        self.struck("forget_day")

    def refuse_connections(self, refuse: bool = True) -> None:
        """Close new connections at once, and cut the present ones."""
        self._refusing = refuse
        if refuse:
            self.struck("refuse_connections")
            for connection in list(self.connections):
                connection.cut()

    @property
    def refusing(self) -> bool:
        return self._refusing or time.monotonic() < self._refusing_until

    def slow_accept(self, seconds: float) -> None:
        """Answer the greeting of new connections only after so many seconds."""
        self.accept_delay = seconds

    def half_open(
        self,
        direction: Direction | str | None = None,
        client_id: int | None = None,
        linger_seconds: float = 0.0,
    ) -> None:
        """The present connections stay open and are dead: in one direction, or both (None).

        ``received``: nothing the client sends is acted on. ``sent``: nothing reaches it. Its
        client id stays in use (326) for ``linger_seconds`` after it has hung up.
        """
        for connection in list(self.connections):
            if client_id not in {None, connection.client_id}:
                continue
            words = "both directions" if direction is None else Direction(direction)
            self.struck("half_open", words, connection.client_id)
            connection.lingers = linger_seconds
            if direction in {None, Direction.RECEIVED}:
                connection.deaf = True
            if direction in {None, Direction.SENT}:
                connection.silence()

    def refuse_client_id(self, times: int = 1) -> None:
        """The next clients are told that their id is in use (326), although it is free."""
        self._clashes = times

    def reset_socket_port(self, port: int) -> None:
        """Tell everyone that the API port is another now (1300), and close."""
        self.struck("reset_socket_port", str(port))
        text = (
            "TWS socket port has been reset and this connection is being dropped. "
            f"Please reconnect on the new port - {port}"
        )
        for connection in list(self.connections):
            connection.send([messages.error(-1, 1300, text)])
            connection.hang_up()

    # --- the pace of bytes -----------------------------------------------------------------

    def hold_callbacks(self) -> None:
        """Keep every message to clients back, in order, until released."""
        self.holding = True
        self.struck("hold_callbacks")

    def release_callbacks(self) -> None:
        self.holding = False
        for connection in list(self.connections):
            connection.flush_held()

    def delay(
        self,
        seconds: float,
        jitter: float = 0.0,
        message_ids: Iterable[int] | None = None,
        direction: Direction | str = Direction.SENT,
    ) -> None:
        """Hold messages back by ``seconds`` plus up to ``jitter``; their order is kept."""
        wanted = None if message_ids is None else frozenset(message_ids)
        self.pace.delays.append(Delay(Direction(direction), seconds, jitter, wanted))

    def slice_frames(self, largest_piece: int = 8) -> None:
        """Send frames in many small TCP writes of 1 to so many bytes."""
        self.pace.largest_piece = largest_piece

    def coalesce(self, seconds: float) -> None:
        """Send what gathers within so many seconds in one TCP write."""
        self.pace.gather_seconds = seconds

    # --- callbacks -------------------------------------------------------------------------

    def duplicate(self, aim: Aim, after_seconds: float = 0.0) -> None:
        """Tell callbacks twice."""
        self._shapers.append(Duplicate(aim, after_seconds))

    def drop_callbacks(self, aim: Aim) -> None:
        """Never tell callbacks; requests for the books still answer in full."""
        self._shapers.append(Drop(aim))

    def late(self, seconds: float, aim: Aim | None = None) -> None:
        """Tell callbacks late while others pass; commissions unless told otherwise."""
        self._shapers.append(Late(aim or Aim(frozenset({COMMISSION_REPORT})), seconds))

    def reorder(self, window: int = 4, seconds: float = 0.2, aim: Aim | None = None) -> None:
        """Shuffle callbacks within ``window`` messages or ``seconds``, whichever ends first."""
        self._shapers.append(Reorder(aim or Aim(ORDER_CALLBACKS), window, seconds))

    def overtake(self, early: int, late: int) -> None:
        """Within one event, tell ``early`` messages before ``late`` ones."""
        self._shapers.append(Overtake(early, late))

    def regress_status(self, aim: Aim | None = None) -> None:
        """After an orderStatus, tell its predecessor again: Filled, then Submitted."""
        self._shapers.append(Regress(aim or Aim(frozenset({ORDER_STATUS}))))

    # --- executions and orders -------------------------------------------------------------

    def correct_execution(
        self, exec_id: str, quantity: Decimal | None = None, price: Decimal | None = None
    ) -> ExecutionRecord:
        """Replace an execution's quantity or price by a ``.02`` (``.03`` …) revision."""
        correction = correct_execution(self._exchange, exec_id, quantity, price)
        self.struck("correct_execution", f"{correction.exec_id}: {correction.quantity}")
        return correction

    def bust_execution(self, exec_id: str) -> ExecutionRecord:
        """Undo an execution: its correction has quantity 0."""
        return self.correct_execution(exec_id, quantity=Decimal(0))

    def reject_orders(
        self,
        code: int = 201,
        message: str = "",
        shape: RefusalShape | str = RefusalShape.INACTIVE,
        *,
        times: int = 1,
        skip: int = 0,
        order_ref: str | None = None,
    ) -> None:
        """Refuse orders (not previews) in one of TWS's shapes; see RefusalShape."""
        rule = RefusalRule(code, message, RefusalShape(shape), times, skip, order_ref)
        self.refusals.orders.append(rule)

    def reject_cancels(self, code: int = 10147, message: str = "", *, times: int = 1) -> None:
        """Refuse cancels; the orders they name go on working."""
        self.refusals.cancels.append(RefusalRule(code, message, times=times))

    def cancel_accepted(self, times: int = 1) -> None:
        """The exchange accepts the next orders, and then cancels them by itself."""
        self._cancels.times = times

    # --- the line to IBKR ------------------------------------------------------------------

    def lose_connectivity(self) -> None:
        """1100: clients stay connected, and hear nothing of what happens at the exchange."""
        self.struck("lose_connectivity")
        self.line.lose()

    def restore_connectivity(self, *, data_kept: bool = True, missed_kept: bool = False) -> None:
        """1102, or 1101 with every subscription gone (``data_kept`` False).

        What happened meanwhile is told only with ``missed_kept``.
        """
        self.struck("restore_connectivity", "data kept" if data_kept else "data lost")
        self.line.restore(data_kept=data_kept, missed_kept=missed_kept)

    def farm_notice(self, code: int, farm: str = "usfarm") -> None:
        """A data farm broke (2103, 2105, 2157), came back (2104, 2106, 2158) or sleeps (2108)."""
        self.struck("farm_notice", f"{code} {farm}")
        self.line.farm_notice(code, farm)

    def competing_session(self) -> None:
        """10197: another session of the same user took the market data."""
        self.struck("competing_session")
        text = "No market data during competing live session"
        self.line.tell(messages.error(-1, 10197, text))

    # --- what the server asks --------------------------------------------------------------

    def message_received(self, connection: Connection, message_id: int) -> None:
        self._pass(Moment.BEFORE, connection, message_id)

    def silences(self, message_id: int) -> bool:
        """Whether the answers to the message now being processed will never be sent."""
        return self._triggers.silences(message_id)

    def message_processed(self, connection: Connection, message_id: int) -> None:
        self._pass(Moment.AFTER, connection, message_id)

    def clashes(self, client_id: int) -> bool:
        """Whether this client is to be told that its id is in use."""
        if not self._clashes:
            return False
        self._clashes -= 1
        self.struck("refuse_client_id", "", client_id)
        return True

    def shaped(self, connection: Connection, rows: Sequence[Message]) -> list[Message]:
        """The live callbacks to send now in place of ``rows``."""
        out = list(rows)
        if not self.line.up:
            self.line.miss(connection, out)
            return []
        for shaper in self._shapers:
            out = shaper.shape(
                connection, out, self._rng, lambda k, d: self.struck(k, d, connection.client_id)
            )
        return out

    def byte_limit(self, direction: Direction, client_id: int | None) -> ByteLimit | None:
        return next((x for x in self._limits if x.concerns(direction, client_id)), None)

    def limit_reached(self, limit: ByteLimit, client_id: int | None) -> None:
        self._limits.remove(limit)
        self.struck("cut_after_bytes", limit.direction, client_id)

    # --- inside ----------------------------------------------------------------------------

    def _pass(self, moment: Moment, connection: Connection, message_id: int) -> None:
        if self._triggers.cuts_at(moment, message_id):
            self.struck("drop_connection", f"{moment} message {message_id}", connection.client_id)
            connection.cut()
            raise ConnectionCut(f"{moment} message {message_id}")
