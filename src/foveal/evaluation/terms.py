"""What a network was asked to learn, beside its data: all that changes the objective, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foveal import optimizers
from foveal.errors import FovealError


def terms(config: Mapping[str, Any], *, own: bool = False) -> str:
    """Everything of a training configuration that makes its loss or its result another one, defaults too.

    Somebody who compares losses with another program's has to know of label smoothing, and who compares accuracies of
    averaged weights.

    Args:
        config: what :meth:`foveal.training.config.TrainingConfig.to_json` gives.
        own: the method has a loss and perhaps a validation set of its own, which are not the configuration's to tell.

    Example:
        >>> terms({"loss": "cross_entropy", "label_smoothing": 0.1, "augment": "shift=2", "optimizer": "adam",
        ...        "validation": 0.05, "precision": "auto"})
        'cross_entropy, label smoothing 0.1, augmentation shift=2, 5 % set aside for validation, float32'
    """
    found = [] if own else [str(config.get("loss", ""))]

    def add(key: str, words: str) -> None:
        value = config.get(key)
        if value:
            found.append(words.format(f"{value:g}" if isinstance(value, int | float) else value))

    add("label_smoothing", "label smoothing {}")
    add("augment", "augmentation {}")
    decay = _decay(config)
    if decay:
        found.append(f"weight decay {decay:g}")
    add("clip_norm", "gradients clipped at {}")
    add("warmup", "warm-up of {} epochs")
    add("ema", "weights averaged with decay {}")
    add("early_stopping", "stops after {} epochs without improvement")
    if config.get("mirror"):
        found.append("answers averaged with the mirror image's")
    share = config.get("validation")
    if share or not own:
        found.append(f"{100 * share:.3g} % set aside for validation" if share else "no validation set")
    found.append("bfloat16 where the hardware has it" if config.get("precision") == "bf16" else "float32")
    return ", ".join(each for each in found if each)


def _decay(config: Mapping[str, Any]) -> float:
    if config.get("weight_decay") is not None:
        return float(config["weight_decay"])
    try:
        return float(optimizers.get(str(config.get("optimizer"))).weight_decay or 0.0)
    except (FovealError, AttributeError):
        return 0.0
