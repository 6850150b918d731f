"""Where throwaway servers keep their data."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOMY_BYTES = 4 * 2**30


def scratch_directory(prefix: str) -> Path:
    """A directory with a short path, in memory where there is room: disks stall.

    What a killed process had written is there afterwards, as on a disk.
    """
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOMY_BYTES
    return Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if roomy else None)).resolve()
