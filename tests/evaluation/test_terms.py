"""The line that says what changes the objective says all of it, defaults too."""

from __future__ import annotations

import pytest

from foveal.evaluation.terms import terms
from foveal.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label_smoothing": 0.1}, "label smoothing 0.1"), ({"augment": "shift=2,flip"}, "augmentation shift=2,flip"),
        ({"ema": 0.99}, "weights averaged with decay 0.99"), ({"weight_decay": 5e-4}, "weight decay 0.0005"),
        ({"clip_norm": 1.0}, "gradients clipped at 1"), ({"early_stopping": 3}, "stops after 3 epochs without improvement"),
        ({"mirror": True}, "answers averaged with the mirror image's"), ({"warmup": 0.5}, "warm-up of 0.5 epochs"),
        ({"validation": 0.05}, "5 % set aside for validation"), ({"validation": 0.0}, "no validation set"),
        ({"precision": "bf16"}, "bfloat16"), ({"loss": "hinge"}, "hinge"), ({"optimizer": "adamw"}, "weight decay"),
    ],
)  # fmt: skip
def test_each_is_said_where_it_is_on_and_only_there(changes: dict[str, object], words: str) -> None:
    assert words in terms(TrainingConfig(**changes).to_json())  # type: ignore[arg-type]
    assert words not in terms(TrainingConfig(validation=0.1).to_json())


def test_a_method_with_a_loss_of_its_own() -> None:
    assert terms(TrainingConfig(validation=0.0).to_json(), own=True) == "float32"
    assert "cross_entropy" not in terms(TrainingConfig().to_json(), own=True)
