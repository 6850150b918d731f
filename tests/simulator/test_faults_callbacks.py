"""Faults in what clients are told, and in the gateway's line to IBKR; the books stay right."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from ib_async import LimitOrder, Trade

from infra.simulator.app import SimulatedGateway
from infra.simulator.shaping import Aim
from tests.simulator.conftest import Connect, Recorder, place, quoted, settle, spy_put, until

OPEN_ORDER, ORDER_STATUS, EXECUTION, COMMISSION, ERROR = 5, 3, 11, 59, 4
FILL_AT_ONCE = [
    "openOrder", "orderStatus", "execDetails", "openOrder", "orderStatus", "commissionReport",
]  # fmt: skip


async def bought(ib: Recorder, quantity: int = 1, ref: str = "GL-1") -> tuple[list[str], Trade]:
    """The callbacks of an order that fills at once, and the trade."""
    put = await spy_put(ib)
    mark = len(ib.calls)
    trade = await place(ib, put, LimitOrder("BUY", quantity, 90, orderRef=ref))
    return ib.names_since(mark), trade


def kinds(gateway: SimulatedGateway) -> list[str]:
    return [fault.kind for fault in gateway.ledger.faults()]


# --- callbacks -----------------------------------------------------------------------------


async def test_a_callback_can_be_told_twice(gateway: SimulatedGateway, ib: Recorder):
    gateway.faults.duplicate(Aim(frozenset({EXECUTION})))
    names, trade = await bought(ib)
    assert names.count("execDetails") == 2
    assert len(names) == len(FILL_AT_ONCE) + 1
    assert trade.filled() == 1
    assert kinds(gateway) == ["duplicate"]


async def test_a_duplicate_can_come_long_after(gateway: SimulatedGateway, ib: Recorder):
    gateway.faults.duplicate(Aim(frozenset({ORDER_STATUS}), nth=1), after_seconds=0.1)
    _, trade = await bought(ib)
    assert trade.orderStatus.status == "Filled"
    await until(lambda: trade.orderStatus.status == "Submitted")


async def test_only_the_nth_callback_is_dropped_and_the_books_still_show_it(
    gateway: SimulatedGateway, ib: Recorder
):
    gateway.faults.drop_callbacks(Aim(frozenset({EXECUTION}), nth=2))
    first, _ = await bought(ib, ref="GL-1")
    second, _ = await bought(ib, ref="GL-2")
    assert first == FILL_AT_ONCE
    assert "execDetails" not in second
    assert [f.execution.orderRef for f in await ib.reqExecutionsAsync()] == ["GL-1", "GL-2"]


async def test_a_share_of_callbacks_is_struck_as_the_seed_decides(
    gateway: SimulatedGateway, ib: Recorder
):
    gateway.faults.reseed(3)
    gateway.faults.drop_callbacks(Aim(frozenset({COMMISSION}), rate=0.5))
    told = []
    for number in range(8):
        names, _ = await bought(ib, ref=f"GL-{number}")
        told.append("commissionReport" in names)
    assert 0 < sum(told) < 8
    assert len(gateway.ledger.faults("drop")) == told.count(False)


async def test_a_fault_can_be_limited_to_so_many_strikes(gateway: SimulatedGateway, ib: Recorder):
    gateway.faults.drop_callbacks(Aim(frozenset({COMMISSION}), times=1))
    first, _ = await bought(ib)
    second, _ = await bought(ib)
    assert ("commissionReport" in first, "commissionReport" in second) == (False, True)


async def test_commissions_can_come_late(gateway: SimulatedGateway, ib: Recorder):
    gateway.faults.late(0.1)
    names, _ = await bought(ib)
    assert names == FILL_AT_ONCE[:-1]
    await until(lambda: ib.calls[-1][0] == "commissionReport")


async def test_a_commission_can_precede_its_execution(gateway: SimulatedGateway, ib: Recorder):
    gateway.faults.overtake(early=COMMISSION, late=EXECUTION)
    names, _ = await bought(ib)
    assert names.index("commissionReport") < names.index("execDetails")
    assert sorted(names) == sorted(FILL_AT_ONCE)


async def test_a_status_can_precede_its_open_order(gateway: SimulatedGateway, ib: Recorder):
    gateway.faults.overtake(early=ORDER_STATUS, late=OPEN_ORDER)
    names, _ = await bought(ib)
    assert names[:2] == ["orderStatus", "openOrder"]


async def test_a_filled_order_can_be_called_submitted_again(
    gateway: SimulatedGateway, ib: Recorder
):
    gateway.faults.regress_status()
    _, trade = await bought(ib)
    assert trade.orderStatus.status == "Submitted"
    assert gateway.ledger.orders("GL-1")[0].status.value == "Filled"
    assert kinds(gateway) == ["regress"]


async def test_callbacks_are_shuffled_within_a_window_and_none_is_lost(
    gateway: SimulatedGateway, ib: Recorder
):
    gateway.faults.reseed(5)
    gateway.faults.reorder(window=4, seconds=0.1)
    names, _ = await bought(ib)
    assert names[:4] != FILL_AT_ONCE[:4]
    await until(lambda: sorted(n for n in ib.names_since(0) if n != "error")
                == sorted(FILL_AT_ONCE))  # fmt: skip


async def test_answers_to_requests_are_never_shaped(gateway: SimulatedGateway, ib: Recorder):
    await bought(ib)
    every = Aim(frozenset({OPEN_ORDER, ORDER_STATUS, EXECUTION, COMMISSION, ERROR}))
    gateway.faults.drop_callbacks(every)
    assert len(await ib.reqExecutionsAsync()) == 1
    assert len(await ib.reqCompletedOrdersAsync(False)) == 1


# --- corrections ---------------------------------------------------------------------------


@pytest.fixture
async def execution(gateway: SimulatedGateway, ib: Recorder) -> Any:
    await bought(ib, 3)
    (record,) = gateway.ledger.executions("GL-1")
    return record


async def test_a_correction_replaces_quantity_and_price_in_position_and_cash(
    gateway: SimulatedGateway, ib: Recorder, execution: Any
):
    account = gateway.exchange.accounts[execution.account]
    cash = account.cash
    price = execution.price - Decimal("0.10")
    mark = len(ib.calls)
    corrected = gateway.faults.correct_execution(execution.exec_id, Decimal(2), price)
    await settle(ib)
    account = gateway.exchange.accounts[execution.account]
    assert account.quantity(execution.con_id) == 2
    assert account.cash == cash + 3 * execution.price * 100 - 2 * price * 100
    assert corrected.exec_id == execution.exec_id[:-2] + "02"
    assert gateway.ledger.effective_executions("GL-1") == [corrected]
    assert len(gateway.ledger.executions("GL-1")) == 2
    assert ib.names_since(mark) == ["execDetails", "commissionReport"]
    shown = ib.calls[mark][1][2]
    assert (shown.execId, shown.shares, Decimal(str(shown.price))) == (
        corrected.exec_id, 2, price,
    )  # fmt: skip
    assert kinds(gateway) == ["correct_execution"]


async def test_a_correction_can_itself_be_corrected(gateway: SimulatedGateway, execution: Any):
    gateway.faults.correct_execution(execution.exec_id, Decimal(2))
    last = gateway.faults.correct_execution(execution.exec_id, Decimal(1))
    assert last.exec_id.endswith(".03")
    assert gateway.exchange.accounts[execution.account].quantity(execution.con_id) == 1
    assert [e.quantity for e in gateway.ledger.effective_executions("GL-1")] == [1]


async def test_a_bust_leaves_neither_position_nor_cost(gateway: SimulatedGateway, ib: Recorder):
    cash = next(iter(gateway.exchange.accounts.values())).cash
    await bought(ib, 3)
    (execution,) = gateway.ledger.executions("GL-1")
    gateway.faults.bust_execution(execution.exec_id)
    account = gateway.exchange.accounts[execution.account]
    assert (account.quantity(execution.con_id), account.cash) == (0, cash)
    assert gateway.ledger.effective_executions("GL-1") == []
    shown = [f.execution.shares for f in await ib.reqExecutionsAsync()]
    assert shown == [3, 0]


async def test_the_realised_profit_follows_the_corrected_price(
    gateway: SimulatedGateway, ib: Recorder
):
    put = await spy_put(ib)
    await place(ib, put, LimitOrder("BUY", 1, 90, orderRef="GL-in"))
    await place(ib, put, LimitOrder("SELL", 1, 0.05, orderRef="GL-out"))
    (out,) = gateway.ledger.executions("GL-out")
    realized = gateway.exchange.accounts[out.account].realized_pnl
    new = gateway.faults.correct_execution(out.exec_id, price=out.price + 1)
    assert gateway.exchange.accounts[out.account].realized_pnl == realized + 100
    assert out.realized_pnl is not None
    assert new.realized_pnl == out.realized_pnl + 100


async def test_a_correction_survives_a_restart_of_the_gateway(
    start_gateway: Any, connect: Connect, tmp_path: Any
):
    first = await start_gateway()
    ib = await connect(first)
    await bought(ib, 3)  # type: ignore[arg-type]
    (execution,) = first.ledger.executions("GL-1")
    first.faults.correct_execution(execution.exec_id, Decimal(2))
    ib.disconnect()
    second = await start_gateway()
    assert second.exchange.accounts[execution.account].quantity(execution.con_id) == 2
    assert [e.quantity for e in second.ledger.effective_executions()] == [2]


def test_an_unknown_execution_cannot_be_corrected(gateway: SimulatedGateway):
    with pytest.raises(LookupError, match=r"0000\.01"):
        gateway.faults.correct_execution("0000.01", Decimal(1))


# --- the line to IBKR ----------------------------------------------------------------------


async def test_fills_go_on_unseen_while_the_line_is_lost(gateway: SimulatedGateway, ib: Recorder):
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    mid = round((ticker.bid + ticker.ask) / 2, 2)
    trade = await place(ib, put, LimitOrder("SELL", 1, mid, orderRef="GL-unseen"))
    gateway.faults.lose_connectivity()
    await settle(ib)
    assert 1100 in ib.codes()
    mark = len(ib.calls)
    gateway.clock.advance(timedelta(minutes=20))
    await settle(ib)
    assert gateway.ledger.executions("GL-unseen")
    assert ib.calls[mark:] == []
    gateway.faults.restore_connectivity()
    await settle(ib)
    assert ib.names_since(mark) == ["error"]
    assert ib.codes()[-1] == 1102
    assert trade.orderStatus.status == "Submitted"
    assert len(await ib.reqExecutionsAsync()) == 1


async def test_what_was_missed_can_be_told_after_all(gateway: SimulatedGateway, ib: Recorder):
    put = await spy_put(ib)
    trade = await place(ib, put, LimitOrder("SELL", 1, 90, orderRef="GL-missed"))
    gateway.faults.lose_connectivity()
    gateway.exchange.cancel_order(trade.order.permId)
    gateway.faults.restore_connectivity(missed_kept=True)
    await settle(ib)
    assert trade.orderStatus.status == "Cancelled"


async def test_an_order_sent_while_the_line_is_lost_goes_nowhere(
    gateway: SimulatedGateway, ib: Recorder
):
    put = await spy_put(ib)
    gateway.faults.lose_connectivity()
    ib.placeOrder(put, LimitOrder("SELL", 1, 90, orderRef="GL-nowhere"))
    await settle(ib)
    gateway.faults.restore_connectivity()
    await settle(ib)
    assert gateway.ledger.orders("GL-nowhere") == []


@pytest.mark.parametrize(("data_kept", "code"), [(True, 1102), (False, 1101)])
async def test_subscriptions_survive_1102_and_not_1101(
    gateway: SimulatedGateway, ib: Recorder, data_kept: bool, code: int
):
    ticker = await quoted(ib, await spy_put(ib))
    gateway.faults.lose_connectivity()
    gateway.clock.advance(timedelta(minutes=5))
    frozen = ticker.bid
    gateway.faults.restore_connectivity(data_kept=data_kept)
    gateway.clock.advance(timedelta(minutes=5))
    await settle(ib)
    assert code in ib.codes()
    assert (ticker.bid != frozen) is data_kept


async def test_a_client_that_joins_while_the_line_is_lost_is_told_so(
    gateway: SimulatedGateway, connect: Connect
):
    gateway.faults.lose_connectivity()
    late = Recorder()
    with pytest.raises(ConnectionError):
        await late.connectAsync(
            "127.0.0.1", gateway.port, clientId=4, timeout=0.3, raiseSyncErrors=True
        )
    assert 2110 in late.codes()
    assert 2104 not in late.codes()


async def test_notices_of_farms_and_of_a_competing_session_reach_every_client(
    gateway: SimulatedGateway, ib: Recorder
):
    for code in (2103, 2105, 2104, 2106, 2108):
        gateway.faults.farm_notice(code)
    gateway.faults.competing_session()
    await settle(ib)
    assert ib.codes()[-6:] == [2103, 2105, 2104, 2106, 2108, 10197]
