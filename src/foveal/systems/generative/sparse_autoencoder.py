"""A code that is mostly silent: how active its units are with and without the penalty, and what each of them adds."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.report.blocks import Headline, Lines, Pictures, Report, Rows, Section, Series
from foveal.runs.method import Method, Quick
from foveal.runs.run import Run
from foveal.runs.settings import LIMIT, Setting
from foveal.systems.generative import encoder_decoder as shared
from foveal.systems.image_tools import as_pixels, as_values, squared_error
from foveal.training.steps.reconstruction import PENALTIES, Reconstruction, Sparsity

ACTIVE = 0.2
"""A unit counts as active for a picture above this; sigmoid units are never exactly 0."""
SHOWN = 10
EDGES = np.linspace(0, 1, 21)


RECIPE = shared.RECIPE.replace(epochs=12)
SETTINGS = (
    dataclasses.replace(shared.CODE, default=64),
    Setting(
        "penalty",
        "kl",
        "what keeps units silent: a divergence from the target, or the mean of the code",
        choices=PENALTIES,
    ),
    Setting("weight", 3e-4, "β, what the penalty weighs", at_least=0),
    Setting("target", 0.1, "ρ, the share of images for which a unit is active; l1 does not use it", above=0, at_most=1),
    LIMIT,
)


def run(run: Run) -> Report:
    """Train it with the penalty and, as a stage of its own, without."""
    own, chosen = shared.parts(run), run.settings
    size = int(chosen["code"])
    sparsity = Sparsity(str(chosen["penalty"]), float(chosen["weight"]), float(chosen["target"]))
    tree = shared.described(run.system.name, own.data.shape, code=size)
    sparse, _ = shared.trained(run, "", tree, own, functools.partial(Reconstruction, sparsity=sparsity))
    free, _ = shared.trained(run, "free", tree, own, Reconstruction)
    values = as_values(own.test.images)
    errors = {name: squared_error(module.predict(own.test.images), values) for name, module in
              (("sparse", sparse), ("free", free))}  # fmt: skip
    shared.keep(run, tree, sparse, own, errors["sparse"])
    codes = {"sparse": shared.encoded(sparse, own.test.images), "free": shared.encoded(free, own.test.images)}
    told = {name: activity(each) for name, each in codes.items()}
    components = shared.Components(own.train)
    awake = max(1, round(told["sparse"]["active_per_picture"]))
    linear = {size: components.error(values, size), awake: components.error(values, awake)}
    facts: dict[str, Any] = {
        "code": size,
        "mse": errors["sparse"],
        "mse_without_penalty": errors["free"],
        "pca_mse": linear[size],
        "pca_mse_at_active": linear[awake],
        "active_compared": awake,
        "sparse": told["sparse"],
        "free": told["free"],
        "penalty": sparsity.kind,
        "weight": sparsity.weight,
        "target": sparsity.target,
        "pictures": len(own.test),
    }
    rows = [
        ("sparse", errors["sparse"], *_row(told["sparse"])),
        ("without the penalty", errors["free"], *_row(told["free"])),
        (f"PCA, {size} numbers", linear[size], "", size, 1.0, 0),
        (f"PCA, {awake} numbers", linear[awake], "", awake, 1.0, 0),
    ]
    return Report(
        headlines=[
            Headline("error a pixel", errors["sparse"], note=f"mean squared error on {len(own.test):,} test pictures; "
                     f"principal components: {linear[size]:.4g} with {size} numbers, {linear[awake]:.4g} with {awake}, as many "
                     "as are active here"),
            Headline("active units a picture", told["sparse"]["active_per_picture"],
                     note=f"of {size}, above {ACTIVE}; without the penalty {told['free']['active_per_picture']:.3g}"),
            Headline("mean activation", told["sparse"]["mean"], note=f"wanted {sparsity.target}; without the penalty "
                     f"{told['free']['mean']:.3g}"),
        ],
        sections=[
            Section("Inputs and what comes back", "The first test pictures; below what the sparse code keeps of them, and what "
                    "principal components keep with as many numbers as are active.",
                    [Pictures("back", *_back(own, sparse, components, awake), columns=SHOWN)]),
            Section("Sparsity", "The penalty asks each unit to be active rarely, so that a picture is told by few units out of "
                    "many. The table says what that does to the error: it is no longer all that is learned for, but it also keeps "
                    "units from staying on or off for good, where a sigmoid has no gradient.",
                    [Rows("sparsity", ("", "error", "mean activation", f"above {ACTIVE}, a picture", "share above",
                          "units never above"), rows, "On the test set."),
                     _histogram(codes), _units_sorted(codes)]),
            _features(sparse, codes["sparse"], own),
        ],
        networks={run.system.name: tree},
        facts=facts,
    )  # fmt: skip


def activity(codes: NDArray[np.floating]) -> dict[str, float]:
    """How active the units of codes (N, k) are.

    Example:
        >>> found = activity(np.array([[0.9, 0.0, 0.0], [0.9, 0.3, 0.0]]))
        >>> found["active_per_picture"], found["share_active"], found["silent_units"]
        (1.5, 0.5, 1)
    """
    active = codes > ACTIVE
    return {
        "mean": float(codes.mean()),
        "active_per_picture": float(active.sum(1).mean()),
        "share_active": float(active.mean()),
        "silent_units": int((~active.any(0)).sum()),
    }


def _row(told: dict[str, float]) -> tuple[float, ...]:
    return told["mean"], told["active_per_picture"], told["share_active"], told["silent_units"]


def _back(
    own: shared.Parts, module: Any, components: shared.Components, awake: int
) -> tuple[NDArray[np.uint8], list[str], str]:
    given = own.test.images[:SHOWN]
    rows = [given, as_pixels(module.predict(given)), as_pixels(components.back(as_values(given), awake))]
    names = ("input", "sparse code", f"PCA, {awake}")
    labels = [name if i == 0 else "" for name in names for i in range(len(given))]
    return np.concatenate(rows), labels, "Rows as named below their first picture."


def _histogram(codes: dict[str, NDArray[np.float32]]) -> Lines:
    middles = ((EDGES[:-1] + EDGES[1:]) / 2).tolist()
    names = {"sparse": "with the penalty", "free": "without"}
    series = [
        Series(names[name], middles, (np.histogram(each, EDGES)[0] / each.size).tolist())
        for name, each in codes.items()
    ]
    return Lines("histogram", "activation", "share of all activations", series,
                 "Histogram of all units' activations over the test pictures.")  # fmt: skip


def _units_sorted(codes: dict[str, NDArray[np.float32]]) -> Lines:
    names = {"sparse": "with the penalty", "free": "without"}
    series = [
        Series(names[name], list(range(1, each.shape[1] + 1)), np.sort(each.mean(0))[::-1].tolist())
        for name, each in codes.items()
    ]
    return Lines("mean-activation", "unit, the most active first", "mean activation", series,
                 "Each unit's mean activation over the test pictures.")  # fmt: skip


def _features(module: Any, codes: NDArray[np.float32], own: shared.Parts) -> Section:
    """What a unit adds to the picture of the mean code when it is switched on, and the pictures that switch it on most."""
    mean = codes.mean(0)
    shown = np.argsort(-codes.std(0), kind="stable")[:30]
    on = np.repeat(mean[None], len(shown), axis=0)
    on[np.arange(len(shown)), shown] = np.maximum(1.0, codes.max(0)[shown])
    difference = shared.decoded(module, on) - shared.decoded(module, mean[None])
    reach = max(float(np.quantile(np.abs(difference), 0.995)), 1e-6)
    strongest = np.concatenate([own.test.images[np.argsort(-codes[:, unit], kind="stable")[:3]] for unit in shown[:10]])
    order = np.arange(len(strongest)).reshape(-1, 3).T.ravel()  # a column a unit
    return Section(
        "What the units stand for",
        "A unit's feature is what the decoder adds to, and takes from, the picture of the mean code when that unit is fully on.",
        [
            Pictures("features", as_pixels(difference / (2 * reach) + 0.5), [f"unit {unit}" for unit in shown],
                     f"Grey: nothing; white: {reach:.2g} added; black: as much taken away. The units that vary most."),
            Pictures("strongest", strongest[order], [f"unit {unit}" for unit in shown[:10]] + [""] * (len(order) - len(shown[:10])),
                     "Below each other: the three test pictures that switch a unit on most.", columns=min(10, len(shown))),
        ],
    )  # fmt: skip


METHOD = Method(RECIPE, SETTINGS, run, Quick(data="digits", changes=shared.SMALL, settings={"code": 6, "limit": 80}))
