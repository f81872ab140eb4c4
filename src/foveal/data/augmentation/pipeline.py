"""Augmentation: operations in a row on whole batches, and the text that names them on the command line.

The operations themselves, and what they promise, are in :mod:`foveal.data.augmentation.operations`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from foveal.data.augmentation.operations import Brightness, Contrast, Crop, Erase, Flip, Mixup, Operation, Rotate, Shift
from foveal.errors import ConfigurationError
from foveal.spelling import nearest

__all__ = [
    "Augmentation",
    "Brightness",
    "Contrast",
    "Crop",
    "Erase",
    "Flip",
    "Mixup",
    "Operation",
    "Rotate",
    "Shift",
    "parse",
]


@dataclass(frozen=True)
class Augmentation:
    """Changes in the order given, and perhaps mixup at the end.

    Args:
        operations: what is done to each batch, in this order.
        mixup: done by whoever makes the batches (:class:`foveal.data.batches.in_memory.ResidentBatches`), for it needs labels.

    Example:
        >>> augment = Augmentation((Shift(2), Flip()))
        >>> x = torch.randint(0, 256, (8, 1, 28, 28), dtype=torch.uint8)
        >>> augment(x, torch.Generator().manual_seed(0)).shape
        torch.Size([8, 1, 28, 28])
        >>> str(augment)
        'shift=2,flip=0.5'
    """

    operations: tuple[Operation, ...] = ()
    mixup: Mixup | None = None

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Change a batch N × C × H × W; ``uint8`` becomes floats from 0 to 1 where an operation needs them."""
        for operation in self.operations:
            if operation.needs_float and not x.is_floating_point():
                x = x.float().div_(255.0)
            x = operation(x, generator)
        return x

    def check(self, height: int, width: int) -> None:
        """Refuse what does not fit pictures of this size, before any is changed.

        Raises:
            ConfigurationError: a crop or a shift as large as the picture.

        Example:
            >>> parse("shift=2,crop=4").check(28, 28)
        """
        for operation in self.operations:
            if isinstance(operation, Shift) and operation.pixels >= min(height, width):
                raise ConfigurationError(
                    "the shift moves pictures out of sight",
                    where="augment",
                    given=f"shift={operation.pixels}, pictures {height} × {width}",
                    expected=f"fewer pixels than the picture has: at most {min(height, width) - 1}",
                    fix=f"shift={max(1, min(height, width) // 8)}" if min(height, width) > 1 else "no shift",
                )
            operation(torch.zeros(1, 1, height, width), torch.Generator().manual_seed(0))

    def __str__(self) -> str:
        every: list[object] = [*self.operations, *([self.mixup] if self.mixup else [])]
        return ",".join(f"{type(each).__name__.lower()}={getattr(each, fields(each)[0].name):g}" for each in every)  # type: ignore[arg-type]


_BY_NAME: dict[str, tuple[Callable[..., object], type]] = {
    "shift": (Shift, int),
    "crop": (Crop, int),
    "flip": (Flip, float),
    "rotate": (Rotate, float),
    "brightness": (Brightness, float),
    "contrast": (Contrast, float),
    "erase": (Erase, float),
    "mixup": (Mixup, float),
}


def parse(text: str) -> Augmentation:
    """An augmentation from the command line's text: names, each with its number if it is not the usual one.

    Args:
        text: ``shift=2,flip,erase``; the names are shift (pixels), crop (pixels of padding), flip (probability), rotate
            (degrees), brightness, contrast (amount), erase (probability) and mixup (alpha). Empty or ``none``: nothing.

    Raises:
        ConfigurationError: an unknown name, a number that is none or is out of range, a name given twice.

    Example:
        >>> str(parse("shift=2, flip, mixup=0.4"))
        'shift=2,flip=0.5,mixup=0.4'
    """
    operations: list[Operation] = []
    mixup: Mixup | None = None
    seen: set[str] = set()
    words = [] if text.strip().lower() in ("", "none") else text.split(",")
    for word in words:
        name, equals, number = (part.strip() for part in word.partition("="))
        if name not in _BY_NAME:
            raise ConfigurationError(
                "there is no such augmentation",
                where="augment",
                given=repr(word.strip()),
                expected=", ".join(_BY_NAME),
                fix=nearest(name, _BY_NAME, 1) or None,
            )
        if name in seen:
            raise ConfigurationError(f"{name} is given twice", where="augment", given=text)
        seen.add(name)
        make, kind = _BY_NAME[name]
        try:
            made = make(kind(number)) if equals else make()
        except ValueError as error:
            if isinstance(error, ConfigurationError):
                raise
            what = "a whole number" if kind is int else "a number"
            raise ConfigurationError(
                f"{name} takes {what}",
                where="augment",
                given=repr(word.strip()),
                fix=f"{name}={fields(make)[0].default}",  # type: ignore[arg-type]
            ) from error
        if isinstance(made, Mixup):
            mixup = made
        else:
            operations.append(made)  # type: ignore[arg-type]
    return Augmentation(tuple(operations), mixup)
