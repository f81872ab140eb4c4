"""The lectures' argument for shortcuts, measured: plain and residual networks of equal weights, 8 to 56 layers deep.

Lecture 004 says of ResNet that it answers two problems: gradients that vanish on their way down, and degradation, "increasing
the number of layers actually leads to worse performance". He, Zhang, Ren, Sun 2015, figures 1 and 6, saw the second with batch
normalisation in place; Glorot, Bengio 2010 the first.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal import zoo
from foveal.errors import ConfigurationError
from foveal.evaluation.intervals import paired
from foveal.report.blocks import Headline, Report
from foveal.runs.method import Method, Quick
from foveal.runs.settings import Setting
from foveal.systems.classification import why_residual_report as report
from foveal.systems.classification.gradient_flow import gradient_norms, worked_units
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet, Split
    from foveal.network.tree import Sequential
    from foveal.runs.run import Run

RECIPE = TrainingConfig(epochs=4, batch_size=64, schedule="one-cycle", lr=2e-3, validation=0.0)
SETTINGS = (
    Setting("depths", "8,20,32,56", "layers with weights of each network", text="numbers of the form 6n + 2"),
    Setting("maps", 16, "feature maps of every convolution", at_least=1),
    Setting("train", 4000, "images to learn from", at_least=20, zero="all"),
    Setting("test", 0, "test images that are measured", at_least=20, zero="all"),
)
KINDS = {
    "plain": (False, False),
    "residual": (True, False),
    "plain-bn": (False, True),
    "residual-bn": (True, True),
}
"""Each kind: whether it has shortcuts, whether batch normalisation."""
_CHOSEN = 64  # the images that are used do not depend on the run's seed


def run(run: Run) -> Report:
    """Train each kind of network at each depth on the same images, measure errors and gradients, work the "+1" on values.

    Raises:
        ConfigurationError: depths that cannot be.
        DataError: rows of a table.
    """
    depths = depths_of(str(run.settings["depths"]))
    data = run.pictures()
    train = some(data.train, int(run.settings["train"]))
    test = some(data.test if data.test is not None else data.train, int(run.settings["test"]))
    networks: dict[str, dict[str, Any]] = {}
    right: dict[tuple[str, int], NDArray[np.bool_]] = {}
    deepest: dict[str, Network] = {}
    for depth in depths:
        for kind in KINDS:
            tree = network(kind, depth, data, int(run.settings["maps"]))
            module, told, learned = trained(run, kind, depth, tree, train, test)
            networks[f"{kind}-{depth}"] = told
            right[kind, depth] = learned
            if depth == depths[-1]:
                deepest[kind] = module
    first = test.images[0], int(test.labels[0])
    units = run.cached("units", lambda: [unit.to_dict() for unit in worked_units(deepest["residual"], *first)])
    best = min(("residual", "residual-bn"), key=lambda kind: networks[f"{kind}-{depths[-1]}"]["test_error"])
    run.save_model(deepest[best].network, deepest[best], classes=list(data.classes))
    facts: dict[str, Any] = {
        "depths": depths,
        "networks": networks,
        "images": {"training": len(train), "test": len(test)},
        "degradation": degradation(right, depths),
        "vanishing": vanishing(networks, depths),
        "units": units,
    }
    deep = depths[-1]
    return Report(
        headlines=[
            Headline(f"test error, residual, {deep} layers", networks[f"{best}-{deep}"]["test_error"],
                     f"{report.TITLES[best]}; plain of the same weights: "
                     + ", ".join(f"{100 * networks[f'{kind}-{deep}']['test_error']:.1f} % {report.NORMALIZED[kind]}"
                                 for kind in ("plain", "plain-bn")), percent=True),
            Headline("gradient at the first layer, plain", facts["vanishing"]["plain"]["deep"],
                     f"of {deep} layers before training; of {depths[0]} layers "
                     f"{facts['vanishing']['plain']['shallow']:.2g}; residual, {deep} layers: "
                     f"{facts['vanishing']['residual']['deep']:.2g}"),
            Headline("what the lecture says", report.verdict(facts), f"{len(test):,} test images, {deep} layers at most"),
        ],
        sections=report.sections(facts),
        networks={f"plain, {depths[0]} layers": network("plain-bn", depths[0], data, int(run.settings["maps"])),
                  f"residual, {depths[0]} layers": network("residual-bn", depths[0], data, int(run.settings["maps"]))},
        facts=facts,
        notes=data.notes,
    )  # fmt: skip


def depths_of(text: str) -> list[int]:
    """The depths that are asked for, smallest first.

    Raises:
        ConfigurationError: something that is not a list of two numbers or more of the form 6n + 2.

    Example:
        >>> depths_of("20, 8")
        [8, 20]
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    depths = sorted({int(word) for word in words if word.isascii() and word.isdigit()})
    if len(depths) != len(words) or len(depths) < 2 or any(depth < 8 or (depth - 2) % 6 for depth in depths):
        raise ConfigurationError(
            "these depths cannot be compared",
            where="--set",
            given=f"depths={text}",
            expected="two different numbers or more of 8, 14, 20, 26, … (6n + 2)",
            fix="--set depths=8,20,32,56",
        )
    return depths


