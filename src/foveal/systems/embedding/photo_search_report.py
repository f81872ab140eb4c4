"""What the report of a photo search shows: nearest pictures, how good they are, clusters, and a map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.evaluation.intervals import ends, in_percent
from foveal.evaluation.similarity import neighbours
from foveal.report.blocks import Pictures, Plot, Rows, Scatter, Section
from foveal.systems.embedding.album import NEAREST

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from foveal.runs.run import Run
    from foveal.systems.embedding.album import Album

QUERIES, CLUSTERS = 8, 16
CELLS, THUMB, THUMBS = 24, 24, 380  # cells of the map to each side, pixels of a cell, pictures on it


def sections(
    run: Run, album: Album, codes: NDArray[np.float32], found: Mapping[str, Any], places: Mapping[str, Any]
) -> list[Section]:
    """All of them, in the order of the report."""
    parts = [_nearest(run, album, codes, found), _clusters(album, found), _map(album, found, places)]
    return [parts[0], _recall(album, found), *parts[1:]] if album.classes else parts


def _nearest(run: Run, album: Album, codes: NDArray[np.float32], found: Mapping[str, Any]) -> Section:
    images, labels = album.pictures.images, album.pictures.labels
    queries = _queries(album, found)
    count = min(max(1, int(run.settings["neighbours"])), len(images) - 1)
    pixels = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    blocks = []
    for name, values, told in (("embeddings", codes, "by the network's embedding"), ("pixels", pixels, "by pixels")):
        # One more is asked for: a query is its own nearest.
        near, cosines = neighbours(values, count + 1, queries=values[queries])
        index, names = [], []
        for query, others, scores in zip(queries, near, cosines, strict=True):
            kept = others != query
            index += [query, *others[kept][:count]]
            kind = f": {album.classes[labels[query]]}" if album.classes else ""
            names += [f"query{kind}"]
            names += [
                f"{album.classes[labels[other]]}, {score:.2f}" if album.classes else f"{score:.2f}"
                for other, score in zip(others[kept][:count], scores[kept][:count], strict=True)
            ]
        blocks.append(
            Pictures(f"nearest-{name}", images[np.asarray(index)], names,
                     f"A query in each row, then the {count} nearest {told}, with their cosines.", columns=count + 1)
        )  # fmt: skip
    return Section(
        "Nearest pictures",
        "Two pictures are near when the network computes almost the same of them; beside it, when their pixels agree.",
        blocks,
    )


def _queries(album: Album, found: Mapping[str, Any]) -> list[int]:
    """One picture of each class that the network was not trained on, or the middle of each cluster."""
    if not album.classes:
        return [row["members"][0] for row in found["clusters"]][:QUERIES]
    labels = album.pictures.labels[album.judged]
    firsts = [
        int(album.judged[np.flatnonzero(labels == c)[0]]) for c in range(len(album.classes)) if (labels == c).any()
    ]
    return firsts[:QUERIES]


def _recall(album: Album, found: Mapping[str, Any]) -> Section:
    recall = found["recall"]
    rows = []
    for name, told in recall["ways"].items():
        precision = next(value for key, value in told.items() if key.startswith("precision"))
        rows.append((name, told["recall@1"], ends(told["low"], told["high"]), precision))
    points = f"{100 * recall['difference']:+.1f}".replace("-", "−")
    gained = f"{points} points, 95 % interval {in_percent(recall['low'], recall['high'])}, paired"
    unseen = ", none of which the network was trained on," if album.learned is not None else ""
    return Section(
        "How good the neighbours are",
        f"Each of {len(album.judged):,} pictures{unseen} is looked for among the others: is the nearest of the same class?",
        [
            Rows("recall", ("measure", "recall@1", "95 % interval", f"precision@{NEAREST}"), rows,
                 f"recall@1: the nearest is of the same class. precision@{NEAREST}: the share of the same class among the nearest "
                 f"ones. Embeddings against the best measure of pixels: {gained}."),
        ],
    )  # fmt: skip


def _clusters(album: Album, found: Mapping[str, Any]) -> Section:
    rows, index, names = [], [], []
    width = min(NEAREST, min(len(row["members"]) for row in found["clusters"]))
    for number, row in enumerate(found["clusters"]):
        rows.append((number + 1, row["pictures"], *((row["class"], row["share"]) if album.classes else ())))
        if number < CLUSTERS:
            index += row["members"][:width]
            names += [f"cluster {number + 1}"] * width
    columns = ("cluster", "pictures", *(("most frequent class", "its share") if album.classes else ()))
    caption = "Clusters by k-means of the embeddings, the largest first."
    if album.classes:
        purity, shared = found["purity"], found["mutual_information"]
        caption += (
            f" Purity {purity['embeddings']:.3f} (of pixels' clusters {purity['pixels']:.3f}), normalised mutual information "
            f"{shared['embeddings']:.3f} ({shared['pixels']:.3f})."
        )
    return Section(
        "Clusters",
        "Pictures that are alike fall together without anybody naming them. Each row shows those nearest to a cluster's middle.",
        [
            Pictures("cluster-pictures", album.pictures.images[np.asarray(index)], names,
                     f"The {width} pictures nearest to the middle of each cluster.", columns=width),
            Rows("clusters", columns, rows, caption),
        ],
    )  # fmt: skip


def _map(album: Album, found: Mapping[str, Any], places: Mapping[str, Any]) -> Section:
    index, points = np.asarray(places["index"]), np.asarray(places["points"])
    labels = album.pictures.labels[index] if album.classes else np.asarray(found["cluster"])[index]
    names = album.classes or [f"cluster {n + 1}" for n in range(len(found["clusters"]))]
    shown = np.linspace(0, len(index) - 1, min(THUMBS, len(index))).astype(int)
    canvas = mosaic(album.pictures.images[index[shown]], points[shown])

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.imshow(canvas, interpolation="none")
        axes.set_axis_off()

    coloured = "class" if album.classes else "cluster"
    return Section(
        "A map",
        "The embeddings in a plane (t-SNE): what lies together is alike, how far apart two groups are means little.",
        [
            Plot("map-pictures", paint, f"{len(shown)} pictures at their places on the map, moved to the nearest free cell.",
                 f"A map of {len(shown)} pictures, like ones side by side", size=(7.2, 7.2)),
            Scatter("map", points, labels, names, f"{len(index):,} pictures, coloured by {coloured}. Neighbours on the map are "
                    f"neighbours among the embeddings: trustworthiness {places['trustworthiness']:.3f} of 1."),
        ],
    )  # fmt: skip


def mosaic(images: NDArray[np.uint8], points: NDArray[np.float64]) -> NDArray[np.uint8]:
    """One RGBA picture with each small picture in the free cell nearest to its point; empty cells are transparent.

    Args:
        images: N × height × width × 1 or 3.
        points: (N, 2).

    Returns:
        uint8, 24 cells of 24 pixels to each side, × 4.
    """
    from PIL import Image

    low, high = points.min(0), points.max(0)
    wanted = (points - low) / np.where(high > low, high - low, 1) * (CELLS - 1)
    rows, columns = np.divmod(np.arange(CELLS * CELLS), CELLS)
    free = np.ones(CELLS * CELLS, bool)
    canvas = np.zeros((CELLS * THUMB, CELLS * THUMB, 4), np.uint8)
    for image, (x, y) in zip(images[: CELLS * CELLS], wanted, strict=False):
        distance = np.where(free, (columns - x) ** 2 + (CELLS - 1 - rows - y) ** 2, np.inf)
        cell = int(distance.argmin())
        free[cell] = False
        whole = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("RGBA")
        top, left = rows[cell] * THUMB, columns[cell] * THUMB
        canvas[top : top + THUMB - 1, left : left + THUMB - 1] = np.asarray(whole.resize((THUMB - 1, THUMB - 1)))
    return canvas
