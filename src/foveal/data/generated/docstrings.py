"""The standard library's docstrings, read from the sources of the interpreter that runs: text that is always at hand.

Sources are parsed (``ast``), never imported: importing ``antigravity`` opens a browser, ``this`` prints, ``idlelib`` wants
a display. The order is that of the module names and, inside a file, of its lines, so the same interpreter always gives
the same list. Two data sets are made of it, ``stdlib-text`` and ``stdlib-topics``.
"""

from __future__ import annotations

import ast
import functools
import inspect
import platform
import re
import sys
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from foveal.data.brief import shown_briefly
from foveal.errors import DataError, UnknownName

KINDS = ("module", "class", "function", "method")
SKIPPED = frozenset({"test", "tests", "idle_test"})
"""Folders of tests: their docstrings are few, and some of their files are broken on purpose."""
RUN = 4
"""Words in a row that are compared when near-duplicates are looked for."""
ALIKE = 0.5
"""From this Jaccard similarity of their runs of words on, two docstrings are near-duplicates."""


@shown_briefly
@dataclass(frozen=True)
class Docstring:
    """One docstring and where it stands.

    Attributes:
        module: dotted name of its module, ``json.decoder``.
        kind: module, class, function or method.
        name: qualified name inside the module, ``JSONDecoder.decode``; empty for a module.
        text: the docstring, indentation and trailing spaces taken away (``inspect.cleandoc``), never empty.
    """

    module: str
    kind: str
    name: str
    text: str

    @property
    def package(self) -> str:
        """The first part of the module's name: ``json``."""
        return self.module.partition(".")[0]

    @property
    def place(self) -> str:
        """Module and name: ``json.decoder.JSONDecoder.decode``."""
        return f"{self.module}.{self.name}" if self.name else self.module


@dataclass(frozen=True)
class Library:
    """All docstrings of an interpreter.

    Attributes:
        docstrings: in the order of module names and lines, every text once (see :func:`without_twins`).
        source: the interpreter, for people: ``Python 3.11.7's standard library``.
        problems: files that could not be read, one line each.
        notes: how many modules, docstrings and characters; modules without a source; what was left out as a duplicate.
    """

    docstrings: tuple[Docstring, ...]
    source: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def read(modules: Sequence[str] = (), root: Path | None = None) -> Library:
    """Read the docstrings of the running interpreter's standard library.

    Args:
        modules: only these top-level modules and packages; nothing for all.
        root: the folder of the sources; None takes that of the running interpreter.

    Raises:
        DataError: the interpreter has no sources there, as some stripped distributions have none.
        UnknownName: a module that the standard library does not have.

    Example:
        >>> library = read(["textwrap"])
        >>> [(each.place, each.kind) for each in library.docstrings][:3]
        [('textwrap', 'module'), ('textwrap.TextWrapper', 'class'), ('textwrap.TextWrapper._munge_whitespace', 'method')]
    """
    return _read(tuple(modules), root or Path(sysconfig.get_path("stdlib")))


@functools.lru_cache(maxsize=4)  # parsing 700 files takes seconds, and a session asks more than once
def _read(modules: tuple[str, ...], root: Path) -> Library:
    known = sorted(sys.stdlib_module_names)
    for name in modules:
        if name not in sys.stdlib_module_names:
            raise UnknownName("the standard library has no such module", where="modules", given=repr(name), fix="json")
    found: list[Docstring] = []
    problems: list[str] = []
    without: list[str] = []
    files = 0
    for name in sorted(set(modules)) or known:
        paths = _sources(root, name)
        if not paths:
            without.append(name)
        for path in paths:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # invalid escapes in sources that are not ours
                    tree = ast.parse(path.read_bytes())
            except (OSError, SyntaxError, ValueError) as error:
                problems.append(f"{path}: {error}")
                continue
            files += 1
            found += _inside(tree, _dotted(path.relative_to(root)))
    if not found:
        raise DataError(
            "this interpreter's standard library has no sources to read docstrings from",
            where=str(root),
            given=f"{len(without):,} of {len(modules or known):,} modules without a .py file, {files:,} files read",
            expected="json/__init__.py, textwrap.py and the others, as a usual installation has them",
            fix=[
                "a Python that has its sources (on Debian: libpython3-stdlib)",
                "another interpreter: python3.12 -m venv",
            ],
        )
    kept, twins = without_twins(found)
    source = f"Python {platform.python_version()}'s standard library"
    notes = (
        f"{source}: {len({each.package for each in kept}):,} modules and packages, {files:,} files, {len(kept):,} docstrings, "
        f"{sum(len(each.text) for each in kept):,} characters",
        f"{twins:,} docstrings left out that repeat another, word for word or nearly",
        f"{len(without):,} modules have no source here (built in, compiled, or not installed): " + ", ".join(without),
        "tests of the standard library are not read",
    )
    return Library(tuple(kept), source, tuple(problems), notes)


