"""The variational autoencoder: samples, the latent plane, the bound with its two parts, and what a classifier recognises."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlog1py, xlogy

from foveal import zoo
from foveal.report.blocks import Bars, Headline, Lines, Pictures, Report, Rows, Scatter, Section, Series
from foveal.runs.method import Method, Quick
from foveal.runs.settings import LIMIT, Setting
from foveal.systems.generative import sample_classifier as judging
from foveal.systems.image_tools import as_pixels, in_characters, seed_of
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet, Split
    from foveal.network.tree import Sequential
    from foveal.runs.run import Run
    from foveal.training.history import History

RECIPE = TrainingConfig(
    epochs=15, batch_size=128, optimizer="adam", lr=2e-3, schedule="one-cycle", peak_at=0.2,
    loss="binary_cross_entropy", metrics=(),
)  # fmt: skip
"""On Fashion-MNIST with seed 0: test ELBO −239.2 nats a picture (reconstruction −224.8, divergence 14.3); with two latent numbers
−257.8. 2 min 9 s on one thread for both, the judge's 35 s included."""
SETTINGS = (
    Setting("latent", 16, "numbers that describe an image", at_least=1),
    Setting("plane", True, "train a second one with two numbers, whose whole plane can be shown"),
    Setting(
        "beta",
        1.0,
        "what the divergence counts in training (β-VAE, Higgins et al. 2017); figures are always those of 1",
        at_least=0,
    ),
    Setting("binarise", False, "draw grey pixels black or white"),
    Setting("draws", 16, "K of the importance-weighted bound", at_least=1),
    Setting("samples", 5000, "generated images that the classifier looks at", at_least=1),
    Setting("judge_epochs", 4, "epochs of that classifier", at_least=1),
    LIMIT,
)
SHOWN = 60
PLANE = 15  # pictures along each side of the plane
FOLLOWED = 3000  # test pictures in a map


def run(run: Run) -> Report:
    """Train it, and a second one with two latent numbers; measure the bound; let a judge look at samples.

    Raises:
        DataError: rows of a table.
    """
    data = run.pictures()
    latent = int(run.settings["latent"])
    tree, module, history = _trained(run, data, "", latent)
    test = data.test if data.test is not None else run.split(data.train)[1] or data.train
    figures = run.cached("bound", lambda: measured(run, module, test, data.train))
    run.save_model(tree, module, classes=list(data.classes), training={"data": data.name, "test": figures})
    networks = {"vae": tree}
    plane, plane_figures = module, None
    if latent != 2 and run.settings["plane"]:
        flat, plane, _ = _trained(run, data, "plane", 2)
        plane_figures = run.cached("plane-bound", lambda: measured(run, plane, test, data.train))
        run.save_model(flat, plane, "plane", classes=list(data.classes))
        networks["vae with two latent numbers"] = flat
    judge = judging.trained(run, data)
    draws = np.random.default_rng([run.seed, 1]).standard_normal((int(run.settings["samples"]), latent))
    made = decoded(module, draws)
    opinion = judge.opinion(made)
    facts = {
        "elbo": figures["elbo"],
        "test": figures,
        "plane": plane_figures,
        "judge_accuracy": judge.accuracy,
        "made": opinion.to_json(),
        "real": judge.real.to_json(),
        "samples": len(made),
        "classes": list(data.classes),
    }
    pixels = "drawn black or white" if run.settings["binarise"] else "taken as the grey values they are"
    return Report(
        headlines=[
            Headline("test ELBO", figures["elbo"], note="nats a picture, higher is better: reconstruction "
                     f"{_text(figures['reconstruction'])}, less a divergence of {figures['kl']:.4g}; pixels {pixels}"),
            Headline("importance-weighted bound", figures["importance"], note=f"{figures['draws']} draws a picture"),
            Headline("of the samples recognised with confidence", opinion.confident, percent=True,
                     note=f"{len(made):,} samples, {opinion.present} of {len(data.classes)} classes, the largest "
                     f"{opinion.largest:.1%}; of real test pictures {judge.real.confident:.1%}"),
            Headline("judge's test accuracy", judge.accuracy, percent=True, note="the classifier that recognises"),
        ],
        sections=[
            Section("Samples", "Numbers drawn from the normal distribution and decoded, not chosen, with the judge's opinion. "
                    "Shown is each pixel's expected grey, which is why they are softer than real pictures.",
                    [Pictures("samples", made[:SHOWN], judge.words(made[:SHOWN]),
                              "A question mark: no class reaches probability 0.9.")]),
            _bound_section(history, figures, plane_figures, latent),
            *([_plane_section(plane, test, data)] if plane_figures or latent == 2 else []),
            _walk_section(module, test),
            Section("Recognised", "A classifier that was trained on the real pictures looks at the samples.",
                    judge.blocks(opinion, "samples")),
        ],
        networks=networks,
        facts=facts,
        notes=["The reconstruction is ln p(x|z) of Bernoulli pixels, in nats a picture. With grey pixels no decoder can reach "
               f"0: the best possible here is {_text(figures['ceiling'])}."] if not run.settings["binarise"] else [],
    )  # fmt: skip


