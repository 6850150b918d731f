"""``greenlight halt``, ``reduce``, ``resume`` and ``kill-switch``."""

# ruff: noqa: PLC0415 (heavy imports inside the commands, as in infra.cli)

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from domain.risk.limits import TradingState
from infra.gateway_commands import run_command, table
from infra.settings import Settings

if TYPE_CHECKING:
    from infra.stopping import TradeLine

Start = Callable[[], Settings]
Reason = Annotated[str, typer.Option(help="Why, for the record.")]
Account = Annotated[
    str, typer.Option(help="Code of the account; without it, the whole desk is meant.")
]
_STATES = {
    "halt": (TradingState.HALTED, "Let nothing through but what is proven to reduce risk."),
    "reduce": (TradingState.REDUCING, "Wind down: only what is proven to reduce risk goes out."),
    "resume": (TradingState.ACTIVE, "Trade again; the stricter of account and desk binds."),
}


def add_stopping_commands(app: typer.Typer, start: Start) -> None:
    """The commands on ``app``; ``start`` gives the process its settings and logging."""
    for name, (state, words) in _STATES.items():
        app.command(name, help=words)(_changing_to(state, start))

    @app.command("kill-switch")
    def kill_switch(
        reason: Reason,
        account: Account = "",
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        wait: Annotated[
            float, typer.Option(min=0, help="Seconds to wait for the broker's confirmations.")
        ] = 60.0,
    ) -> None:
        """Halt, cancel every working order of ours, and see each confirmed by the broker.

        Ends with 1 while something is not confirmed. It may be pressed again at any time.
        """
        from infra.stopping import press_kill_switch, preview, until_confirmed

        settings, scope = start(), _scope(account)
        shown = run_command(preview(settings, account))
        _show(shown.trades, nothing="Nothing is under way.")
        if not yes:
            typer.confirm(f"Halt {scope} and cancel this?", abort=True)
        pressed = run_command(press_kill_switch(settings, account, shown.digest, reason))
        typer.echo(f"{scope}: HALTED, every approval under way is withdrawn")
        if not pressed.as_previewed:
            typer.echo("Trades came or went since the list above; this is what was withdrawn:")
        if not pressed.told:
            typer.echo(
                "Temporal does not answer: nothing more is sent, and what works is cancelled "
                "when it is back. Cancel in TWS what cannot wait.",
                err=True,
            )
        trades = run_command(until_confirmed(settings, pressed.id, wait))
        _show(trades, nothing="Nothing was under way.")
        if not all(trade.outcome.is_confirmed for trade in trades):
            typer.echo("Not everything is confirmed yet: look at these orders in TWS.", err=True)
            raise typer.Exit(1)


def _changing_to(state: TradingState, start: Start) -> Callable[..., None]:
    def change_state(reason: Reason, account: Account = "") -> None:
        from infra.stopping import change

        before = run_command(change(start(), account, state, reason))
        typer.echo(f"{_scope(account)}: {before} → {state}")

    return change_state


def _scope(account: str) -> str:
    return f"account {account.upper()}" if account else "the whole desk"


def _show(trades: Sequence[TradeLine], *, nothing: str) -> None:
    rows = [(trade.account, trade.summary, trade.outcome.value) for trade in trades]
    table(("ACCOUNT", "TRADE", "STATE"), rows, nothing=nothing)
