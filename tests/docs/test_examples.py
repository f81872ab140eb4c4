"""Every example that a user can read runs: docstrings, and the code in README and docs."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import shlex
from pathlib import Path

import pytest
import typer.main

import foveal

ROOT = Path(__file__).resolve().parents[2]
MODULES = [
    info.name
    for info in pkgutil.walk_packages(foveal.__path__, "foveal.")
    if not info.name.endswith("__main__")
]  # fmt: skip
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"(<!-- not run: [^\n]+ -->\n)?```(\w*)\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def _blocks(page: Path, *languages: str) -> list[str]:
    return [m[3] for m in FENCE.finditer(page.read_text()) if m[2] in languages and not m[1]]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_python_in_pages_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, block in enumerate(_blocks(page, "python")):
        if ">>>" in block:
            example = doctest.DocTestParser().get_doctest(block, names, f"{page.name}[{number}]", str(page), 0)
            runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
            assert runner.run(example, clear_globs=False).failed == 0
        else:
            exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_in_pages_exist(page: Path) -> None:
    """Each `foveal …` line of a page is a command line that is understood; its options and verbs exist."""
    from foveal.cli.app import app

    root = typer.main.get_command(app)
    for block in _blocks(page, "", "sh", "console"):
        for line in block.splitlines():
            words = line.removeprefix("$ ").split("  #")[0].split("\\")[0]
            if not words.startswith("foveal ") or "[" in words:  # a synopsis is not a command
                continue
            arguments = shlex.split(words)[1:]
            try:
                with root.make_context("foveal", arguments, resilient_parsing=False) as context:
                    _descend(root, context)
            except typer.Exit:
                pass  # --help and --version end at once


def _descend(command: object, context: object) -> None:
    """Resolve the verb, and the verb's verb, until a command takes the rest."""
    rest = [*context._protected_args, *context.args]  # type: ignore[attr-defined]
    if not hasattr(command, "resolve_command"):
        return
    name, child, rest = command.resolve_command(context, rest)
    assert child is not None, f"no such verb: {name}"
    with child.make_context(name, list(rest), parent=context) as inner:
        _descend(child, inner)
