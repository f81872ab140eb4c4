"""Photo search by similarity, and clustering: pictures as points, near ones alike (lecture 003).

A network learns to name the classes of the training pictures; what it computes before its last layer is a picture's code
(Babenko et al. 2014). A folder without classes teaches the network which way up its pictures are (Gidaris, Singh, Komodakis
2018). Or a trained model is taken: ``--set model=PATH``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.dataset import Split
from foveal.errors import ConfigurationError
from foveal.printable import json_text, printable, well_formed
from foveal.report.blocks import Headline, Report
from foveal.runs.answers import Answer, Unanswered
from foveal.runs.method import Method, Quick
from foveal.runs.settings import LIMIT, Setting
from foveal.systems.embedding.album import NEAREST, Album, album_of
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.batches.rotated import RotatedBatches
    from foveal.runs.run import Run

RECIPE = TrainingConfig(epochs=4, batch_size=64, schedule="one-cycle", lr=3e-3, validation=0.05)
"""On Fashion-MNIST's test part recall@1 is 0.881 (pixels 0.815), in one to two minutes on one thread."""
SETTINGS = (
    Setting("model", "", "whose codes are used", text="a model file or run; empty trains a network"),
    Setting(
        "network", "lecture_cnn", "which one is trained", text="a classifier of the zoo that ends in a dense layer"
    ),
    Setting("neighbours", 9, "nearest images shown for a query", at_least=1),
    Setting("clusters", 0, "how many; 0 takes the number of classes, or 10", at_least=0),
    Setting("mapped", 1200, "images on the map", at_least=1),
    LIMIT,
)
EMBEDDINGS = "embeddings.safetensors"
TURNS = ("upright", "turned 90°", "turned 180°", "turned 270°")


def run(run: Run) -> Report:
    """Open the pictures, train or take a network, and search with what it makes of them."""
    from foveal.systems.embedding import photo_search_report
    from foveal.systems.embedding.features import features

    album, module = opened(run)
    run.notify("embeddings")
    images = album.pictures.images
    codes = features(module, images)
    run.notify("neighbours and clusters")
    count = int(run.settings["clusters"]) or len(album.classes) or 10
    found = run.cached("search", lambda: searched(album, codes, count, run.seed))
    keep(run, album, codes, np.asarray(found["cluster"], np.int64))
    run.notify("map")
    places = run.cached("map", lambda: plane(codes, int(run.settings["mapped"]), run.seed))
    facts: dict[str, Any] = {
        "pictures": len(images), "values": codes.shape[1], "judged": len(album.judged), "classes": list(album.classes),
        **{key: value for key, value in found.items() if key != "cluster"},
        "trustworthiness": places["trustworthiness"],
    }  # fmt: skip
    if album.learned is not None and run.histories:
        facts["validation_accuracy"] = run.histories[""].history.get("val_accuracy", [None])[-1]
    return Report(
        headlines=_headlines(album, found, facts),
        sections=photo_search_report.sections(run, album, codes, found, places),
        networks={"network": module.network},
        facts=facts,
        notes=_notes(run, album),
    )


def opened(run: Run) -> tuple[Album, Network]:
    """The pictures and the network, trained where none is given."""
    from foveal import zoo
    from foveal.inference.trained_classifier import load_classifier
    from foveal.runs.run import digest
    from foveal.systems.classification.classifier import classify

    given = str(run.settings["model"])
    if given:
        trained = load_classifier(given)
        if trained.size is None:
            raise ConfigurationError("the model takes no pictures of one size", where="--set model", given=given)
        run.opening = {**run.opening, "size": list(trained.size), "channels": trained.channels}
        album = album_of(run)
        run.save_model(trained.module.network, trained.module, classes=list(trained.classes), training={"model": given})
        return dataclasses.replace(album, judged=np.arange(len(album.pictures)), learned=None), trained.module
    album = album_of(run)
    assert album.learned is not None
    kinds = len(album.classes) or len(TURNS)
    tree = zoo.create(str(run.settings["network"]), kinds, album.learned.shape)
    if album.classes:
        return album, classify(run, tree, album.learned).module.to("cpu")
    if run.config.augment or run.config.mirror:
        raise ConfigurationError(
            "pictures without classes are learned by their turns, without augmentation",
            where=str(run.data_name),
            given=f"augment {run.config.augment!r}, mirror {run.config.mirror}",
            expected="class folders, for either",
            fix="leave augment and mirror out",
        )
    module = run.build(tree, album.learned.shape)
    train, validation = run.split(album.learned.train)
    held = None if validation is None else turned(run, validation, training=False)
    fingerprint = {"data": digest(album.learned.train.images)}
    run.train("", module, None, turned(run, train, training=True), held, fingerprint=fingerprint)
    run.save_model(module.network, module, classes=list(TURNS), training={"data": album.learned.name})
    return album, module.to("cpu")


