"""The lectures' argument for convolution, measured: an MLP and a CNN of as many parameters on pictures moved and distorted.

Lecture 001 holds against fully connected networks that they have "little or no invariance to shifting, scaling, and other forms
of distortion"; lecture 004 says that the patterns which a convolution learns are translation invariant.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal import zoo
from foveal.errors import SourceError
from foveal.report.blocks import Headline, Report
from foveal.runs.method import Method, Quick
from foveal.runs.settings import Setting
from foveal.systems.classification import why_convolution_report as report
from foveal.systems.classification.matched_mlp import equal_mlp, parameters
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet, Split
    from foveal.network.tree import Sequential
    from foveal.runs.run import Run

RECIPE = TrainingConfig(epochs=3, batch_size=64, schedule="one-cycle", lr=3e-3, validation=0.05)
"""The lectures' Adam, three epochs for either network. Twelve networks and their measurement took 290 s beside much other work; a
sixth of it (one seed, one data set) takes 24 s of processor time. Moved by 3 pixels, Fashion-MNIST is named right by the CNN at
0.605 and by the MLP at 0.471, MNIST at 0.770 and 0.426."""
SETTINGS = (
    Setting(
        "second",
        "mnist",
        "a data set that is measured after Fashion-MNIST; left out where it is not there",
        text="a data set by name or path; empty for none",
    ),
    Setting("seeds", 3, "networks of each kind", at_least=1),
    Setting("train", 20_000, "images to learn from", at_least=1, zero="all"),
    Setting("pictures", 2000, "test images that are distorted", at_least=1, zero="all"),
)
KINDS = ("mlp", "cnn")
Z = 1.959964  # of a two-sided interval of 95 %
_CHOSEN = 64  # the pictures that are used do not depend on the run's seed


def run(run: Run) -> Report:
    """Train both networks on each data set, and measure both on the same distorted test pictures.

    Raises:
        DataError: rows of a table.
        SourceError: none of the data sets is there.
    """
    seeds = int(run.settings["seeds"])
    sets, notes = _sets(run)
    trees = networks(sets[0])
    found = {}
    for data in sets:
        trees = networks(data)
        modules = {kind: [_trained(run, data, kind, trees[kind], number) for number in range(seeds)] for kind in KINDS}
        for kind in KINDS:
            first = kind == "cnn" and data is sets[0]
            name = "model" if first else f"{data.name}-{kind}"
            run.save_model(trees[kind], modules[kind][0], name, classes=list(data.classes))
        run.notify(f"{data.name}: test pictures shifted, scaled, turned, distorted")
        found[data.name] = run.cached(f"measured-{data.name}", functools.partial(_measured, run, data, modules))
        notes += data.notes
    trees = networks(sets[0])
    facts = {
        "parameters": {kind: parameters(tree) for kind, tree in trees.items()},
        "seeds": seeds,
        "twins": twins(trees["cnn"]),
        "data": found,
    }
    return Report(
        headlines=_headlines(facts),
        sections=report.sections(facts, {data.name: _part(run, data).images[:1] for data in sets}, run.seed),
        networks={"MLP": trees["mlp"], "CNN": trees["cnn"]},
        facts=facts,
        notes=notes,
    )


def networks(data: DataSet) -> dict[str, Sequential]:
    """Lecture 004's network, and the MLP that comes nearest to its number of parameters."""
    cnn = zoo.lecture_cnn(len(data.classes), data.shape)
    return {"mlp": equal_mlp(cnn), "cnn": cnn}


def twins(network: Sequential) -> list[dict[str, Any]]:
    """For each convolution the dense layer that would give the same values from the same values."""
    from foveal.arithmetic.comparison import dense_twin_at
    from foveal.network.layers import Conv2D
    from foveal.network.tree import walk

    return [dense_twin_at(network, path).to_dict() for path, node in walk(network) if isinstance(node, Conv2D)]


# Data -----------------------------------------------------------------------------------------------------------------


def _sets(run: Run) -> tuple[list[DataSet], list[str]]:
    """The data sets that are there, and what is to be said of those that are not."""
    from foveal.data import load

    second = str(run.settings["second"])
    sets, notes, missing = [], [], []
    try:
        sets.append(run.pictures())
    except SourceError as error:
        missing.append(error)
    if second and run.data_name == run.system.data[0] != second:
        size = run.opening.get("size")
        try:
            sets.append(load(second, size=tuple(size) if size else None, channels=run.opening.get("channels")))
        except SourceError as error:
            missing.append(error)
    if not sets:
        raise missing[0]
    notes += [f"{error.where} could be neither found nor fetched, and was left out." for error in missing]
    return sets, notes


def _some(part: Split, count: int) -> Split:
    """``count`` of the pictures, always the same; all where that is 0."""
    if count == 0 or len(part) <= count:
        return part
    return part.take(np.sort(np.random.default_rng(_CHOSEN).permutation(len(part))[:count]))


def _part(run: Run, data: DataSet) -> Split:
    """The test pictures that are distorted; the training pictures' tail where there is no test part."""
    return _some(data.test if data.test is not None else data.train, int(run.settings["pictures"]))


# Training and measuring -----------------------------------------------------------------------------------------------


def _trained(run: Run, data: DataSet, kind: str, tree: Sequential, number: int) -> Network:
    from foveal.runs.run import digest

    config = run.config.replace(seed=run.seed + number)
    part = _some(data.train, int(run.settings["train"]))
    train, held = run.split(part)
    module = run.build(tree, seed=config.seed)
    batches = run.batches(train, training=True, config=config)
    validation = None if held is None else run.batches(held, training=False, config=config)
    fingerprint = {"data": digest(part.images, part.labels), "kind": kind}
    run.train(
        f"{data.name}-{kind}-{number + 1}", module, None, batches, validation, config=config, fingerprint=fingerprint
    )
    return module


