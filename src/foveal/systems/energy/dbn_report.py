"""What the report of a deep belief network shows: each layer, what comes back through it, and the comparison with few labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.data.batches.protocol import mixed
from foveal.evaluation.intervals import ends
from foveal.report.blocks import Lines, Pictures, Plot, Rows, Section, Series
from foveal.systems.energy import shared as boltzmann

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet, Split
    from foveal.runs.run import Run
    from foveal.training.history import History

FILTERS, COLUMNS = 48, 10
DREAMT = (1, 10, 100, 1000)  # steps of the top machine's chains
_DREAMS = 13  # a stream of random numbers


def sections(
    run: Run,
    module: Network,
    paths: Sequence[str],
    histories: Mapping[str, History],
    facts: Mapping[str, Any],
    data: DataSet,
    test: Split,
) -> list[Section]:
    """All of them, in the order of the report."""
    return [
        _few_labels(facts),
        _layers(module, paths, histories, facts, data),
        _back(module, paths, data, test),
        _dreams(run, module, paths, data, test),
    ]


def _few_labels(facts: Mapping[str, Any]) -> Section:
    draws, scores, rates = facts["draws"], facts["accuracy"], facts["rates"]
    names = list(scores)

    def paint(figure: Figure) -> None:
        from foveal.report.colours import FIRST, INK, MUTED

        axes = figure.add_subplot()
        for place, name in enumerate(names):
            values = [draw[name] for draw in draws]
            axes.plot(values, [place] * len(values), "o", color=MUTED, alpha=0.6)
            low, high = scores[name]["low"], scores[name]["high"]
            if len(draws) > 1:
                axes.plot([low, high], [place, place], color=FIRST, linewidth=3, alpha=0.5)
            axes.plot([scores[name]["mean"]], [place], "|", color=INK, markersize=16)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlabel("test accuracy")

    rows = [
        (
            name, scores[name]["mean"], ends(scores[name]["low"], scores[name]["high"]),
            facts["gain"].get(name, {}).get("mean", ""),
            ends(facts["gain"][name]["low"], facts["gain"][name]["high"]) if name in facts["gain"] else "",
            rates[name]["lr"],
        )
        for name in names
    ]  # fmt: skip
    columns = (
        "network",
        "test accuracy",
        "95 % interval",
        "gain of pre-training",
        "95 % interval of it",
        "learning rate",
    )
    told = f"{facts['labels']:,} labels, {len(draws)} draws of them and of first weights"
    drawn = ("network", *(f"draw {i + 1}" for i in range(len(draws))))
    return Section(
        "With and without pre-training",
        f"Three networks of one shape learn by backpropagation from the same {told}. The first begins with the machines' "
        "weights, the second is the same chain of sigmoid layers with fresh ones, the third has ReLU instead.",
        [
            Plot("few-labels", paint, f"Test accuracy, {told}: a dot a draw, the mean as a line, its 95 % interval as a bar.",
                 "Test accuracy of three networks, each draw and the mean", drawn,
                 [(name, *(draw[name] for draw in draws)) for name in names], size=(6.4, 2.6)),
            Rows("few-labels-table", columns, rows, "Intervals are Student's over the draws; the gain is paired, on the same "
                 "labels. The learning rate of each was chosen on the validation part with the first draw."),
        ],
    )  # fmt: skip


def _layers(
    module: Network, paths: Sequence[str], histories: Mapping[str, History], facts: Mapping[str, Any], data: DataSet
) -> Section:
    def curves(key: str) -> list[Series]:
        return [
            Series(path, list(range(1, len(found.history[key]) + 1)), found.history[key])
            for path, found in histories.items()
        ]

    blocks: list[Any] = [
        Lines("pseudo-likelihood", "epoch", "pseudo-likelihood, nats an example", curves("val_pseudo_likelihood"),
              "Each machine on what the ones below it make of validation pictures; a probability p turned over is 1 − p. The "
              "layers have other numbers of units, so that only the course of each curve counts."),
        Lines("reconstruction", "epoch", "reconstruction, nats an example", curves("val_loss"),
              "Cross-entropy of what a machine sees and what comes back from its hidden units."),
    ]  # fmt: skip
    rows = [
        (row["layer"], row["values"], row["accuracy"], ends(row["low"], row["high"]), row["C"])
        for row in facts["layers"]
    ]
    blocks.append(
        Rows("layers-table", ("layer", "values", "test accuracy", "95 % interval", "C"), rows,
             f"A linear classifier (logistic regression) on each layer before any fine-tuning, {facts['labels']:,} labels.")
    )  # fmt: skip
    projected = None
    for path in paths:
        machine: Any = module.node(path)
        weight = machine.weight.detach().numpy()
        projected = weight if projected is None else weight @ projected
        strongest = np.argsort(-np.linalg.norm(projected, axis=1), kind="stable")[:FILTERS]
        told = "its weights" if path == paths[0] else "its weights times those of all layers below"
        blocks.append(
            Pictures(f"filters-{path}", boltzmann.weights_as_pictures(projected[strongest], data.shape), None,
                     f"{path}: the {len(strongest)} strongest units, each as a picture: {told}; white speaks for the unit, black "
                     "against it.", columns=16)
        )  # fmt: skip
    return Section(
        "Layer by layer",
        "Each machine learns from the hidden probabilities of the one below, without labels, and is then left as it is.",
        blocks,
    )


def downwards(module: Network, paths: Sequence[str], hidden: Tensor) -> Tensor:
    """Hidden values of the last of ``paths`` down through all machines: N × pixels probabilities."""
    import torch

    with torch.no_grad():
        for path in reversed(paths):
            machine: Any = module.node(path)
            hidden = machine.down(hidden)
    return hidden


def _back(module: Network, paths: Sequence[str], data: DataSet, test: Split) -> Section:
    chosen = boltzmann.one_a_class(test.labels, COLUMNS)
    pictures = test.images[chosen]
    seen = boltzmann.visible(module, pictures, paths[0])
    stack = [seen.numpy()]
    labels = [data.classes[i] for i in test.labels[chosen]]
    shares = []
    for depth, path in enumerate(paths, start=1):
        above = paths[depth] if depth < len(paths) else "output"
        back = downwards(module, paths[:depth], boltzmann.visible(module, pictures, above))
        shares.append(f"{100 * float(((back >= 0.5) == (seen >= 0.5)).float().mean()):.1f} % from {path}")
        stack.append(back.numpy())
        labels += [f"from {path}"] * len(chosen)
    return Section(
        "What comes back from each layer",
        "Test pictures go up to a layer and down again through the same weights: what a layer keeps of them.",
        [
            Pictures("back", boltzmann.as_picture(np.concatenate(stack), data.shape), labels,
                     f"Probabilities of the pixels. Pixels that agree with the picture: {', '.join(shares)}.", columns=len(chosen)),
        ],
    )  # fmt: skip


def _dreams(run: Run, module: Network, paths: Sequence[str], data: DataSet, test: Split) -> Section:
    import torch

    from foveal.training.steps.boltzmann import gibbs

    top: Any = module.node(paths[-1])
    draw = torch.Generator().manual_seed(mixed(run.seed, _DREAMS))
    seen = boltzmann.visible(module, test.images[boltzmann.one_a_class(test.labels, COLUMNS)], paths[-1])
    noise = torch.bernoulli(torch.full_like(seen, 0.5), generator=draw)
    blocks = []
    for name, begin, told in (("noise", noise, "random states"), ("pictures", seen, "test pictures")):
        state, stack, labels, done = begin, [downwards(module, paths[:-1], begin)], [told] * len(begin), 0
        for look in DREAMT:
            state, done = gibbs(top, state, look - done, draw), look
            stack.append(downwards(module, paths[:-1], state))
            labels += [f"{look:,} step{'s' * (look > 1)}"] * len(begin)
        drawn = boltzmann.as_picture(torch.cat(stack).numpy(), data.shape)
        caption = f"Chains of the top machine from {told}, a column each, before any fine-tuning."
        blocks.append(Pictures(f"dreams-{name}", drawn, labels, caption, columns=len(begin)))
    return Section(
        "Dreams",
        "As a generative model the network is its top machine and the way down: Gibbs sampling above, one pass down through the "
        "layers below. Contrastive divergence looks one step away from the data; what lies further it leaves unlearnt, and long "
        "chains end there.",
        blocks,
    )
