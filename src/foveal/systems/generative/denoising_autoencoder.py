"""Noise taken out of pictures: a network that learned it, beside filters and principal components."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, median_filter

from foveal.report.blocks import Headline, Lines, Pictures, Report, Rows, Section, Series
from foveal.runs.method import Method, Quick
from foveal.runs.run import Run
from foveal.runs.settings import LIMIT, Setting
from foveal.systems.generative import encoder_decoder as shared
from foveal.systems.image_tools import as_pixels, as_values, signal_to_noise, squared_error
from foveal.training.steps.corruption import KINDS, Corruption
from foveal.training.steps.reconstruction import Reconstruction

SHOWN = 10
WIDTHS = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2)  # of the Gaussian filter, in pixels
WINDOWS = (3, 5)  # of the median
SIZES = (8, 16, 24, 32, 48, 64, 96, 128)  # principal components
FACTORS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # of the noise that was trained with
CHOSEN_ON = 2000
Values = NDArray[np.float32]


RECIPE = shared.RECIPE.replace(epochs=4, lr=4e-3, precision="fp32")
SETTINGS = (
    Setting("noise", "gaussian", "kind of noise", choices=tuple(KINDS)),
    Setting("amount", 0.3, "its standard deviation, or the share of pixels that are lost", at_least=0),
    LIMIT,
)


def run(run: Run) -> Report:
    """Train it to undo one kind of noise; choose the best of each baseline on pictures put aside; measure all on the test set."""
    own, chosen = shared.parts(run), run.settings
    noise = Corruption(str(chosen["noise"]), float(chosen["amount"]))
    tree = shared.described(run.system.name, own.data.shape)
    module, _ = shared.trained(run, "", tree, own, functools.partial(Reconstruction, corruption=noise))
    components = shared.Components(own.train)
    tried = baselines(components)
    best = run.cached("baselines", lambda: chosen_baselines(tried, own, noise, run.seed))
    clean = as_values(own.test.images)
    noisy = spoilt(clean, noise, run.seed, 2)
    mended = {"autoencoder": denoised_by(module, noisy)}
    mended |= {name: tried[name][best[name]](noisy) for name in tried}
    errors = {"nothing done": squared_error(noisy, clean)}
    errors |= {name: squared_error(found, clean) for name, found in mended.items()}
    shared.keep(run, tree, module, own, errors["autoencoder"])
    code = int(np.prod(shared.encoded(module, own.test.images[:1]).shape[1:]))
    same_size = squared_error(components.back(noisy, min(code, components.most)), clean)
    other = {
        str(factor): _at(module, clean, Corruption(noise.kind, _scaled(noise, factor)), run.seed) for factor in FACTORS
    }
    facts: dict[str, Any] = {
        "noise": noise.kind,
        "amount": noise.amount,
        "mse": errors["autoencoder"],
        "mse_noisy": errors["nothing done"],
        "psnr": signal_to_noise(errors["autoencoder"]),
        "psnr_noisy": signal_to_noise(errors["nothing done"]),
        "mse_by_method": errors,
        "psnr_by_method": {name: signal_to_noise(error) for name, error in errors.items()},
        "chosen": best,
        "code": code,
        "pca_mse_same_size": same_size,
        "by_amount": other,
        "clean_pictures_mse": squared_error(denoised_by(module, clean), clean),
        "pictures": len(own.test),
    }
    rivals = {name: error for name, error in errors.items() if name not in ("autoencoder", "nothing done")}
    rival = min(rivals, key=lambda name: rivals[name])
    rows = [
        (name, errors[name], signal_to_noise(errors[name]), best.get(name, ""))
        for name in sorted(errors, key=errors.__getitem__)
    ]
    rows.append((f"PCA of the code's size, {code}", same_size, signal_to_noise(same_size), f"{code} components"))
    return Report(
        headlines=[
            Headline("error a pixel after", errors["autoencoder"], note=f"before: {errors['nothing done']:.4g}; the best "
                     f"baseline, {rival}: {rivals[rival]:.4g}; mean squared error on {len(own.test):,} test pictures"),
            Headline("signal to noise after", f"{facts['psnr']:.1f} dB", note=f"before: {facts['psnr_noisy']:.1f} dB; {rival}: "
                     f"{signal_to_noise(rivals[rival]):.1f} dB"),
            Headline("noise", noise.kind, note=f"amount {noise.amount}"),
        ],
        sections=[
            Section("Noise removed", "The first test pictures: with noise, what the network makes of that, the picture as it was, "
                    "and what the baselines make of it.",
                    [Pictures("mended", *_shown(own, noisy, mended), columns=min(SHOWN, len(own.test)))]),
            Section("Beside simpler ways", "Each baseline has one number, chosen on pictures put aside from the training set "
                    "with noise of their own: the filters' width, the number of components. Principal components of as many "
                    "numbers as the network's code hand the noise on with the picture.",
                    [Rows("methods", ("", "error a pixel", "signal to noise (dB)", "chosen"), rows, "On the test set.")]),
            Section("Other amounts", "Trained with one amount of noise, used on others. With less than it knows it smooths what "
                    "was no noise; with more it leaves some.",
                    [Lines("amounts", f"amount of {noise.kind} noise", "mean squared error a pixel",
                           [Series(when, [each["amount"] for each in other.values()], [each[when] for each in other.values()])
                            for when in ("before", "after")],
                           f"On the test set; trained with {noise.amount}.", log_y=True)]),
        ],
        networks={run.system.name: tree},
        facts=facts,
    )  # fmt: skip


def spoilt(values: Values, noise: Corruption, *seed: int) -> Values:
    """Pictures (N, height, width, channels) with noise that follows from the seed."""
    import torch

    from foveal.data.batches.protocol import mixed

    return noise(torch.from_numpy(values), torch.Generator().manual_seed(mixed(*seed))).numpy()


def denoised_by(module: Any, values: Values) -> Values:
    """What the network makes of pictures."""
    return np.asarray(module.predict(values))


def _at(module: Any, clean: Values, noise: Corruption, seed: int) -> dict[str, float]:
    noisy = spoilt(clean, noise, seed, 3)
    return {
        "amount": noise.amount,
        "before": squared_error(noisy, clean),
        "after": squared_error(denoised_by(module, noisy), clean),
    }


def _scaled(noise: Corruption, factor: float) -> float:
    scaled = noise.amount * factor
    return scaled if noise.kind == "gaussian" else min(1.0, scaled)


def _shown(own: shared.Parts, noisy: Values, mended: dict[str, Values]) -> tuple[NDArray[np.uint8], list[str], str]:
    few = slice(0, min(SHOWN, len(own.test)))
    rows = {"with noise": noisy, "autoencoder": mended["autoencoder"], "as it was": as_values(own.test.images)}
    rows |= {name: found for name, found in mended.items() if name != "autoencoder"}
    labels = [name if i == 0 else "" for name in rows for i in range(few.stop)]
    return (
        as_pixels(np.concatenate([found[few] for found in rows.values()])),
        labels,
        "Rows as named below their first picture.",
    )


def baselines(components: shared.Components) -> dict[str, dict[str, Callable[[Values], Values]]]:
    """Simple ways to take noise out, each with the numbers that it may be tried with. Filters repeat a picture's border."""
    smooth, middle = (functools.partial(each, axes=(1, 2), mode="nearest") for each in (gaussian_filter, median_filter))
    return {
        "Gaussian filter": {
            f"σ = {width} pixels": functools.partial(smooth, sigma=width, radius=math.ceil(3 * width))
            for width in WIDTHS
        },
        "median filter": {f"{size} × {size}": functools.partial(middle, size=size) for size in WINDOWS},
        "PCA": {
            f"{size} components": functools.partial(components.back, size=size)
            for size in SIZES
            if size <= components.most
        },
    }


def chosen_baselines(
    tried: dict[str, dict[str, Callable[[Values], Values]]], own: shared.Parts, noise: Corruption, seed: int
) -> dict[str, str]:
    """For each baseline the number that does best on pictures put aside."""
    clean = as_values(own.validation.images[:CHOSEN_ON])
    noisy = spoilt(clean, noise, seed, 1)
    return {name: min(ways, key=lambda way: squared_error(ways[way](noisy), clean)) for name, ways in tried.items()}


METHOD = Method(RECIPE, SETTINGS, run, Quick(data="digits", changes=shared.SMALL, settings={"limit": 80}))
