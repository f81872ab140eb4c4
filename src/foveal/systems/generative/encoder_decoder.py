"""What autoencoders share: their data, training as a stage, codes and what comes back, and principal components beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal import zoo
from foveal.runs.settings import Setting
from foveal.systems.image_tools import as_values, squared_error
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet, Split
    from foveal.network.tree import Sequential
    from foveal.runs.run import Run
    from foveal.training.history import History
    from foveal.training.steps import Step

RECIPE = TrainingConfig(epochs=10, batch_size=128, lr=2e-3, schedule="one-cycle", peak_at=0.2, loss="mse", metrics=())
"""On Fashion-MNIST with seed 0, mean squared error a test pixel, on one thread: autoencoder 0.0087 at 32 numbers
(PCA 0.0145; better at each of six sizes), 2 min 54 s for all; convolutional 0.0098 (better at each of three), 1 min 45 s;
sparse 0.0093 at 64 units of which 15 are active (PCA 0.0098 with 64 numbers, 0.0203 with 15), 47 s; denoising 0.0107
(before 0.0526; PCA 0.0207), 58 s. Small convolutions are faster in float32 than in bfloat16 on the CPU, dense layers
slower."""
CODE = Setting("code", 32, "numbers in the code of the model that is kept", at_least=1)
SMALL = {"epochs": 2, "batch_size": 32}  # of a quick run


@dataclass(frozen=True)
class Parts:
    """The data as these systems use them: what is learned from, what choices are made on, what is measured once."""

    data: DataSet
    train: Split
    validation: Split
    test: Split


def parts(run: Run) -> Parts:
    """The data set's parts; a set without a test part is measured on the one put aside."""
    data = run.pictures()
    train, held = run.split(data.train)
    validation = held if held is not None else train
    return Parts(data, train, validation, data.test if data.test is not None else validation)


def trained(
    run: Run, stage: str, tree: Sequential, own: Parts, make_step: Callable[..., Step]
) -> tuple[Network, History]:
    """One autoencoder, trained as a stage."""
    from foveal.network import codec

    module = run.build(tree)
    batches = run.batches(own.train, training=True)
    held = run.batches(own.validation, training=False, at_once=512)
    history = run.train(stage, module, make_step, batches, held, fingerprint={"network": codec.to_dict(tree)})
    return module, history


def encoded(module: Network, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The codes (N, k) of uint8 pictures, in evaluation; a code of feature maps in one row, map after map."""
    codes = module.predict(pictures, 500, part="encoder")
    return np.moveaxis(codes, -1, 1).reshape(len(codes), -1)


def decoded(module: Network, codes: NDArray[np.floating]) -> NDArray[np.float32]:
    """Pictures (N, height, width, channels), values from 0 to 1, of codes (N, k)."""
    return module.predict(codes, 500, part="decoder")


class Components:
    """Principal component analysis of a training part: the best linear code of every size at once.

    Args:
        train: whose pictures it is fitted on (scikit-learn, exact).

    Attributes:
        most: components there are.
    """

    def __init__(self, train: Split) -> None:
        from sklearn.decomposition import PCA

        rows = as_values(train.images).reshape(len(train), -1)
        fitted = PCA(svd_solver="covariance_eigh" if len(rows) > rows.shape[1] else "full").fit(rows)
        self._mean, self._axes = fitted.mean_.astype(np.float32), fitted.components_.astype(np.float32)
        self.most = len(self._axes)

    def projected(self, values: NDArray[np.float32], size: int) -> NDArray[np.float32]:
        """The first ``size`` coordinates (N, size) of pictures with values from 0 to 1."""
        return np.asarray((values.reshape(len(values), -1) - self._mean) @ self._axes[:size].T)

    def back(self, values: NDArray[np.float32], size: int) -> NDArray[np.float32]:
        """The same pictures out of that many coordinates, cut to 0 … 1, which only brings them nearer."""
        found = self.projected(values, size) @ self._axes[:size] + self._mean
        return np.asarray(np.clip(found, 0, 1).reshape(values.shape), dtype=np.float32)

    def error(self, values: NDArray[np.float32], size: int) -> float:
        """The mean squared error a pixel at a code of ``size`` numbers."""
        return squared_error(self.back(values, min(size, self.most)), values)


def keep(run: Run, tree: Sequential, module: Network, own: Parts, error: float, name: str = "model") -> None:
    """Write the model file, with what was measured."""
    run.save_model(
        tree, module, name, classes=list(own.data.classes),
        training={"data": own.data.name, "config": run.config.to_json(), "test": {"mse": error}},
    )  # fmt: skip


def described(name: str, shape: tuple[int, ...], **arguments: Any) -> Sequential:
    """The zoo's tree for pictures of a shape."""
    return zoo.create(name, input_shape=shape, **arguments)
