"""The command line of the simulated gateway: one parser for every way it is started."""

# ruff: noqa: PLC0415 (the parser must stay light: what it starts is imported when it starts)

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import platformdirs
import typer

from infra.simulator.history_pacing import PacingScope
from infra.simulator.resting import Resting

if TYPE_CHECKING:
    from infra.simulator.app import GatewayOptions
    from infra.simulator.fault_plan import FaultPlan
    from infra.simulator.market_events import EventPlan

DEFAULT_PORT = 4002
_NEW_YORK = ZoneInfo("America/New_York")


class MarketKind(StrEnum):
    SYNTHETIC = "synthetic"
    REPLAY = "replay"


class Closed(StrEnum):
    SKIP = "skip"
    RUN = "run"


def gateway_command(prepare: Callable[[], object]) -> Callable[..., None]:
    """The command as a function for Typer; ``prepare`` runs before it, to set up logging."""

    def gateway(  # noqa: PLR0913, PLR0917 (one parameter for each option)
        recording: Annotated[
            Path | None,
            typer.Argument(metavar="[PATH]", help="What --market replay plays: a file or folder."),
        ] = None,
        port: Annotated[int, typer.Option(help="TCP port; 0 picks a free one.")] = DEFAULT_PORT,
        host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
        data_dir: Annotated[
            Path | None,
            typer.Option(help="Ledger and clock. Default: one per market and port, per user."),
        ] = None,
        market: Annotated[
            MarketKind, typer.Option(help="Drawn from a seed, or recorded chains played again.")
        ] = MarketKind.SYNTHETIC,
        speed: Annotated[
            float | None, typer.Option(help="Market seconds per second (default 1).")
        ] = None,
        seed: Annotated[int | None, typer.Option(help="Which synthetic market.")] = None,
        start: Annotated[
            str | None,
            typer.Option(help="Market time of the first run, ISO 8601; New York if naive."),
        ] = None,
        closed: Annotated[
            Closed | None, typer.Option(help="Leap over closed hours, or let them pass.")
        ] = None,
        nightly_reset: Annotated[
            str | None,
            typer.Option(metavar="HH:MM", help="New York time at which clients are dropped."),
        ] = None,
        account: Annotated[
            list[str] | None,
            typer.Option(metavar="DU...", help="May be repeated; =regt or =portfolio may follow."),
        ] = None,
        margin: Annotated[
            str | None,
            typer.Option(metavar="regt|portfolio", help="Margin of accounts that do not say."),
        ] = None,
        quality: Annotated[
            list[str] | None,
            typer.Option(metavar="SYMBOL=KIND", help="delayed, stale, crossed, no_bid …; repeat."),
        ] = None,
        quality_rate: Annotated[
            float | None, typer.Option(help="Chance of faulty quotes, by contract and minute.")
        ] = None,
        resting: Annotated[
            Resting | None,
            typer.Option(help="Limits inside the spread: hit at random in time, or left to wait."),
        ] = None,
        market_data_lines: Annotated[
            int | None, typer.Option(help="Per client; 0 is unlimited.")
        ] = None,
        messages_per_second: Annotated[
            int | None, typer.Option(help="Beyond it clients are warned; 0 is unlimited.")
        ] = None,
        history_pacing: Annotated[
            PacingScope | None,
            typer.Option(help="Historical requests that IBKR's limits apply to; small: ≤ 30 s."),
        ] = None,
        faults: Annotated[
            Path | None, typer.Option(metavar="PLAN.json", help="What is to go wrong, and when.")
        ] = None,
        events: Annotated[
            Path | None,
            typer.Option(help="JSON plan of dividends, splits, halts, jumps … for the first run."),
        ] = None,
    ) -> None:
        """Run the simulated IB Gateway, on the real TWS wire, for any TWS program."""
        prepare()
        if (market is MarketKind.REPLAY) != (recording is not None):
            raise typer.BadParameter("--market replay and the PATH of a recording go together")
        given = {
            "port": port,
            "host": host,
            "market": market.value,
            "recording": recording,
            "data_dir": data_dir or default_data_dir(market, recording, port),
            "speed": speed,
            "seed": seed,
            "start": None if start is None else _market_time(start),
            "closed": None if closed is None else closed.value,
            "nightly_reset": nightly_reset,
            "accounts": tuple(account) if account else None,
            "margin": margin,
            "quality": dict(map(_quality, quality)) if quality else None,
            "quality_rate": quality_rate,
            "resting": None if resting is None else resting.value,
            "market_data_lines": market_data_lines,
            "messages_per_second": messages_per_second,
            "history_pacing": history_pacing,
            "faults": None if faults is None else _fault_plan(faults),
            "events": None if events is None else _event_plan(events),
        }
        _run(_options({name: value for name, value in given.items() if value is not None}))

    return gateway


def default_data_dir(market: MarketKind, recording: Path | None, port: int) -> Path:
    """A directory of the user's own for each market and port, so that a restart goes on."""
    name = f"{market.value}-{port}" if recording is None else f"{recording.stem}-{port}"
    return platformdirs.user_data_path("greenlight-gateway") / name


def _options(given: dict[str, Any]) -> GatewayOptions:
    """Validated options; what is wrong with them is said in the words of the command line."""
    from pydantic import ValidationError

    from infra.simulator.app import GatewayOptions

    try:
        return GatewayOptions.model_validate(given)
    except ValidationError as error:
        problems = [
            f"--{str(e['loc'][0]).replace('_', '-')}: {e['msg']}" if e["loc"] else e["msg"]
            for e in error.errors()
        ]
        raise typer.BadParameter("; ".join(problems)) from None


def _fault_plan(path: Path) -> FaultPlan:
    from infra.simulator.fault_plan import FaultPlanError, load_fault_plan

    try:
        return load_fault_plan(path)
    except (FaultPlanError, OSError) as error:
        raise typer.BadParameter(f"--faults: {error}") from None


def _run(options: GatewayOptions) -> None:
    from infra.simulator.app import GatewayStartError, run

    try:
        with _sole_user_of(options.data_dir):
            run(options)
    except (GatewayStartError, OSError) as error:
        typer.echo(f"The simulated gateway cannot run: {error}", err=True)
        raise typer.Exit(1) from None


@contextmanager
def _sole_user_of(data_dir: Path) -> Iterator[None]:
    """Two gateways on one ledger would both believe it theirs."""
    from infra.simulator.app import GatewayStartError

    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "gateway.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GatewayStartError(
                f"another gateway runs on {data_dir}; stop it, or give --data-dir"
            ) from None
        yield


def _quality(text: str) -> tuple[str, str]:
    symbol, equals, kind = text.partition("=")
    if not (symbol and equals and kind):
        raise typer.BadParameter(f"--quality: {text!r} is not SYMBOL=KIND")
    return symbol, kind


def _event_plan(path: Path) -> EventPlan:
    from infra.simulator.market_events import EventPlanError, load_event_plan

    try:
        return load_event_plan(path)
    except EventPlanError as error:
        raise typer.BadParameter(f"--events: {error}") from None


def _market_time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"--start: {text!r} is not an ISO 8601 time") from None
    return at if at.tzinfo else at.replace(tzinfo=_NEW_YORK)