def turned(run: Run, split: Split, *, training: bool) -> RotatedBatches:
    """Batches of pictures turned by a quarter, a half or three quarters, or not, and by how much."""
    from foveal.data.batches.rotated import RotatedBatches

    in_order = run.config.replace(shuffle=training)
    return RotatedBatches(run.batches(split, training=True, config=in_order), run.seed)


def searched(album: Album, codes: NDArray[np.float32], count: int, seed: int) -> dict[str, Any]:
    """Recall by codes and by pixels where there are classes, and clusters: everything as JSON."""
    from foveal.evaluation.similarity import clusters, mutual_information, purity, unit_rows

    pixels = album.pictures.images.reshape(len(codes), -1).astype(np.float32) / np.float32(255)
    found, centres = clusters(codes, count, seed)
    near = unit_rows(codes) @ unit_rows(centres).T
    told: dict[str, Any] = {"clusters": []}
    for number in range(len(centres)):
        members = np.flatnonzero(found == number)
        middle = members[np.argsort(-near[members, number], kind="stable")[:NEAREST]]
        row: dict[str, Any] = {"pictures": len(members), "members": middle.tolist()}
        if album.classes:
            counts = np.bincount(album.pictures.labels[members], minlength=len(album.classes))
            row |= {"class": album.classes[int(counts.argmax())], "share": float(counts.max() / len(members))}
        told["clusters"].append(row)
    told["cluster"] = found.tolist()
    if not album.classes:
        return told
    labels = album.pictures.labels
    other, _ = clusters(pixels, count, seed)
    told["purity"] = {"embeddings": purity(found, labels), "pixels": purity(other, labels)}
    told["mutual_information"] = {
        "embeddings": mutual_information(found, labels),
        "pixels": mutual_information(other, labels),
    }
    told["recall"] = recalled(codes[album.judged], pixels[album.judged], labels[album.judged])
    return told


def recalled(codes: NDArray[Any], pixels: NDArray[Any], labels: NDArray[np.int64]) -> dict[str, Any]:
    """How often the nearest other picture has the same class, by codes and by three measures of pixels."""
    from sklearn.decomposition import PCA

    from foveal.evaluation.intervals import paired, wilson
    from foveal.evaluation.similarity import neighbours, same_class

    few = min(codes.shape[1], len(pixels) - 1, pixels.shape[1])
    short = PCA(few, svd_solver="covariance_eigh").fit_transform(pixels.astype(np.float64))
    ways = {
        "embeddings, cosine": (codes, False),
        "pixels, cosine": (pixels, False),
        "pixels, distance": (pixels, True),
        f"{few} principal components of the pixels, cosine": (short, False),
    }
    told, first = {}, {}
    for name, (values, euclidean) in ways.items():
        same = same_class(neighbours(values, NEAREST, euclidean=euclidean)[0], labels)
        first[name] = same[:, 0]
        interval = wilson(int(same[:, 0].sum()), len(same))
        told[name] = {
            "recall@1": float(same[:, 0].mean()), "low": interval.low, "high": interval.high,
            f"precision@{same.shape[1]}": float(same.mean()),
        }  # fmt: skip
    own, *others = ways
    best = max(others, key=lambda name: float(told[name]["recall@1"]))
    difference, interval = paired(first[own], first[best])
    return {
        "ways": told, "best of pixels": best, "difference": difference, "low": interval.low, "high": interval.high,
    }  # fmt: skip


