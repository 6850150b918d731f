"""Run a command that dies with its parent, as another user if asked.

    python -I -S launcher.py PARENT_PID DEATH_SIGNAL UID GID -- COMMAND [ARGUMENT…]

A process of its own rather than a hook between fork and exec, because such a hook is unsafe once
the parent has threads. It replaces itself with the command, so the process id stays the same. The
standard library only: it must start in milliseconds and run under any interpreter.

UID and GID are numbers, or ``-`` to keep the present ones.
"""

from __future__ import annotations

import ctypes
import os
import sys

# From <sys/prctl.h>. The kernel clears the setting when credentials change, so it comes after them.
_PR_SET_PDEATHSIG = 1


def _die_with_parent(parent_pid: int, death_signal: int) -> None:
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:  # it died before the line above took effect
        sys.exit("the parent process is gone")


def main(arguments: list[str]) -> None:
    parent_pid, death_signal, uid, gid, separator, *command = arguments
    if separator != "--" or not command:
        sys.exit("usage: launcher.py PARENT_PID DEATH_SIGNAL UID GID -- COMMAND [ARGUMENT…]")
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    _die_with_parent(int(parent_pid), int(death_signal))
    os.execvp(command[0], command)  # noqa: S606 (a shell is what must not be here)


if __name__ == "__main__":
    main(sys.argv[1:])
