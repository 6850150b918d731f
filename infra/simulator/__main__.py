"""``python -m infra.simulator``: the simulated gateway as a program, without the desk."""

from __future__ import annotations

import logging

import typer

from infra.simulator.command import gateway_command


def _log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.INFO, format='{"time":"%(asctime)s","level":"%(levelname)s",'
        '"logger":"%(name)s","event":"%(message)s"}',
    )  # fmt: skip


def main() -> None:
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(gateway_command(_log_to_stderr))
    app(prog_name="python -m infra.simulator")


if __name__ == "__main__":
    main()
