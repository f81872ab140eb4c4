"""A Boltzmann machine small enough for exact sums: what contrastive divergence does to the likelihood itself.

Nine pixels, so that Z is a sum over 2⁹ pictures. The examples are the 14 bars and stripes of 3 × 3 pixels (MacKay 2003,
"Information Theory, Inference, and Learning Algorithms", section 43.2): no model can give all of them more than 1/14, so the
mean log-likelihood cannot exceed −ln 14 = −2.639 nats. Beside contrastive divergence goes the exact gradient.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SIDE, HIDDEN = 3, 12
RATE, MOMENTUM = 0.2, 0.5  # the rate falls along a cosine: persistent chains follow only what moves slowly
COPIES = 8  # of each picture in an update, so that there are 112 chains
LOOKS = (0, 30, 100, 300, 1000, 3000)


def bars_and_stripes(side: int = SIDE) -> Tensor:
    """All pictures whose rows are each all on or all off, and those whose columns are: 2 · 2ˢ − 2 rows of s² values.

    Example:
        >>> bars_and_stripes().shape
        torch.Size([14, 9])
    """
    import torch

    from foveal.systems.energy.partition_function import every_state

    lines = every_state(side).float()
    rows = lines[:, :, None].expand(-1, -1, side).reshape(-1, side * side)
    columns = lines[:, None, :].expand(-1, side, -1).reshape(-1, side * side)
    pictures: Tensor = torch.unique(torch.cat([rows, columns]), dim=0)
    return pictures


def likelihoods(seed: int, updates: int = LOOKS[-1]) -> dict[str, Any]:
    """Train the tiny machine in four ways, and follow the exact log-likelihood.

    Args:
        seed: of first weights and chains.
        updates: of each way; every update sees each of the 14 pictures eight times.

    Returns:
        ``looks``, the numbers of updates; for each way at each look ``log_likelihood`` (mean over the 14 pictures, nats),
        ``log_z`` exactly and ``annealed``, its estimate; ``best``, −ln 14.
    """
    import math

    import torch

    from foveal import zoo
    from foveal.backends.torch import build
    from foveal.systems.energy.partition_function import annealed_log_partition, log_partition
    from foveal.training.config import TrainingConfig
    from foveal.training.steps.boltzmann import ContrastiveDivergence

    pictures = bars_and_stripes()
    looks = [look for look in LOOKS if look <= updates]
    examples = pictures.repeat(COPIES, 1)
    config = TrainingConfig(
        epochs=1,
        optimizer="momentum",
        lr=RATE,
        momentum=MOMENTUM,
        batch_size=len(examples),
        schedule="cosine",
        seed=seed,
    )
    ways: dict[str, Callable[..., Any]] = {
        "exact gradient": ExactGradient,
        "CD-1": ContrastiveDivergence,
        "CD-10": functools.partial(ContrastiveDivergence, gibbs_steps=10),
        "persistent CD": functools.partial(ContrastiveDivergence, persistent=True),
    }
    found: dict[str, Any] = {"looks": looks, "best": -math.log(len(pictures)), "ways": {}}
    for name, way in ways.items():
        module = build(zoo.rbm(pictures.shape[1], hidden=HIDDEN), seed=seed)
        machine: Any = module.node("rbm")
        told: dict[str, list[float]] = {"log_likelihood": [], "log_z": [], "annealed": []}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            step = way(module, config, looks[-1] + 1)
            for update in range(looks[-1] + 1):
                if update in looks:
                    log_z = log_partition(machine)
                    told["log_z"].append(log_z)
                    told["log_likelihood"].append(-float(machine.free_energy(pictures).detach().mean()) - log_z)
                    told["annealed"].append(annealed_log_partition(machine, temperatures=300, seed=seed).log_z)
                step((examples,))
        found["ways"][name] = told
    return found


class ExactGradient:
    """The gradient of the log-likelihood itself, its expectation summed over every picture there could be.

    Args:
        module: a network whose only layer is the machine ``rbm``, of a few visible units.
        config: optimizer and rate.
        steps_per_epoch: for the schedule.
    """

    def __init__(self, module: Any, config: Any, steps_per_epoch: int) -> None:
        from foveal.systems.energy.partition_function import every_state
        from foveal.training.optim.scheduled_optimizer import ScheduledOptimizer

        self.machine = module.node("rbm")
        self.optimizer = ScheduledOptimizer(self.machine, config, steps_per_epoch)
        self.states = every_state(self.machine.weight.shape[1]).float()

    def __call__(self, batch: tuple[Tensor, ...]) -> None:
        """−mean ln p(v) = mean F(v) + ln Z goes down."""
        log_z = (-self.machine.free_energy(self.states)).logsumexp(0)
        self.optimizer.before_step()
        self.optimizer.step(self.machine.free_energy(batch[0]).mean() + log_z)
        self.optimizer.after_step()
