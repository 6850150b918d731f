"""``greenlight`` with shorter pauses: ``python -m tests.faults.hurried worker core``."""

from __future__ import annotations

from infra.cli import main
from tests.faults.hurry import hurried

if __name__ == "__main__":
    with hurried():
        main()
