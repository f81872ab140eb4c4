"""The plain sentences say what the numbers say, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.evaluation import evaluate, evaluate_regression
from foveal.report.sentences import NO_BREAK, sentences

CLASSES = ["cat", "dog", "owl"]


def said(
    history: dict[str, list[float]] | None = None,
    *,
    sure: float = 0.8,
    right: int = 8,
    split: str = "test",
    times: int = 1,
) -> str:
    """The text for ten pictures, ``right`` of them named right, each ``sure``; the others are cats taken for dogs. All that
    so many ``times``."""
    rest = (1 - sure) / 2
    labels = [0] * 10 * times
    p = [[sure, rest, rest]] * right * times + [[rest, sure, rest]] * (10 - right) * times
    return " ".join(sentences(evaluate(p, labels, CLASSES), history or {}, split)).replace(NO_BREAK, " ")


def test_accuracy_with_its_interval() -> None:
    text = said()
    assert "8 of 10 test pictures right: 80.0 %" in text
    assert "between 49.0 % and 94.3 %" in text
    assert "validation pictures" in said(split="validation")


def test_the_pair_confused_most_counts_both_ways() -> None:
    wrong = np.eye(3)[[1, 0, 2, 0, 1, 2] * 10]
    found = evaluate(wrong, [0, 1, 0, 0, 1, 2] * 10, CLASSES)
    text = " ".join(sentences(found, {})).replace(NO_BREAK, " ")
    assert "confuses cat and dog most: 20 of its 30 mistakes (67 %)" in text
    assert "owl is recognised best (100.0 %), cat worst (33.3 %)" in text


def test_few_mistakes_say_nothing_of_which_classes_are_confused() -> None:
    found = evaluate(np.eye(3)[[1, 0, 2, 0, 1, 2]], [0, 1, 0, 0, 1, 2], CLASSES)
    assert sentences(found, {})[1] == "Its 3 mistakes are too few to say which classes it confuses."


def test_pairs_that_are_confused_equally_often_share_their_place() -> None:
    found = evaluate(np.eye(4)[[1] * 10 + [3] * 10 + [1] * 5], [0] * 10 + [2] * 10 + [1] * 5, [*CLASSES, "ape"])
    assert (
        "No two classes are confused most: 2 pairs share that place, with 10 mistakes each" in sentences(found, {})[1]
    )


def test_best_and_worst_are_named_where_the_intervals_lie_apart() -> None:
    def text(owls: int, cats: int, n: int) -> str:
        said = [0] * cats + [1] * (n - cats) + [1] * (n // 2) + [0] * (n - n // 2) + [2] * owls + [0] * (n - owls)
        return sentences(evaluate(np.eye(3)[said], [0] * n + [1] * n + [2] * n, CLASSES), {})[1].replace(NO_BREAK, " ")

    assert "owl is recognised best (90.0 %), cat worst (20.0 %)" in text(90, 20, 100)
    assert "recognised" not in text(6, 4, 10)  # 60 % and 40 % of ten are the same, as far as ten can tell
    assert "owl is recognised best (60.0 %), 2 classes worst (50.0 %)" in text(1200, 1000, 2000)


def test_few_pictures_carry_no_verdict() -> None:
    for right in range(9):
        found = evaluate([[0.99, 0.01]] * 8, [0] * right + [1] * (8 - right), ["cat", "dog"])
        text = " ".join(sentences(found, {"loss": [0.9, 0.5, 0.2], "val_loss": [0.8, 0.6, 0.9]}, held=8))
        assert "8 pictures are too few to say whether its probabilities can be believed" in text
        assert "8 validation pictures are too few to tell whether it overfits" in text
        for verdict in (
            "too sure",
            "too modest",
            "taken at their word",
            "bin by bin",
            "deserves",
            "overfits from",
            "most",
        ):
            assert verdict not in text


def test_a_verdict_is_what_the_sample_can_tell() -> None:
    found = evaluate([[0.8, 0.2]] * 100, [0] * 76 + [1] * 24, ["cat", "dog"])  # four points too sure, of ± 8 by chance
    assert (
        "Nothing speaks against its probabilities, but 100 pictures tell it to 8 points only"
        in sentences(found, {})[-1]
    )
    found = evaluate([[0.8, 0.2]] * 10_000, [0] * 7600 + [1] * 2400, ["cat", "dog"])
    assert "too sure of itself" in sentences(found, {})[-1]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_calibrated_is_hardly_ever_called_otherwise(seed: int) -> None:
    random = np.random.default_rng(seed)
    p = random.uniform(0.5, 1, 400)
    labels = (random.random(400) > p).astype(int)  # the first class with probability p
    text = sentences(evaluate(np.stack([p, 1 - p], 1), labels, ["cat", "dog"]), {})[-1]
    assert "Nothing speaks against" in text or "taken at their word" in text


def test_no_mistake_at_all_is_doubted() -> None:
    assert "deserves a second look" in said(right=10, times=10)
    assert "10 pictures are few" in said(right=10)


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (
            {"loss": [0.9, 0.5, 0.2], "val_loss": [0.8, 0.6, 0.9]},
            "overfits from epoch 2 on: the validation loss rose from 0.600",
        ),
        (
            {"loss": [0.9, 0.5], "val_loss": [0.8, 0.6], "accuracy": [0.7, 0.95], "val_accuracy": [0.7, 0.9]},
            "5.0 points more",
        ),
        (
            {"loss": [0.9, 0.5], "val_loss": [0.8, 0.6], "accuracy": [0.7, 0.9], "val_accuracy": [0.7, 0.9]},
            "more epochs may help",
        ),
        ({"loss": [0.9, 0.5, 0.4], "val_loss": [0.8, 0.6, 0.605]}, "training and validation stayed together"),
    ],
)
def test_overfitting_is_told_from_the_curves(history: dict[str, list[float]], words: str) -> None:
    assert words in said(history)
    assert "{" not in said(history)


def test_without_validation_nothing_is_said_of_overfitting() -> None:
    assert "overfit" not in said({"loss": [0.9, 0.5]})
    assert "overfit" not in said({"loss": [0.9], "val_loss": [float("nan")]})


@pytest.mark.parametrize(
    ("sure", "words"), [(0.8, "taken at their word"), (0.95, "too sure of itself"), (0.6, "too modest")]
)
def test_calibration_is_judged(sure: float, words: str) -> None:
    assert words in said(sure=sure, times=100)


def test_right_on_average_but_not_bin_by_bin() -> None:
    p = [[0.95, 0.05]] * 500 + [[0.75, 0.25]] * 500
    labels = [0] * 425 + [1] * 75 + [0] * 425 + [1] * 75  # 85 % right in both
    assert "not bin by bin" in sentences(evaluate(p, labels, ["a", "b"]), {})[-1]


def test_regression_is_said_in_units() -> None:
    text = sentences(evaluate_regression([1.0, 3.0], [1.0, 1.0]), {"loss": [1.0], "val_loss": [1.0]})
    assert "off by 1 on average (mean squared error 2)" in text[0]


def test_a_gap_that_few_pictures_give_by_chance_is_no_overfitting() -> None:
    history = {"loss": [0.9, 0.5], "val_loss": [0.8, 0.6], "accuracy": [0.7, 0.97], "val_accuracy": [0.7, 0.93]}
    found = evaluate(np.eye(3), [0, 1, 2], CLASSES)
    assert "does not overfit" in " ".join(sentences(found, history, held=72))
    assert "4.0 points more accurate" in " ".join(sentences(found, history, held=6000))


def test_numbers_as_names_stand_in_quotation_marks() -> None:
    found = evaluate(np.eye(3)[[1, 0, 2] * 20], [0, 1, 2] * 20, ["1", "7", "owl"])
    assert "confuses “1” and “7” most" in sentences(found, {})[1]
    assert "owl is recognised best" in sentences(found, {})[1]


def test_all_mistakes_between_two_classes() -> None:
    found = evaluate(np.eye(3)[[1, 0, 2] * 20], [0, 1, 2] * 20, CLASSES)
    assert "cat and dog most: all its 40 mistakes are between" in sentences(found, {}, things="flowers")[1]
    assert "test flowers right" in sentences(found, {}, things="flowers")[0]


def test_few_classes_and_few_mistakes_have_sentences_of_their_own() -> None:
    one = evaluate(np.eye(2)[[0, 0, 1]], [0, 1, 1], ["cat", "dog"])
    assert sentences(one, {})[1] == "Its only mistake is between dog and cat."
    three = evaluate(np.eye(2)[[0, 0, 1]], [1, 1, 0], ["cat", "dog"])
    assert sentences(three, {})[1].replace(NO_BREAK, " ") == "It takes dog for cat in 2 of its 3 mistakes (67 %)."


def test_modesty_after_smoothed_labels_has_its_reason() -> None:
    found = evaluate([[0.6, 0.4]] * 60, [0] * 60, ["cat", "dog"])
    assert "because smoothed labels never ask it to be sure: on average" in sentences(found, {}, smoothed=True)[-1]
    assert "smoothed" not in sentences(found, {})[-1]
