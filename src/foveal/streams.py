"""Standard output and standard error: text that every encoding can show, and failures that are said.

Windows' cp1252 has no ``→``, a terminal with ``LC_ALL=C`` may have no ``×``, and a text file has no colours. What an
encoding lacks is replaced by what can be read there (``->``, ``x``), never an error. Python forgets most failures of its
standard streams (a full disk, a reader that went away) until it has exited with success; here each is an
:class:`OutputError`.

Everything that Foveal prints goes through :func:`say` or a :func:`console`. Both make control characters visible
(:func:`foveal.printable.printable`), and leave ``sys.stdout`` as it is; only the command line changes its own streams
(:func:`set_up`).
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import sys
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO, cast

from foveal.errors import FovealError
from foveal.printable import printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult

LEGIBLE = "foveal-legible"
"""The name of the error handler for :meth:`str.encode` that writes what can be read where a character is missing."""

_WRITTEN = {
    "×": "x", "·": ".", "⋅": ".", "−": "-", "–": "-", "—": "-", "‑": "-", "…": "...", "‘": "'", "’": "'", "“": '"', "”": '"',
    "„": '"', "≥": ">=", "≤": "<=", "≠": "!=", "≈": "~", "∞": "inf", "±": "+-", "√": "sqrt", "∈": " in ", "∂": "d",
    "∇": "grad ", "Σ": "sum ", "∑": "sum ", "Π": "prod ", "∏": "prod ", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")",
    "⊕": "(+)", "⊙": "(.)", "⊗": "(x)", "∘": " o ", "‖": "||", "⋆": "*", "∗": "*", "′": "'", "⊣": "-|", "⊢": "|-", "⟨": "<",
    "⟩": ">", "∅": "{}", "∩": " and ", "∪": " or ", "␣": "_", "⏎": "<enter>", "␃": "<end>", "�": "?", "\u0302": "^",
    "\u0303": "~", "←": "<-", "→": "->", "↑": "^", "↓": "v", "↔": "<->", "⇒": "=>", "✗": "x", "✘": "x", "✓": "ok", "✔": "ok",
    "•": "*", "°": " deg", "": "section ", "€": "EUR", "⁄": "/", "÷": "/", "ß": "ss", "æ": "ae", "ø": "o", "α": "alpha",
    "β": "beta", "γ": "gamma", "δ": "delta", "ε": "eps", "η": "eta", "θ": "theta", "λ": "lambda", "μ": "mu", "µ": "u",
    "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Φ": "Phi", "Δ": "Delta",
    "Θ": "Theta", "Ω": "Omega", "█": "#", "▉": "#", "▊": "#", "▋": "#", "▌": "#", "▍": "|", "▎": "|", "▏": "|", "░": ".",
    "▒": ":", "▓": "#", "▶": ">", "⠿": "#",
}  # fmt: skip


def _ascii(c: str, before: str = "") -> str:
    """How ``c`` is written in ASCII where it follows ``before``."""
    if c in _WRITTEN:
        return _WRITTEN[c]
    if "─" <= c <= "╿":  # box drawing: straight pieces, then corners and crossings
        name = unicodedata.name(c, "")
        straight = not any(word in name for word in ("AND", "DIAGONAL", "CROSS"))
        return ("-" if "HORIZONTAL" in name else "|") if straight else "+"
    if unicodedata.combining(c):
        return ""
    kind = unicodedata.decomposition(c)
    plain = "".join(_WRITTEN.get(x, x) for x in unicodedata.normalize("NFKD", c) if not unicodedata.combining(x))
    if plain and plain.isascii():  # é, ², ½; 10⁶ is not 106
        if kind.startswith("<super>") and not unicodedata.decomposition(before or " ").startswith("<super>"):
            return f"^{plain}"
        return f" {plain}" if kind.startswith("<fraction>") and before.isdigit() else plain
    number = ord(c)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _legibly(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object
    return "".join(_ascii(text[i], text[i - 1 : i]) for i in range(error.start, error.end)), error.end


codecs.register_error(LEGIBLE, _legibly)


def legible(text: str, encoding: str) -> str:
    r"""``text`` with what ``encoding`` lacks written otherwise.

    Example:
        >>> legible("28 × 28 → 10, p ≥ ½", "ascii"), legible("28 × 28 → 10", "cp1252"), legible("Käse 猫", "ascii")
        ('28 x 28 -> 10, p >= 1/2', '28 × 28 -> 10', 'Kase \\u732b')
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, LEGIBLE).decode(encoding)
    except LookupError:
        return text
    return text


