"""How much memory there is, and what to say when it does not suffice.

A network is data: a few words describe one of a petabyte. What it needs is known before anything is allocated; what the
operating system then refuses comes as several kinds of error, from Python, NumPy and PyTorch.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from foveal.errors import FovealError, OutOfMemory, described, first_line

_SIGNS = (
    "out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory", "unable to allocate",
    "storage size calculation overflowed", "failed to allocate",
)  # fmt: skip
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container
_ASKED = re.compile(r"(?:allocate|allocating) ([\d.,]+) ?(bytes|[kKMGT]i?B)")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, NumPy or PyTorch says that memory ran out, on the CPU or a GPU."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(sign in text for sign in _SIGNS)


@contextlib.contextmanager
def explained(make: Callable[[str], FovealError]) -> Iterator[None]:
    """A block that works with what a file says: where that does not fit the code, the code's own error becomes one of ours.

    Errors of ours, and a want of memory, go through as they are.

    Args:
        make: the error, of what the code's own one said.

    Example:
        >>> with explained(lambda said: FovealError("the file is of another form", given=said)):
        ...     {}["network"]
        Traceback (most recent call last):
        foveal.errors.FovealError: the file is of another form
          given     KeyError: 'network'
    """
    try:
        yield
    except FovealError:
        raise
    except (
        LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError, RuntimeError
    ) as error:  # fmt: skip
        if is_out_of_memory(error):
            raise
        raise make(described(error)) from error


def asked_for(error: BaseException) -> str:
    """The size that could not be had, in words; what the error says in its first line where it names none.

    Example:
        >>> asked_for(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000000000000 bytes."))
        '4.0 TB at once'
    """
    found = _ASKED.search(str(error))
    if found is None:
        return first_line(error)[:200]
    if found[2] != "bytes":
        return f"{found[1]} {found[2]} at once"
    return f"{in_words(int(float(found[1].replace(',', '').rstrip('.'))))} at once"


def in_words(size: int) -> str:
    """A number of bytes with three digits and a unit.

    Example:
        >>> in_words(999), in_words(12_345_678), in_words(4 * 10**15)
        ('999 bytes', '12.3 MB', '4,000.0 TB')
    """
    for factor, unit in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size} bytes"


def there_is() -> int | None:
    """Bytes of memory that a process here can ever have: the machine's, with its swap, or the container's limit."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii", errors="replace").splitlines()
        whole += 1024 * int(next(line for line in [*lines, "SwapTotal: 0"] if line.startswith("SwapTotal")).split()[1])
    for place in _LIMITS:
        with contextlib.suppress(OSError, ValueError):  # "max" where there is no limit
            whole = min(whole, int(Path(place).read_text(encoding="ascii")))
    return whole if whole > 0 else None


@contextlib.contextmanager
def building(size: int, what: str) -> Iterator[None]:
    """A block that takes ``size`` bytes for a network's parameters.

    Raises:
        OutOfMemory: there is not that much in the machine, or no longer that much free.
    """
    most = there_is()
    if most is not None and size > most:
        raise _too_large(size, what, f"{in_words(most)} in this machine")
    try:
        yield
    except FovealError:
        raise
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise _too_large(size, what, f"that much memory; refused was {asked_for(error)}") from error


def _too_large(size: int, what: str, expected: str) -> OutOfMemory:
    return OutOfMemory(
        "the memory does not suffice for the network's parameters",
        where=what,
        given=f"{in_words(size)} of parameters",
        expected=expected,
        fix=["a smaller network: its table (`foveal show`, `model.summary()`) says which layer holds the parameters"],
    )