def _trained(run: Run, data: DataSet, stage: str, latent: int) -> tuple[Sequential, Network, History]:
    from foveal.network import codec
    from foveal.training.steps.variational import Variational

    train, held = run.split(data.train)
    tree = zoo.vae(data.shape, latent)
    module = run.build(tree)
    step = functools.partial(Variational, beta=float(run.settings["beta"]), binarise=bool(run.settings["binarise"]))
    batches = run.batches(train, training=True)
    validation = None if held is None else run.batches(held, training=False, at_once=512)
    history = run.train(stage, module, step, batches, validation, fingerprint={"network": codec.to_dict(tree)})
    return tree, module, history


def measured(run: Run, module: Network, part: Split, train: Split) -> dict[str, Any]:
    """Both parts of the bound on a part of the data, the bound of several draws, and what there is to compare with.

    Returns:
        nats a picture, means over the part: ``elbo``, ``reconstruction``, ``kl``, ``importance`` (of ``draws`` draws),
        ``ceiling`` (the likelihood of each picture under its own grey values), ``mean_picture`` (under the training
        set's mean picture); ``elbo_error``, the standard error of the mean; ``kl_by_number``, the divergence of each latent number.
    """
    import torch

    from foveal.backends.torch import evaluating
    from foveal.training.steps.variational import binarised, bound, halves, importance_bound

    draws = int(run.settings["draws"])
    draw = torch.Generator().manual_seed(run.seed)
    rows: list[NDArray[np.float64]] = []
    by_number: list[NDArray[np.float64]] = []
    with evaluating(module), torch.inference_mode():
        for start in range(0, len(part), 250):
            x = module.as_input(part.images[start : start + 250])
            x = binarised(x, draw) if run.settings["binarise"] else x
            likelihood, kl = bound(module, x, draw)
            several = importance_bound(module, x, draw, draws)
            mean, log_variance = halves(module.node("encoder")(x))
            by_number.append(_array(0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)))
            rows.append(np.stack([_array(likelihood), _array(kl), _array(several)]))
    likelihood_, kl_, several_ = np.concatenate(rows, axis=1)
    elbo = likelihood_ - kl_
    grey = part.images.reshape(len(part), -1) / 255.0
    average = np.clip(train.images.reshape(len(train), -1).mean(0) / 255.0, 1e-6, 1 - 1e-6)
    return {
        "elbo": float(elbo.mean()),
        "elbo_error": float(elbo.std() / np.sqrt(len(part))),
        "reconstruction": float(likelihood_.mean()),
        "kl": float(kl_.mean()),
        "importance": float(several_.mean()),
        "draws": draws,
        "ceiling": 0.0 if run.settings["binarise"] else float(_likelihood(grey, grey).mean()),
        "mean_picture": float(_likelihood(grey, average).mean()),
        "kl_by_number": np.concatenate(by_number).mean(0).tolist(),
        "pictures": len(part),
    }


