"""The restricted Boltzmann machine: learned without answers, by contrastive divergence and by its persistent kind.

Two machines are trained alike but for the start of their chains. The one that ``persistent`` says is the run's own: it is
kept, looked into and used for features; the other stands beside it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.report.blocks import Headline, Report
from foveal.runs.method import Method, Quick
from foveal.runs.settings import LIMIT, Setting
from foveal.systems.energy import shared as boltzmann
from foveal.systems.energy.shared import KINDS
from foveal.systems.image_tools import said_of_images
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from torch import Tensor

    from foveal.backends.torch import Network
    from foveal.data.dataset import Split
    from foveal.runs.run import Run
    from foveal.training.history import History

RECIPE = TrainingConfig(
    epochs=12,
    batch_size=100,
    optimizer="momentum",
    lr=0.05,
    momentum=0.5,
    weight_decay=1e-4,
    decoupled=False,
    schedule="cosine",
    metrics=(),
)
"""Of each machine. On Fashion-MNIST with 10,000 labels features reach 0.804, pixels 0.779; about two minutes on one thread."""
SETTINGS = (
    Setting("hidden", 256, "hidden units", at_least=1),
    Setting("gibbs_steps", 1, "k, steps of a chain a batch", at_least=1),
    Setting("persistent", True, "which of the two machines is the run's own; the other stands beside it"),
    Setting("threshold", 0.5, "brightness above which a pixel is on", at_least=0, at_most=1),
    Setting("labels", 10_000, "the most labelled images of the linear classifiers", at_least=20),
    Setting("fantasies", 1000, "steps of the longest chains shown", at_least=1),
    Setting("annealing", 1000, "temperatures of the estimate of ln Z, with 100 chains", at_least=1),
    Setting("tiny_updates", 3000, "updates of the machine that is small enough for exact sums", at_least=0),
    LIMIT,
)
LABELS = (300, 1000, 3000)
WATCHED = 6000  # training pictures whose free energy the validation part's is compared with


def run(run: Run) -> Report:
    """Train both machines, judge their features, and look both ways through the run's own."""
    from foveal import zoo
    from foveal.evaluation.intervals import in_percent
    from foveal.systems.energy import rbm_report
    from foveal.systems.energy.bars_and_stripes import likelihoods

    data, train, validation, test = boltzmann.parts(run)
    threshold = float(run.settings["threshold"])
    tree = zoo.rbm(data.shape, hidden=int(run.settings["hidden"]), threshold=threshold)
    own = bool(run.settings["persistent"])
    modules, histories = {}, {}
    for persistent in (own, not own):
        module = run.build(tree, data.shape)
        histories[persistent] = learn(run, module, train, validation, persistent=persistent, own=own)
        modules[persistent] = module.to("cpu")
    seen = {name: boltzmann.visible(modules[own], part.images) for name, part in (("train", train), ("test", test))}
    run.notify("likelihood")
    likelihood = run.cached("likelihood", lambda: likelihood_of(run, modules, seen))
    run.notify("features and linear classifiers")
    features = run.cached("features", lambda: judge(run, modules[own], train, validation, test))
    run.notify("a machine small enough for exact sums")
    tiny = run.cached("tiny", lambda: likelihoods(run.seed, int(run.settings["tiny_updates"])))
    run.save_model(tree, modules[own], training={"data": data.name, "config": run.config.to_json()})
    facts = {
        "features": features,
        "likelihood": likelihood,
        "tiny": tiny,
        "pseudo_likelihood": {KINDS[p]: histories[p].history["val_pseudo_likelihood"][-1] for p in (True, False)},
        "free_energy_gap": {KINDS[p]: histories[p].history["val_free_energy_gap"][-1] for p in (True, False)},
        "pictures": {"train": len(train), "validation": len(validation), "test": len(test)},
    }
    last = features["scores"][-1]
    return Report(
        headlines=[
            Headline(
                "accuracy of features and a linear classifier", last["features"]["accuracy"], percent=True,
                note=f"pixels and the same classifier {100 * last['pixels']['accuracy']:.1f} %; {last['labels']:,} labels",
            ),
            Headline(
                "more than pixels", last["paired"]["difference"], percent=True,
                note=f"95 % interval {in_percent(last['paired']['low'], last['paired']['high'], 2)}, same pictures",
            ),
            Headline(
                "log-likelihood a test picture", likelihood["machines"][KINDS[own]]["test"],
                note=f"nats, ln Z estimated; every pixel on its own {likelihood['independent']:.1f}".replace("-", "−"),
            ),
            Headline(
                "pseudo-likelihood", facts["pseudo_likelihood"][KINDS[own]], note="nats a validation picture, stochastic"
            ),
        ],
        sections=rbm_report.sections(run, modules[own], histories, facts, data, test),
        networks={"rbm": tree},
        facts=facts,
        notes=[
            f"A pixel counts as on where its brightness is above {100 * threshold:g} % of the most.",
            "Regularisation of the linear classifiers was chosen on the validation part; the test part was used once.",
            *(f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in data.notes),
        ],
    )  # fmt: skip


