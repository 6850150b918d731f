"""What a check says: how one part is, in words, and what to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from domain.instruments import Frozen


class HealthState(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    """It works, but somebody should look."""
    FAILED = "failed"
    """Something that orders depend on does not work."""


class Check(Frozen):
    part: str = Field(description="e.g. database, gateway, worker, schedule")
    name: str = Field(description="which one, e.g. the gateway's slug")
    state: HealthState
    detail: str
    advice: str = Field(default="", description="what to do; empty while all is well")


def ok(part: str, name: str, detail: str) -> Check:
    return Check(part=part, name=name, state=HealthState.OK, detail=detail)


def degraded(part: str, name: str, detail: str, advice: str) -> Check:
    return Check(part=part, name=name, state=HealthState.DEGRADED, detail=detail, advice=advice)


def failed(part: str, name: str, detail: str, advice: str) -> Check:
    return Check(part=part, name=name, state=HealthState.FAILED, detail=detail, advice=advice)


def overall(checks: Iterable[Check]) -> HealthState:
    """The worst of them."""
    order = list(HealthState)
    return max((check.state for check in checks), key=order.index, default=HealthState.OK)


_LOW_BYTES, _FULL_BYTES = 5 * 2**30, 2**30


def disk_check(directory: Path) -> Check:
    """The room left where the data directory lies, or would lie."""
    existing = next(each for each in (directory, *directory.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 2**30:.1f} GiB free at {existing}"
    if free < _FULL_BYTES:
        return failed("disk", "data", detail, "Free space now: Postgres stops when it is full.")
    if free < _LOW_BYTES:
        return degraded("disk", "data", detail, "Free space, or prune old quotes and logs.")
    return ok("disk", "data", detail)
