"""What is assumed about arrays on their way into a model, and the one line in which it is said."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foveal.errors import DataError
from foveal.network import layers as kinds
from foveal.network.shape import Tokens
from foveal.network.tree import Sequential
from foveal.training.events import Event, Listener, Message

if TYPE_CHECKING:
    from torch import Tensor

    from foveal.training.display import Display


@dataclass(frozen=True)
class Scale:
    """How the numbers of an array reach the network: what decides whether two arrays belong to one scale.

    Attributes:
        kind: the array's type, for messages.
        divided: whether its values are divided by 255 on the way.
        low, high: the smallest and largest value as the network sees them.
        pixels: whether they look like pixels from 0 to 255 that nobody divided.
        deep: whether they look like pixels of 16 bits that nobody divided.
    """

    kind: str
    divided: bool
    low: float
    high: float
    pixels: bool
    deep: bool = False

    def clashes(self, other: Scale) -> bool:
        """Whether one was divided by 255 and the other is neither divided nor between 0 and 1 already.

        Example:
            >>> Scale("uint8", True, 0, 1, False).clashes(Scale("int32", False, 0, 255, True))
            True
        """
        plain = [each for each in (self, other) if not each.divided]
        return len(plain) == 1 and not (plain[0].low >= 0 and plain[0].high <= 1)

    def __str__(self) -> str:
        return f"{self.kind}, {'divided by 255' if self.divided else f'taken as it is, {self.low:g} to {self.high:g}'}"


def scale_of(x: Tensor) -> Scale:
    """The scale of an array of numbers before it is converted."""
    kind = str(x.dtype).removeprefix("torch.")
    if not x.numel():
        return Scale(kind, kind == "uint8", 0.0, 0.0, False)
    low, high = (float(value) for value in (x.min(), x.max()))
    if kind == "uint8":
        return Scale(kind, True, low / 255, high / 255, False)
    whole = not x.is_floating_point() or bool((x[:1] == x[:1].round()).all())
    deep = not x.is_floating_point() and low >= 0 and 255 < high < 1 << 16
    return Scale(kind, False, low, high, low >= 0 and 1 < high <= 255 and whole, deep)


class Notes:
    """What a model has been given so far, and what was said about it: each line once."""

    def __init__(self) -> None:
        self._fitted: Scale | None = None
        self._latest: Scale | None = None
        self._said: set[str] = set()

    def fitted(self) -> None:
        """The array that arrived last is what the model learns from."""
        self._fitted = self._latest

    def arrived(self, x: Tensor, network: Sequential, where: str, what: str) -> None:
        """Say what happens to pixels on their way in.

        Raises:
            DataError: validation data on another scale than the training data.
        """
        self._latest = None
        if isinstance(network.input_shape, Tokens):
            return
        scale = self._latest = scale_of(x)
        first = next(iter(network.layers), None)
        rescales = isinstance(first, kinds.Rescaling | kinds.Normalization | kinds.BatchNormalization)
        if self._fitted is not None and scale.clashes(self._fitted):
            text = f"{what} is {scale}; the data of fit are {self._fitted}"
            if what == "x_val":
                raise DataError(
                    "validation data and training data are on two scales",
                    where=where,
                    given=text,
                    expected="both as uint8 pixels, or both as the same kind of numbers",
                    fix='x_val.astype("uint8")' if scale.pixels else "bring both to one scale",
                )
            self.say(text)
        elif scale.divided:
            twice = f"; its {first.kind} comes on top" if rescales and first is not None else ""
            self.say(f"uint8 pixels are divided by 255 on their way in, other numbers are taken as they are{twice}")
        elif (
            (scale.pixels or scale.deep)
            and not rescales
            and network.input_shape is not None
            and len(network.input_shape.spatial) > 1
        ):
            self.say(f"{what} is {scale}: only uint8 pixels are divided by 255")

    def once(self, display: Display) -> Listener:
        """A listener of a run's events: messages once a model, also where nothing else is shown."""

        def read(event: Event) -> None:
            if not isinstance(event, Message):
                display(event)
            elif type(display).__name__ == "Silent":
                self.say(event.text)
            elif event.text not in self._said:
                self._said.add(event.text)
                display(event)

        return read

    def say(self, text: str) -> None:
        """One line for a person, on standard error; no second time."""
        if text not in self._said:
            self._said.add(text)
            print(f"note: {text}", file=sys.stderr)