def learn(run: Run, module: Network, train: Split, validation: Split, *, persistent: bool, own: bool) -> History:
    """One machine's training: the run itself for the run's own kind, a stage for the other."""
    from foveal.training.steps.boltzmann import ContrastiveDivergence

    boltzmann.begin(module.node("rbm"), boltzmann.visible(module, train.images))  # type: ignore[arg-type]
    step = functools.partial(
        ContrastiveDivergence,
        gibbs_steps=int(run.settings["gibbs_steps"]),
        persistent=persistent,
        watched=module.as_input(boltzmann.some(train, WATCHED)),
    )
    return run.train(
        "" if persistent is own else KINDS[persistent].replace(" ", "-").lower(),
        module,
        step,
        run.batches(train, training=True),
        run.batches(validation, training=False, at_once=boltzmann.MEASURED),
    )


def likelihood_of(run: Run, modules: dict[bool, Network], rows: dict[str, Tensor]) -> dict[str, Any]:
    """ln Z by annealing, and with it the mean log-likelihood; beside a model that takes every pixel on its own."""
    import torch

    from foveal.systems.energy.partition_function import annealed_log_partition

    share = rows["train"].mean(0).clamp(0.001, 0.999)
    independent = rows["test"] @ torch.log(share) + (1 - rows["test"]) @ torch.log(1 - share)
    machines = {}
    for persistent, module in modules.items():
        machine: Any = module.node("rbm")
        base = torch.log(share / (1 - share))
        found = annealed_log_partition(machine, base, temperatures=int(run.settings["annealing"]), seed=run.seed)
        with torch.no_grad():
            energy = {name: float(machine.free_energy(part).double().mean()) for name, part in rows.items()}
        machines[KINDS[persistent]] = {
            "log_z": found.log_z,
            "log_z_low": found.low,
            "log_z_high": found.high,
            "spread_of_chains": found.spread,
            **{name: -each - found.log_z for name, each in energy.items()},
        }
    return {"machines": machines, "independent": float(independent.mean())}


def judge(run: Run, module: Network, train: Split, validation: Split, test: Split) -> dict[str, Any]:
    """A linear classifier on hidden probabilities and one on the same binary pixels, for growing numbers of labels."""
    import torch

    from foveal.data.splitting import stratified
    from foveal.evaluation.intervals import paired, wilson

    machine: Any = module.node("rbm")

    def both(split: Split) -> dict[str, np.ndarray[Any, Any]]:
        pixels = boltzmann.visible(module, split.images)
        with torch.no_grad():
            return {"features": machine.up(pixels).numpy(), "pixels": pixels.numpy()}

    most = min(int(run.settings["labels"]), len(train) - 1)
    held, measured = both(validation), both(test)
    scores = []
    for count in [*(n for n in LABELS if n < most), most]:
        chosen = train.take(stratified(train.labels, count, run.seed))
        given, right = both(chosen), {}
        row: dict[str, Any] = {"labels": count}
        for name, values in given.items():
            found, strength, score = boltzmann.linear_classifier(
                (values, chosen.labels), (held[name], validation.labels)
            )
            right[name] = found.predict(measured[name]) == test.labels
            interval = wilson(int(right[name].sum()), len(test))
            row[name] = {
                "accuracy": float(right[name].mean()), "low": interval.low, "high": interval.high, "C": strength,
                "validation": score,
            }  # fmt: skip
        difference, interval = paired(right["features"], right["pixels"])
        row["paired"] = {"difference": difference, "low": interval.low, "high": interval.high}
        scores.append(row)
    return {"scores": scores, "test": len(test)}


def predict(model: str, questions: Sequence[str]) -> Iterator[str]:
    """How well each picture fits the machine: its free energy and what comes back of it.

    Args:
        model: the model file.
        questions: paths of pictures, or folders of them.
    """
    import torch

    from foveal.inference.opened_model import open_model

    module = open_model(model).module
    machine: Any = module.node("rbm")

    def say(image: NDArray[np.uint8]) -> str:
        visible = boltzmann.visible(module, image)
        with torch.no_grad():
            hidden = machine.up(visible)
            same = ((machine.down(hidden) >= 0.5) == (visible >= 0.5)).float().mean()
            energy = float(machine.free_energy(visible))
        on = f"{int((hidden >= 0.5).sum())} of {hidden.shape[1]} hidden units on"
        return f"free energy {energy:.1f} nats, {on}, {100 * float(same):.1f} % of the pixels come back"

    yield from said_of_images(module, questions, say)


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(
        data="digits",
        changes={"epochs": 2, "batch_size": 60},
        settings={"hidden": 8, "labels": 60, "fantasies": 3, "annealing": 20, "tiny_updates": 30, "limit": 130},
    ),
    predict,
)
