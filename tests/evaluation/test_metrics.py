"""Every number of an evaluation against an independent computation: loops, scikit-learn, sums done by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from foveal.errors import DataError
from foveal.evaluation import Evaluation, as_probabilities, evaluate, evaluate_regression


def made(count: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Random probabilities that are right more often than not, labels and names."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, width, count)
    logits = draw.normal(size=(count, width)) + 1.5 * np.eye(width)[labels]
    return as_probabilities(logits), labels, [f"class {i}" for i in range(width)]


@given(count=st.integers(1, 60), width=st.integers(2, 7), seed=st.integers(0, 999))
def test_agrees_with_plain_loops(count: int, width: int, seed: int) -> None:
    p, y, names = made(count, width, seed)
    found = evaluate(p, y, names, mistakes=5)
    table = [[0] * width for _ in range(width)]
    wrong = []
    for i in range(count):
        best = max(range(width), key=lambda k: (p[i, k], -k))
        table[y[i]][best] += 1
        if best != y[i]:
            wrong.append((-p[i, best], i, int(y[i]), best))
    assert [list(row) for row in found.confusion] == table
    assert found.correct == sum(table[k][k] for k in range(width))
    assert found.accuracy == found.correct / count
    assert [(m.index, m.true, m.predicted) for m in found.mistakes] == [w[1:] for w in sorted(wrong)[:5]]
    assert all(m.probability == p[m.index, m.predicted] for m in found.mistakes)
    assert all(m.probability_of_true == p[m.index, m.true] for m in found.mistakes)
    for entry in found.top_k:
        inside = sum(int(y[i]) in sorted(range(width), key=lambda k: -p[i, k])[: entry.k] for i in range(count))
        assert entry.accuracy == pytest.approx(inside / count)


def test_agrees_with_scikit_learn() -> None:
    p, y, names = made(500, 6, 3)
    found = evaluate(p, y, names)
    predicted = p.argmax(axis=1)
    assert found.accuracy == pytest.approx(reference.accuracy_score(y, predicted))
    assert np.array_equal(found.confusion, reference.confusion_matrix(y, predicted))
    assert found.negative_log_likelihood == pytest.approx(reference.log_loss(y, p))
    for entry in found.top_k[1:]:
        assert entry.accuracy == pytest.approx(reference.top_k_accuracy_score(y, p, k=entry.k))
    assert found.macro_f1 == pytest.approx(reference.f1_score(y, predicted, average="macro"))


@given(count=st.integers(1, 40), width=st.integers(2, 5), seed=st.integers(0, 999))
def test_scores_a_class_follow_from_the_confusion_matrix(count: int, width: int, seed: int) -> None:
    p, y, names = made(count, width, seed)
    found = evaluate(p, y, names)
    assert sum(score.support for score in found.scores) == sum(score.predicted for score in found.scores) == count
    for k, score in enumerate(found.scores):
        hit, row, column = found.confusion[k][k], sum(found.confusion[k]), sum(r[k] for r in found.confusion)
        assert (score.support, score.predicted) == (row, column)
        assert score.recall == (pytest.approx(hit / row) if row else None)
        assert score.precision == (pytest.approx(hit / column) if column else None)
        assert score.f1 == (pytest.approx(2 * hit / (row + column)) if row + column else None)


def test_undefined_quotients_are_none_and_leave_the_mean_alone() -> None:
    found = evaluate([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0]], [0, 1], ["seen", "never predicted", "never there"])
    assert [score.precision for score in found.scores] == [0.5, None, None]
    assert [score.recall for score in found.scores] == [1.0, 0.0, None]
    assert [score.f1 for score in found.scores] == [pytest.approx(2 / 3), 0.0, None]
    assert (found.macro_precision, found.macro_recall, found.macro_f1) == (0.5, 0.5, pytest.approx(1 / 3))


def test_equal_probabilities_go_to_the_lower_index() -> None:
    found = evaluate([[0.5, 0.5], [0.5, 0.5]], [0, 1], ["a", "b"])
    assert found.confusion == ((1, 0), (1, 0))


def test_confused_pairs_are_ordered_by_count() -> None:
    rows = [0] * 5 + [1] * 4 + [2] * 6
    said = [1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 2, 2, 2]
    found = evaluate(np.eye(3)[said], rows, ["a", "b", "c"], confused=2)
    assert [(c.true, c.predicted, c.count, c.share) for c in found.confused] == [(2, 0, 3, 0.5), (0, 1, 2, 0.4)]


def test_a_perfect_answer() -> None:
    found = evaluate(np.eye(3), [0, 1, 2], ["a", "b", "c"])
    assert (found.accuracy, found.brier, found.mistakes, found.confused) == (1.0, 0.0, (), ())
    assert found.interval.high == 1.0
    assert found.interval.low == pytest.approx(0.4385, abs=1e-4)  # 1 / (1 + 1.96² / 3)


@pytest.mark.parametrize(
    ("probabilities", "labels", "classes", "words"),
    [
        ([[0.5, 0.5]], [0, 1], ["a", "b"], ["do not fit", "probabilities (1, 2), labels (2,)"]),
        ([[0.5, 0.5]], [0], ["a"], ["1 classes"]),
        (np.zeros((0, 2)), np.zeros(0, int), ["a", "b"], ["N of at least 1"]),
        ([[0.5, 0.5]], [2], ["a", "b"], ["a label names no class", "integers from 0 to 1"]),
        ([[0.5, 0.5]], [0.5], ["a", "b"], ["float64 labels"]),
        ([[0.5, 0.5], [3.0, -2.0]], [0, 0], ["a", "b"], ["evaluation, sample 1", "as_probabilities"]),
        ([[0.5, 0.5], [np.nan, 1.0]], [0, 0], ["a", "b"], ["evaluation, sample 1"]),
        ([[0.9, 0.9]], [0], ["a", "b"], ["sum 1.8"]),
    ],
)
def test_mistakes_are_explained(
    probabilities: object, labels: object, classes: Sequence[str], words: list[str]
) -> None:
    with pytest.raises(DataError) as caught:
        evaluate(probabilities, labels, classes)
    assert all(word in str(caught.value) for word in words)


def test_softmax_of_logits_is_stable_and_sums_to_one() -> None:
    p = as_probabilities(np.array([[1000.0, 0.0, -1000.0], [0.0, np.log(2.0), np.log(5.0)]], dtype=np.float32))
    assert np.allclose(p, [[1, 0, 0], [1 / 8, 2 / 8, 5 / 8]])
    assert np.abs(p.sum(axis=1) - 1).max() < 1e-12


def test_one_output_is_the_second_of_two_classes() -> None:
    assert np.allclose(as_probabilities([0.0, np.log(3.0)]), [[0.5, 0.5], [0.25, 0.75]])
    assert np.allclose(as_probabilities([[0.9]], from_logits=False), [[0.1, 0.9]])


def test_regression_by_hand() -> None:
    found = evaluate_regression([[1.0], [2.0], [4.0]], [1.0, 4.0, 1.0])
    assert (found.count, found.mse, found.mae) == (3, pytest.approx(13 / 3), pytest.approx(5 / 3))
    with pytest.raises(DataError, match="do not fit"):
        evaluate_regression([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="not finite"):
        evaluate_regression([np.inf], [1.0])


def test_to_json_and_back_is_equal() -> None:
    import json

    from foveal.evaluation import RegressionEvaluation, from_json

    p, y, names = made(40, 4, 1)
    found = evaluate(p, y, [*names[:-1], "never there"])
    assert from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found
    number = RegressionEvaluation(3, 0.5, 0.25)
    assert from_json(json.loads(json.dumps(number.to_json()))) == number


def test_json_of_another_kind_is_refused() -> None:
    from foveal.errors import FormatError

    good = evaluate(*made(4, 2, 0)).to_json()
    for broken, word in [({**good, "schema": 2}, "schema 2"), ({**good, "task": "poetry"}, "poetry"), ({}, "None")]:
        with pytest.raises(FormatError, match=word):
            Evaluation.from_json(broken)
    del good["brier"]
    with pytest.raises(FormatError, match="brier"):
        Evaluation.from_json(good)


@given(st.integers(0, 999), st.integers(1, 5), st.integers(2, 7), st.floats(0.1, 300))
def test_probabilities_are_their_definition_in_more_digits(seed, rows, columns, scale):
    """softmax e^x / Σ e^x and sigmoid 1 / (1 + e^−x), worked in numpy's longest float."""
    logits = scale * np.random.default_rng(seed).normal(size=(rows, columns))
    wide = logits.astype(np.longdouble)
    shares = np.exp(wide - wide.max(1, keepdims=True))
    wanted = (shares / shares.sum(1, keepdims=True)).astype(float)
    np.testing.assert_allclose(as_probabilities(logits), wanted, rtol=1e-12, atol=1e-300)
    yes = (1 / (1 + np.exp(-wide))).astype(float)
    np.testing.assert_allclose(as_probabilities(logits, independent=True), yes, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(as_probabilities(logits[:, 0])[:, 1], yes[:, 0], rtol=1e-12, atol=1e-300)
