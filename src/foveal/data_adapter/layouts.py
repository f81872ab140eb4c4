"""What to do with an array whose axes are not where a network looks for them: from its shape alone.

A repair is offered only where it means the same. Axes that stand elsewhere are moved, never reshaped: a reshape that fits
mixes the pixels. Where one shape can mean several things, a sentence says which, and nothing is offered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NoReturn

from foveal.errors import DataError

Sizes = Sequence[int | None]


def repairs(given: Sequence[int], wanted: Sizes, name: str = "x") -> tuple[list[str], str]:
    """Repairs that bring an array to N × ``wanted``, each an expression; and a sentence where none is certain.

    Args:
        given: the array's shape, N first if it has samples at all.
        wanted: one sample's sizes with channels last; None is any size.
        name: the array's name in the expressions.

    Example:
        >>> repairs((5, 3, 6, 6), (6, 6, 3))
        (['np.moveaxis(x, 1, -1)'], '')
        >>> repairs((6, 6, 3), (6, 6, 3))
        (['x[np.newaxis]'], '')
        >>> repairs((5, 36), (6, 6, 1))
        (['x.reshape((-1, 6, 6, 1))'], '')
        >>> repairs((5, 6, 6), (6, 6, 3))
        (['np.repeat(x[..., np.newaxis], 3, axis=-1)'], '')
        >>> repairs((6, 6, 3, 5), (6, 6, 3)), repairs((5, 6, 6, 3, 1), (6, 6, 3))
        ((['np.moveaxis(x, -1, 0)'], ''), (['x[..., 0]'], ''))
    """
    shape, rank = tuple(given), len(wanted)
    channels = wanted[-1]
    found: list[str] = []
    if agrees(shape, wanted):
        found.append(f"{name}[np.newaxis]")
    if rank > 1 and len(shape) == rank + 1 and agrees(_moved(shape[1:]), wanted):
        found.append(f"np.moveaxis({name}, 1, -1)")
    if rank > 1 and len(shape) == rank and agrees(_moved(shape), wanted) and not agrees(shape, wanted):
        found.append(f"np.moveaxis({name}, 0, -1)[np.newaxis]")
    if channels == 1 and rank > 1 and agrees(shape, wanted[:-1]):
        found.append(f"{name}[np.newaxis, ..., np.newaxis]")
    if len(shape) == rank + 2 and shape[-1] == 1 and agrees(shape[1:-1], wanted):
        found.append(f"{name}[..., 0]")
    if len(shape) == rank + 2 and shape[0] == 1 and agrees(shape[2:], wanted):
        found.append(f"{name}[0]")
    if rank > 1 and len(shape) == rank + 1 and agrees(shape[:-1], wanted):
        found.append(f"np.moveaxis({name}, -1, 0)")
    if found:
        return (found, "") if len(found) == 1 else ([], "the shape allows several readings: " + ", or ".join(found))
    return _values(shape, wanted, name)


def _values(shape: tuple[int, ...], wanted: Sizes, name: str) -> tuple[list[str], str]:
    """The axes are other ones, but perhaps the values are the same."""
    rank, channels, sizes = len(wanted), wanted[-1], ", ".join(map(str, wanted))
    if len(shape) == 2 and rank > 1 and None not in wanted and shape[1] == math.prod(n or 1 for n in wanted):
        if channels == 1:
            return [f"{name}.reshape((-1, {sizes}))"], ""
        front = ", ".join(map(str, (channels, *wanted[:-1])))
        return [], (
            f"rows of {shape[1]} values hold either all channels of a place side by side, "
            f"{name}.reshape((-1, {sizes})), or one channel after the other, "
            f"np.moveaxis({name}.reshape((-1, {front})), 1, -1): only the data's source can tell"
        )
    if rank == 1 and len(shape) > 2 and math.prod(shape[1:]) == channels:
        if len([n for n in shape[1:] if n != 1]) <= 2:  # rows and columns: they are read in one order only
            return [f"{name}.reshape((len({name}), -1))"], ""
        return [], (
            f"{name}.reshape((len({name}), -1)) makes rows of it, in the order of its axes: bring them first into the order "
            "of the rows that the network learned from"
        )
    if channels == 3 and rank > 1:
        if agrees(shape[1:], wanted[:-1]):
            return [f"np.repeat({name}[..., np.newaxis], 3, axis=-1)"], ""
        if agrees(shape[1:], (*wanted[:-1], 1)):
            return [f"np.repeat({name}, 3, axis=-1)"], ""
    if rank == 3 and len(shape) == 4 and agrees((shape[2], shape[1], shape[3]), wanted):
        return [], "height and width are the other way round: say which is which, or turn the images"
    if rank == 1 and len(shape) == 2 and shape[0] == channels:
        return [], f"samples are rows; {name}.T if the columns are the samples here"
    return [], ""


def channels_first_looking(shape: Sequence[int]) -> bool:
    """Whether N × a × b × c looks like channels first: 1, 3 or 4 of them, before axes of larger sizes.

    Example:
        >>> channels_first_looking((60, 3, 32, 32)), channels_first_looking((60, 32, 32, 3))
        (True, False)
    """
    return len(shape) >= 4 and shape[1] in (1, 3, 4) and all(n > 4 for n in shape[2:])


def _moved(sizes: Sequence[int]) -> tuple[int, ...]:
    """Channels from the front to the end."""
    return (*sizes[1:], sizes[0])


def refuse_shape(given: Sequence[int], wanted: Sizes, where: str, what: str, problem: str, offer: str) -> NoReturn:
    """Refuse an array of another shape than N × ``wanted``, with repairs that mean the same.

    Raises:
        DataError: always.
    """
    fix, sentence = repairs(given, wanted, what)
    text = " × ".join("?" if n is None else str(n) for n in wanted)
    raise DataError(
        problem,
        where=where,
        given=f"{what}: an array of shape {' × '.join(map(str, given)) or '() (one number)'}",
        expected=f"N × {text}" + (f"; {sentence}" if sentence else ""),
        fix=fix or (None if sentence else offer),
    )


def agrees(sizes: Sequence[int], wanted: Sizes) -> bool:
    """Whether there are as many sizes as are wanted, and every known one is met; a size of 0 meets none."""
    return len(sizes) == len(wanted) and all(m > 0 and n in (None, m) for n, m in zip(wanted, sizes, strict=True))
