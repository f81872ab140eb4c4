"""Scenes: each a function of (seed, index), and their masks and boxes exactly what lies on the ground."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal.data.batches.scenes import SceneBatches, tensors
from foveal.data.dataset import Split
from foveal.data.generated import scenes
from foveal.data.generated.scenes import Composer, _cut_out, _hats
from foveal.data.published import digits
from foveal.errors import ConfigurationError, DataError

DATA = digits.load()


def composer(**more) -> Composer:
    return Composer(DATA.train, DATA.classes, **{"size": 40, "seed": 3, **more})


def test_a_scene_is_a_function_of_seed_and_index_alone():
    many = composer().scenes(range(150))
    alone = composer().scenes([97])
    for name in ("images", "masks", "boxes", "labels"):
        assert np.array_equal(getattr(many, name)[97], getattr(alone, name)[0]), name
    other = composer(seed=4).scenes(range(150))
    stream = composer(stream=scenes.TEST).scenes(range(150))
    assert not np.array_equal(many.images, other.images)
    assert not np.array_equal(many.images, stream.images)
    assert len({image.tobytes() for image in many.images}) == 150


def test_boxes_are_those_of_the_visible_pixels_and_masks_name_the_labels():
    made = composer().scenes(range(120))
    for mask, boxes, labels in zip(made.masks, made.boxes, made.labels, strict=True):
        there = labels >= 0
        assert 1 <= there.sum() <= 4
        assert set(np.unique(mask)) - {0} == set(labels[there] + 1)
        assert not boxes[~there].any()
        outside = np.ones(mask.shape, bool)
        for top, left, bottom, right in boxes[there].astype(int):
            outside[top:bottom, left:right] = False
        assert not mask[outside].any()
        kinds, counts = np.unique(labels[there], return_counts=True)
        for label in kinds[counts == 1]:  # one thing of its class: its box is that of the class's pixels
            rows, columns = np.nonzero(mask == label + 1)
            exact = [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]
            assert boxes[labels == label][0].tolist() == exact


def test_a_piece_lies_where_plain_interpolation_puts_it():
    """Two matrix products against bilinear interpolation written out, pixel by pixel."""
    rng = np.random.default_rng(0)
    picture = rng.random((8, 8)).astype(np.float32)
    start, side, size = 3.3, 17.0, 30
    hats = _hats(np.float32([start]), np.float32([side]), 8, size)[0]
    found = hats @ picture @ hats.T
    wide = np.pad(picture, 1)
    for y in range(size):
        for x in range(size):
            v, u = ((each + 0.5 - start) * 8 / side - 0.5 for each in (y, x))
            i, j = int(np.floor(v)), int(np.floor(u))
            expected = 0.0
            for a, b in ((i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)):
                if -1 <= a <= 8 and -1 <= b <= 8:
                    expected += wide[a + 1, b + 1] * (1 - abs(v - a)) * (1 - abs(u - b))
            assert found[y, x] == pytest.approx(expected, abs=1e-5)


def test_cutting_out_is_morphological_closing():
    from scipy import ndimage

    part = DATA.train.take(range(40))
    grey, closed, boxes = _cut_out(part)
    for picture, found, box in zip(grey, closed, boxes, strict=True):
        wide = np.pad(picture >= 20, 4)
        expected = ndimage.binary_closing(wide, np.ones((3, 3)))[4:-4, 4:-4]
        assert np.array_equal(found, expected)
        rows, columns = np.nonzero(expected)
        assert box.tolist() == [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]


def test_later_things_cover_a_limited_share_of_earlier_ones():
    def visible(overlap: float) -> float:
        """The smallest share of a thing's box that stays, over scenes of full squares."""
        square = Split(np.full((2, 10, 10, 1), 255, np.uint8), np.array([0, 1]))
        made = Composer(square, ("a", "b"), 60, (2, 4), overlap=overlap, seed=1).scenes(range(200))
        shares = []
        for mask, boxes, labels in zip(made.masks, made.boxes, made.labels, strict=True):
            if (labels >= 0).sum() == 2 and len(set(labels[labels >= 0])) == 2:
                for box, label in zip(boxes[labels >= 0].astype(int), labels[labels >= 0], strict=True):
                    cut = mask[box[0] : box[2], box[1] : box[3]]
                    shares.append((cut == label + 1).mean())
        return min(shares)

    assert visible(0.0) > 0.9  # rounding at the edges
    assert 0.6 < visible(0.3) < 0.9


