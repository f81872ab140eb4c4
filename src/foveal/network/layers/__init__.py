"""Every layer, in one closed registry: a description file can name these and nothing else."""

from __future__ import annotations

from foveal.network.layers import convolution, dense, normalization, pooling, recurrent, sequence, stochastic
from foveal.network.layers.convolution import (
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    DepthwiseConv2D,
    SeparableConv2D,
)
from foveal.network.layers.dense import (
    RBF,
    Activation,
    Dense,
    Dropout,
    Flatten,
    Reshape,
    SpatialDropout2D,
    UpSampling2D,
    ZeroPadding2D,
)
from foveal.network.layers.normalization import (
    BatchNormalization,
    LayerNormalization,
    LocalResponseNormalization,
    Normalization,
    Rescaling,
    UnitNormalization,
)
from foveal.network.layers.pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    DistanceWeightedPooling1D,
    DistanceWeightedPooling2D,
    DistanceWeightedPooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    L2Pooling1D,
    L2Pooling2D,
    L2Pooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    MinPooling1D,
    MinPooling2D,
    MinPooling3D,
    Subsampling2D,
)
from foveal.network.layers.recurrent import GRU, LSTM, Bidirectional, SimpleRNN, TimeDistributed
from foveal.network.layers.sequence import Cropping1D, Embedding, Permute
from foveal.network.layers.stochastic import RBM, GaussianNoise, Sampling
from foveal.network.node import Node

LAYERS: dict[str, type[Node]] = {
    name: value
    for family in (convolution, pooling, dense, normalization, sequence, recurrent, stochastic)
    for name, value in vars(family).items()
    if isinstance(value, type) and issubclass(value, Node) and value is not Node and not name.startswith("_")
}

__all__ = sorted(LAYERS)


def of_rank(layer: Node, rank: int) -> list[str]:
    """What the same layer is called for other inputs, if there is one: Keras' names of kin differ in their rank alone.

    Example:
        >>> of_rank(Conv2D(8, 3), 1), of_rank(DepthwiseConv2D(3), 1)
        (['Conv1D'], [])
    """
    name = layer.kind.replace(f"{layer.rank}D", f"{rank}D")
    return [name] if name in LAYERS else []
