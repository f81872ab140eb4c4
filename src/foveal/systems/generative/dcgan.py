"""The generative adversarial network: pictures made of noise, over time; both losses; what a classifier makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from foveal import zoo
from foveal.evaluation.similarity import neighbours
from foveal.report.blocks import Headline, Lines, Pictures, Report, Section, Series
from foveal.runs.method import Method, Quick
from foveal.runs.settings import LIMIT, Setting
from foveal.systems.generative import sample_classifier as judging
from foveal.systems.image_tools import as_pixels, in_characters, seed_of
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from torch import nn

    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet
    from foveal.runs.run import Run
    from foveal.training.history import History
    from foveal.training.steps.adversarial import Adversarial

RECIPE = TrainingConfig(
    epochs=8, batch_size=64, optimizer="adam", lr=1e-3, optimizer_options={"beta_1": 0.5}, schedule="cosine",
    loss="binary_cross_entropy", label_smoothing=0.1, ema=0.999, metrics=(), validation=0.0,
)  # fmt: skip
"""On Fashion-MNIST with seed 0: all ten classes among the samples, the largest 11.7 % of them and 24.7 % of those that the judge
is confident of (40.0 %; of real pictures 76.4 %); 3 min 28 s on one thread, the judge's 35 s included. At the paper's rate of 2e-4
three epochs gave patches of texture, at 1e-3 clothes."""
SETTINGS = (
    Setting("noise", 64, "random numbers that an image is made of", at_least=1),
    Setting("samples", 5000, "generated images that the classifier looks at", at_least=1),
    Setting("judge_epochs", 4, "epochs of that classifier", at_least=1),
    LIMIT,
)
FILMED = 10  # noise vectors whose pictures are followed through the training
SHOWN = 60


def run(run: Run) -> Report:
    """Train both sides, then a judge, and look at what was made.

    Raises:
        DataError: rows of a table.
        ShapeError: pictures whose height or width is not a multiple of 4.
    """
    from foveal.network import codec
    from foveal.training.steps.adversarial import Adversarial

    data, config = run.pictures(), run.config
    train, held = run.split(data.train)
    tree = zoo.dcgan((int(run.settings["noise"]),), data.shape)
    module = run.build(tree)
    fitting = config.replace(batch_size=min(config.batch_size, len(train)))
    batches = run.batches(train, training=True, config=fitting, drop_last=True)
    validation = None if held is None else run.batches(held, training=False)
    steps: list[Adversarial] = []

    def step(module: nn.Module, config: TrainingConfig, steps_per_epoch: int) -> Adversarial:
        steps.append(Adversarial(module, config, steps_per_epoch, filmed=FILMED))
        return steps[-1]

    history = run.train("", module, step, batches, validation, fingerprint={"network": codec.to_dict(tree)})
    run.save_model(tree, module, classes=list(data.classes), training={"data": data.name, "config": config.to_json()})
    judge = judging.trained(run, data)
    noise = np.random.default_rng([run.seed, 1]).standard_normal((int(run.settings["samples"]), noise_size(module)))
    made = generated(module, noise.astype(np.float32))
    opinion = judge.opinion(made)
    facts = {
        "judge_accuracy": judge.accuracy,
        "made": opinion.to_json(),
        "real": judge.real.to_json(),
        "effective_classes": effective(opinion.shares),
        "samples": len(made),
        "classes": list(data.classes),
        "generator_loss": history.history["loss"][-1],
        "discriminator_loss": history.history["discriminator_loss"][-1],
    }
    collapse = f"largest class {opinion.largest:.1%}, {opinion.present} of {len(data.classes)} classes"
    return Report(
        headlines=[
            Headline("of the samples recognised with confidence", opinion.confident, percent=True,
                     note=f"{len(made):,} samples, a class of probability 0.9 or more; of real test pictures it is "
                     f"{judge.real.confident:.1%}"),
            Headline("classes present", opinion.present, note=f"of {len(data.classes)}, among the confident answers"),
            Headline("largest class", opinion.largest, percent=True, note="its share of all or of the confident answers"),
            Headline("judge's test accuracy", judge.accuracy, percent=True, note="the classifier that recognises"),
        ],
        sections=[
            Section("Samples", f"Pictures made of noise, not chosen, with the judge's opinion ({collapse}).",
                    [Pictures("samples", made[:SHOWN], judge.words(made[:SHOWN]),
                              "A question mark: no class reaches probability 0.9.")]),
            film_section(steps[-1], len(batches)),
            losses_section(history),
            Section("Recognised", "A classifier that was trained on the real pictures looks at the samples. Equal bars would "
                    "be a generator that makes every class as often as it is; a single high one would be mode collapse.",
                    judge.blocks(opinion, "made")),
            walk_section(module, noise),
            neighbours_section(made, data),
        ],
        networks={"dcgan": tree},
        facts=facts,
    )  # fmt: skip


def noise_size(module: Network) -> int:
    """How many random numbers a picture is made of."""
    size = module.input_shape.size
    assert size is not None
    return size


def generated(module: Network, noise: NDArray[np.floating], batch_size: int = 250) -> NDArray[np.uint8]:
    """uint8 pictures (N, height, width, channels) for noise (N, n), as the generator makes them in evaluation, in float32."""
    return as_pixels(module.predict(noise, batch_size, part="generator"))


def effective(shares: Sequence[float]) -> float:
    """The number of equally frequent classes with the same entropy: 1 for a collapse onto one.

    Example:
        >>> round(effective([0.25, 0.25, 0.25, 0.25, 0.0]), 6)
        4.0
    """
    return float(np.exp(entr(shares).sum()))


def film_section(step: Adversarial, steps_per_epoch: int) -> Section:
    """The same noise at several moments of the training."""
    moments = sorted(step.film)
    stack = np.concatenate([step.film[count].numpy() for count in moments])
    labels = [f"{count / steps_per_epoch:.3g}" if i == 0 else "" for count in moments for i in range(FILMED)]
    return Section(
        "Over time",
        "A row is a moment, a column one noise vector: the same ten, from the first steps to the last.",
        [Pictures("film", stack, labels, "Below the first picture of a row: epochs done.", columns=FILMED)],
    )


def losses_section(history: History) -> Section:
    """Both losses, and how often the discriminator was right."""
    rows = history.steps
    per_epoch = max((row["step"] for row in rows), default=1)
    x = [row["epoch"] - 1 + row["step"] / per_epoch for row in rows]

    def line(label: str, key: str) -> Series:
        return Series(label, x, [row[key] for row in rows])

    return Section(
        "Both losses",
        "Neither loss says how good the pictures are: each is measured against an opponent that learns too. What to look at is "
        "that neither side wins for good: 0.69 would be a generator whose pictures pass for real half the time, and 1.39 a "
        "discriminator that only guesses.",
        [
            Lines("losses", "epoch", "loss", [line("generator: −log D(G(z))", "loss"),
                  line("discriminator: −log D(x) − log(1 − D(G(z)))", "discriminator_loss")],
                  "Means over twentieths of an epoch, in nats."),
            Lines("recognised", "epoch", "share", [line("real taken for real", "real"), line("made taken for made", "made")],
                  "The discriminator's answers before it learns from a batch."),
        ],
    )  # fmt: skip


def walk_section(module: Network, noise: NDArray[np.floating]) -> Section:
    """From one noise vector to another along the sphere, three times."""
    shares = np.linspace(0, 1, 10)
    paths = [spherical(noise[2 * i], noise[2 * i + 1], shares) for i in range(min(3, len(noise) // 2))]
    return Section(
        "A walk through the noise",
        "From the left picture's noise to the right one's. Had the generator learned its pictures by heart, it would jump.",
        [Pictures("walk", generated(module, np.concatenate(paths)), None, "A row is a walk, in ten equal steps.")],
    )


def spherical(start: NDArray[Any], end: NDArray[Any], shares: NDArray[Any]) -> NDArray[np.floating]:
    """Points on the great arc between two vectors: a straight line would lead through lengths that noise never has.

    Example:
        >>> spherical(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.0, 0.5, 1.0])).round(3).tolist()
        [[1.0, 0.0], [0.707, 0.707], [0.0, 1.0]]
    """
    cosine = start @ end / (np.linalg.norm(start) * np.linalg.norm(end))
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    t = shares[:, None]
    if np.sin(angle) < 1e-6:
        return np.asarray((1 - t) * start + t * end)
    return np.asarray((np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle))


def neighbours_section(made: NDArray[np.uint8], data: DataSet, count: int = 10) -> Section:
    """Samples above the training pictures that are nearest to them."""
    some = made[:count]
    nearest = data.train.images[neighbours(data.train.images, 1, euclidean=True, queries=some)[0][:, 0]]
    return Section(
        "Nearest training pictures",
        "Below each sample the training picture with the smallest squared distance: alike, but not the same.",
        [Pictures("nearest", np.concatenate([some, nearest]), None, "Above made, below real.", columns=len(some))],
    )


def predict(model: str, questions: Sequence[str]) -> Iterator[str]:
    """For each question, a seed: one picture made of that seed's noise, drawn in characters.

    Raises:
        ConfigurationError: a question that is not a whole number.
    """
    from foveal.inference.opened_model import open_model

    module = open_model(model).module
    for question in questions:
        noise = np.random.default_rng(seed_of(question)).standard_normal((1, noise_size(module)))
        yield in_characters(generated(module, noise)[0])


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(
        data="digits",
        size=(28, 28),
        changes={"epochs": 1, "batch_size": 32},
        settings={"noise": 8, "samples": 40, "judge_epochs": 1, "limit": 96},
    ),
    predict,
)
