"""Data sets, under Keras' names: ``datasets.fashion_mnist.load_data()``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foveal.data.published import digits, fashion_mnist, iris, mnist

__all__ = ["digits", "fashion_mnist", "iris", "mnist"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"foveal.data.published.{name}")
    raise AttributeError(f"module 'foveal.datasets' has no attribute {name!r}; it has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
