"""What the report of a restricted Boltzmann machine shows: learning, filters, both directions, dreams, exact sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.data.batches.protocol import mixed
from foveal.evaluation.intervals import ends
from foveal.report.blocks import Lines, Pictures, Rows, Section, Series
from foveal.systems.energy import shared as boltzmann

if TYPE_CHECKING:
    from collections.abc import Mapping

    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet, Split
    from foveal.runs.run import Run
    from foveal.training.history import History

FILTERS = 64
COLUMNS = 10
STEPS_DOWN = (0, 1, 2, 4, 8, 16, 32, 64, 128)
_DREAMS = 12  # a stream of random numbers


def sections(
    run: Run,
    module: Network,
    histories: Mapping[bool, History],
    facts: Mapping[str, Any],
    data: DataSet,
    test: Split,
) -> list[Section]:
    """All of them, in the order of the report."""
    return [
        _features(facts),
        _learning(histories, facts),
        _filters(module, data),
        _both_ways(module, data, test),
        _dreams(run, module, data, test),
        _exact(facts),
    ]


def _features(facts: Mapping[str, Any]) -> Section:
    scores = facts["features"]["scores"]
    counts = [row["labels"] for row in scores]
    series = [
        Series(label, counts, [row[name]["accuracy"] for row in scores], [row[name]["low"] for row in scores],
               [row[name]["high"] for row in scores])
        for name, label in (("features", "hidden probabilities"), ("pixels", "binary pixels"))
    ]  # fmt: skip
    rows = [
        (row["labels"], row["features"]["accuracy"], row["pixels"]["accuracy"], row["paired"]["difference"],
         ends(row["paired"]["low"], row["paired"]["high"]), row["features"]["C"], row["pixels"]["C"])
        for row in scores
    ]  # fmt: skip
    columns = ("labels", "features", "pixels", "difference", "95 % interval", "C, features", "C, pixels")
    return Section(
        "Features without answers",
        "The machine never saw a label. A linear classifier (logistic regression) on its hidden probabilities, and the same on "
        "the pixels that the machine saw, with the same labelled pictures.",
        [
            Lines(
                "features", "labelled pictures", "test accuracy", series, "Bands are 95 % Wilson intervals.", log_x=True
            ),
            Rows(
                "features-table",
                columns,
                rows,
                "The difference is paired: both classifiers answer for the same pictures.",
            ),
        ],
    )


def _learning(histories: Mapping[bool, History], facts: Mapping[str, Any]) -> Section:
    from foveal.systems.energy.shared import KINDS

    def curves(key: str) -> list[Series]:
        return [
            Series(KINDS[kind], list(range(1, len(found.history[key]) + 1)), found.history[key])
            for kind, found in sorted(histories.items(), reverse=True)
        ]

    rows = [
        (name, found["test"], found["train"], found["log_z"], _ends(found),
         found["spread_of_chains"])
        for name, found in facts["likelihood"]["machines"].items()
    ]  # fmt: skip
    rows.append(("every pixel on its own", facts["likelihood"]["independent"], "", "", "", ""))
    columns = ("machine", "test", "training", "ln Z", "three standard errors", "spread of the chains")
    return Section(
        "Learning",
        "The likelihood cannot be watched, its partition function Z being a sum over every possible picture. Watched are the "
        "pseudo-likelihood n · ln p(one pixel | all others), a pixel drawn for each validation picture, and how far the free "
        "energy of validation pictures lies above that of training pictures: a gap that widens is overfitting.",
        [
            Lines("pseudo-likelihood", "epoch", "pseudo-likelihood, nats a picture", curves("val_pseudo_likelihood"),
                  "Validation pictures; the same pixels are drawn after every epoch."),
            Lines("free-energy-gap", "epoch", "F(validation) − F(training), nats", curves("val_free_energy_gap"),
                  "Mean free energy of the validation part minus that of 6,000 training pictures at most. The two sets differ by "
                  "chance; what counts is whether the gap grows."),
            Rows("likelihood", columns, rows, "Mean log-likelihood a picture, in nats, with ln Z estimated by annealed "
                 "importance sampling (Salakhutdinov, Murray 2008) over 100 chains. A large spread of the chains makes the "
                 "estimate of Z too small, and the likelihood look too high."),
        ],
    )  # fmt: skip


def _ends(found: Mapping[str, Any]) -> str:
    """Three standard errors to both sides; downwards there is no end where they exceed the mean weight."""
    low, high = found["log_z_low"], found["log_z_high"]
    return f"at most {high:.1f}" if low is None else f"{low:.1f} to {high:.1f}"


def _filters(module: Network, data: DataSet) -> Section:
    machine: Any = module.node("rbm")
    weight = machine.weight.detach().numpy()
    strongest = np.argsort(-np.linalg.norm(weight, axis=1), kind="stable")[:FILTERS]
    return Section(
        "Filters",
        "What each hidden unit looks for, and what it paints when it is on: the same weights serve both directions.",
        [
            Pictures("filters", boltzmann.weights_as_pictures(weight[strongest], data.shape), None,
                     f"The {len(strongest)} hidden units with the largest weights; white speaks for the unit, black against it, "
                     "grey is zero, each unit on its own scale.", columns=16),
        ],
    )  # fmt: skip


def _both_ways(module: Network, data: DataSet, test: Split) -> Section:
    import torch

    machine: Any = module.node("rbm")
    chosen = boltzmann.one_a_class(test.labels, COLUMNS)
    visible = boltzmann.visible(module, test.images[chosen])
    with torch.no_grad():
        hidden = machine.up(visible)
        back = machine.down(hidden)
        # Units of a picture set one after another in an average code, those first that change it most.
        average = machine.up(boltzmann.visible(module, boltzmann.some(test, 500))).mean(0)
        ladder, labels = [], []
        units = hidden.shape[1]
        steps = [n for n in STEPS_DOWN if n < units] + [units]
        influence = (hidden - average).abs() * machine.weight.norm(dim=1)
        for row in range(min(3, len(chosen))):
            order = torch.argsort(-influence[row], stable=True)
            for count in steps:
                code = average.clone()
                code[order[:count]] = hidden[row, order[:count]]
                ladder.append(machine.down(code[None])[0].numpy())
                labels.append(f"{count} units")
    names = [data.classes[i] for i in test.labels[chosen]]
    stack = np.concatenate(
        [
            boltzmann.as_picture(visible.numpy(), data.shape),
            boltzmann.codes_as_pictures(hidden.numpy(), data.shape),
            boltzmann.as_picture(back.numpy(), data.shape),
        ]
    )
    wrong = float(((back >= 0.5) != (visible >= 0.5)).float().mean())
    blocks = [
        Pictures("both-ways", stack, [*names, *["hidden"] * len(chosen), *["back"] * len(chosen)],
                 f"Test pictures, the probabilities of their hidden units (a square each, white is on), and the pixels' "
                 f"probabilities that come back: {100 * (1 - wrong):.1f} % of these pixels agree.", columns=len(chosen)),
        Pictures("downwards", boltzmann.as_picture(np.asarray(ladder), data.shape), labels,
                 "Downwards alone: from an average code, hidden units are set to what a picture makes of them, one after "
                 "another, those first that change the code most.", columns=len(steps)),
    ]  # fmt: skip
    return Section(
        "Both directions",
        "Values go from the picture up to the hidden units and from the hidden units down to a picture, through the same weights.",
        blocks,
    )


def _dreams(run: Run, module: Network, data: DataSet, test: Split) -> Section:
    import torch

    from foveal.training.steps.boltzmann import gibbs

    machine: Any = module.node("rbm")
    most = max(1, int(run.settings["fantasies"]))
    looks = [n for n in (1, 10, 100, 1000, 10000) if n < most] + [most]
    chosen = boltzmann.one_a_class(test.labels, COLUMNS)
    pictures = boltzmann.visible(module, test.images[chosen])
    draw = torch.Generator().manual_seed(mixed(run.seed, _DREAMS))
    noise = torch.bernoulli(torch.full_like(pictures, 0.5), generator=draw)
    blocks = []
    for name, begin, told in (("noise", noise, "random pixels"), ("pictures", pictures, "test pictures")):
        state, stack, labels, done = begin, [begin], [told] * len(begin), 0
        for look in looks:
            state = gibbs(machine, state, look - done - 1, draw)
            hidden = torch.bernoulli(machine.up(state).detach(), generator=draw)
            chances = machine.down(hidden).detach()
            state, done = torch.bernoulli(chances, generator=draw), look
            stack.append(chances)
            labels += [f"{look:,} step{'s' * (look > 1)}"] * len(begin)
        drawn = boltzmann.as_picture(torch.cat(stack).numpy(), data.shape)
        caption = (
            f"Chains from {told}, a column each; shown are the pixels' probabilities after so many steps up and down."
        )
        blocks.append(Pictures(f"from-{name}", drawn, labels, caption, columns=len(begin)))
    return Section(
        "Dreams",
        "Gibbs sampling: hidden units drawn from the picture, a picture drawn from them, and so on. What the chains show after "
        "many steps is what the machine believes in, whatever they began with.",
        blocks,
    )


def _exact(facts: Mapping[str, Any]) -> Section:
    tiny = facts["tiny"]
    looks, ways = tiny["looks"], tiny["ways"]
    series = [Series(name, looks, told["log_likelihood"]) for name, told in ways.items()]
    series.append(Series("best possible, −ln 14", [looks[0], looks[-1]], [tiny["best"]] * 2))
    rows = [
        (name, look, told["log_likelihood"][i], told["log_z"][i], told["annealed"][i])
        for name, told in ways.items()
        for i, look in enumerate(looks)
        if i in (0, len(looks) // 2, len(looks) - 1)
    ]
    return Section(
        "Exact sums on a tiny machine",
        "Nine pixels and twelve hidden units, so that Z is a sum over 512 pictures: the log-likelihood itself, beside the "
        "gradient that contrastive divergence only approximates.",
        [
            Lines("tiny", "updates", "log-likelihood, nats a picture", series,
                  "The 14 bars and stripes of 3 × 3 pixels, learned in four ways from the same first weights."),
            Rows("tiny-table", ("way", "updates", "log-likelihood", "ln Z, exact", "ln Z, annealed"), rows,
                 "The annealed estimate uses 100 chains of 300 temperatures."),
        ],
    )  # fmt: skip
