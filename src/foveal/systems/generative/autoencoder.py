"""A short code for a picture: what comes back of it, and its error beside principal components of the same number."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from foveal.errors import ConfigurationError
from foveal.report.blocks import Headline, Lines, Pictures, Report, Rows, Scatter, Section, Series
from foveal.runs.method import Method, Quick
from foveal.runs.run import Run
from foveal.runs.settings import LIMIT, Setting
from foveal.systems.generative import encoder_decoder as shared
from foveal.systems.image_tools import as_pixels, as_values, squared_error
from foveal.training.steps.reconstruction import Reconstruction

SHOWN = 10
FOLLOWED = 3000


SIZES = Setting(
    "sizes", "2,4,8,16,32,64", "all code sizes that are trained", text="whole numbers above 0 with commas between"
)
CONVOLUTIONAL_RECIPE = shared.RECIPE.replace(epochs=5, lr=4e-3, precision="fp32")


def run(run: Run) -> Report:
    """Train one autoencoder a code size, all alike but for it, and principal components beside them."""
    own = shared.parts(run)
    main = int(run.settings["code"])
    sizes = sorted({*code_sizes(str(run.settings["sizes"])), *code_sizes(str(main))})
    values = as_values(own.test.images)
    components = shared.Components(own.train)
    errors: dict[int, float] = {}
    modules, networks = {}, {}
    for size in sorted(sizes, key=lambda each: (each != main, each)):
        tree = shared.described(run.system.name, own.data.shape, code=size)
        modules[size], _ = shared.trained(run, "" if size == main else f"code-{size}", tree, own, Reconstruction)
        errors[size] = squared_error(modules[size].predict(own.test.images), values)
        if size == main:
            networks[run.system.name] = tree
            shared.keep(run, tree, modules[size], own, errors[size])
    linear = {size: components.error(values, size) for size in sizes}
    better = [size for size in sizes if errors[size] < linear[size]]
    facts: dict[str, Any] = {
        "code": main,
        "mse": errors[main],
        "pca_mse": linear[main],
        "mse_by_size": {str(size): errors[size] for size in sizes},
        "pca_mse_by_size": {str(size): linear[size] for size in sizes},
        "better_than_pca_at": better,
        "pictures": len(own.test),
    }
    return Report(
        headlines=[
            Headline("error a pixel", errors[main], note=f"mean squared error of values from 0 to 1 on {len(own.test):,} test "
                     f"pictures, out of {main} numbers each; principal components of the same number: {linear[main]:.4g}"),
            Headline("better than PCA", f"at {len(better)} of {len(sizes)} sizes", note=", ".join(map(str, better))),
            Headline("share of PCA's error", errors[main] / linear[main], percent=True, note=f"at {main} numbers"),
        ],
        sections=[
            _side_by_side(own, modules, components, main),
            _sizes(sizes, errors, linear, own.data.shape),
            *([_map(own, modules[2], components)] if 2 in modules else []),
            _units(modules[main], own, main),
        ],
        networks=networks,
        facts=facts,
    )  # fmt: skip


def code_sizes(text: str) -> list[int]:
    """The sizes of a setting.

    Raises:
        ConfigurationError: something else than whole numbers above 0.

    Example:
        >>> code_sizes("2, 8,32")
        [2, 8, 32]
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or not all(word.isdecimal() and int(word) > 0 for word in words):
        raise ConfigurationError(
            "these are not code sizes",
            where="--set sizes",
            given=repr(text),
            expected="whole numbers above 0, with commas between",
            fix="--set sizes=2,8,32",
        )
    return [int(word) for word in words]


def _side_by_side(own: shared.Parts, modules: dict[int, Any], components: shared.Components, main: int) -> Section:
    """Test pictures, and what comes back by each way."""
    given = own.test.images[:SHOWN]
    values = as_values(given)
    rows, labels = [given], ["input"] + [""] * (len(given) - 1)
    for name, back in (
        (f"{main} numbers", modules[main].predict(given)),
        (f"PCA, {main}", components.back(values, min(main, components.most))),
    ):
        rows.append(as_pixels(back))
        labels += [name] + [""] * (len(given) - 1)
    smallest = min(modules)
    if smallest != main:
        rows.append(as_pixels(modules[smallest].predict(given)))
        labels += [f"{smallest} numbers"] + [""] * (len(given) - 1)
    return Section(
        "Inputs and what comes back",
        "The first test pictures; below each what the decoder makes of its code, and what principal components make of as "
        "many numbers.",
        [
            Pictures(
                "back", np.concatenate(rows), labels, "Rows as named below their first picture.", columns=len(given)
            )
        ],
    )


def _sizes(sizes: list[int], errors: dict[int, float], linear: dict[int, float], shape: tuple[int, ...]) -> Section:
    rows = [(size, errors[size], linear[size], errors[size] / linear[size]) for size in sizes]
    pixels = int(np.prod(shape))
    return Section(
        "Code size against error",
        "One training a size, each with the same recipe. Principal components are the best code that linear maps can make, and "
        "exact; where the curves come near each other, the training, not the size, is what limits the autoencoder.",
        [
            Lines("sizes", f"numbers in the code (a picture has {pixels})", "mean squared error a pixel",
                  [Series("autoencoder", sizes, [errors[size] for size in sizes]),
                   Series("PCA", sizes, [linear[size] for size in sizes])],
                  "On the test set."),
            Rows("size-table", ("code size", "autoencoder", "PCA", "ratio"), rows, "Mean squared error a pixel, test set."),
        ],
    )  # fmt: skip


def _map(own: shared.Parts, module: Any, components: shared.Components) -> Section:
    some = own.test.take(np.arange(min(FOLLOWED, len(own.test))))
    names = own.data.classes
    return Section(
        "A code of two numbers",
        "Where test pictures lie when two numbers have to do. Classes were not told; the plain code has no reason to lie around 0 "
        "or without gaps, which is what a variational autoencoder adds.",
        [
            Scatter("plane", shared.encoded(module, some.images), some.labels, names, "The autoencoder's two numbers."),
            Scatter("pca-plane", components.projected(as_values(some.images), 2), some.labels, names,
                    "The first two principal components."),
        ],
    )  # fmt: skip


def _units(module: Any, own: shared.Parts, main: int) -> Section:
    """What each number of the code does: the mean code with one number raised by two deviations."""
    codes = shared.encoded(module, own.test.images[:2000])
    mean, spread = codes.mean(0), codes.std(0)
    shown = np.argsort(-spread, kind="stable")[: min(10, main)]
    steps = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    asked = np.concatenate([mean + np.outer(steps, np.eye(main)[unit] * spread[unit]) for unit in shown])
    drawn = as_pixels(shared.decoded(module, asked)).reshape(len(shown), len(steps), *own.data.shape)
    return Section(
        "What single numbers do",
        "The mean code, decoded with one number changed: a column is a number, a row its value from two deviations below its "
        "mean to two above. The middle row is the mean code itself.",
        [
            Pictures(
                "units", np.concatenate(drawn.swapaxes(0, 1)), None, "The numbers that vary most.", columns=len(shown)
            )
        ],
    )


QUICK = Quick(data="digits", changes=shared.SMALL, settings={"code": 3, "sizes": "2,3", "limit": 80})
DENSE = Method(shared.RECIPE, (shared.CODE, SIZES, LIMIT), run, QUICK)
CONVOLUTIONAL = Method(
    CONVOLUTIONAL_RECIPE, (shared.CODE, dataclasses.replace(SIZES, default="8,32,64"), LIMIT), run, QUICK
)
