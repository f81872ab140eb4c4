"""What the report on recognition shows: ROC, distances, neighbours of classes never seen, a map, and where it is hard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.evaluation.similarity import neighbours
from foveal.evaluation.verification import pairs_of, squared_distances
from foveal.report.blocks import Heat, Lines, Pictures, Rows, Scatter, Section, Series
from foveal.systems.embedding.embedder_measures import evenly

if TYPE_CHECKING:
    from foveal.data.dataset import DataSet, Split
    from foveal.systems.embedding.embedder_measures import Measured

QUERIES, NEIGHBOURS = 9, 7
_BINS = 60
_MAPPED = 500  # pictures of each class on the map

Classes = NDArray[np.int64]


def sections(
    data: DataSet,
    part: Split,
    vectors: NDArray[Any],
    held: Classes,
    found: Mapping[str, Measured],
    second: Mapping[str, Any] | None,
    other: Classes,
    rehearsal: Mapping[str, Any],
    accepted: Mapping[str, Mapping[str, float]],
) -> list[Section]:
    """The sections of the report.

    Args:
        data: for the names of classes.
        part: the pictures that were measured, and
        vectors: where the embedder puts them.
        held: classes never seen.
        found: the embedder and what stands beside it, measured.
        second, other: the same figures for another set of classes held out; None where it was not asked for.
        rehearsal: the threshold, and what it was chosen on.
        accepted: how often that threshold is right.
    """
    names = ", ".join(data.classes[k] for k in held)
    threshold = float(rehearsal["threshold"])
    return [
        Section(
            "Same or not",
            f"Pairs of test pictures of {names}: no picture of these classes was seen in training. The further up and left, the "
            "better; on the diagonal lies a coin.",
            [_roc(found), _table(data, found, second, other)],
        ),
        Section(
            "Distances",
            "How far apart pairs of one class and of two classes lie. Where the hills overlap no threshold can be right.",
            [_hills(vectors, part.labels, held, threshold), _threshold(data, rehearsal, accepted)],
        ),
        Section(
            "Nearest neighbours",
            "The first picture of each row, of a class never seen, and the nearest among pictures of all classes, of each as "
            "many, with their squared distances. A star marks those of another class.",
            [_neighbours(data, part, vectors, held)],
        ),
        Section(
            "Which classes are told apart",
            "For a class never seen (row) and any other (column): how often two pictures of the first are closer than one of each. "
            "Half is chance.",
            [_told_apart(data, part.labels, vectors, held)],
        ),
        Section(
            "Map",
            f"The sphere's {vectors.shape[1]} dimensions seen from the side where the classes never seen spread most (principal "
            "components). Classes that form a heap of their own can be recognised from one picture.",
            [_map(data, part.labels, vectors, held)],
        ),
    ]  # fmt: skip


def _roc(found: Mapping[str, Measured]) -> Lines:
    series = [
        Series(f"{name} {each.among.auc:.3f}", each.among.false_accepted.tolist(), each.among.true_accepted.tolist())
        for name, each in found.items()
    ]
    return Lines("roc", "different pairs taken for the same", "same pairs accepted", series,
                 "Receiver operating characteristic; beside each name the area under its curve.")  # fmt: skip


def _table(data: DataSet, found: Mapping[str, Measured], second: Mapping[str, Any] | None, other: Classes) -> Rows:
    rows: list[tuple[object, ...]] = []
    for name, each in found.items():
        interval = "" if each.among.low is None else f"{each.among.low:.4f} to {each.among.high:.4f}"
        rows.append((name, each.among.auc, interval, each.among.equal_error, each.against.auc, each.against.equal_error,
                     each.recall))  # fmt: skip
    caption = (
        "EER: the error rate where as many same pairs are refused as different ones accepted. Against all: pairs of a "
    )
    caption += "picture never seen and one of any class. Recall@1 too is against all classes."
    if second:
        names = ", ".join(data.classes[k] for k in other)
        for name, told in second.items():
            own, wide = told["among"], told["against"]
            interval = f"{own['low']:.4f} to {own['high']:.4f}" if own["low"] is not None else ""
            rows.append((f"{name}, second set", own["auc"], interval, own["equal_error"], wide["auc"],
                         wide["equal_error"], told["recall_at_1"]))  # fmt: skip
        caption += f" Second set: trained anew with {names} held out."
    columns = ("distance of", "AUC", "95 %", "EER", "AUC against all", "EER against all", "recall@1")
    return Rows("figures", columns, rows, caption)


def _hills(vectors: NDArray[Any], labels: Classes, held: Classes, threshold: float) -> Lines:
    inside = np.isin(labels, held)
    pairs = pairs_of(vectors[inside], labels[inside])
    edges = np.linspace(0, max(float(pairs.distances.max()), 1e-6), _BINS + 1)
    middles = ((edges[1:] + edges[:-1]) / 2).tolist()
    same, different = (
        np.histogram(pairs.distances[kind], edges)[0] / max(1, kind.sum()) for kind in (pairs.same, ~pairs.same)
    )
    top = float(max(same.max(), different.max()))
    series = [
        Series("same class", middles, same.tolist()),
        Series("different classes", middles, different.tolist()),
        Series("threshold", [threshold, threshold], [0.0, top]),
    ]
    return Lines("distances", "squared distance", "share of pairs", series,
                 f"{pairs.same.sum():,} pairs of one class, {(~pairs.same).sum():,} of two, all of classes never seen. The "
                 "threshold was chosen on other classes.")  # fmt: skip


def _threshold(data: DataSet, rehearsal: Mapping[str, Any], accepted: Mapping[str, Mapping[str, float]]) -> Rows:
    told = {"among": "among classes never seen", "against": "against all classes"}
    rows = [(told[name], each["same_accepted"], each["different_refused"]) for name, each in accepted.items()]
    chosen = ", ".join(rehearsal["validation_classes"])
    return Rows("threshold", ("pairs", "same pairs accepted", "different pairs refused"), rows,
                f"Squared distance at most {rehearsal['threshold']:.3f} counts as the same. Chosen where both errors were equal "
                f"({rehearsal['equal_error']:.1%}) for {chosen} against all classes but the held-out ones, in a first "
                "training that saw neither.")  # fmt: skip


def _neighbours(data: DataSet, part: Split, vectors: NDArray[Any], held: Classes) -> Pictures:
    even = evenly(part.labels)
    labels, places = part.labels[even], vectors[even]
    each = max(1, QUERIES // len(held))
    rows = np.concatenate([np.flatnonzero(labels == k)[:each] for k in held])
    count = min(NEIGHBOURS, len(labels) - 1)
    close, _ = neighbours(places, count, euclidean=True, rows=rows)
    shown = np.concatenate([rows[:, None], close], axis=1)
    distances = squared_distances(places, places)
    words = []
    for row in shown:
        words.append(f"{data.classes[labels[row[0]]]}:")
        for k in row[1:]:
            star = "" if labels[k] == labels[row[0]] else " *"
            words.append(f"{data.classes[labels[k]]} {distances[row[0], k]:.2f}{star}")
    wrong = int((labels[close] != labels[rows][:, None]).sum())
    return Pictures("neighbours", part.images[even][shown.ravel()], words,
                    f"The first {each} test pictures of each class never seen, not chosen; {wrong} of {close.size} neighbours are "
                    "of another class.", columns=count + 1)  # fmt: skip


def _told_apart(data: DataSet, labels: Classes, vectors: NDArray[Any], held: Classes) -> Heat:
    from sklearn.metrics import roc_auc_score

    present = np.unique(labels)
    values = np.full((len(held), len(present)), np.nan)
    for i, a in enumerate(held):
        own = vectors[labels == a][:300]
        within = squared_distances(own, own)[np.triu_indices(len(own), 1)]
        for j, b in enumerate(present):
            if a != b:
                across = squared_distances(own, vectors[labels == b][:300]).ravel()
                same = np.r_[np.ones(len(within), bool), np.zeros(len(across), bool)]
                values[i, j] = roc_auc_score(same, -np.concatenate([within, across]))
    low = np.unravel_index(int(np.nanargmin(values)), values.shape)
    hardest = f"{data.classes[held[low[0]]]} beside {data.classes[present[low[1]]]}, {values[low]:.3f}"
    return Heat("told-apart", values, [data.classes[k] for k in held], [data.classes[k] for k in present],
                f"Area under the ROC for each pair of classes. Hardest: {hardest}.")  # fmt: skip


def _map(data: DataSet, labels: Classes, vectors: NDArray[Any], held: Classes) -> Scatter:
    from sklearn.decomposition import PCA

    rows = np.concatenate([np.flatnonzero(labels == k)[:_MAPPED] for k in held])
    rows = np.random.default_rng(0).permutation(rows)  # so that no class covers another
    model = PCA(2, svd_solver="full").fit(vectors[rows])
    numbers = np.searchsorted(held, labels[rows])
    share = float(model.explained_variance_ratio_.sum())
    caption = f"{len(rows):,} test pictures of classes never seen; the plane holds {share:.0%} of their variance."
    return Scatter("map", model.transform(vectors[rows]), numbers, [data.classes[k] for k in held], caption)
