"""The whole desk on one machine: real Postgres, real Temporal, a simulated gateway, one command.

`EmbeddedPostgres` and `EmbeddedTemporal` each know one server (its command, its state directory,
when it is ready) and can run it on their own, which is how tests use them. `greenlight up` hands
them to the supervisor (`infra.supervisor`), which owns every process.
"""

from __future__ import annotations

from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.temporal import EmbeddedTemporal

__all__ = ["EmbeddedPostgres", "EmbeddedTemporal"]
