"""A GAN's step: each side moves itself alone, losses as in NumPy, and a stopped run goes on to the same bits."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from foveal import zoo
from foveal.backends.torch import Network, build
from foveal.data.batches.in_memory import TensorBatches
from foveal.training import RunFolder, TrainingConfig, run
from foveal.training.steps import Capturable, Step
from foveal.training.steps.adversarial import Adversarial, discriminator_loss, generator_loss, recognised

CONFIG = TrainingConfig(
    epochs=3, batch_size=16, lr=1e-3, optimizer_options={"beta_1": 0.5}, label_smoothing=0.1, ema=0.9, metrics=(),
    precision="fp32", schedule="cosine", checkpoint_seconds=0.0,
)  # fmt: skip


def network(seed: int = 0) -> Network:
    return build(zoo.dcgan((5,), (8, 12, 1), width=1 / 16), seed=seed)


def batches(kind: type[TensorBatches] = TensorBatches) -> TensorBatches:
    x = torch.rand(64, 8, 12, 1, generator=torch.Generator().manual_seed(0))
    return kind(x, torch.zeros(64), 16)


def values(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def test_each_side_moves_itself_alone():
    torch.manual_seed(0)
    module = network()
    step = Adversarial(module, CONFIG, 4)
    real = next(iter(batches().epoch(0)))[0]
    made = step.generator(step.noise(16))
    before = values(module)
    step._judge(real, made.detach())
    between = values(module)
    step._make(made)
    after = values(module)
    for name in before:
        mine = name.startswith("discriminator")
        assert torch.equal(before[name], between[name]) != mine, f"{name} in the discriminator's move"
        assert torch.equal(between[name], after[name]) == mine, f"{name} in the generator's move"
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_the_generator_is_moved_to_be_taken_for_real():
    torch.manual_seed(0)
    step = Adversarial(network(), CONFIG.replace(schedule="constant", lr=1e-2), 4)
    noise = step.noise(256)
    before = generator_loss(step.discriminator(step.generator(noise)))
    for _ in range(10):
        step._make(step.generator(noise))
    after = generator_loss(step.discriminator(step.generator(noise)))
    assert after.item() < before.item()


def test_losses_are_those_of_numpy():
    draw = np.random.default_rng(0)
    real, made = draw.standard_normal((9, 1)) * 3, draw.standard_normal((9, 1)) * 3
    sigma = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    wanted = -(0.9 * np.log(sigma(real)) + 0.1 * np.log(1 - sigma(real))).mean() - np.log(1 - sigma(made)).mean()
    assert float(discriminator_loss(torch.tensor(real), torch.tensor(made), 0.9)) == pytest.approx(wanted, rel=1e-5)
    assert float(generator_loss(torch.tensor(made))) == pytest.approx(-np.log(sigma(made)).mean(), rel=1e-5)
    shares = recognised(torch.tensor(real), torch.tensor(made))
    assert float(shares["real"]) == pytest.approx((real > 0).mean())
    assert float(shares["made"]) == pytest.approx((made < 0).mean())


class Stopping(TensorBatches):
    """Ctrl-C in the middle of the second epoch."""

    def epoch(self, number: int, start: int = 0) -> Iterator[Any]:
        for step, batch in enumerate(super().epoch(number, start), start):
            if (number, step) == (1, 2):
                os.kill(os.getpid(), signal.SIGINT)
            yield batch


def test_a_stopped_run_ends_in_the_same_bits_film_and_all(tmp_path: Path):
    steps: list[Adversarial] = []

    def filming(module, config, count):
        steps.append(Adversarial(module, config, count, filmed=3, moments=(0.05, 0.3, 0.6, 1.0)))
        return steps[-1]

    whole, parts, resumed = network(), network(), network(7)
    history = run(whole, batches(), batches(), CONFIG, make_step=filming)
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        run(parts, batches(Stopping), batches(), CONFIG, make_step=filming, run_folder=folder)
    again = run(resumed, batches(), batches(), CONFIG, make_step=filming, run_folder=folder, resume=True)
    assert again.history == history.history
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())
    first, _, last = steps
    assert list(first.film) == list(last.film) == [1, 4, 7, 12]
    assert all(torch.equal(first.film[count], last.film[count]) for count in first.film)
    assert first.film[1].shape == (3, 8, 12, 1)
    assert first.film[1].dtype == torch.uint8
    assert torch.equal(last.film[12], last._frame()), "the last frame is what the trained generator makes"
    assert not torch.equal(first.film[1], first.film[12])


def test_it_is_a_step_that_nobody_records():
    step = Adversarial(network(), CONFIG, 4)
    assert isinstance(step, Step)
    assert not isinstance(step, Capturable)
    assert step.film == {}
    functools.reduce(lambda _, batch: step(batch), batches().epoch(0), None)
    assert step.film == {}, "nothing is filmed where nothing was asked for"
