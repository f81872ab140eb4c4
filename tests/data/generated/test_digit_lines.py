"""Lines of digits: a function of seed and index, no digit in two parts, spans where the ink is."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.data import Split
from foveal.data.generated import digit_lines
from foveal.data.published import digits
from foveal.errors import ConfigurationError, DataError, SourceError


@pytest.fixture(scope="module")
def made():
    return digit_lines.load(seed=3, train=60, validation=20, test=20, source="digits")


def test_shapes_lengths_and_letters(made):
    assert made.source == "digits"
    for part, count in ((made.train, 60), (made.validation, 20), (made.test, 20)):
        assert part.images.shape == (count, 32, 192, 1)
        assert part.images.dtype == np.uint8
        assert len(part) == len(part.texts) == len(part.spans) == count
        assert all(3 <= len(text) <= 10 and set(text) <= set("0123456789") for text in part.texts)
    assert {len(text) for text in made.train.texts} == set(range(3, 11))


def test_a_line_depends_on_seed_part_and_index_alone(made):
    fewer = digit_lines.load(seed=3, train=7, validation=2, test=3, source="digits")
    assert fewer.train.texts == made.train.texts[:7]
    np.testing.assert_array_equal(fewer.train.images, made.train.images[:7])
    np.testing.assert_array_equal(fewer.test.images, made.test.images[:3])
    other = digit_lines.load(seed=4, train=7, validation=2, test=3, source="digits")
    assert other.train.texts != fewer.train.texts
    assert made.train.texts[:20] != made.test.texts != made.validation.texts


def test_digits_stand_where_their_spans_say(made):
    part = made.train
    for image, text, spans in zip(part.images[..., 0], part.texts, part.spans, strict=True):
        here = spans[: len(text)]
        assert (spans[len(text) :] == -1).all()
        assert (here[:, 0] < here[:, 1]).all()
        assert (np.diff(here.mean(axis=1)) > 0).all(), "from left to right"
        assert here.min() >= 0
        assert here.max() <= 192
        outside = np.ones(192, bool)
        for left, right in here:
            assert image[:, left:right].max() > 110, "ink"
            outside[max(left - 2, 0) : right + 2] = False
        if outside.sum() > 20:
            assert np.median(image[:, outside]) < 110, "ground"


def test_neighbours_touch_and_overlap_in_some_lines_and_not_in_others(made):
    lines = zip(made.train.texts, made.train.spans, strict=True)
    gaps = np.concatenate([spans[1 : len(text), 0] - spans[: len(text) - 1, 1] for text, spans in lines])
    assert gaps.min() < -1
    assert gaps.max() > 3


def test_no_digit_is_in_two_parts(monkeypatch):
    drawn = []
    monkeypatch.setattr(digit_lines, "compose", lambda pool, *_: drawn.append(pool) or made_of(pool))
    digit_lines.load(train=1, validation=1, test=1, source="digits")
    pictures = [{image.tobytes() for image in pool.images} for pool in drawn]
    data = digits.load()
    assert pictures[2] == {image.tobytes() for image in data.test.images}
    assert pictures[0] | pictures[1] == {image.tobytes() for image in data.train.images}
    assert not pictures[0] & pictures[1]
    assert not pictures[2] & (pictures[0] | pictures[1])


def made_of(pool):
    return digit_lines.WrittenLines(np.zeros((1, 32, 192, 1), np.uint8), ("1",), np.zeros((1, 10, 2), np.int16))


def test_the_text_is_that_of_the_digits_drawn():
    """Squares of a height for each label: the height of the ink in a span tells the label."""
    images = np.zeros((2, 28, 28, 1), np.uint8)
    images[0, 4:24, 6:22], images[1, 12:16, 6:22] = 255, 255
    lines = digit_lines.compose(Split(images, np.array([0, 1])), 40, seed=1, part=0)
    for image, text, spans in zip(lines.images[..., 0], lines.texts, lines.spans, strict=True):
        for letter, (left, right) in zip(text, spans, strict=False):
            middle = image[:, (left + right) // 2].astype(int)
            tall = (middle > (middle.max() + middle.min()) / 2).sum() > 10
            assert tall == (letter == "0")


def test_without_mnist_the_lines_are_of_scikit_learns_digits(monkeypatch):
    def nowhere():
        raise SourceError("MNIST is not on this machine")

    monkeypatch.setattr(digit_lines.mnist, "load", nowhere)
    assert digit_lines.load(train=1, validation=1, test=1).source == "digits"
    with pytest.raises(SourceError):
        digit_lines.load(train=1, validation=1, test=1, source="mnist")


@pytest.mark.parametrize("wrong", [{"source": "letters"}, {"train": 0}, {"seed": -1}])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        digit_lines.load(**{"train": 1, "validation": 1, "test": 1, "source": "digits", **wrong})


def test_lines_have_a_text_each():
    with pytest.raises(DataError):
        digit_lines.WrittenLines(np.zeros((2, 32, 192, 1), np.uint8), ("1",), np.zeros((2, 10, 2), np.int16))


def test_examples_are_the_first_training_lines():
    pictures, texts = digit_lines.examples(4, seed=3, source="digits")
    lines = digit_lines.load(seed=3, train=60, validation=1, test=1, source="digits").train
    assert texts == lines.texts[:4]
    np.testing.assert_array_equal(pictures, lines.images[:4])
