"""Ctrl-C and SIGTERM between two steps instead of in the middle of one, so that nothing half-done is saved."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Interrupted(KeyboardInterrupt):
    """A run was asked to stop, and has stopped after a whole step.

    Attributes:
        signal: the number of the signal; a command exits with 128 more than it.
    """

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        self.signal = number


class Interruption:
    """While the block runs, the first SIGINT or SIGTERM is only noted in ``requested``; a second acts at once.

    In other threads than the main one Python allows no handlers, and nothing is changed.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.requested: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                before = signal.getsignal(number)
                if before is not None and before != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = number
        self._restore()

    def _restore(self) -> None:
        while self._before:
            number, before = self._before.popitem()
            signal.signal(number, before)
