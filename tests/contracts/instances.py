"""Small instances of every layer, with the input of each: what the contract suite and the NumPy references run on."""

from __future__ import annotations

from foveal.network import layers
from foveal.network.activations import ACTIVATIONS, L1L2
from foveal.network.layers import LAYERS
from foveal.network.node import Node
from foveal.network.shape import Tokens

Instance = tuple[Node, tuple[int, ...] | Tokens]

SEQUENCE, PICTURE, SOLID, VECTOR = (8, 3), (7, 6, 4), (5, 4, 6, 2), (10,)
C3 = ((0, 1, 2), (1, 3), (0,), (0, 1, 2, 3), (2, 3))
_INPUT = {"1D": SEQUENCE, "2D": PICTURE, "3D": SOLID}

INSTANCES: list[Instance] = [
    (layers.Conv1D(5, 3), SEQUENCE),
    (layers.Conv1D(4, 4, strides=3, padding="same", activation="tanh"), SEQUENCE),
    (layers.Conv1D(6, 3, dilation_rate=2, padding=((3, 1),), groups=3, use_bias=False), SEQUENCE),
    (layers.Conv2D(5, 3, activation="relu"), PICTURE),
    (layers.Conv2D(5, (2, 3), padding="same", activation="sigmoid"), PICTURE),
    (layers.Conv2D(4, 3, strides=2, padding="same", kernel_regularizer=L1L2(0.1, 0.2)), PICTURE),
    (layers.Conv2D(6, 3, strides=(2, 1), padding=((0, 2), (1, 0)), groups=2), PICTURE),
    (layers.Conv2D(3, 2, dilation_rate=(2, 3), padding=1, use_bias=False), PICTURE),
    (layers.Conv2D(5, 3, connections=C3, activation="scaled_tanh"), PICTURE),
    (layers.Conv2D(5, 2, connections=C3, strides=2, padding="same", use_bias=False), PICTURE),
    (layers.Conv3D(3, (2, 3, 2), strides=(1, 1, 2), padding="same"), SOLID),
    (layers.Conv3D(4, 2, groups=2), SOLID),
    (layers.DepthwiseConv2D(3, depth_multiplier=2), PICTURE),
    (layers.DepthwiseConv2D((2, 3), strides=2, padding="same", use_bias=False, activation="elu"), PICTURE),
    (layers.SeparableConv2D(5, 3, padding="same", depth_multiplier=2, activation="tanh"), PICTURE),
    (layers.SeparableConv2D(5, 2, strides=2, use_bias=False, kernel_regularizer=L1L2(0.0, 0.3)), PICTURE),
    (layers.Conv2DTranspose(3, 3, strides=2, padding="same"), PICTURE),
    (layers.Conv2DTranspose(4, (2, 3), strides=3, padding="same", groups=2, activation="relu"), PICTURE),
    (layers.Conv2DTranspose(3, 3, strides=(2, 3), padding=((1, 0), (0, 2)), output_padding=(1, 2)), PICTURE),
    (layers.Conv2DTranspose(3, 3, dilation_rate=2, use_bias=False), PICTURE),
    *(
        instance
        for rank in ("1D", "2D", "3D")
        for kind in ("Max", "Average", "Min", "L2", "DistanceWeighted")
        for instance in (
            (LAYERS[f"{kind}Pooling{rank}"](), _INPUT[rank]),
            (LAYERS[f"{kind}Pooling{rank}"](3, strides=2, padding="same"), _INPUT[rank]),  # type: ignore[call-arg]
            (LAYERS[f"{kind}Pooling{rank}"](2, strides=3, padding=1), _INPUT[rank]),  # type: ignore[call-arg]
        )
    ),
    (layers.MaxPooling2D((3, 2), strides=(2, 1), padding=((0, 2), (1, 0))), PICTURE),
    (layers.AveragePooling2D((3, 2), strides=(2, 1), padding=((0, 2), (1, 0))), PICTURE),
    (layers.Subsampling2D(2, activation="sigmoid"), PICTURE),
    (layers.Subsampling2D((2, 3), padding="same", use_bias=False), PICTURE),
    *((LAYERS[f"Global{kind}Pooling{rank}"](), _INPUT[rank]) for kind in ("Average", "Max") for rank in _INPUT),
    *((LAYERS[f"Adaptive{kind}Pooling1D"](3), SEQUENCE) for kind in ("Average", "Max")),  # type: ignore[call-arg]
    *((LAYERS[f"Adaptive{kind}Pooling2D"]((3, 4)), PICTURE) for kind in ("Average", "Max")),  # type: ignore[call-arg]
    (layers.SimpleRNN(5), SEQUENCE),
    (layers.SimpleRNN(4, "relu", return_sequences=True, go_backwards=True), SEQUENCE),
    (layers.SimpleRNN(4, "softsign", use_bias=False, kernel_regularizer=L1L2(0.0, 0.1)), SEQUENCE),
    (layers.LSTM(4), SEQUENCE),
    (layers.LSTM(3, return_sequences=True, dropout=0.2), SEQUENCE),
    (layers.LSTM(3, "softsign", "hard_sigmoid", go_backwards=True, unit_forget_bias=False), SEQUENCE),
    (layers.LSTM(3, use_bias=False, recurrent_dropout=0.2, return_sequences=True, go_backwards=True), SEQUENCE),
    (layers.GRU(4), SEQUENCE),
    (layers.GRU(3, return_sequences=True, reset_after=False), SEQUENCE),
    (layers.GRU(3, use_bias=False, go_backwards=True), SEQUENCE),
    (layers.GRU(3, "relu", reset_after=True, recurrent_dropout=0.3), SEQUENCE),
    (layers.Bidirectional(layers.LSTM(3, return_sequences=True)), SEQUENCE),
    (layers.Bidirectional(layers.GRU(3), "sum"), SEQUENCE),
    (layers.Bidirectional(layers.SimpleRNN(3, return_sequences=True, go_backwards=True), "mul"), SEQUENCE),
    (layers.Bidirectional(layers.GRU(3, reset_after=False), "ave"), SEQUENCE),
    (layers.TimeDistributed(layers.Dense(5, activation="tanh")), SEQUENCE),
    (layers.TimeDistributed(layers.Conv2D(3, 3, strides=2, padding="same", activation="relu")), SOLID),
    (layers.TimeDistributed(layers.GlobalAveragePooling2D()), SOLID),
    (layers.TimeDistributed(layers.BatchNormalization()), SOLID),
    (layers.TimeDistributed(layers.Conv1D(3, 2)), PICTURE),
    (layers.TimeDistributed(layers.Bidirectional(layers.SimpleRNN(3))), PICTURE),
    (layers.Dense(7), VECTOR),
    (layers.Dense(4, activation="softmax", use_bias=False), VECTOR),
    (layers.RBF(3), VECTOR),
    (layers.RBF(3, trainable=True, kernel_initializer="random_normal"), VECTOR),
    (layers.RBF(10, kernel_initializer="digit_bitmaps"), (84,)),
    *((layers.Flatten(), shape) for shape in (VECTOR, SEQUENCE, PICTURE, SOLID)),
    (layers.Reshape((2, 5, 1)), VECTOR),
    (layers.Reshape((-1, 8)), PICTURE),
    (layers.Reshape((2, 7, 3, 4)), PICTURE),
    *((layers.Activation(name), PICTURE) for name in ACTIVATIONS),
    (layers.Activation("leaky_relu", negative_slope=0.01), VECTOR),
    (layers.Activation("elu", alpha=0.5), SEQUENCE),
    (layers.Dropout(0.3), PICTURE),
    (layers.SpatialDropout2D(0.3), PICTURE),
    *((layers.BatchNormalization(), shape) for shape in (VECTOR, SEQUENCE, PICTURE, SOLID)),
    (layers.BatchNormalization(momentum=0.9, epsilon=0.1, center=False), PICTURE),
    (layers.BatchNormalization(scale=False), PICTURE),
    *((layers.LayerNormalization(), shape) for shape in (VECTOR, SEQUENCE, PICTURE)),
    (layers.LayerNormalization(epsilon=0.1, center=False, scale=False), PICTURE),
    (layers.LocalResponseNormalization(size=3, alpha=0.3), PICTURE),
    (layers.LocalResponseNormalization(size=4, alpha=0.2, beta=0.5, k=1.0), PICTURE),
    (layers.LocalResponseNormalization(alpha=0.5), SEQUENCE),
    (layers.ZeroPadding2D(((1, 2), (0, 3))), PICTURE),
    (layers.UpSampling2D((2, 3)), PICTURE),
    (layers.UpSampling2D(2, interpolation="bilinear"), PICTURE),
    (layers.Rescaling(2.0, -1.0), PICTURE),
    (layers.Rescaling(0.5), VECTOR),
    (layers.Normalization(0.25, 4.0), PICTURE),
    (layers.Normalization((0.5, 0.25, 0.0, -1.0), (1.0, 4.0, 0.25, 16.0)), PICTURE),
    *((layers.UnitNormalization(), shape) for shape in (VECTOR, SEQUENCE, PICTURE)),
    (layers.Embedding(7, 5), Tokens(6)),
    (layers.Cropping1D(), SEQUENCE),
    (layers.Cropping1D((0, 3)), SEQUENCE),
    (layers.Permute((2, 1, 3)), PICTURE),
    (layers.Permute((4, 2, 1, 3)), SOLID),
    (layers.Permute((2, 1)), SEQUENCE),
    (layers.GaussianNoise(0.1), PICTURE),
    (layers.Sampling(5), VECTOR),
    (layers.RBM(4), VECTOR),
]


def label(instance: Instance) -> str:
    """The instance's name in test reports."""
    shape = instance[1]
    return f"{instance[0]!r} on {shape if isinstance(shape, Tokens) else 'x'.join(map(str, shape))}"
