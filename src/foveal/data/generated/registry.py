"""Data sets that are made here rather than fetched, which are not pictures with a class each: what they are, and a look at them."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.errors import DataError
from foveal.figures import lettering
from foveal.printable import printable


@shown_briefly
@dataclass(frozen=True)
class Look:
    """Some examples for people: pictures with their texts, or pairs of texts, or signals with their names.

    Attributes:
        pictures: uint8 (N, h, w, 1 | 3); None where there are none.
        signals: float (N, length); None where there are none.
        texts: (what it is, what belongs to it), one pair an example; the second may be empty.
    """

    pictures: NDArray[np.uint8] | None = None
    signals: NDArray[np.floating] | None = None
    texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Generated:
    """One such data set.

    Attributes:
        name: what commands call it.
        about: one line.
        systems: the systems that learn from it: ``foveal train SYSTEM NAME``.
        file: the module beside this one with its ``load(seed=0, …)`` and ``examples(count)``.
    """

    name: str
    about: str
    systems: tuple[str, ...]
    file: str

    def module(self) -> Any:
        """The module that makes it."""
        return importlib.import_module(f"foveal.data.generated.{self.file}")

    def look(self, count: int = 12, seed: int = 0) -> Look:
        """``count`` examples.

        Example:
            >>> GENERATED["waves"].look(2).texts
            (('sine, noise 0', ''), ('square, noise 0', ''))
        """
        return _LOOKS[self.name](self.module(), count, seed)


GENERATED = {
    known.name: known
    for known in (
        Generated("waves", "six waveforms in noise, 128 samples each", ("conv1d",), "waves"),
        Generated("stdlib-text", "the standard library's docstrings", ("char_lstm",), "stdlib_text"),
        Generated("stdlib-topics", "docstrings with module, kind and topic words", ("text_cnn",), "stdlib_topics"),
        Generated("dates", "dates in many formats and languages, and as 2026-11-21", ("seq2seq",), "dates"),
        Generated("scenes", "clothes on textured ground, with masks and boxes", ("unet", "detector"), "scenes"),
        Generated("digit-lines", "lines of 3 to 10 handwritten digits", ("crnn",), "digit_lines"),
    )
}


def refuse(name: str) -> None:
    """Explain why a generated set is no :class:`~foveal.data.dataset.DataSet`.

    Raises:
        DataError: always, for a name of :data:`GENERATED`.
    """
    known = GENERATED[name]
    raise DataError(
        f"{name} has no picture with one class an example",
        where=name,
        given=known.about,
        expected="a system that learns from it",
        fix=[f"foveal train {system}" for system in known.systems] + [f"foveal.data.{known.file}.load() in Python"],
    )


@lettering()
def draw(look: Look, path: str | os.PathLike[str], columns: int = 4) -> None:
    """Draw the pictures or signals of a look into a PNG, each with its text below."""
    import textwrap

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from foveal.data.contact_sheet import MARK
    from foveal.files import atomic_writer

    shown: Any = look.pictures if look.pictures is not None else look.signals
    assert shown is not None
    wide = look.pictures is None or shown.shape[2] > 2 * shown.shape[1]
    across = min(2 if wide else columns, len(shown))
    down = -(-len(shown) // across)
    figure = Figure(figsize=(8, down * (1.3 if wide else 8 / across + 0.3)), layout="constrained")
    FigureCanvasAgg(figure)
    for index, each in enumerate(shown):
        axes = figure.add_subplot(down, across, index + 1)
        if look.pictures is not None:
            axes.imshow(each.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.axis("off")
        else:
            axes.plot(each, linewidth=1.2, color="#1f5fa8")
            axes.set_xticks([])
            axes.set_yticks([])
        if index < len(look.texts):
            axes.set_title("\n".join(textwrap.wrap(printable(look.texts[index][0]), 40)), fontsize=8)
    with atomic_writer(path) as file:
        figure.savefig(file, format="png", dpi=150, metadata={"Software": MARK})


def _waves(module: Any, count: int, seed: int) -> Look:
    found = module.examples(count, seed=seed)
    return Look(signals=np.stack([signal[:, 0] for signal, _ in found]), texts=tuple((text, "") for _, text in found))


def _scenes(module: Any, count: int, seed: int) -> Look:
    return Look(pictures=module.examples(count, seed=seed))


def _lines(module: Any, count: int, seed: int) -> Look:
    pictures, texts = module.examples(count, seed=seed)
    return Look(pictures=pictures, texts=tuple((text, "") for text in texts))


def _pairs(module: Any, count: int, seed: int) -> Look:
    return Look(texts=tuple((str(a), _joined(b)) for a, b in module.examples(count)))


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(str(each) for each in value)


_LOOKS: dict[str, Callable[[Any, int, int], Look]] = {
    "waves": _waves,
    "scenes": _scenes,
    "digit-lines": _lines,
    "dates": _pairs,
    "stdlib-text": _pairs,
    "stdlib-topics": _pairs,
}
