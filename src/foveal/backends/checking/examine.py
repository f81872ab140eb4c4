"""One node forward and backward: the module as it trains, in float32, against float64 and against a second algorithm."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from foveal.backends.checking import plain, plain_recurrent
from foveal.backends.checking.plain_activations import activate
from foveal.backends.checking.report import RIGHT, TOLERANCE, WRONG, Checked
from foveal.backends.checking.sites import Site
from foveal.backends.torch_layers import BuildContext, compositions, rules
from foveal.backends.torch_layers.dense import channels_to_end, channels_to_front
from foveal.network import layers as kinds
from foveal.network.node import Node
from foveal.network.shape import Tokens
from foveal.network.tree import Parallel, Residual

assert plain_recurrent  # its rules register themselves

_KINKS = {
    "relu": (0.0,),
    "relu6": (0.0, 6.0),
    "leaky_relu": (0.0,),
    "elu": (0.0,),
    "selu": (0.0,),
    "hard_sigmoid": (0.0, 1.0),
}
_NOISY = (kinds.Dropout, kinds.SpatialDropout2D, kinds.GaussianNoise, kinds.Sampling)


@dataclass(frozen=True)
class Run:
    """What one computation gave: the result, and the gradient by each input and each tensor, all in float64 on the CPU."""

    output: Tensor
    gradients: dict[str, Tensor]


def examine(site: Site, *, batch: int, device: str, seed: int = 0, tolerance: float = TOLERANCE) -> Checked:
    """Check one node.

    Args:
        site: the node and its shapes; every axis is known.
        batch: samples in a batch.
        device: where the module under test computes; what it is compared with is computed on the CPU.
        seed: of inputs and weights.
        tolerance: the largest relative error that counts as right.
    """
    draws = 3 if _has_kinks_inside(site.node) else 1  # a value at a kink may fall on either side by rounding
    errors: dict[str, float] = {}
    for draw in range(draws):
        errors = _Examination(site, batch, device, seed + draw).errors()
        if max(errors.values(), default=0.0) <= tolerance:
            break
    right = max(errors.values(), default=0.0) <= tolerance
    return Checked(
        site.path,
        _named(site.node),
        ", ".join(map(str, site.inputs)),
        str(site.output),
        RIGHT if right else WRONG,
        errors,
        plain.METHODS.get(type(site.node), "its formula"),
        _note(site.node),
    )


def _named(node: Node) -> str:
    if isinstance(node, Parallel):
        return f"Parallel, merge={node.merge!r}"
    return "Residual, the sum" if isinstance(node, Residual) else repr(node)


def _held(node: Node) -> Iterator[Node]:
    yield node
    for _, part in node.held():
        yield from _held(part)


def _random_inside(node: Node) -> bool:
    """Whether it draws numbers in training that cannot be drawn a second time from outside."""
    held = list(_held(node))
    drops = any(getattr(one, "dropout", 0) or getattr(one, "recurrent_dropout", 0) for one in held)
    return drops or any(isinstance(one, _NOISY) for one in held[1:])


def _has_kinks_inside(node: Node) -> bool:
    return any(
        getattr(one, name, None) in _KINKS
        for one in _held(node)
        if isinstance(one, kinds.SimpleRNN | kinds.LSTM | kinds.GRU)
        for name in ("activation", "recurrent_activation")
    )


def _modes(node: Node) -> tuple[bool, ...]:
    """In training, in evaluation, or both where they differ."""
    if _random_inside(node):
        return (False,)
    differ = any(isinstance(one, (kinds.BatchNormalization, *_NOISY)) for one in _held(node))
    return (True, False) if differ else (True,)


def _note(node: Node) -> str:
    if _random_inside(node):
        return "as in evaluation: what it drops in training is drawn inside"
    return "in training and in evaluation" if len(_modes(node)) == 2 else ""


class _Examination:
    """One draw of inputs, weights and upstream gradients, and what each algorithm makes of it."""

    def __init__(self, site: Site, batch: int, device: str, seed: int) -> None:
        self.site, self.batch, self.device, self.seed = site, batch, device, seed
        self.generator = torch.Generator().manual_seed(seed)
        self.inputs = [self._drawn(shape) for shape in site.inputs]
        self.module = self._module()

    def _drawn(self, shape: Any) -> Tensor:
        """A batch in float32, channels first; tokens that the layer has rows for."""
        sizes = (self.batch, *(n or 1 for n in shape.axes))
        if isinstance(shape, Tokens):
            rows = getattr(self.site.node, "input_dim", 2)
            return torch.randint(0, rows, sizes, generator=self.generator)
        return channels_to_front(torch.randn(sizes, generator=self.generator))

    def _module(self) -> nn.Module:
        site = self.site
        if isinstance(site.node, Parallel | Residual):
            parts = [(f"branch{number}", _Pick(number)) for number in range(len(site.inputs))]
            if isinstance(site.node, Residual):
                return compositions.Residual(parts, site.overwrite)
            return compositions.MERGES[site.node.merge](parts)
        place = BuildContext(site.path, site.inputs[0], site.output, self.generator, site.overwrite)
        module = rules.for_node(site.node, site.path)(site.node, place)
        with torch.no_grad():  # biases of zero and factors of one would hide mistakes
            for name, tensor in module.state_dict().items():
                if tensor.is_floating_point() and tensor.numel() and bool((tensor == tensor.flatten()[0]).all()):
                    tensor.add_(torch.randn(tensor.shape, generator=self.generator), alpha=0.1)
                if name.endswith("running_var"):
                    tensor.abs_().add_(0.1)
        return module

    def errors(self) -> dict[str, float]:
        """The largest relative error of each quantity, over modes and memory layouts."""
        found: dict[str, float] = {}
        for training in _modes(self.site.node):
            self._compare(training, found)
        return found

    def _compare(self, training: bool, found: dict[str, float]) -> None:
        noisy = training and isinstance(self.site.node, _NOISY)
        drawn = self._numbers() if noisy else None
        sizes = (self.batch, *(n or 1 for n in self.site.output.axes))
        above = channels_to_front(torch.randn(sizes, generator=self.generator))
        above = self._away_from_kinks(above, training, noisy)
        references = [self._second(training, above, drawn)]
        if not noisy:  # float64 would draw other numbers
            references.append(self._float64(training, above))
        for last in (True,) if noisy else (True, False):  # numbers are drawn in the order of memory
            run = self._under_test(training, above, last)
            for reference in references:
                for name, expected in (("output", reference.output), *reference.gradients.items()):
                    given = run.output if name == "output" else run.gradients.get(name)
                    error = math.inf if given is None else relative(given, expected)
                    found[name] = max(found.get(name, 0.0), error)

    def _packed(self, inputs: list[Tensor]) -> Any:
        """What the module is called with: none of it a leaf, so that it may be written over."""
        copies = [x.clone() if x.is_floating_point() else x for x in inputs]
        return copies if isinstance(self.site.node, Parallel | Residual) else copies[0]

    def _double(self, training: bool) -> nn.Module:
        return copy.deepcopy(self.module).double().train(training)

    def _numbers(self) -> Tensor:
        """The random numbers that the module will draw, channels last, as factors or as noise."""
        node, x = self.site.node, _laid(self.inputs[0].to(self.device), True)
        if isinstance(node, kinds.Dropout | kinds.SpatialDropout2D):
            made = self._seeded(lambda: copy.deepcopy(self.module).to(self.device).train()(torch.ones_like(x)))
            return channels_to_end((made != 0).double().cpu())
        like = x[:, : node.units] if isinstance(node, kinds.Sampling) else x
        return channels_to_end(self._seeded(lambda: torch.randn_like(like)).double().cpu())

    def _seeded(self, make: Callable[[], Any]) -> Any:
        torch.manual_seed(self.seed)
        return make()

    def _away_from_kinks(self, above: Tensor, training: bool, noisy: bool) -> Tensor:
        """No gradient where a fused activation is so near its kink that rounding decides the side."""
        kinks = [k for one in _held(self.site.node) for k in _KINKS.get(getattr(one, "activation", ""), ())]
        if not kinks or noisy or _has_kinks_inside(self.site.node):
            return above
        with torch.no_grad():
            exact = self._double(training)(self._packed(_leaves(self.inputs, torch.float64)))
            near = torch.zeros_like(exact, dtype=torch.bool)
            small = 1e-5 * float(exact.abs().max())
            x = self._packed([_laid(t.to(self.device), True) for t in self.inputs])
            single = copy.deepcopy(self.module).to(self.device).train(training)(x).double().cpu()
            for kink in kinks:
                near |= ((exact - kink).abs() < small) & ((exact != kink) | (single != kink))
        return above.masked_fill(near, 0.0)

    def _under_test(self, training: bool, above: Tensor, last: bool) -> Run:
        """The module as it trains, in float32; ``last``: values channels last in memory, or channels first."""
        module = copy.deepcopy(self.module).to(self.device).train(training)
        leaves = [_laid(t.to(self.device), last).requires_grad_(t.is_floating_point()) for t in self.inputs]
        output = self._seeded(lambda: module(self._packed(leaves)))
        return _backward(output, _laid(above.to(self.device), last), leaves, dict(module.named_parameters()))

    def _float64(self, training: bool, above: Tensor) -> Run:
        """The same operations in float64, which oneDNN does not have: PyTorch's own."""
        module, leaves = self._double(training), _leaves(self.inputs, torch.float64)
        output = module(self._packed(leaves))
        return _backward(output, above.double(), leaves, dict(module.named_parameters()))

    def _second(self, training: bool, above: Tensor, drawn: Tensor | None) -> Run:
        """Elementary operations in float64, channels last."""
        learned = {name for name, p in self.module.named_parameters() if p.requires_grad}
        weights = {
            name: t.detach().cpu().to(torch.float64 if t.is_floating_point() else t.dtype, copy=True)
            for name, t in self.module.state_dict().items()
        }
        for name in learned:
            weights[name].requires_grad_()
        leaves = _leaves(self.inputs, torch.float64)
        ends = [channels_to_end(leaf) for leaf in leaves]
        node = self.site.node
        if isinstance(node, Residual):
            made = ends[0] + ends[1]
        elif isinstance(node, Parallel):
            made = _merged(node.merge, ends)
        else:
            made = plain.forward(node, ends[0], plain.Given(weights, training, drawn))
        return _backward(channels_to_front(made), above.double(), leaves, {name: weights[name] for name in learned})