def test_inside_a_thing_no_ground_shines_through():
    from scipy import ndimage

    square = Split(np.full((1, 10, 10, 1), 255, np.uint8), np.array([0]))
    made = Composer(square, ("a",), 48, (1, 1), colour=False, seed=2).scenes(range(60))
    assert made.images.shape == (60, 48, 48, 1)
    for image, mask in zip(made.images[..., 0].astype(float), made.masks, strict=True):
        assert image[ndimage.binary_erosion(mask, iterations=3)].std() < 8  # one brightness, and the grain


def test_every_class_and_every_ground_comes_up():
    made = composer().scenes(range(300))
    counts = np.bincount(made.labels[made.labels >= 0], minlength=10)
    assert counts.min() > 0.5 * counts.mean()
    number = (made.labels >= 0).sum(1)
    assert set(number) == {1, 2, 3, 4}


def test_a_set_takes_test_pictures_for_test_scenes():
    bright = Split(np.full((4, 8, 8, 1), 255, np.uint8), np.zeros(4, np.int64))
    other = Split(np.full((4, 8, 8, 1), 255, np.uint8), np.ones(4, np.int64))
    from foveal.data.dataset import DataSet

    made = scenes.load(1, source=DataSet("two", ("a", "b"), bright, other, "memory"), train=10, test=5, size=32)
    assert set(made.train.labels.ravel()) <= {-1, 0}
    assert set(made.test.labels.ravel()) <= {-1, 1}
    assert made.test.names == ("ground", "a", "b")


@pytest.mark.parametrize(
    ("more", "error", "text"),
    [
        ({"objects": (3, 2)}, ConfigurationError, "so many things"),
        ({"size": 8}, ConfigurationError, "16 pixels"),
        ({"overlap": 1.0}, ConfigurationError, "share"),
    ],
)
def test_numbers_that_make_no_scene_are_refused(more, error, text):
    with pytest.raises(error, match=text):
        composer(**more)


def test_black_pictures_and_tables_are_refused():
    with pytest.raises(DataError, match="nothing to cut out"):
        Composer(Split(np.zeros((2, 8, 8, 1), np.uint8), np.array([0, 1])), ("a", "b"))
    with pytest.raises(DataError, match="composed of pictures"):
        Composer(Split(np.zeros((2, 8), np.float32), np.array([0, 1])), ("a", "b"))


def test_every_epoch_has_its_own_scenes_and_a_resumed_one_sees_the_same():
    batches = SceneBatches(composer(), 23, 5)
    whole = [list(batches.epoch(number)) for number in (0, 1)]
    assert [len(batch[0]) for batch in whole[0]] == [5, 5, 5, 5, 3]
    assert not torch.equal(whole[0][0][0], whole[1][0][0])
    for start in (1, 4, 5):
        again = list(SceneBatches(composer(), 23, 5).epoch(1, start=start))
        assert len(again) == 5 - start
        for found, expected in zip(again, whole[1][start:], strict=True):
            assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    one = tensors(composer().scenes(range(23, 28)))
    assert all(torch.equal(a, b) for a, b in zip(one, whole[1][0], strict=True))


def test_resuming_within_a_later_block_sees_the_same(monkeypatch):
    from foveal.data.batches import scenes as scene_batches

    monkeypatch.setattr(scene_batches, "_BLOCK", 8)
    batches = SceneBatches(composer(), 21, 3)  # blocks of two steps
    whole = list(batches.epoch(0))
    assert len(whole) == 7
    for start in range(8):
        again = list(batches.epoch(0, start=start))
        assert len(again) == 7 - start
        assert all(torch.equal(a[0], b[0]) for a, b in zip(again, whole[start:], strict=True))


def test_validation_scenes_stay():
    batches = SceneBatches(composer(), 9, 4, fresh=False)
    first, second = list(batches.epoch(0)), list(batches.epoch(5))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, second, strict=True))
