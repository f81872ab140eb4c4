"""The PyTorch backend: a network becomes an ordinary ``torch.nn.Module``.

Modules carry the tree's names: the node ``features/conv1`` is ``module.features.conv1``, its kernel the tensor
``features.conv1.weight`` of ``state_dict()`` and ``features/conv1/weight`` of the model file. Inside, batches are
N × channels × height × width in channels_last memory; arrays outside are N × height × width × channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from foveal.arithmetic.counts import counted, total
from foveal.arithmetic.shapes import Traced, trace
from foveal.backends import capacity
from foveal.backends.memory import building
from foveal.backends.torch_layers import BuildContext, compositions, rules
from foveal.backends.torch_layers.activations import Activation
from foveal.backends.torch_layers.convolution import penalised
from foveal.backends.torch_layers.dense import channels_to_end, channels_to_front
from foveal.backends.torch_layers.ending import note_logits
from foveal.backends.values import as_tensor
from foveal.errors import DataError, ShapeError
from foveal.network import layers as kinds
from foveal.network.node import Node
from foveal.network.shape import Image, Shape, Tokens
from foveal.network.tree import Auxiliary, Parallel, Residual, Sequential, children, find, walk

Answer = Tensor | tuple[Tensor, list[Tensor]]


class Network(compositions.Chain):
    """A whole network.

    Called on a batch N × channels × height × width (float, 0…1), it returns the answers; in training, a network with side
    heads returns ``(answers, [answers of each head])``.

    Attributes:
        network: the tree it was built from, with the input shape it was built for.
        input_shape, output_shape: of one sample, channels last.
        auxiliary_weights: what each side head's loss counts, in the order of the heads' answers.
    """

    def __init__(
        self, parts: Iterable[tuple[str, nn.Module]], root: Traced, heads: list[float], answers: dict[int, Tensor]
    ) -> None:
        super().__init__(parts)
        assert isinstance(root.node, Sequential)
        assert root.output is not None
        self.network, self.input_shape, self.output_shape = root.node.with_input(root.input), root.input, root.output
        self.auxiliary_weights = tuple(heads)
        self._answers = answers
        self._fitting: dict[
            tuple[tuple[int | None, ...], int, int | None], int
        ] = {}  # samples at once, as asked before
        self._sample = _channels_first(root.input)
        self._counted = isinstance(root.input, Tokens)  # whole numbers come in
        self._penalties = [
            (_descend(self, path), name, rule) for path, node in walk(root.node) for name, rule in penalised(node)
        ]

    def forward(self, x: Tensor) -> Answer:
        if x.shape[1:] != self._sample or x.is_floating_point() is self._counted:
            self._check(x)
        if x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        answer: Tensor = super().forward(x)
        if not self.training or not self.auxiliary_weights:
            return answer
        side = [self._answers.pop(number) for number in range(len(self.auxiliary_weights))]
        return answer, side

    def _check(self, x: Tensor) -> None:
        """Raise unless each known axis agrees."""
        fits = x.dim() - 1 == len(self._sample) and all(
            n in (None, m) for n, m in zip(self._sample, x.shape[1:], strict=True)
        )
        if not fits:
            asked = " × ".join("?" if n is None else str(n) for n in self._sample)
            raise ShapeError(
                "the batch is not of the network's input shape",
                where=self.network.name or "network",
                given=f"a batch of shape {' × '.join(map(str, x.shape))}",
                expected=f"N × {asked}" + (" (channels first, as inside PyTorch)" if len(self._sample) > 1 else ""),
                fix=[
                    "module.predict(array) takes arrays with channels last",
                    "build(network, input=…) for another size",
                ],
            )
        if self._counted and (x.is_floating_point() or x.is_complex() or x.dtype == torch.bool):
            raise DataError(
                "tokens are whole numbers",
                where=self.network.name or "network",
                given=f"a batch of {x.dtype}",
                expected="whole numbers, each the index of a row of the Embedding",
                fix="x.long()",
            )
        if not self._counted and not x.is_floating_point():
            raise DataError(
                "a network computes on floating-point values",
                where=self.network.name or "network",
                given=f"a batch of {x.dtype}",
                expected="float values, pixels from 0 to 1",
                fix=["x.float() / 255", "module.predict(array) takes uint8 pixels as they are"],
            )

    def regularization_loss(self) -> Tensor | None:
        """Σ l1 · Σ|w| + l2 · Σw² over the layers that have a regulariser; None where none has."""
        total: Tensor | None = None
        for module, name, rule in self._penalties:
            weight: Tensor = attrgetter(name)(module)
            for factor, size in ((rule.l1, weight.abs), (rule.l2, weight.square)):
                if factor:
                    term = size().sum() * factor
                    total = term if total is None else total + term
        return total

    def node(self, path: str) -> nn.Module:
        """The module at a node path, whatever its name.

        Raises:
            UnknownName: the network has no such node.
        """
        try:
            return _descend(self, path)
        except KeyError:
            find(self.network, path)  # explains
            raise

    def keep_inputs(self) -> Network:
        """Let no layer write over another's result: for tools that keep what they saw, and for full backward hooks."""
        for module in self.modules():
            if isinstance(module, Activation | compositions.Residual):
                module.overwrite = False
        return self

    def as_input(self, images: np.ndarray[Any, Any] | Tensor) -> Tensor:
        """An array with channels last as a batch on the module's device; see :func:`as_nchw`."""
        tensor = next((p for p in self.parameters()), None)
        batch = as_nchw(images, self.input_shape)
        if tensor is None:
            return batch
        return batch.to(tensor.device, tensor.dtype if batch.is_floating_point() else None)

    def batch_that_fits(self, wanted: int, sample: tuple[int, ...] | None = None) -> int:
        """How many samples may be computed at once without gradients: ``wanted``, or as many as the limit of memory holds.

        Args:
            wanted: samples at once.
            sample: sizes of one sample, channels last; None takes the network's own.

        Raises:
            OutOfMemory: a single sample takes more memory than is allowed (:func:`foveal.allow_memory`).
        """
        own = self.input_shape.spatial
        spatial = own if sample is None else sample[: len(own)]
        if len(spatial) < len(own) or 0 in spatial:
            return wanted  # no sample of this network: what is wrong is said where it goes in
        asked = spatial, wanted, capacity.allowed()
        if asked not in self._fitting:
            self._fitting[asked] = capacity.batch_that_fits(self.network, self.input_shape.resized(spatial), wanted)
        return self._fitting[asked]

    @torch.inference_mode()
    def predict(self, images: np.ndarray[Any, Any], batch_size: int = 256, *, part: str = "") -> np.ndarray[Any, Any]:
        """The answers for an array N × height × width × channels: as an array, channels last, computed as in evaluation.

        Args:
            images: uint8 pixels (divided by 255), or float values as the network wants them. The channel axis of grey
                pictures may be left out. Tokens are whole numbers of any type, N × length, and stay what they are.
            batch_size: how many are computed at once; fewer where they take more memory than is allowed. The answers are
                the same.
            part: the path of a node, of which alone the answers are asked: ``encoder``. The array is then what goes in there.

        Raises:
            OutOfMemory: a single sample takes more memory than is allowed (:func:`foveal.allow_memory`).
            UnknownName: the network has no such node.
        """
        batch_size = self.batch_that_fits(batch_size, None if part else np.shape(images)[1:])
        module = self.node(part) if part else self
        with evaluating(self):
            answers = [
                channels_to_end(module(self.as_input(images[start : start + batch_size]))).float().cpu().numpy()
                for start in range(0, max(1, len(images)), batch_size)
            ]
        return np.concatenate(answers)


