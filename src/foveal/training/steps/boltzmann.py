"""Learning from examples without answers: a restricted Boltzmann machine by contrastive divergence.

The gradient of the log-likelihood is what raises the data's probability minus what the model itself believes in
(Hinton 2002, "Training Products of Experts by Minimizing Contrastive Divergence", equation 5):

    ∂ ln p(v) / ∂θ = −∂F(v)/∂θ + E over the model's own v' of ∂F(v')/∂θ

with the free energy F(v) = −b·v − Σⱼ ln(1 + e^(cⱼ + Wⱼ·v)). The expectation has 2ⁿ terms; a few steps of Gibbs sampling
stand in for it. CD-k starts them at the examples of the batch, persistent CD goes on where the last batch's ended
(Tieleman 2008, "Training Restricted Boltzmann Machines using Approximations to the Likelihood Gradient").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foveal.data.batches.protocol import mixed
from foveal.training.config import TrainingConfig
from foveal.training.steps import Values
from foveal.training.steps.base import LossStep

_FLIPS = 11  # a stream of random numbers of its own, so that measuring changes nothing in training


class Machine(Protocol):
    """What a restricted Boltzmann machine's module does: both directions, and its free energy."""

    def up(self, visible: Tensor) -> Tensor:
        """N × visible values → N × hidden probabilities."""

    def down(self, hidden: Tensor) -> Tensor:
        """N × hidden values → N × visible probabilities."""

    def free_energy(self, visible: Tensor) -> Tensor:
        """N × visible values → N energies, in nats."""


def gibbs(machine: Machine, visible: Tensor, steps: int, generator: torch.Generator | None = None) -> Tensor:
    """Visible states after so many steps up and down, both drawn: N × visible zeros and ones.

    Args:
        machine: the model.
        visible: N × visible values to begin with.
        steps: k.
        generator: of the random numbers; torch's global one, whose state a checkpoint keeps, where none is given.
    """
    with torch.no_grad():
        for _ in range(steps):
            hidden = torch.bernoulli(machine.up(visible), generator=generator)
            visible = torch.bernoulli(machine.down(hidden), generator=generator)
    return visible


def pseudo_likelihood(machine: Machine, visible: Tensor, pixels: Tensor) -> Tensor:
    """A stochastic stand-in for the log-likelihood of each example, in nats: n · ln p(v_i | all others), i drawn.

    The pseudo-likelihood (Besag 1975) is Σᵢ ln p(vᵢ | v without i), where p(vᵢ | …) = σ(F(ṽ) − F(v)) and ṽ is v with pixel
    i turned over. One pixel an example, times n, has the same expectation.

    Args:
        machine: the model.
        visible: N × n zeros and ones.
        pixels: N whole numbers, the pixel that is turned over in each.
    """
    turned = visible.clone()
    rows = torch.arange(len(visible), device=visible.device)
    turned[rows, pixels] = 1 - turned[rows, pixels]
    return visible.shape[1] * F.logsigmoid(machine.free_energy(turned) - machine.free_energy(visible))


class ContrastiveDivergence(LossStep):
    """One restricted Boltzmann machine inside a network, trained on what the layers before it make of the examples.

    The loss whose gradient is taken is F(examples) − F(end of the chains), the ends held fixed. What is shown as ``loss`` is
    the reconstruction's cross-entropy, in nats an example: contrastive divergence has no objective of its own that could
    be watched. Measured on other examples are also the pseudo-likelihood, and how far their free energy lies above that of
    training examples: a gap that grows is overfitting (Hinton 2010, "A Practical Guide to Training RBMs", section 6).

    Args:
        module: the network. A batch is ``(inputs, …)``; answers are not looked at. Values are 0 or 1, or probabilities.
        config: optimizer and the rest; computed in float32 whatever its precision.
        steps_per_epoch: for the schedule.
        path: of the machine; its siblings before it are run upwards, and do not learn.
        gibbs_steps: k, steps of a chain a batch.
        persistent: whether chains go on from batch to batch.
        watched: training examples as the network takes them, whose free energy others' is compared with.
    """

    def __init__(
        self,
        module: nn.Module,
        config: TrainingConfig,
        steps_per_epoch: int,
        *,
        path: str = "rbm",
        gibbs_steps: int = 1,
        persistent: bool = False,
        watched: Tensor | None = None,
    ) -> None:
        self.below, self.machine = beneath(module, path)
        super().__init__(module, config, steps_per_epoch, learner=self.machine, ends=())
        self.gibbs_steps, self.persistent = gibbs_steps, persistent
        self.chains: Tensor | None = None
        device = self.optimizer.parameters[0].device
        self._watched = None if watched is None else self._reached(watched.to(device))

    def _learned(self, batch: Any) -> Values:
        visible = self._reached(batch[0])
        begin = visible if not self.persistent or self.chains is None else self.chains
        dreamt = gibbs(self.machine, begin, self.gibbs_steps)
        if self.persistent:
            self.chains = dreamt
        self.optimizer.step(self.machine.free_energy(visible).mean() - self.machine.free_energy(dreamt).mean())
        with torch.no_grad():
            return {"loss": self._reconstruction(visible)}

    def _validation(self) -> Callable[[Any], Values]:
        flips = torch.Generator().manual_seed(mixed(self.seed, _FLIPS))  # the same pixels after every epoch
        watched = None if self._watched is None else self.machine.free_energy(self._watched).mean()

        def measure(batch: Any) -> Values:
            visible = self._reached(batch[0])
            pixels = torch.randint(visible.shape[1], (len(visible),), generator=flips).to(visible.device)
            values = {
                "loss": self._reconstruction(visible),
                "pseudo_likelihood": pseudo_likelihood(self.machine, visible, pixels).mean(),
            }
            if watched is not None:
                values["free_energy_gap"] = self.machine.free_energy(visible).mean() - watched
            return values

        return measure

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "chains": self.chains}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        chains = state["chains"]
        self.chains = None if chains is None else chains.to(self.optimizer.parameters[0].device)

    def _reached(self, inputs: Tensor) -> Tensor:
        """What arrives at the machine."""
        return reached(self.below, inputs)

    def _reconstruction(self, visible: Tensor) -> Tensor:
        """The cross-entropy of examples and what comes back of them, up and down without drawing; nats an example."""
        back = self.machine.down(self.machine.up(visible))
        return F.binary_cross_entropy(back, visible, reduction="sum") / len(visible)


def beneath(module: nn.Module, path: str) -> tuple[list[nn.Module], Any]:
    """The layers before the machine at ``path``, in the chain that it belongs to, and the machine."""
    *above, name = path.split("/")
    chain = module.get_submodule(".".join(above))
    before = list(chain.named_children())
    place = [sibling for sibling, _ in before].index(name)
    return [layer for _, layer in before[:place]], before[place][1]


def reached(below: Iterable[nn.Module], inputs: Tensor) -> Tensor:
    """What the layers make of inputs, without a trace for gradients."""
    with torch.no_grad():
        for layer in below:
            inputs = layer(inputs)
    return inputs