def _text(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _likelihood(grey: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ x ln p + (1 − x) ln (1 − p), with 0 · ln 0 = 0."""
    return np.asarray((xlogy(grey, p) + xlog1py(1 - grey, -p)).sum(1))


def _array(tensor: Any) -> NDArray[np.float64]:
    return np.asarray(tensor.double().cpu().numpy())


def decoded(module: Network, codes: NDArray[np.floating], batch_size: int = 250) -> NDArray[np.uint8]:
    """uint8 pictures (N, height, width, channels) of latent numbers (N, k): the grey that each pixel has in the mean."""
    return as_pixels(expit(module.predict(codes, batch_size, part="decoder")))


def encoded(module: Network, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The means (N, k) of the latent numbers of uint8 pictures: the first half of what the encoder gives."""
    answers = module.predict(pictures, 500, part="encoder").astype(np.float64)
    return np.asarray(answers[:, : answers.shape[1] // 2])


def _bound_section(history: History, figures: dict[str, Any], plane: dict[str, Any] | None, latent: int) -> Section:
    """The two parts over the training, on the test set, and number by number."""
    names = {"loss": "−ELBO", "reconstruction": "−reconstruction", "kl": "divergence"}
    known = [key for key in names if f"val_{key}" in history.history] or []
    epochs = list(range(1, len(history.epoch) + 1))
    prefix = "val_" if known else ""
    lines = [Series(names[key], epochs, history.history[prefix + key]) for key in names]
    keys = ("elbo", "reconstruction", "kl", "importance")
    rows: list[Sequence[object]] = [(f"{latent} latent numbers", *(figures[key] for key in keys))]
    if plane is not None:
        rows.append(("2 latent numbers", *(plane[key] for key in keys)))
    rows.append(("the mean picture, without any code", figures["mean_picture"], figures["mean_picture"], 0.0, ""))
    return Section(
        "The bound and its two parts",
        "ELBO = reconstruction − divergence: how well a picture is described by its numbers, less what these cost to tell. "
        f"Measured on {figures['pictures']:,} pictures in nats each, one draw a picture; the standard error of the ELBO "
        f"is {figures['elbo_error']:.2g}. The importance-weighted bound, of several draws, is nearer to ln p(x).",
        [
            Rows("bound", ("", "ELBO", "reconstruction", "divergence", "importance-weighted"), rows, "On the test set."),
            Lines("parts", "epoch", "nats a picture", lines,
                  f"The parts of the loss on {'pictures put aside' if known else 'the training pictures'}."),
            Bars("numbers", [str(i + 1) for i in range(len(figures["kl_by_number"]))],
                 {"divergence": figures["kl_by_number"]},
                 "What each latent number tells, in nats; one near 0 is not used.", y_label="nats"),
        ],
    )  # fmt: skip


def _plane_section(module: Network, test: Split, data: DataSet) -> Section:
    """The decoder over the plane, and where the test pictures lie in it."""
    places = [NormalDist().inv_cdf((i + 0.5) / PLANE) for i in range(PLANE)]
    grid = np.array([(x, y) for y in reversed(places) for x in places])
    some = test.take(np.arange(min(FOLLOWED, len(test))))
    return Section(
        "The latent plane",
        "With two latent numbers the whole of what was learned can be seen at once: pictures made at equal steps of the "
        "normal distribution's quantiles, and the places where test pictures lie. Classes were not told.",
        [
            Pictures("plane", decoded(module, grid), None,
                     f"{PLANE} × {PLANE} points; from left to right the first number, from bottom to top the second.",
                     columns=PLANE),
            Scatter("codes", encoded(module, some.images), some.labels, data.classes,
                    f"The means of {len(some):,} test pictures."),
        ],
    )  # fmt: skip


def _walk_section(module: Network, test: Split) -> Section:
    """From one test picture to another, through the latent numbers between."""
    ends = [int(np.flatnonzero(test.labels == label)[0]) for label in np.unique(test.labels)[:6]]
    pairs = [(ends[i], ends[i + 1]) for i in range(0, len(ends) - 1, 2)]
    shares = np.linspace(0, 1, 8)[:, None]
    rows = []
    for first, last in pairs:
        start, end = encoded(module, test.images[[first, last]])
        between = decoded(module, (1 - shares) * start + shares * end)
        rows.append(np.concatenate([test.images[first : first + 1], between, test.images[last : last + 1]]))
    return Section(
        "A walk between pictures",
        "Outside the real pictures; between them the decoder along the straight line from the code of one to that of the other.",
        [Pictures("walk", np.concatenate(rows), None, "A row is a walk in seven equal steps.", columns=10)],
    )


def predict(model: str, questions: Sequence[str]) -> Iterator[str]:
    """For each question, a seed: a picture decoded from that seed's numbers, drawn in characters.

    Raises:
        ConfigurationError: a question that is not a whole number.
    """
    from foveal.inference.opened_model import open_model
    from foveal.network import layers
    from foveal.network.tree import find

    opened = open_model(model)
    sampling = find(opened.network, "sampling")
    assert isinstance(sampling, layers.Sampling)
    for question in questions:
        numbers = np.random.default_rng(seed_of(question)).standard_normal((1, sampling.units))
        yield in_characters(decoded(opened.module, numbers)[0])


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(
        data="digits",
        size=(28, 28),
        changes={"epochs": 1, "batch_size": 32},
        settings={"latent": 3, "draws": 2, "samples": 40, "judge_epochs": 1, "limit": 96},
    ),
    predict,
)
