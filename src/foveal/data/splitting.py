"""Cut a part into two, so that every class keeps its share: validation out of training, or a test part.

The test part is used once, at the end. What is chosen along the way (epochs, learning rate, the best checkpoint) is
chosen on a validation part that was cut off the training part here.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from foveal.data.dataset import DataSet, Labels, Split
from foveal.errors import DataError

_ALIKE = 64  # the examples of a limited set do not depend on a run's seed


def split_validation(
    split: Split, fraction: float | None = None, *, count: int | None = None, seed: int = 0
) -> tuple[Split, Split]:
    """Cut a stratified validation part off a training part.

    Args:
        split: the training part.
        fraction: share of the pictures that go to validation, above 0 and below 1; 0.1 where neither is given.
        count: or their number.
        seed: the same seed takes the same pictures.

    Returns:
        (training, validation), each in the order of ``split``, together exactly its pictures. Each class gives its share
        rounded down or up, so that the total is exact.

    Raises:
        DataError: nothing would be left in one of the two.

    Example:
        >>> part = Split(np.zeros((10, 8, 8, 1), np.uint8), np.array([0, 1] * 5))
        >>> train, validation = split_validation(part, 0.4, seed=1)
        >>> validation.counts(2).tolist(), len(train)
        ([2, 2], 6)
    """
    total = len(split)
    if fraction is not None and count is not None:
        raise DataError("a fraction and a count were both given", given=f"fraction={fraction}, count={count}")
    if count is None:
        share = 0.1 if fraction is None else float(fraction)
        if not 0.0 < share < 1.0:
            raise DataError(
                "the validation part is a share of the training part",
                given=f"fraction={fraction}",
                expected="above 0 and below 1",
                fix=["fraction=0.1", "count=5000"],
            )
        count = min(max(round(total * share), 1), total - 1)
    if not 0 < count < total:
        raise DataError(
            "one of the two parts would be empty",
            given=f"{total:,} pictures, {count:,} of them for validation",
            expected=f"1 to {total - 1:,}" if total > 1 else "at least 2 pictures to split",
        )
    chosen = stratified(split.labels, count, seed)
    inside = np.zeros(total, dtype=bool)
    inside[chosen] = True
    return split.take(np.flatnonzero(~inside)), split.take(np.flatnonzero(inside))


def with_test(data: DataSet, fraction: float = 0.2, *, seed: int = 0) -> DataSet:
    """The data set as it is, or with a stratified share of its training part as the test part where it has none.

    Example:
        >>> part = Split(np.zeros((10, 8, 8, 1), np.uint8), np.array([0, 1] * 5))
        >>> whole = with_test(DataSet("two", ("a", "b"), part, None, "memory"))
        >>> len(whole.train), len(whole.test), whole.notes
        (8, 2, ('there is no test part: 2 pictures of the training part were put aside for it',))
    """
    if data.test is not None:
        return data
    train, test = split_validation(data.train, fraction, seed=seed)
    note = f"there is no test part: {len(test):,} pictures of the training part were put aside for it"
    return dataclasses.replace(data, train=train, test=test, notes=(*data.notes, note))


def stratified(labels: Labels, count: int, seed: int) -> NDArray[np.int64]:
    """Indices of ``count`` items, every class with its share; largest remainders fill up to the exact total.

    A class with two members or more keeps at least one behind, wherever the others can make up for it.
    """
    values, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    ideal = sizes * (count / len(labels))
    taken = np.floor(ideal + 1e-9).astype(np.int64)
    rest = count - int(taken.sum())
    if rest:
        # Ties go to the smaller class: it has more to lose from rounding down.
        by_remainder = np.lexsort((sizes, -(ideal - taken)))
        open_classes = [i for i in by_remainder if taken[i] + 1 < sizes[i]]
        open_classes += [i for i in by_remainder if taken[i] + 1 == sizes[i]]
        taken[open_classes[:rest]] += 1
    random = np.random.default_rng(seed)
    order = random.permutation(len(labels))
    parts = [order[inverse[order] == number][: taken[number]] for number in range(len(values))]
    return np.sort(np.concatenate(parts)).astype(np.int64)


def split_at(count: int, validation_split: float, where: str) -> int:
    """How many samples are left to train on when a share is put aside: ⌊n (1 − v)⌋, as Keras cuts.

    Raises:
        DataError: one of the two parts would be empty.

    Example:
        >>> split_at(25, 0.1, "fit")
        22
    """
    at = math.floor(count * (1.0 - validation_split))
    if not 0 < at < count:
        raise DataError(
            "nothing is left to train on" if at < 1 else "nothing is put aside for validation",
            where=where,
            given=f"{count:,} samples, validation_split={validation_split:g}",
            expected="at least one sample in each part: ⌊n (1 − validation_split)⌋ to train on, the rest put aside",
            fix="validation_split=0.5" if count > 1 else "at least two samples",
        )
    return at


def limited(data: DataSet, limit: int) -> DataSet:
    """At most ``limit`` examples of each part, whatever the run's seed; all of them where it is 0 or less.

    Example:
        >>> from foveal.data import load
        >>> len(limited(load("digits"), 50).train)
        50
    """
    if limit <= 0:
        return data

    def some(split: Split) -> Split:
        if len(split) <= limit:
            return split
        return split.take(np.sort(np.random.default_rng(_ALIKE).permutation(len(split))[:limit]))

    test = None if data.test is None else some(data.test)
    note = f"limit={limit}: only so many examples of each part were used."
    return dataclasses.replace(data, train=some(data.train), test=test, notes=(*data.notes, note))
