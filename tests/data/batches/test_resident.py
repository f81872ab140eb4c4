"""Batches in memory: every picture once an epoch, the right values, and exact resuming."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foveal.data import Split
from foveal.data.augmentation.pipeline import parse
from foveal.data.batches import in_memory as resident_module
from foveal.data.batches.in_memory import ResidentBatches
from foveal.data.batches.protocol import mixed
from foveal.data.published import iris
from foveal.errors import ConfigurationError


def numbered(count: int, side: int = 3, channels: int = 1) -> Split:
    """Pictures whose first pixel and label say which they are."""
    images = np.random.default_rng(0).integers(0, 256, (count, side, side, channels), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(count) % 256
    return Split(images, np.arange(count))


@given(
    count=st.integers(1, 60),
    size=st.integers(1, 20),
    shuffle=st.booleans(),
    drop=st.booleans(),
    block=st.integers(1, 30),
)
def test_an_epoch_serves_each_picture_once(count: int, size: int, shuffle: bool, drop: bool, block: int) -> None:
    if drop and count < size:
        return
    split = numbered(count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resident_module, "_BLOCK_PICTURES", block)
        batches = ResidentBatches(split, size, seed=3, shuffle=shuffle, drop_last=drop)
        served = list(batches.epoch(0))
    assert len(served) == len(batches) == (count // size if drop else -(-count // size))
    labels = torch.cat([y for _, y in served])
    assert len(labels) == batches.examples
    assert len(set(labels.tolist())) == len(labels)
    if not shuffle:
        assert labels.tolist() == list(range(batches.examples))
    for x, y in served:
        expected = split.images[y.numpy()].astype(np.float32) / np.float32(255)
        np.testing.assert_array_equal(x.permute(0, 2, 3, 1).numpy(), expected)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    split = numbered(100)
    one, two = ResidentBatches(split, 10, seed=1), ResidentBatches(split, 7, seed=1)
    list(one.epoch(0))
    assert torch.equal(one.order(4), two.order(4))
    assert not torch.equal(one.order(4), one.order(5))
    assert not torch.equal(one.order(4), ResidentBatches(split, 10, seed=2).order(4))
    assert sorted(one.order(4).tolist()) == list(range(100))


@pytest.mark.parametrize("augment", [None, "shift=1,flip,erase", "rotate,brightness,mixup"])
@pytest.mark.parametrize("block", [1, 20, 4096])
def test_an_epoch_resumes_to_the_same_bits(augment: str | None, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident_module, "_BLOCK_PICTURES", block)
    split = numbered(50, 6, 3)

    def made() -> ResidentBatches:
        return ResidentBatches(split, 8, seed=5, augment=parse(augment) if augment else None)

    whole = list(made().epoch(2))
    for start in range(len(whole) + 1):
        rest = list(made().epoch(2, start=start))
        assert len(rest) == len(whole) - start
        for got, expected in zip(rest, whole[start:], strict=True):
            assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


def test_an_epoch_does_not_touch_the_global_random_state() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    list(ResidentBatches(numbered(20), 8, augment=parse("shift,mixup")).epoch(0))
    assert torch.equal(torch.rand(3), expected)


def test_augmentation_differs_from_epoch_to_epoch() -> None:
    batches = ResidentBatches(numbered(8, 6), 8, shuffle=False, augment=parse("shift=2"))
    (first, _), (second, _) = next(batches.epoch(0)), next(batches.epoch(1))
    assert not torch.equal(first, second)


def test_mixup_gives_four() -> None:
    batches = ResidentBatches(numbered(20, 4), 8, shuffle=False, augment=parse("mixup=1"))
    plain = ResidentBatches(numbered(20, 4), 8, shuffle=False)
    lams = []
    for (x, y, other, lam), (original, _) in zip(batches.epoch(0), plain.epoch(0), strict=True):
        assert lam.shape == ()
        torch.testing.assert_close(x, lam * original + (1 - lam) * original.roll(1, 0))
        assert torch.equal(other, y.roll(1, 0))
        lams.append(lam.item())
    assert len(set(lams)) == 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("memory", [torch.channels_last, torch.contiguous_format])
def test_type_and_memory(dtype: torch.dtype, memory: torch.memory_format) -> None:
    for augment in (None, parse("flip,contrast")):
        batches = ResidentBatches(numbered(9, 5, 3), 4, dtype=dtype, memory_format=memory, augment=augment)
        for x, y in batches.epoch(0):
            assert x.dtype == dtype
            assert x.is_contiguous(memory_format=memory)
            assert x.shape[1:] == (3, 5, 5)
            assert y.dtype == torch.int64


def test_a_table_is_served_as_it_is() -> None:
    table = iris.load().train
    x, y = next(ResidentBatches(table, 200, shuffle=False).epoch(0))
    np.testing.assert_array_equal(x.numpy(), table.images)
    assert y.tolist() == table.labels.tolist()
    with pytest.raises(ConfigurationError, match="cannot be augmented"):
        ResidentBatches(table, 8, augment=parse("flip"))


def test_the_data_are_shared_not_copied_and_read_only_arrays_are_served() -> None:
    split = numbered(4)
    batches = ResidentBatches(split, 4, shuffle=False)
    split.images[0] = 255
    assert next(batches.epoch(0))[0][0].min() == 1.0
    split.images.flags.writeable = False
    assert next(ResidentBatches(split, 4, shuffle=False).epoch(0))[0][0].min() == 1.0


def test_a_batch_that_was_kept_stays_as_it_was() -> None:
    batches = ResidentBatches(numbered(40), 8, seed=1)
    kept = [x for x, _ in batches.epoch(0)]
    again = [x.clone() for x, _ in batches.epoch(0)]
    assert all(torch.equal(a, b) for a, b in zip(kept, again, strict=True))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"batch_size": 0}, "batch_size: a batch holds a picture at least\n  given     0"),
        ({"batch_size": 9, "drop_last": True}, "every batch would be dropped"),
    ],
)
def test_arguments_that_cannot_work(arguments: dict[str, int], says: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        ResidentBatches(numbered(5), **arguments)  # type: ignore[arg-type]
    assert says in str(error.value)


@pytest.mark.parametrize("start", [-1, 4])
def test_a_step_that_an_epoch_lacks(start: int) -> None:
    with pytest.raises(ConfigurationError, match="no such step"):
        next(ResidentBatches(numbered(5), 2).epoch(0, start=start))


def test_seeds_are_mixed_well() -> None:
    seeds = {mixed(a, b, c) for a in range(10) for b in range(10) for c in range(10)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert mixed(-1, 0) != mixed(1, 0)
