"""``python -m infra.simulator``: the simulated gateway as a program."""

from __future__ import annotations

import argparse
import logging
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from infra.simulator.app import DEMO_ACCOUNT, GatewayOptions, run
from infra.simulator.reference import NEW_YORK


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m infra.simulator",
        description="A simulated IB Gateway on the real TWS wire, for any TWS client.",
    )
    parser.add_argument("--port", type=int, default=4002, help="0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data-dir", type=Path, required=True, help="ledger and clock")
    parser.add_argument("--market", default="synthetic", choices=["synthetic"])
    parser.add_argument("--speed", type=float, default=1.0, help="market seconds per second")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--start", type=datetime.fromisoformat, help="ISO 8601; New York if naive")
    parser.add_argument("--closed", default="skip", choices=["skip", "run"])
    parser.add_argument("--account", action="append", dest="accounts", metavar="DU...")
    parser.add_argument("--market-data-lines", type=int, default=100, help="0 is unlimited")
    parser.add_argument("--messages-per-second", type=int, default=50, help="0 is unlimited")
    arguments = vars(parser.parse_args())
    if arguments["start"] is not None and arguments["start"].tzinfo is None:
        arguments["start"] = arguments["start"].replace(tzinfo=NEW_YORK)
    arguments["accounts"] = tuple(arguments["accounts"] or [DEMO_ACCOUNT])
    logging.basicConfig(
        level=logging.INFO, format='{"time":"%(asctime)s","level":"%(levelname)s",'
        '"logger":"%(name)s","event":"%(message)s"}',
    )  # fmt: skip
    try:
        options = GatewayOptions.model_validate(arguments)
    except ValidationError as error:
        parser.error(str(error))
    run(options)


if __name__ == "__main__":
    main()
