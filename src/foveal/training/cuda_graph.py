"""On a GPU: record a step's kernels once and replay them, which costs one launch a step instead of hundreds.

A small network's step is shorter than the time the host needs to launch its kernels. A CUDA graph holds them with
their arguments, so every tensor in it must stay where it is: the inputs are copied into fixed tensors before a replay,
the learning rate is a tensor that the host fills, gradients live in the graph's own pool, and the values it leaves are
read before the next replay overwrites them. Dropout draws new numbers each time, because capture registers torch's
generator with the graph.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from foveal.errors import first_line
from foveal.training.steps import Step, Values

WARM_UP_STEPS = 3  # torch asks for a few eager runs on a side stream: libraries initialise, algorithms are chosen


class GraphedStep:
    """A step that records itself. Batches of another shape (the last of an epoch) run as they always did.

    The warm-up steps are real steps of the training: nothing is learned twice. Should recording fail, a message says
    so and the steps go on without a graph.

    Args:
        step: a :class:`~foveal.training.steps.Step` that is also :class:`~foveal.training.steps.Capturable`.
        notify: told once if recording fails.
    """

    def __init__(self, step: Any, notify: Callable[[str], None]) -> None:
        self.step = step
        self._notify = notify
        self._warmed = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, ...] = ()
        self._values: Values = {}
        self._shapes: tuple[object, ...] | None = None
        self._given_up = False

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        networks: Mapping[str, nn.Module] = self.step.networks
        return networks

    @property
    def rate(self) -> float:
        return float(self.step.rate)

    def __call__(self, batch: Any) -> Values:
        self.step.before_step()
        values = self._learn(tuple(batch))
        self.step.after_step()
        return values

    def _learn(self, batch: tuple[Any, ...]) -> Values:
        if self._given_up or not all(on_gpu(part) for part in batch):
            return self._eagerly(batch)
        shapes = tuple((part.shape, part.dtype, part.stride()) for part in batch)
        if self._shapes is None:
            self._shapes = shapes
        if shapes != self._shapes:
            return self._eagerly(batch)
        if self._graph is None:
            if self._warmed < WARM_UP_STEPS:
                self._warmed += 1
                return self._on_side_stream(batch)
            if not self._record(batch):
                return self._eagerly(batch)
        for fixed, part in zip(self._inputs, batch, strict=True):
            fixed.copy_(part)
        assert self._graph is not None
        self._graph.replay()
        return self._values

    def _eagerly(self, batch: tuple[Any, ...]) -> Values:
        values: Values = self.step.learn(batch)
        return values

    def _on_side_stream(self, batch: tuple[Tensor, ...]) -> Values:
        current, side = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(current)
        with torch.cuda.stream(side):
            values = self._eagerly(batch)
        current.wait_stream(side)
        for part in (*batch, *values.values()):
            part.record_stream(side)
            part.record_stream(current)
        return values

    def _record(self, batch: tuple[Tensor, ...]) -> bool:
        """Record the kernels; recording computes nothing, so the batch is still to be learned from by a replay."""
        self._inputs = tuple(part.clone(memory_format=torch.preserve_format) for part in batch)
        for network in self.networks.values():
            network.zero_grad(set_to_none=True)  # so that the gradients are made anew, in the graph's pool
        graph = torch.cuda.CUDAGraph()
        try:
            torch.cuda.synchronize()
            with torch.cuda.graph(graph):
                values = self._eagerly(self._inputs)
        except (RuntimeError, AssertionError) as error:
            self._given_up = True
            self._inputs = ()
            for network in self.networks.values():
                network.zero_grad(set_to_none=True)
            with contextlib.suppress(RuntimeError):
                torch.cuda.synchronize()
            self._notify(f"this step cannot be recorded as a CUDA graph and runs without one ({first_line(error)})")
            return False
        self._graph, self._values = graph, values
        return True

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[Callable[[Any], Values]]:
        with self.step.evaluating() as measure:
            yield measure

    def finish(self) -> None:
        self._graph, self._inputs, self._values = None, (), {}
        for network in self.networks.values():
            network.zero_grad(set_to_none=True)
        self.step.finish()

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = self.step.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Before the first step only: a graph that was recorded keeps its addresses."""
        self.step.load_state_dict(state)


def on_gpu(part: object) -> bool:
    """Whether a part of a batch can be copied into the graph's fixed inputs."""
    return isinstance(part, Tensor) and part.is_cuda


def graphed(step: Step, capturable: bool, notify: Callable[[str], None]) -> Step:
    """The step with a graph around it, where it can be recorded."""
    return GraphedStep(step, notify) if capturable else step
