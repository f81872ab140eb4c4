"""The public face is exact: what the modules export, what is documented, and what ``dir`` and ``import *`` give are one list."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "python.md"


def _face() -> ModuleType:
    spec = importlib.util.spec_from_file_location("face", HERE / "face.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


face = _face()


def _documented() -> dict[str, list[str]]:
    parts = re.split(r"^## `(foveal[\w.]*)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        name: re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_public_module_is_documented_and_no_other():
    assert list(_documented()) == face.public_modules()


@pytest.mark.parametrize("name", face.public_modules())
def test_names_are_those_of_the_page(name: str) -> None:
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    assert _documented()[name] == sorted(set(module.__all__) - {"__version__"})
    for each in module.__all__:
        assert getattr(module, each) is not None, f"{name}.{each} is promised"


def test_the_page_says_what_the_docstrings_say():
    assert PAGE.read_text(encoding="utf-8") == face.page(), "python tests/docs/face.py > docs/python.md"


def test_everything_public_has_a_docstring():
    bare = [f"{name}.{each}" for name in face.public_modules() for each, text in face.listed(name).items() if not text]
    assert not bare
