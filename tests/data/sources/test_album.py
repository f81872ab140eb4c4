"""Pictures without classes, and pictures turned by quarters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from foveal.data.batches.in_memory import ResidentBatches
from foveal.data.batches.rotated import RotatedBatches
from foveal.data.dataset import Split
from foveal.data.sources.folder import read_album
from foveal.data.sources.layout import has_classes
from foveal.errors import DataError


def paint(path, value, size=(10, 10)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).save(path)


def test_an_album_is_every_picture_below_a_folder(tmp_path):
    for name, value in (("b.png", 20), ("a.png", 10), ("more/c.png", 30), ("more/deep/d.png", 40)):
        paint(tmp_path / name, value)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("no picture either")
    album = read_album(tmp_path)
    assert album.train.images[:, 0, 0, 0].tolist() == [10, 20, 30, 40]
    assert [origin.removeprefix(str(tmp_path)) for origin in album.train.origins] == [
        "/a.png", "/b.png", "/more/c.png", "/more/deep/d.png",
    ]  # fmt: skip
    assert album.classes == (tmp_path.name,)
    assert set(album.train.labels) == {0}
    assert len(album.problems) == 1
    assert "broken.png" in album.problems[0]


def test_an_album_of_nothing_is_refused(tmp_path):
    with pytest.raises(DataError, match="no pictures here"):
        read_album(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read_album(tmp_path / "elsewhere")


def test_whether_there_are_classes(tmp_path):
    paint(tmp_path / "cat" / "1.png", 0)
    assert not has_classes(tmp_path)
    paint(tmp_path / "dog" / "1.png", 0)
    assert has_classes(tmp_path)
    paint(tmp_path / "parted" / "train" / "cat" / "1.png", 0)
    assert not has_classes(tmp_path / "parted")
    paint(tmp_path / "parted" / "train" / "dog" / "1.png", 0)
    assert has_classes(tmp_path / "parted")


def turned(seed=0, size=(6, 6)):
    images = np.random.default_rng(0).integers(0, 256, (21, *size, 3), np.uint8)
    return images, RotatedBatches(ResidentBatches(Split(images, np.zeros(21, np.int64)), 8, shuffle=False), seed)


def test_pictures_are_turned_as_the_answer_says():
    images, batches = turned()
    seen, place = set(), 0
    for x, turns in batches.epoch(0):
        for picture, quarters in zip(x, turns, strict=True):
            expected = np.rot90(images[place], int(quarters))
            np.testing.assert_array_equal((picture.permute(1, 2, 0).numpy() * 255).round(), expected)
            seen.add(int(quarters))
            place += 1
    assert (place, seen) == (21, {0, 1, 2, 3})


def test_turns_follow_from_seed_epoch_and_step():
    first = [turns for _, turns in turned()[1].epoch(2)]
    assert all(torch.equal(a, b) for a, b in zip(first[1:], [t for _, t in turned()[1].epoch(2, start=1)], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, [t for _, t in turned()[1].epoch(3)], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, [t for _, t in turned(seed=1)[1].epoch(2)], strict=True))


def test_pictures_that_are_not_square_are_refused():
    _, batches = turned(size=(6, 4))
    with pytest.raises(DataError, match="--size 4x4"):
        next(iter(batches.epoch(0)))