class _Pick(nn.Module):
    """A branch that hands over its own of the prepared inputs."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def forward(self, inputs: list[Tensor]) -> Tensor:
        return inputs[self.number]


def _merged(merge: str, ends: list[Tensor]) -> Tensor:
    if merge == "concat":
        return torch.cat(ends, -1)
    if merge == "add":
        return torch.stack(ends).sum(0)
    queries, memory = ends
    shares = activate("softmax", torch.einsum("nqd,nmd->nqm", queries, memory))
    return torch.cat([queries, torch.einsum("nqm,nmd->nqd", shares, memory)], -1)


def _leaves(inputs: list[Tensor], dtype: torch.dtype) -> list[Tensor]:
    return [t.to(dtype, copy=True).requires_grad_() if t.is_floating_point() else t for t in inputs]


def _laid(x: Tensor, last: bool) -> Tensor:
    """A copy with its channels last in memory, or first."""
    if x.dim() < 3:
        return x.clone()
    return x.movedim(1, -1).contiguous().movedim(-1, 1) if last else x.contiguous().clone()


def _backward(output: Tensor, above: Tensor, inputs: list[Tensor], weights: dict[str, Tensor]) -> Run:
    named = {f"by input {n}" if n > 1 else "by input": x for n, x in enumerate(inputs, 1) if x.requires_grad}
    named.update((f"by {name.replace('_', ' ')}", w) for name, w in weights.items() if w.requires_grad)
    found: dict[str, Tensor | None] = dict.fromkeys(named)
    if named and output.requires_grad:
        grads = torch.autograd.grad(output, list(named.values()), above.to(output.dtype), allow_unused=True)
        found = dict(zip(named, grads, strict=True))
    gradients = {
        name: (torch.zeros_like(leaf) if grad is None else grad).detach().double().cpu()
        for (name, leaf), grad in zip(named.items(), found.values(), strict=True)
    }
    return Run(output.detach().double().cpu(), gradients)


def relative(given: Tensor, expected: Tensor) -> float:
    """The greatest difference as a share of the greatest value; infinite where shapes differ or a value is not a number.

    Example:
        >>> relative(torch.tensor([1.0, 2.5]), torch.tensor([1.0, 2.0]))
        0.25
    """
    if given.shape != expected.shape:
        return math.inf
    if not given.numel():
        return 0.0
    difference, size = float((given - expected).abs().max()), float(expected.abs().max())
    if not math.isfinite(difference):
        return math.inf
    return difference / size if size else difference
