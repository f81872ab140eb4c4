"""Ctrl-C and SIGTERM: between two steps instead of in the middle of one; at once where nothing would be half-done.

Three layers, because Python runs its handlers between two instructions of the main thread only, and a step may hang in C:

1. The handler. While it is *noting*, the first signal is only noted, and training stops after the step at hand, with a
   checkpoint. Otherwise, and at the second signal, it raises :class:`Interrupted` where the program is.
2. A watching thread, woken by the C part of Python's signal handling. If the program is still there a moment after the second
   signal, it hangs outside Python: the thread says how to go on, and ends the process with status 128 + signal.
3. The kernel. C code that never lets another thread run stops that thread as well. So SIGTERM is given back to the kernel
   after its first arrival, until the thread has taken it up: a second ``kill`` then needs nobody's help.

Whatever ends a process this way, files are whole: every write is atomic, and a run folder's latest checkpoint is good.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

GRACE = 1.0  # seconds between the second signal and the end of a process that does not react
PATIENCE = 1.5  # seconds after which a first signal that is only noted is acknowledged
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """A run was asked to stop, and has stopped.

    Attributes:
        signal: the number of the signal; a command exits with 128 more than it.
    """

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        self.signal = number


class Interruption:
    """While the block runs, SIGINT and SIGTERM are handled as this module says. Blocks may be nested; the inner one rules.

    In other threads than the main one Python allows no handlers, and nothing is changed; nor is a signal that the parent
    process asked to be ignored (``nohup``).

    Args:
        noting: the first signal only sets ``requested``, for the block to obey; a second one raises. False: the first raises.
        go_on: how to go on afterwards, one sentence, for the last word of a process that hangs.

    Attributes:
        requested: the number of the signal that came, or None.
    """

    SIGNALS = SIGNALS

    def __init__(self, *, noting: bool = True, go_on: str = "") -> None:
        self.requested: int | None = None
        self.noting, self.go_on = noting, go_on
        self._before: dict[int, Any] = {}
        self._watcher: _Watcher | None = None

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            if _Watcher.current is None:
                self._watcher = _Watcher.started()
            if self.go_on and _Watcher.current is not None:
                _Watcher.current.go_on = self.go_on
            for number in SIGNALS:
                before = signal.getsignal(number)
                if before is not None and before != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)
            if signal.SIGTERM in self._before:
                _give_back_after_first(signal.SIGTERM)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _handing_over:
            while self._before:
                number, before = self._before.popitem()
                signal.signal(number, before)
        if self._watcher is not None:
            self._watcher.stop()
        if kind is None and self.noting and self.requested is not None:  # it came after the last look at it
            raise Interrupted("stopped", self.requested)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        signal.signal(number, self._handle)  # the kernel may have it: see _give_back_after_first
        first = self.requested is None
        self.requested = number
        if not (self.noting and first):
            raise Interrupted("stopped", number)


@contextlib.contextmanager
def stopping(go_on: str) -> Iterator[None]:
    """A block that Ctrl-C and SIGTERM end wherever it is, with :class:`Interrupted` and one line that says how to go on.

    Args:
        go_on: such as "continue with: foveal train --resume runs/first".

    Raises:
        Interrupted: what an inner block said, or "stopped"; and ``go_on``, where that was not said yet.
    """
    with Interruption(noting=False, go_on=go_on):
        try:
            yield
        except KeyboardInterrupt as stop:
            said = str(stop) if isinstance(stop, Interrupted) else ""
            if said and (not go_on or go_on in said):
                raise
            said = f"{said or 'stopped'}; {go_on}" if go_on else "stopped"
            raise Interrupted(said, getattr(stop, "signal", signal.SIGINT)) from stop


@contextlib.contextmanager
def ending_a_script() -> Iterator[None]:
    """What a signal means to somebody's own program that trains inside this block.

    Ctrl-C stays a :class:`KeyboardInterrupt`, which notebooks and programs know what to do with. SIGTERM asks the whole program to
    end: it does, with one line on standard error and status 143, through :class:`SystemExit`, so that its own ``finally``
    blocks run.
    """
    try:
        yield
    except Interrupted as stop:
        if stop.signal != signal.SIGTERM:
            raise
        with contextlib.suppress(OSError, ValueError):
            print(f"SIGTERM: {stop}", file=sys.stderr, flush=True)
        raise SystemExit(128 + signal.SIGTERM) from None


@contextlib.contextmanager
def fitting_in_a_script() -> Iterator[None]:
    """The same around a fit, with a word on what becomes of the model; the program's own handler of SIGTERM is told first."""
    own = signal.getsignal(signal.SIGTERM)
    with ending_a_script():
        try:
            yield
        except Interrupted as stop:
            ends = stop.signal == signal.SIGTERM
            if ends and callable(own):
                own(stop.signal, None)
            keeps = "callbacks.ModelCheckpoint keeps models on the disk" if ends else "another fit goes on from here"
            stop.args = (f"{stop}; {keeps}",)
            raise