def _measured(run: Run, data: DataSet, modules: dict[str, list[Network]]) -> dict[str, Any]:
    from foveal.systems.classification import distortions

    part = _part(run, data)
    height, width = part.shape[:2]
    draws = distortions.draw(len(part), height, width, run.seed)
    curves: dict[str, Any] = {}
    for kind in distortions.KINDS:
        given = {
            net: [answers(m, part, kind, amount, draws) for amount in kind.amounts for m in modules[net]]
            for net in KINDS
        }
        curves[kind.name] = {
            "unit": kind.unit,
            "amounts": list(kind.amounts),
            **{net: _curve(given[net], part.labels, len(kind.amounts), kind.amounts.index(kind.none)) for net in KINDS},
        }
    return {
        "classes": list(data.classes),
        "pictures": len(part),
        "learned_from": len(_some(data.train, int(run.settings["train"]))),
        "inputs": int(np.prod(part.shape)),
        "curves": curves,
        "changed_inputs": [changed_inputs(part.images, pixels) for pixels in range(1, min(9, width))],
    }


def answers(module: Network, part: Split, kind: Any, amount: float, draws: Any, batch: int = 500) -> NDArray[np.int64]:
    """The class that a network gives each picture, distorted by an amount."""
    import torch

    from foveal.backends.torch import as_nchw

    found = []
    for start in range(0, len(part), batch):
        cut = slice(start, start + batch)
        with torch.inference_mode():
            x = kind.apply(as_nchw(part.images[cut]), amount, draws.take(cut))
            found.append(module.predict(x.permute(0, 2, 3, 1).numpy(), batch).argmax(1))
    return np.concatenate(found)


def _curve(
    given: Sequence[NDArray[np.int64]], labels: NDArray[np.int64], amounts: int, none: int
) -> dict[str, list[float]]:
    """Accuracy at each amount with its interval, and the share of answers that differ from those for the whole picture."""
    named = np.stack(given).reshape(amounts, -1, len(labels))
    told: dict[str, list[float]] = {"accuracy": [], "low": [], "high": [], "changed": []}
    for at in named:
        mean, low, high = interval(at == labels)
        for key, value in (("accuracy", mean), ("low", low), ("high", high), ("changed", (at != named[none]).mean())):
            told[key].append(float(value))
    return told


def interval(right: NDArray[np.bool_]) -> tuple[float, float, float]:
    """The mean share that several networks name right, and its 95 % interval over other pictures and other networks.

    The variance is s²(pictures) / N + s²(networks) / S: the first of the pictures' shares, over networks; the second of the
    networks' accuracies (none where there is one network). The interval is ± 1.96 of its root, cut off at 0 and 1.

    Args:
        right: (networks, pictures).

    Example:
        >>> mean, low, high = interval(np.array([[True] * 90 + [False] * 10]))
        >>> round(mean, 3), round(low, 3), round(high, 3)
        (0.9, 0.841, 0.959)
    """
    networks, pictures = right.shape
    mean = float(right.mean())
    variance = float(right.mean(0).var(ddof=1)) / pictures if pictures > 1 else 0.25
    if networks > 1:
        variance += float(right.mean(1).var(ddof=1)) / networks
    reach = Z * variance**0.5
    return mean, max(0.0, mean - reach), min(1.0, mean + reach)


def changed_inputs(images: NDArray[np.uint8], pixels: int) -> dict[str, float]:
    """How many inputs change when a picture moves ``pixels`` to the left: means over the pictures.

    Returns:
        ``any``: inputs with another value; ``darker``, ``brighter``: those that cross half brightness, the lecture's
        "77: black to white, 77: white to black".

    Example:
        >>> strip = np.array([[[[0], [255], [255], [0]]]], np.uint8)
        >>> changed_inputs(strip, 1)
        {'pixels': 1, 'any': 2.0, 'brighter': 1.0, 'darker': 1.0}
    """
    moved = np.zeros_like(images)
    moved[:, :, :-pixels] = images[:, :, pixels:]
    before, after = images >= 128, moved >= 128
    count = len(images)
    return {
        "pixels": pixels,
        "any": float((images != moved).sum() / count),
        "brighter": float((after & ~before).sum() / count),
        "darker": float((before & ~after).sum() / count),
    }


def _headlines(facts: dict[str, Any]) -> list[Headline]:
    sizes = facts["parameters"]
    told = []
    for name, found in facts["data"].items():
        shifted = found["curves"]["shifted"]
        at = shifted["amounts"].index(3)
        mlp, cnn = shifted["mlp"], shifted["cnn"]
        told.append(
            Headline(
                f"CNN on {name} moved by 3 pixels",
                cnn["accuracy"][at],
                f"the MLP {mlp['accuracy'][at]:.3f}; unmoved {cnn['accuracy'][0]:.3f} and {mlp['accuracy'][0]:.3f}",
                percent=True,
            )
        )
    first = next(iter(facts["data"].values()))
    told.append(
        Headline(
            "parameters of each",
            f"{sizes['cnn']:,}",
            f"the CNN's; the MLP has {sizes['mlp']:,}: {sizes['mlp'] / sizes['cnn'] - 1:+.2%}",
        )
    )
    told.append(
        Headline(
            "inputs that change by one pixel's shift",
            first["changed_inputs"][0]["any"],
            f"of {first['inputs']}, on average",
        )
    )
    return told


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(
        data="digits",
        size=(28, 28),
        changes={"epochs": 1, "batch_size": 32},
        settings={"second": "", "seeds": 1, "train": 64, "pictures": 12},
    ),
)
