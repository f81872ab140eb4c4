"""What flows between layers: shapes with named axes.

The batch is never part of a shape. Sizes are in pixels, samples or values; ``None`` stands for a size that is known only
when a picture arrives (networks that end in a global pooling take pictures of any size).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from foveal.errors import DescriptionError
from foveal.network.fields import LARGEST, shown, whole

Size = int | None


@dataclass(frozen=True)
class Shape:
    """The base of all shapes; see :class:`Image`, :class:`Volume`, :class:`Sequence`, :class:`Vector`, :class:`Tokens`."""

    @property
    def axes(self) -> tuple[Size, ...]:
        """All sizes in order, channels last: ``(h, w, c)`` for a picture."""
        sizes: tuple[Size, ...] = self.__dict__["_axes"]  # no field: asked for much more often than made
        return sizes

    @property
    def spatial(self) -> tuple[Size, ...]:
        """The axes that a window slides over: ``(h, w)`` for a picture, nothing for a vector."""
        return self.axes[:-1]

    @property
    def channels(self) -> int:
        """The size of the last axis: feature maps of a picture, values of a vector."""
        last = self.axes[-1]
        assert last is not None  # only spatial axes may be unknown: checked when constructed
        return last

    @property
    def size(self) -> int | None:
        """How many values there are; ``None`` as long as an axis is unknown."""
        known = [n for n in self.axes if n is not None]
        return math.prod(known) if len(known) == len(self.axes) else None

    def resized(self, spatial: Iterable[Size], channels: int | None = None) -> Shape:
        """The same kind of shape with other sizes."""
        return _BY_RANK[len(self.axes)](*spatial, self.channels if channels is None else channels)

    def __post_init__(self) -> None:
        self.__dict__["_axes"] = tuple(self.__dict__[name] for name in self.__dataclass_fields__)
        for name, value in zip(self.__dataclass_fields__, self.axes, strict=True):
            unknown_allowed = name in ("d", "h", "w", "length")
            if value is None and unknown_allowed:
                continue
            if not whole(value, 1):
                large = isinstance(value, int) and value > LARGEST
                raise DescriptionError(
                    f"{name} is too large" if large else f"{name} is not a size",
                    where=type(self).__name__,
                    given=f"{name}={shown(value)}",
                    expected=f"at most {LARGEST:,}, which is 2⁶³ − 1"
                    if large
                    else "a whole number of at least 1" + (", or None" if unknown_allowed else ""),
                    fix="a smaller input, or less padding and upsampling" if large else f"{name}=1 or more",
                )

    def __str__(self) -> str:
        return " × ".join("?" if n is None else str(n) for n in self.axes)


@dataclass(frozen=True)
class Vector(Shape):
    """A list of ``n`` values: what Flatten and Dense give."""

    n: int

    __str__ = Shape.__str__


@dataclass(frozen=True)
class Sequence(Shape):
    """``length`` samples in time, each of ``channels`` values."""

    length: Size
    c: int

    __str__ = Shape.__str__


@dataclass(frozen=True)
class Image(Shape):
    """A picture or a stack of feature maps: height × width × channels.

    Example:
        >>> Image(28, 28, 1).size
        784
        >>> print(Image(None, None, 3))
        ? × ? × 3
    """

    h: Size
    w: Size
    c: int

    __str__ = Shape.__str__


@dataclass(frozen=True)
class Volume(Shape):
    """A solid or a film: depth (or time) × height × width × channels."""

    d: Size
    h: Size
    w: Size
    c: int

    __str__ = Shape.__str__


@dataclass(frozen=True)
class Tokens(Shape):
    """``length`` whole numbers, each the index of a word or a character: what Embedding takes.

    Example:
        >>> print(Tokens(200), "or", Tokens(None))
        200 tokens or ? tokens
        >>> as_shape("200 tokens")
        Tokens(length=200)
    """

    length: Size

    @property
    def channels(self) -> int:
        """1: each place holds one number."""
        return 1

    @property
    def spatial(self) -> tuple[Size, ...]:
        """The one axis there is."""
        return (self.length,)

    def resized(self, spatial: Iterable[Size], channels: int | None = None) -> Shape:
        """Tokens of another length."""
        if channels not in (None, 1):
            raise DescriptionError(
                "tokens have no channels",
                where="Tokens",
                given=f"{channels} channels",
                expected="one whole number a place",
                fix="an Embedding first: it makes a vector of each token",
            )
        return Tokens(*spatial)

    def __str__(self) -> str:
        return f"{Shape.__str__(self)} token" + ("" if self.length == 1 else "s")


_TOKENS = re.compile(r"([0-9]{1,18}|\?|none) *tokens?")
_SIZE = re.compile(r"[0-9]{1,18}|\?|none")
_BY_RANK: dict[int, Callable[..., Shape]] = {1: Vector, 2: Sequence, 3: Image, 4: Volume}


def as_shape(value: Shape | Iterable[Size] | int | str) -> Shape:
    """A shape from what people write: ``784``, ``(28, 28, 1)``, ``"28x28x1"``, ``"200 tokens"`` or a shape.

    Args:
        value: one size is a vector, two are length × channels, three height × width × channels,
            four depth × height × width × channels; one size and the word "tokens" are whole numbers for an Embedding.

    Raises:
        DescriptionError: any other number of sizes, or one that is not a size.

    Example:
        >>> as_shape("32x32x3")
        Image(h=32, w=32, c=3)
        >>> as_shape((784,))
        Vector(n=784)
    """
    if isinstance(value, Shape):
        return value
    sizes: tuple[Size, ...]
    if isinstance(value, str):
        if (length := _TOKENS.fullmatch(value.strip().lower())) is not None:
            return Tokens(int(length[1]) if length[1].isdigit() else None)
        parts = value.lower().replace("×", "x").replace(" ", "").split("x")
        if not all(_SIZE.fullmatch(part) for part in parts[:5]):
            raise _unreadable(value)
        sizes = tuple(None if part in ("?", "none") else int(part) for part in parts[:5])
    elif isinstance(value, int):
        sizes = (value,)
    else:
        try:
            sizes = () if isinstance(value, bytes) else tuple(value)
        except TypeError:
            raise _unreadable(value) from None
    if len(sizes) not in _BY_RANK:
        raise _unreadable(value)
    return _BY_RANK[len(sizes)](*sizes)


def _unreadable(value: object) -> DescriptionError:
    return DescriptionError(
        "this is not a shape",
        where="input shape",
        given=shown(value),
        expected="1 size (a vector), 2 (length × channels), 3 (height × width × channels), 4 (depth first), or tokens",
        fix=[
            "for a grey picture of 28 × 28 pixels: (28, 28, 1), or 28x28x1 on the command line",
            'for 200 characters or words: Tokens(200), or "200 tokens" on the command line',
        ],
    )
