"""Foveal: convolutional networks you can see through.

Describe a network, check its arithmetic by hand, train it fast, look inside, and ship it. The names are lazy, so that
``import foveal`` costs milliseconds and loads no torch:

>>> import foveal
>>> network = foveal.zoo.lenet5()
>>> foveal.Model(network, seed=0)  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0.dev0"

# torch's OpenMP threads wait for one another some thirty times a training step, and GNU's library lets them spin for
# milliseconds each time: beside other busy programs the thread that is waited for cannot run because the others spin.
# A fifteenth of that spin costs next to nothing when the machine is quiet (benchmarks/busy_machine.py). The library reads
# this once, when torch is loaded; whoever has chosen a policy keeps it.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")

_MODULES = (
    "callbacks",
    "datasets",
    "keras",
    "layers",
    "losses",
    "models",
    "optimizers",
    "random",
    "regularizers",
    "systems",
    "zoo",
)
_NAMES = {
    "Auxiliary": "foveal.network",
    "FovealError": "foveal.errors",
    "Model": "foveal.model",
    "Parallel": "foveal.network",
    "Residual": "foveal.network",
    "allow_memory": "foveal.backends.capacity",
    "check": "foveal.backends.checking",
    "load_model": "foveal.models",
}

__all__ = [*_MODULES, *_NAMES, "__version__"]

if TYPE_CHECKING:
    from foveal import (
        callbacks,
        datasets,
        keras,
        layers,
        losses,
        models,
        optimizers,
        random,
        regularizers,
        systems,
        zoo,
    )
    from foveal.backends.capacity import allow_memory
    from foveal.backends.checking import check
    from foveal.errors import FovealError
    from foveal.model import Model
    from foveal.models import load_model
    from foveal.network import Auxiliary, Parallel, Residual


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"foveal.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'foveal' has no attribute {name!r}; it has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
