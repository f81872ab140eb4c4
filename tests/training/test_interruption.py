"""Ctrl-C and SIGTERM, once and twice, to programs that train, write, hang in C, and hang in C without letting anybody else run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable

import pytest

from foveal.training import interruption
from foveal.training.interruption import Interrupted, Interruption, ending_a_script, stopping

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

START = """
import ctypes, os, signal, sys, time
from foveal.training.interruption import Interrupted, Interruption, ending_a_script, stopping
GO_ON = "continue with: foveal train --resume runs/a"

def ready():
    print("ready", flush=True)

def command(work):
    try:
        with stopping(GO_ON):
            work()
    except KeyboardInterrupt as stop:
        print(stop, file=sys.stderr)
        raise SystemExit(128 + stop.signal)
"""


def ended(work: str, *signals: int, pause: float = 0.2) -> tuple[int, str]:
    """A child that says when it is ready gets the signals; its status, and what it wrote on standard error."""
    child = subprocess.Popen(
        [sys.executable, "-c", START + textwrap.dedent(work)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        for number in signals:
            time.sleep(pause)
            child.send_signal(number)
        _, told = child.communicate(timeout=30)
    finally:
        child.kill()
    return child.returncode, told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_work_that_is_no_step_ends_at_once_with_one_line(number: int) -> None:
    code, told = ended("command(lambda: (ready(), time.sleep(60)))", number)
    assert (code, told) == (128 + number, "stopped; continue with: foveal train --resume runs/a\n")


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)])
def test_the_second_signal_ends_a_step_at_once(numbers: tuple[int, ...]) -> None:
    work = """
    def step():
        with Interruption() as asked:
            ready()
            while True:  # a step that never ends, in Python
                pass
    command(step)
    """
    code, told = ended(work, *numbers)
    assert (code, told) == (128 + numbers[-1], "stopped; continue with: foveal train --resume runs/a\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("noting", [True, False])
def test_the_second_signal_ends_what_hangs_in_c(number: int, noting: bool) -> None:
    work = f"""
    library = ctypes.CDLL(None)  # lets other threads run while it is called, as torch does
    def hang():
        with Interruption(noting={noting}):
            ready()
            lock = (ctypes.c_char * 256)()
            library.pthread_mutex_lock(lock)
            library.pthread_mutex_lock(lock)  # never returns, whatever the signals
    command(hang)
    """
    code, told = ended(work, number, number)
    assert code == 128 + number
    assert told == "\nStopped; continue with: foveal train --resume runs/a\n"


def test_a_hung_step_says_that_it_has_heard() -> None:
    work = """
    library, lock = ctypes.CDLL(None), (ctypes.c_char * 256)()
    def hang():
        with Interruption():
            ready()
            library.pthread_mutex_lock(lock)
            library.pthread_mutex_lock(lock)
    command(hang)
    """
    code, told = ended(work, signal.SIGINT, signal.SIGINT, pause=2.0)
    assert code == 130
    assert told.split("\n") == [
        "", "Stopping when the work at hand is done; once more ends at once",
        "", "Stopped; continue with: foveal train --resume runs/a", "",
    ]  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_the_second_sigterm_ends_even_what_lets_no_other_thread_run() -> None:
    work = """
    library, lock = ctypes.PyDLL(None), (ctypes.c_char * 256)()
    def hang():
        with Interruption():
            library.pthread_mutex_lock(lock)
            ready()
            library.pthread_mutex_lock(lock)
    command(hang)
    """
    assert ended(work, signal.SIGTERM, signal.SIGTERM)[0] == -signal.SIGTERM


def test_an_exception_that_was_swallowed_does_not_keep_the_second_signal_away() -> None:
    work = """
    def stubborn():
        ready()
        while True:
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                pass
    command(stubborn)
    """
    assert ended(work, signal.SIGINT, signal.SIGINT) == (
        130,
        "\nStopped; continue with: foveal train --resume runs/a\n",
    )


def test_sigterm_ends_a_script_with_one_line_and_its_own_cleaning_up() -> None:
    work = """
    try:
        with ending_a_script(), Interruption() as asked:
            ready()
            while asked.requested is None:
                time.sleep(0.01)
            raise Interrupted("stopped in epoch 1 of 2 after step 3 of 4", asked.requested)
    finally:
        print("cleaned up", file=sys.stderr)
    """
    assert ended(work, signal.SIGTERM) == (143, "SIGTERM: stopped in epoch 1 of 2 after step 3 of 4\ncleaned up\n")


def in_this_process(work: Callable[[], None]) -> Interrupted:
    with pytest.raises(Interrupted) as caught:
        work()
    return caught.value


def kill() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_in_a_script_stays_a_keyboard_interrupt() -> None:
    def work() -> None:
        with ending_a_script(), Interruption() as asked:
            kill()
            raise Interrupted("here", asked.requested or 0)

    assert str(in_this_process(work)) == "here"


def test_a_signal_after_the_last_look_is_not_lost() -> None:
    def work() -> None:
        with stopping("go on"), Interruption():
            kill()

    assert str(in_this_process(work)) == "stopped; go on"


def test_what_an_inner_block_said_stays_and_handlers_come_back() -> None:
    before = [signal.getsignal(number) for number in Interruption.SIGNALS]

    def work() -> None:
        with stopping("go on"), Interruption() as asked:
            kill()
            raise Interrupted("after step 3; go on", asked.requested or 0)

    assert str(in_this_process(work)) == "after step 3; go on"
    assert [signal.getsignal(number) for number in Interruption.SIGNALS] == before
    assert signal.set_wakeup_fd(-1) == -1
    assert "foveal-signals" not in [thread.name for thread in threading.enumerate()]


def test_nested_blocks_count_together_and_a_later_block_begins_anew() -> None:
    for _ in range(2):
        with Interruption() as outer:
            with pytest.raises(Interrupted), Interruption() as inner:
                kill()
            assert inner.requested == signal.SIGINT
            assert outer.requested is None
    time.sleep(0.05)


def test_other_threads_than_the_main_one_change_nothing() -> None:
    found = []

    def work() -> None:
        before = signal.getsignal(signal.SIGINT)
        with Interruption() as asked:
            found.append((asked.requested, signal.getsignal(signal.SIGINT) == before))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(None, True)]


def test_an_event_loop_that_listens_is_left_alone() -> None:
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)
    signal.set_wakeup_fd(mouth)
    try:
        with Interruption() as asked:
            kill()
            with pytest.raises(Interrupted):
                kill()
            assert asked.requested == signal.SIGINT
            asked.requested = None
        assert signal.set_wakeup_fd(-1) == mouth
    finally:
        signal.set_wakeup_fd(-1)
        os.close(ear)
        os.close(mouth)


@pytest.mark.skipif(interruption._libc() is None, reason="the hand-over needs glibc")
def test_a_signal_taken_up_late_leaves_the_default_alone() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with interruption.Interruption():
            pass
        interruption._take_up_again(signal.SIGTERM)  # the watching thread was slow
        assert not interruption._libc().signal(signal.SIGTERM, 0), (
            "Python's handler would drop the signal, with a traceback"
        )
    finally:
        signal.signal(signal.SIGTERM, before)
