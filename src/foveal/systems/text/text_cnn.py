"""Multi-label text categorisation: the XML-CNN shape on docstrings and their topics, beside a linear model of words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from foveal import zoo
from foveal.data.generated import stdlib_topics
from foveal.errors import ConfigurationError, ModelFileError
from foveal.evaluation import multilabel
from foveal.evaluation.intervals import bootstrap
from foveal.network.shape import Tokens
from foveal.report.blocks import Bars, Headline, Lines, Report, Rows, Section, Series, Texts
from foveal.runs.method import Method, Quick
from foveal.runs.settings import Setting
from foveal.systems.text.tfidf_baseline import linear_model
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from torch import Tensor

    from foveal.backends.torch import Network
    from foveal.data.generated.stdlib_topics import Documents, Topics
    from foveal.runs.run import Run
    from foveal.training.history import History

RECIPE = TrainingConfig(
    epochs=18, batch_size=64, optimizer="adam", lr=4e-3, schedule="one-cycle", peak_at=0.15,
    loss="binary_cross_entropy", metrics=(), validation=0.0,
)  # fmt: skip
"""Seed 0, Python 3.11.7, test documents: P@1 81.2 %, P@3 59.2 %, P@5 42.8 %; the linear model of words has 81.8, 64.7 and
46.6. 95 s of training on one thread with other work beside it, 142 s with the linear models."""
SETTINGS = (
    Setting("embedding", 128, "numbers of a word's vector", at_least=1),
    Setting("filters", 128, "filters of each width", at_least=1),
    Setting("windows", "2,4,8", "widths of the filters, in words", text="whole numbers above 0 with commas between"),
    Setting("pool", 2, "parts of a document that each keep their largest value", at_least=1),
    Setting("bottleneck", 512, "hidden units", at_least=1),
    Setting("dropout", 0.35, "on both sides of the bottleneck; half of it on the embedding", at_least=0, at_most=1),
    Setting("pretrained", True, "whether the embedding begins with what stands near what in the training texts"),
    Setting("length", stdlib_topics.LENGTH, "words of a document that are read", at_least=1),
    Setting("modules", "", "only these modules of the library", text="names with commas between; empty for all"),
)
RANKS = (1, 3, 5)
BANDS = (10, 20, 40, 80, 160, 320, 640)
"""Labels by how many training documents have them: from each number to the next."""
SHOWN, CUT = 8, 600
FILTERS = 5  # of each width, in the report


def run(run: Run) -> Report:
    """Train the network, choose a linear model, measure both on the test documents.

    Raises:
        DataError: an interpreter without sources.
        ConfigurationError: widths that are not numbers.
    """
    modules = [name for name in str(run.settings["modules"]).replace(" ", "").split(",") if name]
    few = {"module": 3, "topic": 3} if modules else None  # labels of a small part of the library
    data = stdlib_topics.load(modules=modules, length=int(run.settings["length"]), common=few)
    module, history = _trained(run, data)
    run.save_model(module.network, module, classes=list(data.labels), vocabulary=list(data.words))
    scores = module_scores(module, data.test.tokens)
    linear = run.cached("linear", lambda: linear_model(data))
    rival = np.array(linear["test"])
    figures = run.cached("measured", lambda: measured(data, scores, rival))
    reacting = run.cached("filters", lambda: filters(module, data))
    headlines = [_headline(figures, rank) for rank in RANKS]
    return Report(
        headlines=[*headlines, Headline("ranks better", verdict(figures),
                                        note=f"by 95 % intervals over {len(data.test):,} test documents")],
        sections=[
            _precision_section(figures, linear, history),
            _frequency_section(figures),
            _examples_section(data, scores, rival),
            _filters_section(reacting),
        ],
        networks={"text_cnn": module.network},
        facts={**figures, "linear_chosen": linear["chosen"], "linear_tried": linear["tried"], "filters": reacting},
        notes=[
            *(note for note in data.notes if "no source here" not in note),
            "Both models learned from the same training documents; network and linear model were chosen on the validation "
            "documents. The linear model reads whole documents, the network their beginning.",
        ],
    )  # fmt: skip


def _trained(run: Run, data: Topics) -> tuple[Network, History]:
    import torch

    from foveal.network import codec
    from foveal.runs.run import digest
    from foveal.training.steps.supervised import multilabel as step

    settings = run.settings
    tree = zoo.text_cnn(
        len(data.labels), Tokens(int(settings["length"])), len(data.words), int(settings["embedding"]),
        int(settings["filters"]), _widths(str(settings["windows"])), int(settings["pool"]),
        int(settings["bottleneck"]), float(settings["dropout"]),
    )  # fmt: skip
    module = run.build(tree)
    if settings["pretrained"]:
        begin(module, data.train.tokens)

    def examples(part: Documents) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(part.tokens), torch.from_numpy(part.targets).float()

    fingerprint = {"network": codec.to_dict(tree), "documents": digest(data.train.tokens, data.train.targets)}
    train = run.batches(examples(data.train), training=True)
    watched = run.batches(examples(data.validation), training=False)
    history = run.train("", module, step, train, watched, fingerprint=fingerprint)
    return module.cpu(), history


def begin(module: Network, tokens: NDArray[np.int64]) -> None:
    """Let the embedding begin with the training texts' own word vectors, as the paper's begins with GloVe's."""
    import torch

    from foveal.systems.text.ppmi_vectors import word_vectors

    table = module.get_parameter("embedding.weight")
    with torch.no_grad():
        table.copy_(torch.from_numpy(word_vectors(tokens, *table.shape)))


