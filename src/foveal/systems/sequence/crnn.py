"""Reading lines of digits: a convolutional-recurrent network, trained without being told where a digit stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from foveal import zoo
from foveal.evaluation.intervals import bootstrap
from foveal.printable import printable
from foveal.report.blocks import Headline, Report
from foveal.runs.answers import Unanswered
from foveal.runs.method import Method, Quick
from foveal.runs.settings import Setting
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.generated.digit_lines import DigitLines, WrittenLines
    from foveal.runs.run import Run

RECIPE = TrainingConfig(
    epochs=3, batch_size=32, optimizer="adam", lr=3e-3, schedule="one-cycle", clip_norm=5.0, metrics=(), validation=0.0,
)  # fmt: skip
"""Character error rate on 2,000 test lines of MNIST's digits: 1.87 % (seed 0), 4 min 31 s on one busy thread."""
SETTINGS = (
    Setting("lines", 20_000, "lines to learn from", at_least=1),
    Setting("validation_lines", 1_000, "lines that the training is watched by", at_least=1),
    Setting("test_lines", 2_000, "lines that are measured once, at the end", at_least=1),
    Setting(
        "source",
        "auto",
        "whose digits: MNIST's, scikit-learn's, or MNIST's where they can be found",
        choices=("auto", "mnist", "digits"),
    ),
    Setting("beam", 8, "texts that the decoder follows at once", at_least=1),
    Setting("width", 1.0, "factor on feature maps and units", above=0),
)
LIGHT = 127  # a border lighter than this is paper, and its ink is dark
BOOTSTRAP = 1000


def run(run: Run) -> Report:
    """Compose the lines, train the reader, read the test lines once, and show how.

    Raises:
        ConfigurationError: a number of lines below 1, digits that are not known, a beam below 1.
        SourceError: MNIST is asked for and not at hand.
    """
    from foveal.data.generated import digit_lines
    from foveal.network import codec
    from foveal.systems.sequence import crnn_report as report

    told = run.settings
    data = digit_lines.load(
        run.seed,
        train=int(told["lines"]),
        validation=int(told["validation_lines"]),
        test=int(told["test_lines"]),
        source=str(told["source"]),
    )
    tree = zoo.crnn(input_shape=data.train.images.shape[1:], width=float(told["width"]))
    module = _trained(run, data, codec.to_dict(tree))
    run.notify("reading the test lines")
    logs = log_probabilities(module, data.test.images)
    read = run.cached("test", lambda: readings(logs, data.test, int(told["beam"]), run.seed))
    run.save_model(
        tree,
        module,
        characters=list(digit_lines.LETTERS),
        training={"data": f"digit-lines of {data.source}", "test": {"character_error_rate": read["beam"]["rate"]}},
    )
    beam, greedy = read["beam"], read["greedy"]
    return Report(
        headlines=[
            Headline("character error rate", beam["rate"], percent=True, note=f"{len(data.test):,} test lines with "
                     f"{sum(map(len, data.test.texts)):,} digits, 95 % interval {beam['low']:.2%} to {beam['high']:.2%}"),
            Headline("lines read without a mistake", beam["lines"], percent=True, note="every digit right, none too many"),
            Headline("without the beam", greedy["rate"], percent=True,
                     note=f"character error rate of the likeliest path; {greedy['lines']:.1%} of the lines exact"),
            Headline("fired above its digit", read["aligned"], percent=True,
                     note="of the digits in exactly read lines: nobody told the network where they stand"),
        ],
        sections=report.sections(data.test, logs, read),
        networks={"crnn": tree},
        facts={**read, "source": data.source, "parameters": sum(p.numel() for p in module.parameters())},
        notes=_notes(data),
    )  # fmt: skip


def _notes(data: DigitLines) -> list[str]:
    notes = ["The test lines are composed of digits that no training line has, by the same rules: the figures say nothing "
             "of other layouts, pens or paper."]  # fmt: skip
    if data.source == "digits":
        notes.append("MNIST was not used: the lines are of scikit-learn's 1,797 digits of 8 × 8 pixels, enlarged.")
    return notes


def _trained(run: Run, data: DigitLines, network: dict[str, Any]) -> Network:
    from foveal.data.batches.lines import LineBatches
    from foveal.network import codec
    from foveal.runs.run import digest
    from foveal.training.steps.transcription import Transcription

    module = run.build(codec.from_dict(network))
    batches = LineBatches(data.train, run.config.batch_size, seed=run.seed, device=run.device)
    validation = LineBatches(data.validation, 200, shuffle=False, device=run.device)
    fingerprint = {"network": network, "source": data.source, "lines": digest(data.train.images)}
    run.train("", module, Transcription, batches, validation, fingerprint=fingerprint)
    return module