def plane(codes: NDArray[np.float32], most: int, seed: int) -> dict[str, Any]:
    """A map of so many pictures: t-SNE of their codes (van der Maaten, Hinton 2008), as JSON.

    ``trustworthiness`` says how far neighbours on the map are neighbours among the codes, 0 to 1 (Venna, Kaski 2001).
    """
    from sklearn.manifold import TSNE, trustworthiness
    from threadpoolctl import threadpool_limits

    from foveal.evaluation.similarity import unit_rows

    index = np.linspace(0, len(codes) - 1, min(most, len(codes))).astype(int)
    values = unit_rows(codes[index])
    with threadpool_limits(1):  # sums of several threads do not repeat their bits
        mapping = TSNE(perplexity=min(30.0, (len(values) - 1) / 3), init="pca", random_state=seed)
        points = mapping.fit_transform(values).astype(np.float64)
        kept = float(trustworthiness(values, points, n_neighbors=min(NEAREST, (len(values) - 1) // 2)))
    return {"index": index.tolist(), "points": points.tolist(), "trustworthiness": kept}


def keep(run: Run, album: Album, codes: NDArray[np.float32], cluster: NDArray[np.int64]) -> None:
    """Write codes and clusters into the run's folder, with the names of the pictures, for later searches."""
    from safetensors.numpy import save

    from foveal import files

    told = {
        "names": [well_formed(album.name(index)) for index in range(len(codes))],
        "labels": album.pictures.labels.tolist() if album.classes else None,
        "classes": list(album.classes),
        "data": run.data_name,
    }
    packed = save({"codes": np.ascontiguousarray(codes), "cluster": cluster}, {"foveal": json_text(told, ascii=False)})
    files.write_bytes(run.folder.path / EMBEDDINGS, packed)


def predict(model: str, questions: Sequence[str]) -> Iterator[str]:
    """The nearest pictures of each picture asked for, by the codes that lie beside the model.

    Args:
        model: the model file in the run's folder.
        questions: paths of pictures, or folders of them.

    Raises:
        ModelFileError: no codes lie beside the model.
    """
    from safetensors import SafetensorError, safe_open

    from foveal import files, strictjson
    from foveal.data.sources.images import read
    from foveal.errors import ImageError, ModelFileError
    from foveal.evaluation.similarity import neighbours
    from foveal.inference.image_predictions import listed
    from foveal.inference.trained_classifier import load_classifier
    from foveal.systems.embedding.features import features

    trained = load_classifier(model)
    place = trained.path.with_name(EMBEDDINGS)
    try:
        with files.open_regular(place):
            pass  # a pipe would be waited at for ever
        with safe_open(str(place), framework="np") as file:
            told = strictjson.loads(file.metadata()["foveal"], str(place))
            codes = file.get_tensor("codes")
    except (OSError, SafetensorError, TypeError, KeyError, ValueError) as error:
        raise ModelFileError(
            "there are no embeddings to search in",
            where=str(place),
            given=str(error),
            fix="foveal train photo-search FOLDER",
        ) from error
    for question in questions:
        lines = []
        for path in listed([question]):
            try:
                picture = read(path, trained.size, channels=trained.channels)
            except ImageError as error:
                yield Unanswered(str(error), str(path))
                continue
            found, cosines = neighbours(codes, 5, queries=features(trained.module, picture[None]))
            lines.append(printable(str(path)))
            for index, cosine in zip(found[0].tolist(), cosines[0].tolist(), strict=True):
                kind = f"  {told['classes'][told['labels'][index]]}" if told["labels"] else ""
                lines.append(f"  {cosine:.3f}  {printable(told['names'][index])}{printable(kind)}")
        if lines:
            yield Answer("\n".join(lines), question)


def _headlines(album: Album, found: dict[str, Any], facts: dict[str, Any]) -> list[Headline]:
    from foveal.evaluation.intervals import in_percent

    if not album.classes:
        told = facts.get("validation_accuracy")
        shown = [] if told is None else [
            Headline("which way up", told, percent=True, note="what the network learned, on pictures put aside; 25 % by chance")
        ]  # fmt: skip
        return [Headline("pictures", len(album.pictures), note="searched by similarity"), *shown]
    recall = found["recall"]
    own = recall["ways"]["embeddings, cosine"]
    best = recall["ways"][recall["best of pixels"]]
    return [
        Headline("recall@1", own["recall@1"], percent=True,
                 note=f"the nearest of {len(album.judged):,} pictures is of the same class; {in_percent(own['low'], own['high'])}"),
        Headline("more than pixels", recall["difference"], percent=True,
                 note=f"{recall['best of pixels']} {100 * best['recall@1']:.1f} %; difference "
                 f"{in_percent(recall['low'], recall['high'])}"),
        Headline("purity of the clusters", found["purity"]["embeddings"], percent=True,
                 note=f"{len(found['clusters'])} clusters, pixels {100 * found['purity']['pixels']:.1f} %"),
        Headline("mutual information with the classes", found["mutual_information"]["embeddings"],
                 note=f"normalised; pixels {found['mutual_information']['pixels']:.3f}"),
    ]  # fmt: skip


def _notes(run: Run, album: Album) -> list[str]:
    given = str(run.settings["model"])
    if given:
        return [f"The embeddings are those of {given}; which pictures it had seen is not known here."]
    if not album.classes:
        return [
            "The pictures have no classes: the network learned which way up they are, and no recall can be measured."
        ]
    if len(album.judged) < len(album.pictures):
        return [
            f"The network was trained on {len(album.pictures) - len(album.judged):,} of the pictures; recall was measured among "
            f"the {len(album.judged):,} others."
        ]
    return ["The network was trained on other pictures of the same classes than those that are searched."]


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(data="digits", size=(28, 28), settings={"neighbours": 3, "clusters": 3, "mapped": 40, "limit": 120}),
    predict,
)