def build(
    network: Sequential,
    input: Shape | Iterable[int | None] | int | str | None = None,
    *,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Network:
    """The module of a network, with first values drawn from ``seed``.

    Args:
        network: the tree.
        input: the shape of one sample; None takes the network's own. Unknown axes (None) take any size.
        seed: the same seed gives the same bits, whatever else drew random numbers before.
        device: where the tensors lie; "meta" makes an outline that has shapes and takes no memory.

    Raises:
        ShapeError: the layers do not fit together.
        DescriptionError: no input shape is known, or an initialiser cannot make the tensor.
        RuleMissing: a layer has no rule here.
        OutOfMemory: the machine has less memory than the parameters take, or the activations of one sample take more than
            is allowed (:func:`foveal.allow_memory`).

    Example:
        >>> from foveal.network import Sequential
        >>> from foveal.network.layers import Conv2D, Dense, Flatten
        >>> module = build(Sequential([Conv2D(8, 3, activation="relu", name="conv"), Flatten(), Dense(10)]), (28, 28, 1))
        >>> module.conv.weight.shape, module(torch.zeros(2, 1, 28, 28)).shape
        (torch.Size([8, 1, 3, 3]), torch.Size([2, 10]))
    """
    outline = torch.device(device).type == "meta"
    traced = {step.path: step for step in trace(network, input)}
    if outline:
        return _Builder(traced, None).network().to(device)
    counts = total(counted(traced.values()).values())
    with building(4 * (counts.parameters + counts.fixed), network.name or "the network"):
        capacity.check_one_sample(tuple(traced.values()), network.name or "the network")
        return _Builder(traced, torch.Generator().manual_seed(seed)).network().to(device)


class _Builder:
    """One walk over the tree, in the order of its paths, so that first values are drawn in that order."""

    def __init__(self, traced: dict[str, Traced], generator: torch.Generator | None) -> None:
        self.traced, self.generator = traced, generator
        self.heads: list[float] = []
        self.answers: dict[int, Tensor] = {}

    def network(self) -> Network:
        root = self.traced[""]
        built = Network(self.chain(root.node, "", False), root, self.heads, self.answers)
        note_logits(built.network, built.node)
        return built

    def chain(self, node: Node, path: str, own: bool) -> Iterator[tuple[str, nn.Module]]:
        """The children of a Sequential; ``own`` says whether its input is nobody else's."""
        for name, child in children(node):
            yield name, self.module(child, _join(path, name), own)
            own = owns_result(child, own)

    def module(self, node: Node, path: str, own: bool) -> nn.Module:
        if isinstance(node, Sequential):
            return compositions.Chain(self.chain(node, path, own))
        if isinstance(node, Auxiliary):
            number = len(self.heads)
            self.heads.append(node.weight)
            return compositions.Auxiliary(self.branches(node, path), number, self.answers)
        if isinstance(node, Residual):
            return compositions.Residual(self.branches(node, path), owns_result(node.body, False))
        if isinstance(node, Parallel):
            return compositions.MERGES[node.merge](self.branches(node, path))
        step = self.traced[path]
        assert step.output is not None
        return rules.for_node(node, path)(node, BuildContext(path, step.input, step.output, self.generator, own))

    def branches(self, node: Node, path: str) -> Iterator[tuple[str, nn.Module]]:
        """Children that share one input, so that none may write over it."""
        for name, child in children(node):
            yield name, self.module(child, _join(path, name), False)


_SUMS = (
    kinds.Conv1D, kinds.Conv2D, kinds.Conv3D, kinds.DepthwiseConv2D, kinds.SeparableConv2D, kinds.Conv2DTranspose, kinds.Dense
)  # fmt: skip


def owns_result(node: Node, own: bool) -> bool:
    """Whether what comes out of ``node`` may be written over: no other branch reads it, and backward does not need it.

    Args:
        node: the layer or composition.
        own: the same of what goes in.

    Example:
        >>> owns_result(kinds.Conv2D(8, 3), False), owns_result(kinds.Conv2D(8, 3, activation="relu"), False)
        (True, False)
    """
    if isinstance(node, Sequential):
        for layer in node.layers:
            own = owns_result(layer, own)
        return own
    if isinstance(node, _SUMS):
        return node.activation == "linear"
    if isinstance(node, Parallel):
        return len(node.branches) > 1
    return isinstance(node, kinds.BatchNormalization | Residual)


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _descend(module: nn.Module, path: str) -> nn.Module:
    for name in path.split("/") if path else ():
        child = module._modules[name]
        assert child is not None
        module = child
    return module


def _channels_first(shape: Shape) -> tuple[int | None, ...]:
    return shape.spatial if isinstance(shape, Tokens) else (shape.channels, *shape.spatial)


# Arrays in, layers out ------------------------------------------------------------------------------------------------


def as_nchw(images: np.ndarray[Any, Any] | Tensor, shape: Shape | None = None) -> Tensor:
    """A float batch N × channels × … of an array with channels last; float32 arrays are not copied.

    Args:
        images: N × height × width × channels, or N × n. uint8 is divided by 255, everything else taken as it is. For
            Tokens: whole numbers N × length, which become int64.
        shape: the network's input; a grey picture's channel axis may then be missing.

    Raises:
        DataError: the array's values are not numbers, or tokens are not whole ones.

    Example:
        >>> as_nchw(np.zeros((2, 28, 28, 3), np.uint8)).shape
        torch.Size([2, 3, 28, 28])
    """
    batch = as_tensor(images, "network") if isinstance(images, np.ndarray) else images
    if isinstance(shape, Tokens):
        if batch.is_floating_point() or batch.dtype == torch.bool:
            raise DataError(
                "tokens are whole numbers",
                given=f"dtype {batch.dtype}",
                expected="an array of integers, each the index of a row of the Embedding",
                fix="array.astype('int64')",
            )
        return batch.long()
    if isinstance(shape, Image) and shape.c == 1 and batch.dim() == 3:
        batch = batch.unsqueeze(-1)
    batch = batch.float() / 255 if batch.dtype == torch.uint8 else batch.to(torch.float32)
    return channels_to_front(batch)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """The module as in evaluation inside the block; afterwards each part as it was."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in before:
            part.training = mode


def layer_outputs(module: Network, x: Tensor, paths: Iterable[str] | None = None) -> dict[str, Tensor]:
    """What comes out at each path for a batch: copies, since a later layer may write over an earlier one's result.

    Args:
        module: the network's module, used in the mode (training or evaluation) that it is in.
        x: a batch, channels first.
        paths: node paths; None asks for all. Heads that do not run give nothing.

    Raises:
        UnknownName: the network has no such node.

    Example:
        >>> from foveal.network import Sequential
        >>> module = build(Sequential([kinds.Flatten(), kinds.Dense(10)]), (4, 4, 1))
        >>> {path: tuple(found.shape) for path, found in layer_outputs(module, torch.zeros(1, 1, 4, 4)).items()}
        {'flatten_1': (1, 16), 'dense_1': (1, 10), '': (1, 10)}
    """
    found: dict[str, Tensor] = {}

    def keep(path: str) -> Any:
        def hook(part: nn.Module, inputs: object, output: Any) -> None:
            found[path] = (output[0] if isinstance(output, tuple) else output).clone()

        return hook

    asked = [path for path, _ in walk(module.network)] if paths is None else list(paths)
    hooks = [module.node(path).register_forward_hook(keep(path)) for path in asked]
    try:
        module(x)
    finally:
        for hook in hooks:
            hook.remove()
    return found
