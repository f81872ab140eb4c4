"""Splits, data sets, and the cut into training and validation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from foveal.data import DataSet, Split, audit, from_arrays, load, split_validation
from foveal.data.dataset import check_classes
from foveal.data.generated.registry import GENERATED
from foveal.data.published.catalogue import FoundFiles
from foveal.errors import DataError


def pictures(count: int, side: int = 4) -> np.ndarray:
    return np.zeros((count, side, side, 1), np.uint8)


@given(
    labels=st.lists(st.integers(0, 5), min_size=2, max_size=200),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 1000),
)
def test_a_cut_is_exact_stratified_and_complete(labels: list[int], share: float, seed: int) -> None:
    array = np.array(labels)
    count = round(len(array) * share)
    assume(0 < count < len(array))
    images = np.arange(len(array), dtype=np.uint8).reshape(-1, 1, 1, 1)
    split = Split(images, array, tuple(map(str, range(len(array)))))
    train, validation = split_validation(split, count=count, seed=seed)
    assert len(validation) == count
    together = sorted([*train.images.ravel().tolist(), *validation.images.ravel().tolist()])
    assert together == images.ravel().tolist()
    for part in (train, validation):
        place = part.images.ravel()
        assert (np.diff(place.astype(int)) > 0).all()
        np.testing.assert_array_equal(part.labels, array[place])
        assert part.origins == tuple(map(str, place))
    ideal = split.counts(6) * count / len(array)
    assert (np.abs(validation.counts(6) - ideal) < 1 + 1e-6).all()
    again = split_validation(split, count=count, seed=seed)[1]
    np.testing.assert_array_equal(again.images, validation.images)


def test_another_seed_takes_others() -> None:
    split = Split(np.arange(200, dtype=np.uint8).reshape(-1, 1, 1, 1), np.arange(200) % 2)
    first, second = (split_validation(split, 0.2, seed=seed)[1].images.ravel().tolist() for seed in (1, 2))
    assert first != second


def test_a_class_keeps_its_last_picture_for_training() -> None:
    split = Split(pictures(11), np.array([0] * 10 + [1]))
    train, validation = split_validation(split, count=6)
    assert train.counts(2).tolist() == [4, 1]
    assert validation.counts(2).tolist() == [6, 0]


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 5000.0, float("nan")])
def test_a_fraction_out_of_range(fraction: float) -> None:
    with pytest.raises(DataError, match="share of the training part") as error:
        split_validation(Split(pictures(5), np.arange(5)), fraction)
    assert "count=5000" in str(error.value)


@pytest.mark.parametrize("count", [0, 5, 9, -1])
def test_a_count_that_leaves_nothing(count: int) -> None:
    with pytest.raises(DataError, match="one of the two parts would be empty"):
        split_validation(Split(pictures(5), np.arange(5)), count=count)


def test_a_fraction_and_a_count() -> None:
    with pytest.raises(DataError, match="both given"):
        split_validation(Split(pictures(5), np.arange(5)), 0.5, count=2)


def test_labels_become_int64() -> None:
    assert Split(pictures(2), np.array([0, 1], np.uint8)).labels.dtype == np.int64


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (np.zeros((2, 4, 4), np.uint8), np.zeros(2, int), "2 × 4 × 4"),
        (np.zeros((2, 4, 4, 1), np.float32), np.zeros(2, int), "float32"),
        (pictures(2), np.zeros((2, 1), int), "labels are whole numbers"),
        (pictures(2), np.zeros(2), "labels are whole numbers"),
        (pictures(2), np.zeros(3, int), "2 pictures, 3 labels"),
    ],
)
def test_what_is_no_split(images: np.ndarray, labels: np.ndarray, says: str) -> None:
    with pytest.raises(DataError) as error:
        Split(images, labels)
    assert says in str(error.value)


def test_a_label_without_a_class() -> None:
    with pytest.raises(DataError) as error:
        DataSet("d", ("a", "b"), Split(pictures(3), np.array([0, 2, 1])), None, "memory")
    assert str(error.value).startswith(
        "d, training picture 1: a label of the training part has no class\n  given     label 2"
    )


def test_parts_of_different_shapes() -> None:
    train, test = Split(pictures(1), np.array([0])), Split(pictures(1, 5), np.array([0]))
    with pytest.raises(DataError, match="different shapes") as error:
        DataSet("d", ("a",), train, test, "memory")
    assert "training 4 × 4 × 1, test 5 × 5 × 1" in str(error.value)


def test_an_empty_part() -> None:
    with pytest.raises(DataError, match="the training part is empty"):
        DataSet("d", ("a",), Split(pictures(0), np.zeros(0, int)), None, "memory")


def test_what_is_shown_of_large_objects_is_short(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"class {number}").mkdir()
        for index in range(30):
            Image.new("L", (4, 4), index).save(tmp_path / f"class {number}" / f"{index}.png")
    data = load(tmp_path)
    many = DataSet("many", tuple(f"n{i}" for i in range(1000)), data.train, None, "x" * 9000, notes=("a" * 9000,) * 50)
    for thing in (data, data.train, many, audit(data), load("digits"), FoundFiles((bytearray(10**6),) * 4, "here")):
        text = repr(thing)
        assert len(text) < 1500, text[:100]
        assert "\n" not in text
    assert "uint8 60 × 4 × 4 × 1" in repr(data)
    assert "60 in all" in repr(data.train)


@pytest.mark.parametrize("made", sorted(GENERATED))
def test_generated_sets_are_short_too(made: str) -> None:
    look = GENERATED[made].look(3, 0)
    assert len(repr(look)) < 1500


def test_one_class_is_refused_for_training_and_can_be_looked_at() -> None:
    for labels in ([0, 0, 0], [2, 2, 2]):
        data = from_arrays(np.zeros((3, 4, 4)), labels)
        with pytest.raises(DataError, match="one class alone cannot be told from anything") as error:
            check_classes(data)
        assert f"all of class {labels[0]}" in str(error.value)
        assert audit(data).findings()[0] == "all of the training part is of one class: no classifier can learn from it"
    check_classes(from_arrays(np.zeros((3, 4, 4)), [0, 2, 2]))
