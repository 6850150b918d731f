"""What kind of money a gateway trades, and what an account's code says about it."""

from __future__ import annotations

from enum import StrEnum


class GatewayKind(StrEnum):
    SIMULATED = "SIMULATED"
    PAPER = "PAPER"
    LIVE = "LIVE"


BY_STAKE = (GatewayKind.LIVE, GatewayKind.PAPER, GatewayKind.SIMULATED)
"""The kinds of money, real money first. Sums of one never hold another."""


def is_paper_account(code: str) -> bool:
    """Whether IBKR gave this code to a paper account: DU…, DF… and DI…, never a live U…, F…, I…"""
    return code.upper().startswith("D")
