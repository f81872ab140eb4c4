"""In which numbers to compute: float32, or bfloat16 where the hardware multiplies it faster.

bfloat16 keeps float32's range and 8 bits of its precision. Weights, losses and optimizer stay in float32; only
convolutions and matrix products run in bfloat16 (torch's autocast).
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import torch

from foveal.errors import ConfigurationError


def chosen_device(name: str) -> torch.device:
    """The device of a configuration: ``auto`` takes the first GPU where there is one.

    Raises:
        ConfigurationError: no such device here.

    Example:
        >>> chosen_device("cpu")
        device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    known = device is not None and device.type in ("cpu", "cuda")
    if device is None or not known or (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise ConfigurationError(
            f"there is no device {name!r} here",
            where="device",
            given=f"{torch.cuda.device_count()} CUDA devices, torch {torch.__version__}",
            expected="auto, cpu, cuda or cuda:N",
            mend=['device="auto"', 'device="cpu"'],
        )
    return device


@functools.cache
def cpu_has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AVX-512 BF16 or AMX); read from Linux's list of its features."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def uses_bfloat16(precision: str, device: torch.device) -> bool:
    """What ``precision`` comes to on a device: ``auto`` is bfloat16 on CUDA and float32 on a CPU."""
    if precision == "fp32":
        return False
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return precision == "bf16" and cpu_has_bfloat16()


def autocast(precision: str, device: torch.device) -> Callable[[], AbstractContextManager[object]]:
    """A maker of the context in which a network computes."""
    if not uses_bfloat16(precision, device):
        return contextlib.nullcontext
    return lambda: torch.autocast(device.type, dtype=torch.bfloat16)
