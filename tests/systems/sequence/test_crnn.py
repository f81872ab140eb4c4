"""The reader: what is counted over readings, pictures of any kind as lines, and answers from a model file."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from foveal import systems
from foveal.data.generated import digit_lines
from foveal.errors import ConfigurationError
from foveal.report.blocks import Plot
from foveal.systems.sequence import crnn, crnn_report

STEPS, BLANK = 48, 10


def fired(text, columns, width=192):
    """Logs of a network that is all but sure: each character at one column, blank elsewhere."""
    shares = np.full((STEPS, 11), 1e-4)
    shares[:, BLANK] = 1.0
    for letter, column in zip(text, columns, strict=True):
        shares[int(column * STEPS / width), int(letter)], shares[int(column * STEPS / width), BLANK] = 1.0, 1e-4
    return np.log(shares / shares.sum(1, keepdims=True))


@pytest.fixture(scope="module")
def lines():
    return digit_lines.load(seed=1, train=1, validation=1, test=8, source="digits").test


@pytest.fixture(scope="module")
def perfect(lines):
    middles = [spans[: len(text)].mean(axis=1) for text, spans in zip(lines.texts, lines.spans, strict=True)]
    return np.stack([fired(text, columns) for text, columns in zip(lines.texts, middles, strict=True)])


def test_a_perfect_reader_makes_no_mistake_and_fires_above_its_digits(lines, perfect):
    found = crnn.readings(perfect, lines, 3, seed=0)
    assert found["texts"] == list(lines.texts)
    assert (found["beam"]["rate"], found["beam"]["lines"], found["greedy"]["rate"]) == (0.0, 1.0, 0.0)
    assert (found["beam"]["low"], found["beam"]["high"]) == (0.0, 0.0)
    assert found["aligned"] == 1.0
    assert np.abs(found["offsets"]).max() <= 2  # half a step of four columns
    assert min(found["likelihoods"]) > 0.5
    assert sum(each["count"] for each in found["by_length"]) == 8


def test_each_kind_of_mistake_is_counted_where_it_belongs(lines, perfect):
    logs = perfect.copy()
    text = lines.texts[0]
    columns = lines.spans[0][: len(text)].mean(axis=1)
    wrong = str((int(text[0]) + 1) % 10)
    logs[0] = fired(wrong + text[1:], columns)  # the first digit taken for another
    logs[1] = fired("", [])  # all overlooked
    found = crnn.readings(logs, lines, 3, seed=0)
    assert found["taken_for"][int(text[0]), int(wrong)] == found["taken_for"].sum() == 1
    assert found["missing"].sum() == len(lines.texts[1])
    assert found["added"].sum() == 0
    assert found["beam"]["rate"] == pytest.approx((1 + len(lines.texts[1])) / sum(map(len, lines.texts)))
    assert found["beam"]["lines"] == 6 / 8
    assert found["beam"]["low"] < found["beam"]["rate"] < found["beam"]["high"]
    own = next(each for each in found["by_length"] if each["length"] == len(text))
    assert own["exact"] < own["count"]
    assert own["rate"] > 0


def test_the_interval_is_of_lines_not_of_digits():
    distances, lengths = np.array([10, 0, 0, 0] * 25), np.full(100, 10)
    low, high = crnn.interval(distances, lengths, seed=0)
    assert low == pytest.approx(0.25 - 1.96 * np.sqrt(0.25 * 0.75 / 100), abs=0.02)
    assert high == pytest.approx(0.25 + 1.96 * np.sqrt(0.25 * 0.75 / 100), abs=0.02)


def test_the_report_tells_right_readings_from_wrong_ones(lines, perfect):
    logs = perfect.copy()
    logs[2] = fired("", [])
    found = crnn.readings(logs, lines, 3, seed=0)
    parts = {part.heading: part for part in crnn_report.sections(lines, logs, found)}
    worst = parts["Worst lines"].blocks[0]
    assert isinstance(worst, Plot)
    assert list(worst.rows) == [(lines.texts[2], "", len(lines.texts[2]))]
    readings = parts["Reading"].blocks[0]
    assert [row[:2] for row in readings.rows] == list(zip(lines.texts, found["texts"], strict=True))
    heat = parts["What is taken for what"].blocks[0]
    assert heat.values.sum() == 0


@pytest.mark.parametrize("paper", [False, True], ids=["light on dark", "dark on light"])
def test_a_picture_of_any_size_becomes_a_line(tmp_path, paper):
    picture = np.full((60, 100, 3), 10, np.uint8)
    picture[20:40, 30:70] = 240
    path = tmp_path / "line.png"
    Image.fromarray(np.invert(picture) if paper else picture).save(path)
    line = crnn.as_line(str(path), (32, 192, 1))
    assert line.shape == (32, 192, 1)
    assert abs(int(line[16, 96, 0]) - 240) <= 16  # ink, in the middle
    assert abs(int(line[2, 5, 0]) - 10) <= 16  # ground, beside the picture too
    columns = np.flatnonzero(line[16, :, 0] > 128)
    assert len(columns) == pytest.approx(40 * 32 / 60, abs=2)
    assert columns.mean() == pytest.approx(95.5, abs=1.5)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    planned = systems.plan("crnn", **crnn.METHOD.quick.arguments())
    return systems.start(planned, runs=tmp_path_factory.mktemp("runs"))


def test_it_reads_pictures_with_the_model_that_it_kept(outcome, tmp_path):
    lines = digit_lines.load(seed=9, train=1, validation=1, test=2, source="digits").test
    for number, picture in enumerate(lines.images):
        Image.fromarray(picture[..., 0]).save(tmp_path / f"{number}.png")
    (tmp_path / "no.png").write_text("nothing")
    asked = [str(tmp_path / name) for name in ("0.png", "1.png", "no.png")]
    told = list(crnn.predict(str(outcome.folder.model), asked))
    assert len(told) == 3
    assert all(text.startswith(f"{path}: ") and "%" in text for text, path in zip(told[:2], asked, strict=False))
    assert "not a picture of a known format" in told[2]


def test_facts_say_whose_digits_they_are(outcome):
    facts = outcome.findings.facts
    assert facts["source"] == "digits"
    assert len(facts["texts"]) == 16
    assert facts["beam"]["rate"] > 0.3, "two steps teach nobody to read"
    assert any("scikit-learn" in note for note in outcome.findings.notes)


def test_other_data_and_numbers_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot learn from these data"):
        systems.plan("crnn", "digits")
    with pytest.raises(ConfigurationError, match="--set lines=1"):
        systems.start(systems.plan("crnn", settings={"lines": 0, "source": "digits"}), runs=tmp_path)
    with pytest.raises(ConfigurationError, match="--set beam=1"):
        systems.start(systems.plan("crnn", settings={"lines": 4, "beam": 0}), runs=tmp_path)