class _Before:
    """A text stream with everything of the one that it stands before."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write ``text``."""
        return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write one line after another."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class LegibleStream(_Before):
    """A text stream that writes legibly what its encoding lacks."""

    def write(self, text: str) -> int:
        """Write ``text`` as far as the encoding has it, and legibly where it has not."""
        self._stream.write(legible(text, self._stream.encoding))
        return len(text)


def _strict(stream: Any) -> bool:
    """Whether a character that the stream's encoding lacks would be an error, or a raw byte of somebody's file name."""
    named = isinstance(getattr(stream, "encoding", None), str)
    return named and getattr(stream, "errors", None) in ("strict", "surrogateescape", "backslashreplace", None)


def standard(*, error: bool = False) -> TextIO | None:
    """``sys.stdout`` or ``sys.stderr``, legible whatever its encoding; None where it is closed."""
    return _before(sys.stderr if error else sys.stdout)


def _before(stream: TextIO | None) -> TextIO | None:
    return cast(TextIO, LegibleStream(stream)) if stream is not None and _strict(stream) else stream


def say(text: str = "", *, error: bool = False, file: TextIO | None = None, flush: bool = False) -> None:
    """Print lines of text; control characters that came with somebody's name are made visible.

    Args:
        text: one line or several.
        error: to standard error.
        file: there instead.
        flush: at once.
    """
    stream = standard(error=error) if file is None else _before(file)
    if stream is not None:
        print(printable(text, lines=True), file=stream, flush=flush)


def console(*, error: bool = False, **options: Any) -> Console:
    """A console of rich that writes legibly, and shows control characters in what it is given.

    Args:
        error: on standard error.
        options: rich's.
    """
    from rich.console import Console

    made = Console(file=standard(error=error), stderr=error, **options)
    made.push_render_hook(cast("RenderHook", _Visible()))
    return made


class _Visible:
    """Rich's hook before everything that is printed: its own codes are kept apart from the text, which is made visible."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Shown(each) for each in renderables]


class _Shown:
    def __init__(self, inner: ConsoleRenderable) -> None:
        self.inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.segment import Segment

        for segment in console.render(self.inner, options):
            yield segment if segment.control else Segment(printable(segment.text, lines=True), segment.style)


# The command line's own streams ---------------------------------------------------------------------------------------


class OutputError(FovealError):
    """Standard output took no more: the disk is full, it is closed, or the reader of a pipe went away.

    Attributes:
        errno: the operating system's number.
    """

    errno: int | None = None

    @property
    def reader_gone(self) -> bool:
        """Whether it was a pipe whose reader has what it wanted: ``foveal show resnet152 | head``."""
        return self.errno in (errno.EPIPE, errno.ESHUTDOWN)


class _Output(_Before):
    """Standard output of the command line: a failure is an :class:`OutputError`, and said once."""

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            raise _failed(error, self._stream) from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise _failed(error, self._stream) from error


class _Errors(_Output):
    """Standard error: where it takes nothing there is nobody to tell, and the exit status says what is to be said."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def _failed(error: OSError, stream: TextIO) -> OutputError:
    """The error to raise; what the stream still holds goes nowhere, or Python would complain once more when it exits."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    gone = error.errno in (errno.EPIPE, errno.ESHUTDOWN)
    failure = OutputError(
        "not all could be written",
        where="standard output",
        given=error.strerror or str(error),
        fix=None if gone else "send it to a place that takes it, such as a file on a disk with free space",
    )
    failure.errno = error.errno
    return failure


def set_up() -> None:
    """Make the process' standard streams legible, and their failures errors. For the command line only.

    Raises:
        OutputError: standard output is closed; what a command prints, and whether it failed, would be lost.
    """
    out = sys.stdout
    _occupy()
    if sys.stderr is not None:
        _reconfigured(sys.stderr)
        sys.stderr = cast(TextIO, _Errors(sys.stderr))
    else:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    if out is None:
        raise OutputError(
            "it is closed, and nobody would see the result", where="standard output", fix="send it away: > /dev/null"
        )
    _reconfigured(out)
    sys.stdout = cast(TextIO, _Output(out))


def _reconfigured(stream: TextIO) -> None:
    if _strict(stream) and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=LEGIBLE)


def _occupy() -> None:
    """Open the null device in place of standard streams that are closed: the next file would get their numbers, and what
    a library writes to standard error would land in a model."""
    with contextlib.suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(descriptor, True)
        os.close(descriptor)