def log_probabilities(module: Network, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """ln of the probability of each character, and last of blank, at each step: N × T × (characters + 1)."""
    return np.asarray(log_softmax(module.predict(images).astype(np.float64), axis=2))


def readings(logs: NDArray[np.float64], lines: WrittenLines, beam_width: int, seed: int) -> dict[str, Any]:
    """All texts that were read, and how they compare with the right ones.

    Returns:
        ``texts`` (by the beam), ``likelihoods`` (their probabilities), ``greedy`` and ``beam`` (``rate``, ``lines``; of the
        beam also ``low`` and ``high``), ``by_length``, ``taken_for`` (right × read), ``missing``, ``added`` (by digit),
        ``aligned`` and ``offsets`` (columns from the digit's middle to where it fired, in exactly read lines).
    """
    from foveal.data.generated.digit_lines import LETTERS
    from foveal.evaluation.transcription import beam, edits, greedy

    blank, step = logs.shape[2] - 1, lines.images.shape[2] / logs.shape[1]
    paths = [greedy(each, blank) for each in logs]
    plain = ["".join(LETTERS[k] for k in path.text) for path in paths]
    best = [beam(each, blank, beam_width)[0] for each in logs]
    texts = ["".join(LETTERS[k] for k in text) for text, _ in best]
    changes = [edits(a, b) for a, b in zip(texts, lines.texts, strict=True)]
    distances = np.array([each.distance for each in changes])
    lengths = np.array([len(text) for text in lines.texts])
    taken_for = np.zeros((len(LETTERS), len(LETTERS)), np.int64)
    missing, added = np.zeros(len(LETTERS), np.int64), np.zeros(len(LETTERS), np.int64)
    for each in changes:
        for right, wrong in each.substituted:
            taken_for[LETTERS.index(str(right)), LETTERS.index(str(wrong))] += 1
        for right in each.missing:
            missing[LETTERS.index(str(right))] += 1
        for wrong in each.added:
            added[LETTERS.index(str(wrong))] += 1
    offsets, inside = [], []
    for path, said, text, spans in zip(paths, plain, lines.texts, lines.spans, strict=True):
        if said == text:
            column = (np.array(path.steps) + 0.5) * step
            here = spans[: len(text)]
            offsets += (column - here.mean(axis=1)).tolist()
            inside += ((here[:, 0] <= column) & (column <= here[:, 1])).tolist()
    low, high = interval(distances, lengths, seed)
    plain_distances = [edits(a, b).distance for a, b in zip(plain, lines.texts, strict=True)]
    return {
        "texts": texts,
        "likelihoods": [float(np.exp(p)) for _, p in best],
        "beam": {"rate": distances.sum() / lengths.sum(), "lines": (distances == 0).mean(), "low": low, "high": high},
        "greedy": {"rate": sum(plain_distances) / lengths.sum(), "lines": np.mean(np.array(plain_distances) == 0)},
        "by_length": [_of_length(distances, lengths, int(n), seed) for n in np.unique(lengths)],
        "taken_for": taken_for,
        "missing": missing,
        "added": added,
        "aligned": float(np.mean(inside)) if inside else 0.0,
        "offsets": np.round(offsets, 2),
    }


def _of_length(distances: NDArray[Any], lengths: NDArray[Any], length: int, seed: int) -> dict[str, Any]:
    own = lengths == length
    low, high = interval(distances[own], lengths[own], seed)
    rate = float(distances[own].sum() / lengths[own].sum())
    exact = int((distances[own] == 0).sum())
    return {"length": length, "count": int(own.sum()), "rate": rate, "low": low, "high": high, "exact": exact}


def interval(distances: NDArray[Any], lengths: NDArray[Any], seed: int) -> tuple[float, float]:
    """The 95 % bootstrap interval of an error rate: lines are drawn anew, for mistakes of one line go together.

    Example:
        >>> interval(np.array([0, 0]), np.array([5, 5]), seed=0)
        (0.0, 0.0)
    """
    rate = bootstrap(
        lambda times: (times * distances).sum() / (times * lengths).sum(), len(lengths), draws=BOOTSTRAP, seed=[seed, 7]
    )
    return rate.low, rate.high


def predict(model: str, questions: Sequence[str]) -> Iterator[str]:
    """What is written on pictures of lines: the text, its probability, and the next likeliest.

    Args:
        model: a model file of this system.
        questions: files of pictures, a line each, light on dark or dark on light.

    Raises:
        ModelFileError: the model cannot be read.
    """
    from foveal.errors import ImageError
    from foveal.evaluation.transcription import beam
    from foveal.inference.opened_model import open_model

    opened = open_model(model)
    module, told = opened.module, opened.metadata
    letters, width = told["characters"], min(int(told["settings"]["beam"]), 10_000)
    for path in questions:
        try:
            logs = log_probabilities(module, as_line(path, module.input_shape.axes)[None])[0]
        except ImageError as error:
            yield Unanswered(str(error))
            continue
        found = [("".join(letters[k] for k in text), float(np.exp(p))) for text, p in beam(logs, len(letters), width)]
        (text, share), *others = found
        next_best = "".join(f"; or {other or 'nothing'} ({p:.1%})" for other, p in others[:1] if p >= 0.001)
        yield f"{printable(path)}: {text or 'nothing to read'} ({share:.1%}){next_best}"


def as_line(path: str, shape: Sequence[int | None]) -> NDArray[np.uint8]:
    """A picture as the network knows lines: grey, light on dark, fitted into height × width and filled up with its ground."""
    from PIL import Image

    from foveal.data.sources.images import border_level, read

    height, width = int(shape[0] or 0), int(shape[1] or 0)
    pixels = read(path, channels=1)
    if border_level(pixels) > LIGHT:
        pixels = np.invert(pixels)
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    small = np.asarray(Image.fromarray(pixels[..., 0]).resize(size, Image.Resampling.BICUBIC))
    line = np.full((height, width), round(border_level(pixels)), np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    line[top : top + size[1], left : left + size[0]] = small
    return line[..., np.newaxis]


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(
        changes={"epochs": 1, "batch_size": 8},
        settings={"lines": 32, "validation_lines": 8, "test_lines": 16, "source": "digits", "beam": 2, "width": 0.125},
    ),
    predict,
)
