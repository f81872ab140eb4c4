"""What the source imports is what pyproject.toml declares, and what is declared is pinned."""

from __future__ import annotations

import ast
import functools
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Brought by what is named behind them, and imported only where that is there already.
BEHIND = {"click": "typer"}


def normal(name: str) -> str:
    """A distribution's name as PyPI compares them, without its version."""
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~;\[ ]", name)[0]).lower()


@functools.cache
def imported() -> dict[str, set[str]]:
    """The distributions that the source imports, and the files that do."""
    homes = packages_distributions()
    found: dict[str, set[str]] = {}
    for path in (ROOT / "src" / "foveal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            else:
                continue
            for name in {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"foveal"}:
                for home in homes.get(name, [name]):
                    found.setdefault(normal(home), set()).add(path.name)
    return found


DECLARED = {normal(each) for each in PROJECT["dependencies"]}
EXTRAS = {
    normal(each) for name, several in PROJECT["optional-dependencies"].items() if name != "dev" for each in several
}


def test_what_is_imported_is_declared():
    missing = {home: files for home, files in imported().items() if BEHIND.get(home, home) not in DECLARED | EXTRAS}
    assert not missing


def test_what_is_declared_is_imported():
    assert set(imported()) >= DECLARED, "a dependency that nothing imports"


def test_what_is_declared_is_pinned():
    pinned = {normal(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")}
    dev = {normal(each) for each in PROJECT["optional-dependencies"]["dev"]}
    assert pinned >= DECLARED | EXTRAS | dev
