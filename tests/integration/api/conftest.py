"""The running API on a small desk of two clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.api.client import ApiWorld, running_api


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[ApiWorld]:
    async with running_api(database_url, tmp_path) as world:
        yield world
