"""The learning-rate range test: rates in equal ratios, a copy that suffers, a plot that opens."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from small_training import Clusters, network

from foveal.errors import TrainingError
from foveal.training import TrainingConfig, find_learning_rate

CONFIG = TrainingConfig(optimizer="sgd", batch_size=16)


def test_rates_rise_by_the_same_factor_and_the_network_is_untouched() -> None:
    module = network()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    found = find_learning_rate(module, Clusters(), CONFIG, low=1e-4, high=1e-1, steps=31)
    assert found.rates == pytest.approx([10 ** (-4 + 3 * i / 30) for i in range(31)], rel=1e-6)
    assert found.lowest in found.rates
    assert found.suggestion == found.lowest / 10
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


def test_it_ends_where_the_loss_has_broken() -> None:
    found = find_learning_rate(network(), Clusters(), CONFIG, low=1e-4, high=1e6, steps=60)
    assert 10 < len(found.rates) < 60
    assert found.lowest < found.rates[-1]


def test_a_loss_that_is_broken_from_the_start_is_an_error() -> None:
    module = network()
    module[0].weight.data.fill_(float("nan"))  # type: ignore[index, union-attr, operator]
    with pytest.raises(TrainingError, match="very first step"):
        find_learning_rate(module, Clusters(), CONFIG)


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    found = find_learning_rate(network(), Clusters(), CONFIG, steps=40)
    found.plot(tmp_path / "lr.svg")
    assert ElementTree.parse(tmp_path / "lr.svg").getroot().tag.endswith("svg")
    found.plot(tmp_path / "lr.png")
    assert (tmp_path / "lr.png").read_bytes().startswith(b"\x89PNG")