def network(kind: str, depth: int, data: DataSet, maps: int) -> Sequential:
    """The tree of a kind and depth for a data set."""
    residual, normalized = KINDS[kind]
    return zoo.create(
        "deep_cnn", len(data.classes), data.shape, depth=depth, residual=residual, normalized=normalized, maps=maps
    )


def some(part: Split, count: int) -> Split:
    """``count`` of the images, always the same; all where that is 0."""
    if count == 0 or len(part) <= count:
        return part
    return part.take(np.sort(np.random.default_rng(_CHOSEN).permutation(len(part))[:count]))


def trained(
    run: Run, kind: str, depth: int, tree: Sequential, train: Split, test: Split
) -> tuple[Network, dict[str, Any], NDArray[np.bool_]]:
    """One network, trained: its module, its figures, and which training images it names right."""
    name = f"{kind}-{depth}"
    module = run.build(tree)
    module.to(run.device)
    norms = functools.partial(gradient_norms, module, train.images, train.labels)
    before = run.cached(f"{name}-gradients-before", norms)
    batches = run.batches(train, training=True)
    run.train(name, module, None, batches, fingerprint={"kind": kind, "depth": depth})

    def measured() -> dict[str, Any]:
        return {
            "gradients_after": norms(),
            "training": correct(module, train).astype(int).tolist(),
            "test_error": float(1 - correct(module, test).mean()),
        }

    found = run.cached(f"{name}-measured", measured)
    learned = np.array(found["training"], dtype=bool)
    told = {
        "kind": kind,
        "depth": depth,
        "training_error": float(1 - learned.mean()),
        "test_error": found["test_error"],
        "gradients_before": before,
        "gradients_after": found["gradients_after"],
    }
    return module, told, learned


def correct(module: Network, part: Split) -> NDArray[np.bool_]:
    """Which images of a part a network names right."""
    answers: NDArray[np.bool_] = module.predict(part.images).argmax(1) == part.labels
    return answers


def degradation(right: dict[tuple[str, int], NDArray[np.bool_]], depths: list[int]) -> dict[str, Any]:
    """By how much each kind's training error grew from its best depth to its deepest, paired by image, with the interval."""
    told = {}
    for kind in KINDS:
        best = max(depths, key=lambda depth: float(right[kind, depth].mean()))
        worse, interval = paired(right[kind, best], right[kind, depths[-1]])
        told[kind] = {"best_depth": best, "worse_by": worse, "low": interval.low, "high": interval.high}
    return told


def vanishing(networks: dict[str, dict[str, Any]], depths: list[int]) -> dict[str, Any]:
    """The gradient of the first layer's kernel before training: at the smallest depth, at the largest, and their ratio."""
    told = {}
    for kind in KINDS:
        shallow, deep = (networks[f"{kind}-{depth}"]["gradients_before"][0] for depth in (depths[0], depths[-1]))
        told[kind] = {"shallow": shallow, "deep": deep, "ratio": deep / shallow if shallow else 1.0}
    return told


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(data="digits", changes={"epochs": 1, "batch_size": 32},
          settings={"depths": "8,14", "maps": 2, "train": 64, "test": 40}),
)  # fmt: skip
