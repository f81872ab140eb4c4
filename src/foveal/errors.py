"""Every error that Foveal raises on purpose.

Each one says where it happened, what was given, what was expected, and how to fix it. The command line prints exactly
this text and exits with status 2; a library user catches :class:`FovealError`, or one of its kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foveal.printable import bounded, printable

__all__ = [
    "ArgumentError",
    "CheckpointError",
    "ConfigurationError",
    "DataError",
    "DescriptionError",
    "FileError",
    "FormatError",
    "FovealError",
    "ImageError",
    "ModelFileError",
    "OutOfMemory",
    "RuleMissing",
    "ShapeError",
    "SourceError",
    "TrainingError",
    "UnknownName",
]


class FovealError(Exception):
    """The root of the tree.

    Args:
        problem: one sentence that says what is wrong, without a full stop.
        where: the place: a node path (``features/conv2``), a file, a row, a command-line option.
        given: what was found there.
        expected: what would have been right.
        fix: one repair, or several, each of which would work.

    Example:
        >>> print(FovealError("the window is larger than its input", where="conv3", given="input 2 × 2, kernel 3 × 3",
        ...                   expected="a kernel of at most 2 × 2", fix=['padding="same"', "kernel_size=2"]))
        conv3: the window is larger than its input
          given     input 2 × 2, kernel 3 × 3
          expected  a kernel of at most 2 × 2
          to fix    padding="same"
                or  kernel_size=2
    """

    def __init__(
        self,
        problem: str,
        *,
        where: str | None = None,
        given: str | None = None,
        expected: str | None = None,
        fix: str | Sequence[str] | None = None,
    ) -> None:
        self.problem = problem
        self.where = where
        self.given = given
        self.expected = expected
        self.fix: tuple[str, ...] = () if fix is None else (fix,) if isinstance(fix, str) else tuple(fix)
        super().__init__(problem)

    def __str__(self) -> str:
        problem = _shown(self.problem)
        lines = [f"{printable(bounded(self.where))}: {problem}" if self.where else problem]
        for label, text in (("given", self.given), ("expected", self.expected)):
            if text:
                lines += _labelled(label, text)
        for index, text in enumerate(self.fix):
            lines += _labelled("to fix", text) if index == 0 else _labelled("      or", text)
        return "\n".join(lines)

    @property
    def mend(self) -> tuple[str, ...]:
        """The repairs, by the name that they had in version 0.1."""
        return self.fix

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.problem, self.where, self.given, self.expected, self.fix)


def first_line(error: BaseException) -> str:
    """What an error of other code says in its first line; its kind where it says nothing.

    Example:
        >>> first_line(ValueError("so and so\\nand more")), first_line(KeyError())
        ('so and so', 'KeyError')
    """
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def described(error: BaseException) -> str:
    """An error of other code in one line: its kind, and what it says.

    Example:
        >>> described(KeyError("filters"))
        "KeyError: 'filters'"
    """
    return f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"


def _shown(text: str) -> str:
    """A part of a message as it may be printed: what users' files bring into it is made visible, and bounded."""
    return printable(bounded(text), lines=True)


def _labelled(label: str, text: str) -> list[str]:
    """``text`` beside its label; further lines of the text are set under the first."""
    first, *rest = _shown(text).split("\n")
    return [f"  {label:<8}  {first}", *(f"            {line}" for line in rest)]


def _rebuild(
    kind: type[FovealError],
    problem: str,
    where: str | None,
    given: str | None,
    expected: str | None,
    fix: tuple[str, ...],
) -> FovealError:
    """Pickling support: errors cross process borders (data loaders, pytest-xdist)."""
    return kind(problem, where=where, given=given, expected=expected, fix=fix)


class DescriptionError(FovealError, ValueError):
    """A layer, or a network, that cannot be described so: a wrong argument, a name used twice."""


class ArgumentError(FovealError, TypeError):
    """An argument that a layer, optimizer, loss or callback does not have, lacks, or is given twice."""


class ShapeError(FovealError, ValueError):
    """The layers do not fit together: a window larger than its input, branches that cannot be added.

    Attributes:
        traced: what was computed before the failure (``foveal.arithmetic.shapes.Traced``), for drawings up to it.
    """

    traced: tuple[Any, ...] = ()


class RuleMissing(FovealError, NotImplementedError):
    """An interpreter has no rule for a layer; the message names both."""


class FormatError(FovealError, ValueError):
    """A description file (JSON or YAML) that cannot be read."""


class UnknownName(FovealError, KeyError):
    """No such network, data set, layer, optimizer, …; the message offers the nearest names."""

    __str__ = FovealError.__str__  # KeyError would print the repr


class ModelFileError(FovealError, ValueError):
    """A model file that is refused: a pickle, a wrong name, dtype or shape, a duplicate key, a damaged header."""


class DataError(FovealError, ValueError):
    """Data that cannot be read: wrong magic, wrong length, non-numbers, labels out of range, no pictures."""


class SourceError(FovealError, OSError):
    """A data set that could not be found or fetched; the message lists every place tried and what to do."""

    __str__ = FovealError.__str__


class ImageError(DataError):
    """A picture that cannot be decoded, or is over the limits."""


class ConfigurationError(FovealError, ValueError):
    """A training configuration that cannot work."""


class TrainingError(FovealError, RuntimeError):
    """Training that went wrong: a loss that is not finite, memory or disk exhausted."""


class OutOfMemory(FovealError, MemoryError):
    """Memory that does not suffice: for a network's parameters, for what was asked of it."""


class CheckpointError(FovealError, ValueError):
    """A run that cannot be resumed: nothing there, damaged, or of another configuration."""


class FileError(FovealError, OSError):
    """A file that could not be written completely and durably: the disk is full, the folder may not be written."""

    __str__ = FovealError.__str__
