"""How much of the loss' gradient reaches each layer, and the "+1" of a residual block worked on one value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from foveal.backends.torch import Network

BATCH = 128  # images whose mean loss is differentiated


def gradient_norms(module: Network, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> list[float]:
    """‖∂L/∂W‖ of each convolution's kernel, from the first to the last, for one batch in training mode.

    Args:
        module: a classifier whose outputs are logits; its weights and statistics are left as they were.
        images: (N, height, width, channels), of which the first :data:`BATCH` count.
        labels: (N,).

    Example:
        >>> from foveal import zoo
        >>> from foveal.backends.torch import build
        >>> module = build(zoo.deep_cnn(input_shape=(8, 8, 1), depth=8, maps=2), seed=0)
        >>> len(gradient_norms(module, np.ones((4, 8, 8, 1), np.uint8), np.arange(4)))
        7
    """
    import torch

    from foveal.network.layers import Conv2D
    from foveal.network.tree import walk

    kept = {name: value.clone() for name, value in module.state_dict().items()}
    was_training = module.training
    module.train()
    kernels: list[Any] = [module.node(path).weight for path, node in walk(module.network) if isinstance(node, Conv2D)]
    found = torch.autograd.grad(_loss(module, images, labels), kernels)
    module.load_state_dict(kept)
    module.train(was_training)
    return [float(each.double().norm()) for each in found]


@dataclass(frozen=True)
class WorkedUnit:
    """The gradient of one value x that enters a residual block y = F(x) + x.

    Attributes:
        block: the block's path.
        row, column, channel: which value.
        arriving: ∂L/∂y of the same value of the block's result: what the "+1" hands on as it is.
        through_body: Σ ∂L/∂y · ∂F/∂x, what comes back through the two convolutions.
        total: ∂L/∂x as the whole network's backward pass has it, computed apart from the two.
    """

    block: str
    row: int
    column: int
    channel: int
    arriving: float
    through_body: float
    total: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def worked_units(module: Network, image: NDArray[np.uint8], label: int) -> list[WorkedUnit]:
    """For each residual block the value of its input whose arriving gradient is largest, in evaluation, in float64.

    Args:
        module: of a network with residual blocks whose shortcuts are the identity.
        image: (height, width, channels).
        label: its class.

    Example:
        >>> from foveal import zoo
        >>> from foveal.backends.torch import build
        >>> module = build(zoo.deep_cnn(input_shape=(8, 8, 1), depth=8, maps=2), seed=0)
        >>> first, *_ = worked_units(module, np.full((8, 8, 1), 200, np.uint8), 3)
        >>> abs(first.arriving + first.through_body - first.total) < 1e-12
        True
    """
    import copy

    import torch

    from foveal.network.tree import Residual, walk

    double = copy.deepcopy(module).double().eval()
    blocks = [path for path, node in walk(module.network) if isinstance(node, Residual)]
    entered: dict[str, Tensor] = {}
    left: dict[str, Tensor] = {}

    def keep(path: str) -> Any:
        def hook(part: Any, inputs: tuple[Tensor], output: Tensor) -> Tensor:
            entered[path], left[path] = inputs[0], output
            return output.clone()  # the ReLU that follows may write over what it is given

        return hook

    hooks = [double.node(path).register_forward_hook(keep(path)) for path in blocks]
    try:
        loss = _loss(double, image[None], np.array([label]), torch.float64)
    finally:
        for hook in hooks:
            hook.remove()
    found = []
    for path in blocks:
        x, y = entered[path], left[path]
        total, arriving = torch.autograd.grad(loss, [x, y], retain_graph=True)
        begin = x.detach().requires_grad_()
        (through,) = torch.autograd.grad(double.node(f"{path}/body")(begin), begin, grad_outputs=arriving)
        place = int(arriving.abs().argmax())
        channel, row, column = (int(each) for each in np.unravel_index(place, arriving.shape[1:]))
        at = (0, channel, row, column)
        found.append(WorkedUnit(path, row, column, channel, float(arriving[at]), float(through[at]), float(total[at])))
    return found


def _loss(module: Network, images: NDArray[np.uint8], labels: NDArray[np.int64], kind: Any = None) -> Tensor:
    """The mean cross-entropy of a batch."""
    import torch
    from torch.nn.functional import cross_entropy

    device = next(module.parameters()).device
    x = module.as_input(images[:BATCH]).to(device)
    x = x if kind is None else x.to(kind)
    outputs = module(x)
    assert isinstance(outputs, torch.Tensor)
    return cross_entropy(outputs, torch.as_tensor(labels[:BATCH], device=device))
