"""The running API on a small desk of two clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from infra import security
from tests.integration.api.client import ApiWorld, running_api
from tests.shared_routes import routes_made_once


@pytest.fixture(scope="package", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Hashes for tests that sign in by the dozen: as good a lock, made of thinner metal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            security, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        )
        yield


@pytest.fixture(scope="package", autouse=True)
def quick_applications() -> Iterator[None]:
    with routes_made_once():
        yield


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[ApiWorld]:
    async with running_api(database_url, tmp_path) as world:
        yield world
