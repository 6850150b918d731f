"""How far the desk is set up: what the first-run guide goes by."""

from __future__ import annotations

from pydantic import Field

from api.schemas.common import Answer


class SetupAnswer(Answer):
    """Counts of what is really there, of what the viewer may see."""

    gateways: int = Field(description="on record; everybody is told how many")
    gateways_connected: int
    simulated: bool = Field(description="every visible account is on a simulated gateway")
    clients: int
    accounts: int
    accounts_read: int = Field(description="of which the broker has told values")
    strategies: int = Field(description="with a universe to look at")
    strategies_enabled: int
    runs: int = Field(description="live runs that ended")
    runs_under_way: int
    recommendations: int
    decisions: int