def _sources(root: Path, name: str) -> list[Path]:
    folder = root / name
    if folder.is_dir():
        return [p for p in sorted(folder.rglob("*.py")) if not SKIPPED & set(p.relative_to(root).parts)]
    path = root / f"{name}.py"
    return [path] if path.is_file() else []


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _inside(tree: ast.Module, module: str) -> Iterator[Docstring]:
    text = _cleaned(tree)
    if text:
        yield Docstring(module, "module", "", text)
    yield from _below(tree, module, "", "function")


def _below(node: ast.AST, module: str, name: str, function: str) -> Iterator[Docstring]:
    """Classes and functions in the order of their lines; inside a class, functions are methods."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            own = f"{name}.{child.name}" if name else child.name
            is_class = isinstance(child, ast.ClassDef)
            text = _cleaned(child)
            if text:
                yield Docstring(module, "class" if is_class else function, own, text)
            yield from _below(child, module, own, "method" if is_class else "function")
        else:
            yield from _below(child, module, name, function)  # definitions under an `if` or a `try`


def _cleaned(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    text = inspect.cleandoc(ast.get_docstring(node, clean=False) or "")
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()


def words(text: str) -> list[str]:
    """The words of a text: runs of letters, or of digits, in lower case.

    Example:
        >>> words("Return JSON_data, base 16.")
        ['return', 'json', 'data', 'base', '16']
    """
    return re.findall(r"[a-z]+|[0-9]+", text.lower())


def runs(text: str) -> frozenset[tuple[str, ...]]:
    """All runs of four words in a row; of a shorter text the whole.

    Example:
        >>> sorted(runs("one two three four five"))
        [('one', 'two', 'three', 'four'), ('two', 'three', 'four', 'five')]
    """
    listed = words(text)
    return frozenset(tuple(listed[i : i + RUN]) for i in range(max(1, len(listed) - RUN + 1)))


def without_twins(docstrings: Iterable[Docstring]) -> tuple[list[Docstring], int]:
    """The docstrings that are not near-duplicates of one before them, and how many were left out.

    Two are near-duplicates where the Jaccard similarity of their runs of four words, |A ∩ B| / |A ∪ B|, is a half or more
    (Broder 1997, "On the resemblance and containment of documents").

    Example:
        >>> one = Docstring("a", "module", "", "Read a file, line by line.")
        >>> two = Docstring("b", "module", "", "Read a file  line by line")
        >>> without_twins([one, two]) == ([one], 1)
        True
    """
    kept: list[Docstring] = []
    sizes: list[int] = []
    holders: dict[tuple[str, ...], list[int]] = {}
    left_out = 0
    for docstring in docstrings:
        own = runs(docstring.text)
        shared = Counter(holder for run in own for holder in holders.get(run, ()))
        if any(count / (len(own) + sizes[holder] - count) >= ALIKE for holder, count in shared.items()):
            left_out += 1
            continue
        for run in own:
            holders.setdefault(run, []).append(len(kept))
        sizes.append(len(own))
        kept.append(docstring)
    return kept, left_out
