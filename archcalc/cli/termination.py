"""Termination by signals (SIGTERM, SIGHUP), handled like an interrupt: no temporary file or worker process remains."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Terminated(BaseException):
    """The process was asked to end by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def ended_by_signals(run: Callable[[], int]) -> int:
    """Return what a function returns; if a signal ends it, clean up, then end the process by the same signal."""
    for number in SIGNALS:
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, _terminate)
    try:
        return run()
    except Terminated as terminated:
        signal.signal(terminated.number, signal.SIG_DFL)
        os.kill(os.getpid(), terminated.number)  # the parent learns by which signal
        raise


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # one is enough: another would interrupt the cleaning up
    raise Terminated(number)