def _widths(text: str) -> list[int]:
    pieces = text.replace(" ", "").split(",")
    if not all(piece.isdigit() and int(piece) for piece in pieces):
        raise ConfigurationError(
            "the widths of the filters are numbers of words", where="--set windows", given=repr(text),
            expected="whole numbers with commas between", fix="--set windows=2,4,8",
        )  # fmt: skip
    return [int(piece) for piece in pieces]


def module_scores(module: Network, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """The logits of documents: (N, labels)."""
    import torch

    with torch.inference_mode():
        parts = [module(torch.from_numpy(tokens[at : at + 256])) for at in range(0, len(tokens), 256)]
    return np.concatenate([part.double().numpy() for part in parts if isinstance(part, torch.Tensor)])


def measured(data: Topics, scores: NDArray[np.float64], rival: NDArray[np.float64]) -> dict[str, Any]:
    """Both models on the test documents: in all, by group of labels, by frequency of a label."""
    targets = data.test.targets
    frequency = data.train.targets.sum(0)
    common = np.tile(frequency.astype(float), (len(targets), 1))
    models = {"cnn": scores, "linear": rival, "frequency": common}
    found: dict[str, Any] = {name: multilabel.summary(each, targets, RANKS) for name, each in models.items()}
    found["best"] = {str(rank): float(multilabel.best_precision(targets, rank).mean()) for rank in RANKS}
    found["difference"] = {}
    for rank in RANKS:
        gap = multilabel.precision_at(scores, targets, rank) - multilabel.precision_at(rival, targets, rank)
        found["difference"][f"precision_at_{rank}"] = _mean(gap)
    groups = np.array([label.partition(":")[0] for label in data.labels])
    found["groups"] = []
    for group in dict.fromkeys(groups.tolist()):
        own = groups == group
        documents = targets[:, own].any(1)
        told = {
            name: float(multilabel.precision_at(each[documents][:, own], targets[documents][:, own], 1).mean())
            if documents.any() else None
            for name, each in models.items()
        }  # fmt: skip
        found["groups"].append({"group": group, "labels": int(own.sum()), "documents": int(documents.sum()), **told})
    precisions = {name: multilabel.average_precision(each, targets) for name, each in models.items()}
    bands = np.searchsorted(BANDS, frequency, side="right") - 1
    found["bands"] = []
    for number, first in enumerate(BANDS):
        own = (bands == number) & targets.any(0)
        if own.any():
            told = {name: float(each[own].mean()) for name, each in precisions.items()}
            found["bands"].append({"from": first, "labels": int(own.sum()), **told})
    found["documents"], found["labels"] = len(targets), len(data.labels)
    return found


def _mean(values: NDArray[np.float64]) -> dict[str, float]:
    """A mean over documents, and its bootstrap interval."""
    interval = bootstrap(lambda times: float((times * values).mean()), len(values), draws=2000, seed=[0, 18])
    return {"mean": float(values.mean()), "low": interval.low, "high": interval.high}


def verdict(figures: dict[str, Any]) -> str:
    """Which of the two ranks better at which rank, as far as the intervals of the differences allow to say.

    Example:
        >>> gaps = {"precision_at_1": (-0.03, 0.01), "precision_at_3": (-0.06, -0.04)}
        >>> verdict({"difference": {key: {"low": low, "high": high} for key, (low, high) in gaps.items()}})
        'the linear model at 3; no difference shows at 1'
    """
    ranks: dict[str, list[str]] = {"the linear model": [], "the network": [], "no difference shows": []}
    for key, gap in figures["difference"].items():
        winner = "the linear model" if gap["high"] < 0 else "the network" if gap["low"] > 0 else "no difference shows"
        ranks[winner].append(key.rpartition("_")[2])
    return "; ".join(f"{who} at {' and '.join(at)}" for who, at in ranks.items() if at)


def filters(module: Network, data: Topics) -> list[dict[str, Any]]:
    """For the filters that vary most, the words that they answer to most, and the label that goes with their answer."""
    import torch

    from foveal.backends.torch import layer_outputs
    from foveal.network.layers import Conv1D
    from foveal.network.tree import Parallel, find

    told: list[dict[str, Any]] = []
    tokens, targets = data.train.tokens[:3000], data.train.targets[:3000].astype(float)
    windows = find(module.network, "windows")
    assert isinstance(windows, Parallel)
    for branch in windows.branches:
        name = f"windows/{branch.name}"
        layer = find(module.network, f"{name}/conv")
        assert isinstance(layer, Conv1D)
        size = layer.kernel_size[0]
        peaks, places = [], []
        with torch.inference_mode():
            for at in range(0, len(tokens), 256):
                maps = layer_outputs(module, torch.from_numpy(tokens[at : at + 256]), [f"{name}/conv"])[f"{name}/conv"]
                best = maps.max(2)
                peaks.append(best.values.double().numpy())
                places.append(best.indices.numpy())
        peak, place = np.concatenate(peaks), np.concatenate(places)
        deviation = peak.std(0)
        centred = (peak - peak.mean(0)) / np.where(deviation > 0, deviation, 1.0)
        spread = np.sqrt(targets.var(0))
        alike = centred.T @ (targets - targets.mean(0)) / len(targets) / np.where(spread > 0, spread, 1.0)
        for number in np.argsort(-deviation, kind="stable")[:FILTERS]:
            runs: list[str] = []
            for document in np.argsort(-peak[:, number], kind="stable"):
                start = int(place[document, number]) - (size - 1) // 2
                run = [data.words[t] for t in tokens[document, max(0, start) : max(0, start + size)]]
                text = " ".join(word for word in run if word)
                if text and text not in runs:
                    runs.append(text)
                if len(runs) == 4:
                    break
            label = int(alike[number].argmax())
            told.append({"width": size, "filter": int(number), "words": runs, "label": data.labels[label],
                         "correlation": float(alike[number, label])})  # fmt: skip
    return told


# The report ------------------------------------------------------------------------------------------------------------


def _headline(figures: dict[str, Any], rank: int) -> Headline:
    key = f"precision_at_{rank}"
    gap, other, best = figures["difference"][key], figures["linear"][key], figures["best"][str(rank)]
    points = [f"{100 * gap[name]:+.2f}".replace("-", "−") for name in ("mean", "low", "high")]
    return Headline(
        f"precision at {rank}",
        figures["cnn"][key],
        note=f"linear model of words {100 * other:.2f} %; difference {points[0]} points, interval {points[1]} to {points[2]}; "
        f"at best {100 * best:.1f} %",
        percent=True,
    )


def _precision_section(figures: dict[str, Any], linear: dict[str, Any], history: History) -> Section:
    names = {"cnn": "text_cnn", "linear": "linear model of words", "frequency": "most frequent labels"}
    keys = [f"{measure}_at_{rank}" for measure in ("precision", "ndcg") for rank in RANKS]
    best = [figures["best"][str(rank)] for rank in RANKS]
    table: list[tuple[object, ...]] = [(title, *(figures[name][key] for key in keys)) for name, title in names.items()]
    table.append(("a perfect ranking", *best, 1.0, 1.0, 1.0))
    values = history.history
    epochs = list(range(1, len(values["loss"]) + 1))
    held = linear["chosen"]
    groups = [(row["group"], row["labels"], row["documents"], row["cnn"], row["linear"], row["frequency"])
              for row in figures["groups"]]  # fmt: skip
    kind = {"svm": "linear support vector machine", "logistic": "logistic regression"}[held["kind"]]
    return Section(
        "Precision at k",
        "Labels are ranked for each test document; precision at k is the share of the first k that it has, nDCG at k counts "
        f"the upper places more. The linear model: {kind}, C = {held['C']:g}, TF-IDF over runs of 1 to {held['words']} words.",
        [
            Rows("precision", ("model", "P@1", "P@3", "P@5", "nDCG@1", "nDCG@3", "nDCG@5"), table,
                 "Means over the test documents. Few documents have five labels, so not even a perfect ranking has P@5 of 1."),
            Lines("learning", "epoch", "precision",
                  [Series(f"P@{rank}, validation", epochs, values[f"val_precision_at_{rank}"]) for rank in RANKS]
                  + [Series("linear model, P@1", [1, max(2, epochs[-1])], [held["precision_at_1"]] * 2)],
                  "On the validation documents, after each epoch."),
            Rows("groups", ("labels", "how many", "test documents with one", "text_cnn P@1", "linear P@1", "frequent P@1"), groups,
                 "Within each group by itself: is the first of its labels right?"),
            Rows("tried", ("linear model", "C", "words in a run", "P@1", "P@3", "P@5"),
                 [(each["kind"], each["C"], each["words"], *(each[f"precision_at_{rank}"] for rank in RANKS))
                  for each in linear["tried"]], "The linear models that were tried, on validation."),
        ],
    )  # fmt: skip


def _frequency_section(figures: dict[str, Any]) -> Section:
    bands = figures["bands"]
    ends = [*(str(each - 1) for each in BANDS[1:]), "more"]
    names = [f"{band['from']}–{ends[BANDS.index(band['from'])]} ({band['labels']})" for band in bands]
    return Section(
        "Frequent and rare labels",
        "Average precision of each label over all test documents, in bands by how many training documents have the label "
        "(in brackets: labels in the band). Rare labels are the hard case.",
        [
            Bars("bands", names, {"text_cnn": [band["cnn"] for band in bands], "linear model": [band["linear"] for band in bands],
                                  "by chance": [band["frequency"] for band in bands]},
                 "Mean average precision of the labels in a band, by number of training documents.", "average precision"),
        ],
    )  # fmt: skip


def _examples_section(data: Topics, scores: NDArray[np.float64], rival: NDArray[np.float64]) -> Section:
    chosen = np.linspace(0, len(data.test) - 1, min(SHOWN, len(data.test))).astype(int)
    items = []
    for i in chosen:
        own = set(data.names(data.test.targets[i]))
        text = data.test.texts[i]

        def told(row: NDArray[np.float64], own: set[str] = own) -> str:
            best = [data.labels[label] for label in multilabel.ranked(row[None], 5)[0]]
            return ", ".join(f"{'✓' if label in own else '·'} {label}" for label in best)

        cut = text if len(text) <= CUT else text[:CUT].rsplit(" ", 1)[0] + " …"
        lines = [
            cut,
            "",
            "true      " + ", ".join(sorted(own)),
            "text_cnn  " + told(scores[i]),
            "linear    " + told(rival[i]),
        ]
        items.append((data.test.places[i], "\n".join(lines)))
    return Section(
        "Examples",
        "Test documents at equal distances, not chosen, with their labels and the first five of each model; ✓ marks those "
        "that are right. Labels come from where the docstring stands, which neither model is shown.",
        [Texts("examples", items, "Neither module nor name is part of the input.")],
    )


def _filters_section(reacting: list[dict[str, Any]]) -> Section:
    return Section(
        "What the filters answer to",
        "A filter of width w looks at w words in a row, and its largest value in a document goes on. Shown are the filters "
        "whose largest value varies most between documents.",
        [
            Rows("filters", ("width", "filter", "answers most to", "goes with", "correlation"),
                 [(each["width"], each["filter"], " | ".join(each["words"]), each["label"], each["correlation"])
                  for each in reacting],
                 "Runs of words of training documents with the largest values, and the label with the highest correlation."),
        ],
    )  # fmt: skip


def predict(model: str, questions: Sequence[str]) -> Iterator[str]:
    """For each question, a text: its labels with a probability of a half or more, the best three at least.

    Raises:
        ModelFileError: a file without vocabulary and labels.
    """
    from foveal.inference.opened_model import open_model

    loaded = open_model(model)
    words, shape = loaded.metadata.get("vocabulary"), loaded.network.input_shape
    if not words or not loaded.classes or not isinstance(shape, Tokens) or shape.length is None:
        raise ModelFileError(
            "the file has no vocabulary and labels", where=model, expected="one of foveal train text_cnn"
        )
    scores = module_scores(loaded.module, stdlib_topics.encode(questions, words, shape.length))
    for row in scores:
        chances = expit(row)
        best = multilabel.ranked(row[None], max(3, int((chances >= 0.5).sum())))[0]
        yield ", ".join(f"{loaded.classes[i]} {chances[i]:.0%}" for i in best)


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(
        data="stdlib-topics",
        changes={"epochs": 1, "batch_size": 32},
        settings={
            "embedding": 8,
            "filters": 4,
            "bottleneck": 8,
            "length": 20,
            "modules": "json,textwrap,calendar,string,bisect,shlex,csv",
        },
    ),
    predict,
)