class _Watcher:
    """The thread that hears of signals though the main thread runs no Python."""

    current: _Watcher | None = None

    def __init__(self, ear: int, mouth: int) -> None:
        self.go_on = ""
        self._ear, self._mouth = ear, mouth
        self._thread = threading.Thread(target=self._watch, name="foveal-signals", daemon=True)

    @classmethod
    def started(cls) -> _Watcher | None:
        """A watcher; None where an event loop (asyncio, a notebook) listens to signals already, and on Windows."""
        if os.name != "posix":
            return None
        try:
            ear, mouth = os.pipe()
        except OSError:  # no file may be opened any more: do without
            return None
        os.set_blocking(mouth, False)
        before = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
        if before != -1:
            signal.set_wakeup_fd(before)
            os.close(ear)
            os.close(mouth)
            return None
        cls.current = watcher = cls(ear, mouth)
        watcher._thread.start()
        return watcher

    def stop(self) -> None:
        """The block has ended: nothing hangs."""
        signal.set_wakeup_fd(-1)
        _Watcher.current = None
        os.close(self._mouth)  # the thread reads the end of the pipe, and ends
        self._thread.join()
        os.close(self._ear)

    def _watch(self) -> None:
        if not self._heard(None):
            return
        _take_up_again(signal.SIGTERM)
        number = self._heard(PATIENCE)
        if number == 0:
            self._say("stopping when the work at hand is done; once more ends at once")
            number = self._heard(None)
        if not number:
            return
        if self._heard(GRACE, all_of_it=True) is None:
            return
        self._say(f"stopped; {self.go_on}" if self.go_on else "stopped")
        os._exit(128 + number)

    def _heard(self, seconds: float | None, all_of_it: bool = False) -> int | None:
        """The next of our signals; 0 when the time is over; None when the block has ended.

        Args:
            seconds: how long to wait; None for as long as it takes.
            all_of_it: further signals do not end the waiting.
        """
        end = None if seconds is None else time.monotonic() + seconds
        ready = select.poll()
        ready.register(self._ear, select.POLLIN)
        while True:
            left = None if end is None else end - time.monotonic()
            if left is not None and (left <= 0 or not ready.poll(1000 * left)):
                return 0
            heard = os.read(self._ear, 1)
            if not heard:
                return None
            if heard[0] in SIGNALS and not all_of_it:
                return heard[0]

    @staticmethod
    def _say(text: str) -> None:
        with contextlib.suppress(OSError):
            os.write(2, f"\n{text[0].upper()}{text[1:]}\n".encode())


def _forget() -> None:
    """A forked child has no watching thread, and must not wake its parent's."""
    if _Watcher.current is not None:
        _Watcher.current = None
        with contextlib.suppress(ValueError):
            signal.set_wakeup_fd(-1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


# SIGTERM and the kernel -----------------------------------------------------------------------------------------------

_handler: int | None = None  # the C function that Python put there
_handing_over = threading.Lock()  # the main thread leaves its block, or the watching one takes the signal up again


def _libc() -> Any:
    """glibc, which has System V's way to hand a signal over once; None elsewhere."""
    try:
        library = ctypes.CDLL(None)
        library.sysv_signal.restype = library.signal.restype = ctypes.c_void_p
        library.sysv_signal.argtypes = library.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    except (OSError, AttributeError, TypeError):
        return None
    return library


def _give_back_after_first(number: int) -> None:
    """Python's handler gets the next signal of this kind; the kernel the one after it, which ends the process."""
    global _handler
    library = _libc()
    if library is None:
        return
    _handler = library.signal(number, 0)
    library.sysv_signal(number, _handler)


def _take_up_again(number: int) -> None:
    """Python's handler gets all signals of this kind again. To be called from any thread.

    Not where the block has ended meanwhile and the default rules again: Python would then catch the next signal, find that it has
    nothing to do with it, and drop it with a traceback.
    """
    library = _libc()
    with _handing_over:
        if library is None or _handler is None or not callable(signal.getsignal(number)):
            return
        library.signal(number, _handler)
        signal.siginterrupt(number, True)  # as Python has it: a system call that waits is woken
