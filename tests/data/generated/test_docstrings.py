"""The library's docstrings: found in order, never imported, near-duplicates left out, no sources a clear error."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations

import pytest

from foveal.data.generated import docstrings
from foveal.data.generated.docstrings import Docstring, read, runs, without_twins
from foveal.errors import DataError, UnknownName

SOURCE = '''
"""The module."""
import this
def one():
    """First.

        Indented.   
    Less.
    """
    def inside(): "Inside a function."
if True:
    class Box:
        """A box\\\\d."""
        async def open(self): """Open it now."""
        def closed(self): pass
        class Lid:
            """Its lid."""
'''  # noqa: W291


@pytest.fixture
def library(tmp_path):
    """A small library: one good module, a package with tests, one broken file."""
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "tests").mkdir()
    (tmp_path / "json" / "__init__.py").write_text('"""Package of its own."""')
    (tmp_path / "json" / "tool.py").write_text('"""A tool, ünusual."""')
    (tmp_path / "json" / "tests" / "__init__.py").write_text('"""Not to be read."""')
    (tmp_path / "bisect.py").write_text(SOURCE)
    (tmp_path / "csv.py").write_text("def broken(:")
    (tmp_path / "unheard_of.py").write_text('"""No part of the library."""')
    return tmp_path


def test_every_definition_in_the_order_of_modules_and_lines(library):
    found = read(root=library)
    assert [(each.place, each.kind, each.text) for each in found.docstrings] == [
        ("bisect", "module", "The module."),
        ("bisect.one", "function", "First.\n\n    Indented.\nLess."),
        ("bisect.one.inside", "function", "Inside a function."),
        ("bisect.Box", "class", "A box\\d."),
        ("bisect.Box.open", "method", "Open it now."),
        ("bisect.Box.Lid", "class", "Its lid."),
        ("json", "module", "Package of its own."),
        ("json.tool", "module", "A tool, ünusual."),
    ]
    assert found.docstrings[-1].package == "json"
    assert [line.partition(": ")[0] for line in found.problems] == [str(library / "csv.py")]
    assert "2 modules and packages, 3 files, 8 docstrings" in found.notes[0]


def test_no_sources_are_a_clear_error(tmp_path):
    with pytest.raises(DataError, match="no sources to read docstrings from") as caught:
        read(root=tmp_path / "nothing")
    assert "without a .py file" in caught.value.given
    assert caught.value.fix


def test_a_module_that_is_not_there():
    with pytest.raises(UnknownName, match="no such module"):
        read(["jason"])


def test_the_same_modules_in_any_order_are_the_same_library():
    assert read(["textwrap", "json"]).docstrings == read(["json", "textwrap", "json"]).docstrings


def test_nothing_is_imported():
    script = (
        "import sys; from foveal.data.generated.docstrings import read; found = read(['antigravity', 'this', 'keyword', 'turtle']);"
        "print([name for name in ('antigravity', 'this', 'turtle', 'tkinter') if name in sys.modules], len(found.docstrings) > 50)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == "[] True\n"


def alike(one: str, two: str) -> float:
    """Jaccard similarity, written out."""
    a, b = runs(one), runs(two)
    return len(a & b) / len(a | b)


def test_twins_are_left_out_and_nothing_else():
    texts = [
        "Return the path of the file that was read last.",
        "return the PATH of the file, that was read last",  # the same words
        "Return the path of the file that was written last.",  # five of nine runs are shared
        "Return the path of the folder that was written last.",  # two of ten
        "Return the path of the file that was read last. And then a lot more is said about it, none of which was said before.",
        "Close it.",
        "Close it!",
        "Open it.",
    ]
    given = [Docstring("m", "function", str(n), text) for n, text in enumerate(texts)]
    kept, left_out = without_twins(given)
    expected: list[str] = []
    for text in texts:
        if all(alike(text, other) < docstrings.ALIKE for other in expected):
            expected.append(text)
    assert [each.text for each in kept] == expected
    assert left_out == len(texts) - len(expected) == 3


def test_no_two_of_a_real_module_are_near_duplicates():
    found = read(["configparser", "string", "abc", "collections"]).docstrings
    assert len(found) > 60
    assert max(alike(a.text, b.text) for a, b in combinations(found, 2)) < docstrings.ALIKE
