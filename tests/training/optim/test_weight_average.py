"""The running average of weights and buffers beside its formula; swapped in and out without a trace."""

from __future__ import annotations

import pytest
import torch
from small_training import Clusters, network
from torch import nn

from foveal.training import TrainingConfig, run
from foveal.training.optim.weight_average import WeightAverage


def test_weights_and_statistics_follow_the_formula_and_counters_are_copied() -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = WeightAverage(module, decay=0.9)
    expected = {name: tensor.double().clone() for name, tensor in module.state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    for t in range(20):
        with torch.no_grad():
            for tensor in module.state_dict().values():
                if tensor.is_floating_point():
                    tensor.add_(torch.randn(tensor.shape, generator=generator))
                else:
                    tensor.add_(1)
        average.update()
        d = min(0.9, (1 + t) / (10 + t))
        for name, tensor in module.state_dict().items():
            expected[name] = (
                d * expected[name] + (1 - d) * tensor.double() if tensor.is_floating_point() else tensor.clone()
            )
    with average.in_place():
        for name, tensor in module.state_dict().items():
            torch.testing.assert_close(tensor.double(), expected[name].double(), rtol=1e-5, atol=1e-5)


def test_in_place_leaves_no_trace_even_after_an_error() -> None:
    module = network()
    average = WeightAverage(module, 0.5)
    with torch.no_grad():
        module[0].weight.add_(1.0)  # type: ignore[index]
    average.update()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    kept = {name: tensor.clone() for name, tensor in average.state_dict()["average"].items()}
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), average.in_place():
            raise ZeroDivisionError
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert all(torch.equal(kept[name], tensor) for name, tensor in average.state_dict()["average"].items())


def test_a_run_validates_and_ends_with_the_average() -> None:
    config = TrainingConfig(epochs=2, batch_size=16, lr=0.05, ema=0.95)
    plain, averaged, held = network(), network(), Clusters(30, seed=3)
    live = run(plain, Clusters(), held, config.replace(ema=None))
    smooth = run(averaged, Clusters(), held, config)
    assert smooth.history["loss"] == live.history["loss"]  # the average never disturbs what is being learned
    assert smooth.history["val_loss"] != live.history["val_loss"]
    with torch.no_grad():
        loss = nn.functional.cross_entropy(averaged(held.inputs), held.targets)
    assert float(loss) == pytest.approx(smooth.history["val_loss"][-1], rel=1e-5)
