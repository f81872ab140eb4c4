"""Every schedule beside torch's own of the same name, or beside a formula written anew."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foveal.training.config import SCHEDULES, TrainingConfig
from foveal.training.optim.schedule import schedule


def torchs(make: object, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)  # type: ignore[operator]
    rates = []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scheduler.step()
    return rates


def ours(config: TrainingConfig, steps_per_epoch: int) -> list[float]:
    factor = schedule(config, steps_per_epoch)
    return [factor(step) for step in range(config.epochs * steps_per_epoch)]


def test_one_cycle_is_torchs() -> None:
    config = TrainingConfig(epochs=4, schedule="one-cycle", final_factor=1e-4 / 25, peak_at=0.25)
    make = lambda o: torch.optim.lr_scheduler.OneCycleLR(  # noqa: E731
        o, max_lr=1.0, total_steps=40, pct_start=0.25, cycle_momentum=False, div_factor=25, final_div_factor=1e4
    )
    assert ours(config, 10) == pytest.approx(torchs(make, 40), abs=1e-12)


def test_triangular_is_torchs_one_cycle_with_lines() -> None:
    config = TrainingConfig(epochs=3, schedule="triangular", final_factor=0.01, peak_at=0.4)
    make = lambda o: torch.optim.lr_scheduler.OneCycleLR(  # noqa: E731
        o, max_lr=1.0, total_steps=30, pct_start=0.4, cycle_momentum=False, anneal_strategy="linear", final_div_factor=4
    )
    assert ours(config, 10) == pytest.approx(torchs(make, 30), abs=1e-12)


def test_cosine_is_torchs() -> None:
    config = TrainingConfig(epochs=5, schedule="cosine", final_factor=0.1)
    make = lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=35, eta_min=0.1)  # noqa: E731
    assert ours(config, 7) == pytest.approx(torchs(make, 35), abs=1e-9)


def test_step_is_torchs() -> None:
    config = TrainingConfig(epochs=6, schedule="step", step_every=2, decay=0.5)
    make = lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=2 * 5, gamma=0.5)  # noqa: E731
    assert ours(config, 5) == pytest.approx(torchs(make, 30), abs=1e-12)


def test_exponential_is_torchs_at_the_epochs() -> None:
    config = TrainingConfig(epochs=6, schedule="exponential", decay=0.8)
    make = lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.8)  # noqa: E731
    assert ours(config, 5)[::5] == pytest.approx(torchs(make, 6), abs=1e-12)


def test_warm_up_rises_in_equal_steps_and_the_schedule_follows_whole() -> None:
    warmed = ours(TrainingConfig(epochs=4, schedule="cosine", warmup=1.0), 8)
    assert warmed[:8] == pytest.approx([(i + 1) / 8 for i in range(8)])
    assert warmed[8:] == pytest.approx(ours(TrainingConfig(epochs=3, schedule="cosine"), 8))


@given(
    st.sampled_from(SCHEDULES),
    st.integers(1, 40),
    st.integers(1, 30),
    st.floats(0, 50),
    st.floats(0.01, 0.99),
    st.floats(0, 1),
)
def test_every_factor_is_finite_and_from_0_to_1(
    name: str, epochs: int, steps: int, warmup: float, peak: float, final: float
) -> None:
    config = TrainingConfig(epochs=epochs, schedule=name, warmup=warmup, peak_at=peak, final_factor=final)
    for factor in ours(config, steps):
        assert math.isfinite(factor)
        assert -1e-12 <= factor <= 1 + 1e-12
