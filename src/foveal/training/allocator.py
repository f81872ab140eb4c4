"""Keeping memory that was once taken, which spares a small step thousands of page faults on Linux.

glibc's malloc hands large blocks back to the kernel as soon as they are freed, and a training step frees its
activations every time: thousands of page faults a step. Two settings keep the pages. They hold for the whole process
and change no result.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import platform
import sys
from collections.abc import Iterator

import torch
from torch import nn

from foveal.backends.capacity import check_training
from foveal.backends.memory import asked_for, is_out_of_memory
from foveal.errors import FovealError, TrainingError
from foveal.network.node import Node

__all__ = ["check_memory", "is_out_of_memory", "keep_pages", "out_of_memory_explained"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_MMAP_THRESHOLD = 32 * 2**20  # glibc accepts no more


@functools.cache
def keep_pages() -> bool:
    """Ask glibc to keep freed pages for the next step; True where it agreed, False where there is no glibc."""
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    mmap_kept = mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD) == 1
    return bool(mallopt(_M_TRIM_THRESHOLD, 2**31 - 1) == 1 and mmap_kept)


@contextlib.contextmanager
def out_of_memory_explained(batch_size: int) -> Iterator[None]:
    """Turns every way of running out of memory into one :class:`~foveal.errors.TrainingError`; passes the rest on."""
    try:
        yield
    except FovealError:
        raise
    except (RuntimeError, MemoryError) as error:  # torch's OutOfMemoryError is a RuntimeError
        if not is_out_of_memory(error):
            raise
        smaller = max(1, batch_size // 2)
        raise TrainingError(
            "the memory does not suffice for a training step",
            given=f"batch_size={batch_size}; {asked_for(error)}",
            fix=[f"batch_size={smaller} (--batch-size {smaller})", "a smaller network or smaller pictures"],
        ) from error


def check_memory(module: nn.Module, batch_size: int, device: torch.device) -> None:
    """Refuse a training whose step cannot fit into the device's memory, before anything is trained.

    Raises:
        OutOfMemory: see :func:`foveal.backends.capacity.check_training`; modules that no tree describes are not estimated.
    """
    network = getattr(module, "network", None)
    if not isinstance(network, Node):
        return
    available = torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else None
    check_training(network, batch_size, network.name or "the network", available)
