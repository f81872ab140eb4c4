"""The public face of Foveal as a page: every public module with its names, from the docstrings.

python tests/docs/face.py > docs/python.md
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from types import ModuleType
from typing import Any

import foveal

HEAD = """# Python

Everything that can be relied on from Python, by module. What is not listed here is Foveal's own affair and may change; what is
listed stays, or is announced a version before it goes. `help(name)` tells the rest: shapes, units, errors, an example.
"""


def public_modules() -> list[str]:
    """``foveal`` and the modules right below it that say what they offer."""
    below = [f"foveal.{info.name}" for info in pkgutil.iter_modules(foveal.__path__) if info.name != "__main__"]
    return ["foveal", *(name for name in sorted(below) if hasattr(importlib.import_module(name), "__all__"))]


def first_sentence(value: Any) -> str:
    """What a docstring begins with, as one line of Markdown; for a plain value, the value."""
    if not (isinstance(value, ModuleType) or inspect.isclass(value) or inspect.isroutine(value)):
        return f"`{value!r}`" if len(repr(value)) < 60 else f"a {type(value).__name__} of {len(value)}"
    text = inspect.cleandoc(value.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text.replace("``", "`"))
    first = re.split(r"(?<=[a-z0-9)`\"”]{2}[.!?]) (?=[A-Z])", text)[0]
    return first.replace("|", "\\|")


def listed(name: str) -> dict[str, str]:
    """The names of a public module, each with its sentence."""
    module = importlib.import_module(name)
    return {each: first_sentence(getattr(module, each)) for each in sorted(module.__all__) if each != "__version__"}


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name in public_modules():
        rows = [f"| `{each}` | {text} |" for each, text in listed(name).items()]
        about = first_sentence(importlib.import_module(name))
        parts.append("\n".join([f"## `{name}`\n\n{about}\n\n| name | what it is |\n|---|---|", *rows]) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    print(page(), end="")
