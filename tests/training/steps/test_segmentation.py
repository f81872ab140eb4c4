"""Segmentation's loss against NumPy, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal import zoo
from foveal.backends.torch import build
from foveal.data.batches.scenes import SceneBatches
from foveal.data.generated.scenes import Composer
from foveal.data.published import digits
from foveal.training import TrainingConfig, run
from foveal.training.steps import Step
from foveal.training.steps.segmentation import Segmentation, soft_dice

CONFIG = TrainingConfig(lr=1e-2, validation=0.0, metrics=())


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def test_soft_dice_is_the_formula_written_out():
    rng = np.random.default_rng(0)
    logits, masks = rng.normal(size=(3, 4, 5, 6)), rng.integers(0, 3, (3, 5, 6))  # class 3 is nowhere
    shares = softmax(logits)
    expected = []
    for label in range(4):
        truth = masks == label
        both, either = (shares[:, label] * truth).sum(), shares[:, label].sum() + truth.sum()
        expected.append((2 * both + 1) / (either + 1))
    found = soft_dice(torch.from_numpy(logits), torch.from_numpy(masks))
    assert found.item() == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("dice", [0.0, 0.3, 1.0])
def test_the_loss_mixes_its_two_parts(dice):
    logits = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    masks = torch.arange(18).view(2, 3, 3) % 4
    module = torch.nn.Conv2d(4, 4, 1)
    torch.nn.init.dirac_(module.weight)
    torch.nn.init.zeros_(module.bias)
    step = Segmentation(module, CONFIG, 1, dice=dice)
    assert isinstance(step, Step)
    with step.evaluating() as values_of:
        values = values_of((logits, masks, None, None))
    shares = softmax(logits.numpy().astype(float))
    entropy = -np.log(np.take_along_axis(shares, masks.numpy()[:, None], 1)).mean()
    overlap = soft_dice(logits, masks).item()
    assert values["cross_entropy"].item() == pytest.approx(entropy, rel=1e-5)
    assert values["loss"].item() == pytest.approx((1 - dice) * entropy + dice * (1 - overlap), rel=1e-5)
    assert values["accuracy"].item() == pytest.approx((shares.argmax(1) == masks.numpy()).mean())


def test_it_learns_and_repeats_its_bits():
    def trained() -> tuple[list[float], torch.Tensor]:
        data = digits.load()
        batches = SceneBatches(Composer(data.train, data.classes, size=16, objects=(1, 1)), 96, 8)
        module = build(zoo.unet(11, (16, 16, 3), 0.25, 2), seed=1)
        history = run(module, batches, None, CONFIG.replace(epochs=3), make_step=Segmentation)
        return history.history["loss"], next(module.parameters()).detach().clone()

    first, second = trained(), trained()
    assert first[0][-1] < 0.7 * first[0][0]
    assert first[0] == second[0]
    assert torch.equal(first[1], second[1])
