"""In which numbers to compute: float32, or bfloat16 where it is asked for and the hardware multiplies it faster.

bfloat16 keeps float32's range and 8 bits of its precision. Convolutions and matrix products run in it (torch's autocast).
What decides the result stays in float32: weights, optimizer, losses, normalisation, recurrent layers (whose roundings add
up over the steps), and the layers that give the network's outputs, so that two logits that differ by a hundredth are not
one number.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from torch import Tensor, nn

from foveal.backends.torch_layers import compositions, normalization, recurrent
from foveal.errors import ConfigurationError

_FULL = (
    normalization.BatchNormalization,
    normalization.LayerNormalization,
    normalization.LocalResponseNormalization,
    normalization.UnitNormalization,
    normalization.Normalization,
    recurrent.Recurrent,
    nn.modules.batchnorm._BatchNorm,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RNNBase,
)


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
    except (RuntimeError, TypeError):  # the latter for what is not a text, as a damaged config.json may have it
        device = None
    known = device is not None and device.type in ("cpu", "cuda")
    if device is None or not known or (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise ConfigurationError(
            f"there is no device {name!r} here",
            where="device",
            given=f"{torch.cuda.device_count()} CUDA devices, torch {torch.__version__}",
            expected="auto, cpu, cuda or cuda:N",
            fix=['device="auto"', 'device="cpu"'],
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
    """What ``precision`` comes to on a device. ``auto`` is float32: no recipe was found equal in bfloat16 over its seeds."""
    if precision != "bf16":
        return False
    return bool(torch.cuda.is_bf16_supported()) if device.type == "cuda" else cpu_has_bfloat16()


def autocast(
    precision: str, device: torch.device, *networks: nn.Module
) -> Callable[[], AbstractContextManager[object]]:
    """A maker of the context in which networks compute.

    Args:
        precision: of a configuration.
        device: where they compute.
        networks: each a module whose outputs go into a loss, or out to the user: its last layers, and what rounds badly,
            stay in float32 within the context.
    """
    if not uses_bfloat16(precision, device):
        return contextlib.nullcontext
    for network in networks:
        for module in in_float32(network):
            _keep(module)
    return lambda: torch.autocast(device.type, dtype=torch.bfloat16)


def in_float32(network: nn.Module) -> list[nn.Module]:
    """The modules of a network that compute in float32 also where the rest computes in bfloat16.

    Example:
        >>> from foveal import zoo
        >>> from foveal.backends.torch import build
        >>> module = build(zoo.tiny("resnet18"), seed=0)
        >>> module.node("fc") in in_float32(module), module.node("conv1") in in_float32(module)
        (True, False)
    """
    found: list[nn.Module] = [module for module in network.modules() if isinstance(module, _FULL)]
    heads = [network, *(each for each in network.modules() if isinstance(each, compositions.Auxiliary))]
    found += [module for head in heads for module in _last(head) if module not in found]
    return found


def _last(module: nn.Module) -> list[nn.Module]:
    """The layers with weights that nothing with weights comes after."""
    weighted = [child for child in module.children() if next(child.parameters(), None) is not None]
    if not isinstance(module, compositions.Composition | nn.Sequential):
        return [module] if next(module.parameters(), None) is not None else []
    if isinstance(module, compositions.Chain | nn.Sequential):
        weighted = weighted[-1:]
    return [leaf for child in weighted for leaf in _last(child)]


def _keep(module: nn.Module) -> None:
    """Let a module compute in float32, whatever the context around it; without one the hooks change nothing."""
    if getattr(module, "_kept_in_float32", False):
        return
    module._kept_in_float32 = True  # type: ignore[assignment]
    entered: list[torch.autocast] = []

    def enter(_: nn.Module, inputs: tuple[object, ...]) -> tuple[object, ...]:
        kinds = {each.device.type for each in inputs if isinstance(each, Tensor)}
        context = torch.autocast(next(iter(kinds), "cpu"), enabled=False)
        context.__enter__()  # type: ignore[no-untyped-call]
        entered.append(context)
        return tuple(
            each.float() if isinstance(each, Tensor) and each.dtype == torch.bfloat16 else each for each in inputs
        )

    def leave(*_: object) -> None:
        if entered:
            entered.pop().__exit__(None, None, None)

    module.register_forward_pre_hook(enter)
    module.register_forward_hook(leave, always_call=True)
