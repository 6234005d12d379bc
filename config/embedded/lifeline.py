"""Ties a child process to its parent: when the parent is gone, however it went, so is the child."""

import ctypes
import os
import signal
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def tied_to_parent(number: signal.Signals) -> Callable[[], None]:
    """Make the `preexec_fn` of a child that gets this signal when its parent dies."""
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before the kernel had been asked
            os.kill(os.getpid(), number)

    return tie


def tie_to_parent(number: signal.Signals) -> None:
    """Have the kernel send this process a signal when the process that started it dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
