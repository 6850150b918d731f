"""How numeric functions become machine code, and where that is kept.

numba keeps compiled code on disk and takes it for current while the function's own file is
unchanged. But what is inlined comes from other modules: their code would go on being used after it
was changed. So the compiled code of this package is kept under a digest of all of the package's
source, beside the modules, or in the user's cache directory where those are read-only.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

# numba sets the module's names as it is loaded, so that no type checker knows them.
config: Any = import_module("numba.core.config")

PACKAGE = Path(__file__).parent


class Decorator(Protocol):
    def __call__(self, function: F, /) -> F: ...


class Decorators(NamedTuple):
    compiled: Decorator
    """Machine code that releases the interpreter lock; kept on disk."""
    inlined: Decorator
    """A building block of compiled functions."""


def decorators(*fastmath: str) -> Decorators:
    """For functions that may be computed with these liberties (LLVM's fast-math flags).

    numpy's error model divides without a branch, which would stop vectorisation.
    """
    flags: dict[str, Any] = {"error_model": "numpy", "fastmath": set(fastmath)}
    compile_: Any = numba.njit(nogil=True, cache=True, **flags)
    inline: Any = numba.njit(forceinline=True, **flags)

    def compiled(function: Any) -> Any:
        # numba settles on the place when it decorates.
        before = config.CACHE_DIR
        config.CACHE_DIR = str(cache_directory())
        try:
            return compile_(function)
        finally:
            config.CACHE_DIR = before

    return Decorators(compiled, inline)


def source_digest(package: Path = PACKAGE) -> str:
    """Of every module of the package, by name and content."""
    digest = hashlib.sha256()
    for module in sorted(package.glob("*.py")):
        digest.update(module.name.encode() + b"\0" + module.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@cache
def cache_directory() -> Path:
    """Where the compiled code of this very source is kept."""
    if config.CACHE_DIR:
        return Path(config.CACHE_DIR) / source_digest()
    name = f"compiled-{source_digest()}"
    beside = PACKAGE / "__pycache__"
    if os.access(beside if beside.exists() else PACKAGE, os.W_OK):
        return beside / name
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "greenlight" / name
