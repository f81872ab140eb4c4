"""Balanced batches: as many of each class, no picture twice, the same batches whenever they are asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal.data import Split
from foveal.data.augmentation.pipeline import parse
from foveal.data.batches.balanced import BalancedBatches
from foveal.data.batches.lines import LineBatches
from foveal.data.generated.digit_lines import WrittenLines
from foveal.errors import ConfigurationError


def numbered(count=60, classes=5):
    """Pictures that say which they are and of which class."""
    images = np.zeros((count, 3, 3, 1), np.uint8)
    images[:, 0, 0, 0], labels = np.arange(count), np.arange(count) % classes * 2  # labels need not be 0, 1, 2
    return Split(images, labels)


def test_every_batch_has_as_many_of_each_class_and_no_picture_twice():
    split = numbered()
    batches = BalancedBatches(split, 3, 4, seed=1)
    assert (len(batches), batches.batch_size, batches.examples) == (5, 12, 60)
    chosen = set()
    for x, y in batches.epoch(0):
        labels, counts = y.unique(return_counts=True)
        assert counts.tolist() == [4, 4, 4]
        chosen.add(tuple(labels.tolist()))
        pictures = (x[:, 0, 0, 0] * 255).round().long()
        assert len(set(pictures.tolist())) == 12
        assert torch.equal(torch.from_numpy(split.labels)[pictures], y)
        assert x.is_contiguous(memory_format=torch.channels_last)
    assert len(chosen) > 1, "other classes in other batches"


def test_all_pictures_come_in_the_course_of_time():
    batches = BalancedBatches(numbered(), 0, 4, seed=0)
    seen = {int(p) for epoch in range(12) for x, _ in batches.epoch(epoch) for p in (x[:, 0, 0, 0] * 255).round()}
    assert len(seen) == 60


@pytest.mark.parametrize("augment", [None, parse("shift=1,rotate=10")], ids=["plain", "augmented"])
def test_a_resumed_epoch_sees_the_batches_it_would_have_seen(augment):
    whole = list(BalancedBatches(numbered(), 2, 3, seed=5, augment=augment).epoch(3))
    rest = list(BalancedBatches(numbered(), 2, 3, seed=5, augment=augment).epoch(3, start=4))
    for one, other in zip(whole[4:], rest, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])
    again = list(BalancedBatches(numbered(), 2, 3, seed=6, augment=augment).epoch(3))
    assert not all(torch.equal(a[0], b[0]) for a, b in zip(whole, again, strict=True))
    other_epoch = list(BalancedBatches(numbered(), 2, 3, seed=5, augment=augment).epoch(4))
    assert not all(torch.equal(a[0], b[0]) for a, b in zip(whole, other_epoch, strict=True))


@pytest.mark.parametrize(("classes", "each"), [(6, 2), (1, 2), (2, 13), (2, 1)])
def test_what_cannot_be_drawn_is_refused(classes, each):
    with pytest.raises(ConfigurationError) as caught:
        BalancedBatches(numbered(), classes, each)
    assert caught.value.where in ("classes", "each")


def test_lines_keep_their_texts():
    images = np.zeros((7, 32, 192, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(7)
    texts = tuple(str(number) * (3 + number % 3) for number in range(7))
    batches = LineBatches(WrittenLines(images, texts, np.zeros((7, 10, 2), np.int16)), 3, seed=2)
    assert (len(batches), batches.examples) == (3, 7)
    whole = list(batches.epoch(1))
    for x, answers, lengths in whole:
        for picture, answer, length in zip(
            (x[:, 0, 0, 0] * 255).round().long().tolist(), answers, lengths, strict=True
        ):
            assert "".join(map(str, answer[:length].tolist())) == texts[picture]
    for one, other in zip(whole[1:], batches.epoch(1, start=1), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
