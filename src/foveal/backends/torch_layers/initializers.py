"""First values of weights, from one generator: the same seed gives the same bits, whatever else draws random numbers.

Variances are those of Keras, also in what is counted as n_in and n_out (docs/porting.md): where a normal distribution is cut at
two deviations, it is widened first, so that what is left has the variance that the name promises.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from foveal.errors import DescriptionError

Filler = Callable[[Tensor, int, int, torch.Generator], object]

_CUT = 0.87962566103423978  # the deviation of a standard normal that is cut at ±2


def _uniform(tensor: Tensor, bound: float, generator: torch.Generator) -> None:
    tensor.uniform_(-bound, bound, generator=generator)


def _cut_normal(tensor: Tensor, deviation: float, generator: torch.Generator) -> None:
    nn.init.trunc_normal_(tensor, 0.0, deviation, -2 * deviation, 2 * deviation, generator=generator)


def _signs(tensor: Tensor, generator: torch.Generator) -> None:
    tensor.copy_(torch.randint(0, 2, tensor.shape, generator=generator)).mul_(2).sub_(1)


def _orthogonal(tensor: Tensor, generator: torch.Generator) -> None:
    if tensor.dim() < 2:
        tensor.normal_(generator=generator)
        tensor.div_(tensor.norm())
    else:
        nn.init.orthogonal_(tensor, generator=generator)


# name: what fills a tensor, given n_in (values a unit sees), n_out (units that see a value) and the generator
FILLERS: dict[str, Filler] = {
    "glorot_uniform": lambda t, i, o, g: _uniform(t, math.sqrt(6 / (i + o)), g),
    "glorot_normal": lambda t, i, o, g: _cut_normal(t, math.sqrt(2 / (i + o)) / _CUT, g),
    "he_uniform": lambda t, i, o, g: _uniform(t, math.sqrt(6 / i), g),
    "he_normal": lambda t, i, o, g: _cut_normal(t, math.sqrt(2 / i) / _CUT, g),
    "lecun_uniform": lambda t, i, o, g: _uniform(t, math.sqrt(3 / i), g),
    "lecun_normal": lambda t, i, o, g: _cut_normal(t, math.sqrt(1 / i) / _CUT, g),
    "lecun_1998": lambda t, i, o, g: _uniform(t, 2.4 / i, g),
    "orthogonal": lambda t, i, o, g: _orthogonal(t, g),
    "random_normal": lambda t, i, o, g: t.normal_(0.0, 0.05, generator=g),
    "random_uniform": lambda t, i, o, g: _uniform(t, 0.05, g),
    "truncated_normal": lambda t, i, o, g: _cut_normal(t, 0.05, g),
    "random_signs": lambda t, i, o, g: _signs(t, g),
    "zeros": lambda t, i, o, g: t.zero_(),
    "ones": lambda t, i, o, g: t.fill_(1.0),
}


def fill(name: str, tensor: Tensor, n_in: int, n_out: int, generator: torch.Generator, path: str = "") -> Tensor:
    """``tensor`` with the first values that ``name`` stands for.

    Args:
        name: a name of ``foveal.network.activations.INITIALIZERS``.
        tensor: contiguous, on the CPU.
        n_in: values that a unit sees.
        n_out: units that see a value.
        generator: where random numbers come from.
        path: the layer, for messages.

    Raises:
        DescriptionError: "digit_bitmaps" for a tensor of another shape.

    Example:
        >>> fill("random_signs", torch.empty(2, 2), 1, 1, torch.Generator().manual_seed(0)).abs().tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    with torch.no_grad():
        if name == "digit_bitmaps":
            drawn = torch.tensor(bitmaps())
            if drawn.shape != tensor.shape:
                raise DescriptionError(
                    "the digit bitmaps are 10 drawings of 7 × 12 = 84 values",
                    where=path or None,
                    given=f"weights of shape {' × '.join(map(str, tensor.shape))}",
                    expected="10 units on 84 values",
                    fix=['kernel_initializer="random_signs"', "10 units behind a layer of 84 values"],
                )
            return tensor.copy_(drawn)
        if tensor.dim() == 1 and name != "lecun_1998":
            n_in = n_out = tensor.numel()  # as Keras counts for biases
        FILLERS[name](tensor, n_in, n_out, generator)
    return tensor


# The ten digits as 7 × 12 pictures, targets of LeNet-5's output layer (LeCun et al. 1998, section II.B). The paper's bitmaps come
# from a printable character set; these are drawn here. A stroke is +1 and the ground −1, the values at which the paper's scaled
# tangent is bent most, so that the layer before is not driven into saturation.
_DRAWINGS = """
.#####. ...#... .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
##...## ..##... ##...## ##...## ...###. ##..... .##.... ##...## ##...## ##...##
##...## .###... .....## .....## ..####. ##..... ##..... .....## ##...## ##...##
##..### ...#... .....## .....## .##.##. ##..... ##..... ....##. ##...## ##...##
##.#.## ...#... ....##. .....## ##..##. ##..... ##..... ....##. ##...## ##...##
##.#.## ...#... ...##.. ..####. ##..##. ######. ######. ...##.. .#####. .######
##.#.## ...#... ..##... .....## ##..##. .....## ##...## ...##.. ##...## .....##
###..## ...#... .##.... .....## ####### .....## ##...## ..##... ##...## .....##
##...## ...#... ##..... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...#... ##..... .....## ....##. .....## ##...## .##.... ##...## .....##
##...## ...#... ##..... ##...## ....##. ##...## ##...## .##.... ##...## ....##.
.#####. .#####. ####### .#####. ....##. .#####. .#####. .##.... .#####. .####..
"""


def bitmaps() -> list[list[float]]:
    """Ten rows of 84 values, −1 or +1, each a digit of 12 rows × 7 columns in reading order.

    Example:
        >>> rows = bitmaps()
        >>> len(rows), {len(row) for row in rows}, sorted({value for row in rows for value in row})
        (10, {84}, [-1.0, 1.0])
    """
    lines = [line.split() for line in _DRAWINGS.split("\n") if line]
    return [[1.0 if mark == "#" else -1.0 for line in lines for mark in line[digit]] for digit in range(10)]
