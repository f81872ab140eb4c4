"""The networks that the lectures build: Fashion-MNIST's, MNIST's, the multi-layer perceptron, and Rosenblatt's."""

from __future__ import annotations

from collections.abc import Sequence

from foveal.network import Node, Sequential, Vector, as_shape
from foveal.network.layers import Conv2D, Dense, Flatten, MaxPooling2D
from foveal.zoo.parts import ShapeLike, picture, thin


def lecture_cnn(classes: int = 10, input_shape: ShapeLike = (28, 28, 1), width: float = 1.0) -> Sequential:
    """Lecture 004's network for Fashion-MNIST: three convolutions, two poolings, two dense layers; 93,322 parameters.

    The layers have no names of their own, so they are numbered as the lecture's ``model.summary()`` numbers them. The last
    layer gives logits, as in the lecture's second script (``SparseCategoricalCrossentropy(from_logits=True)``).

    Args:
        classes: values that come out.
        input_shape: height × width × channels, at least 18 × 18.
        width: factor on the number of feature maps.

    Raises:
        ShapeError: a picture below 18 × 18.

    Example:
        >>> [str(layer.kind) for layer in lecture_cnn().layers][:3]
        ['Conv2D', 'MaxPooling2D', 'Conv2D']
    """
    shape = picture("lecture_cnn", input_shape, smallest=18, because="18 → 16 → 8 → 6 → 3 → 1")
    return Sequential(
        [
            Conv2D(thin(32, width), (3, 3), activation="relu"),
            MaxPooling2D((2, 2)),
            Conv2D(thin(64, width), (3, 3), activation="relu"),
            MaxPooling2D((2, 2)),
            Conv2D(thin(64, width), (3, 3), activation="relu"),
            Flatten(),
            Dense(thin(64, width), activation="relu"),
            Dense(classes),
        ],
        input_shape=shape,
        name="lecture_cnn",
    )


def mnist_demo(classes: int = 10, input_shape: ShapeLike = (32, 32, 1), width: float = 1.0) -> Sequential:
    """Lecture 002's "Convolutional Neural Network for MNIST": 10 filters of 5 × 5, a pooling, 200 hidden units.

    The lecture names no activation function; ReLU is ours, and so are logits as output.

    Args:
        classes: values that come out.
        input_shape: height × width × channels, at least 6 × 6; the lecture's pictures have 32 × 32 pixels.
        width: factor on the number of feature maps and of hidden units.

    Raises:
        ShapeError: a picture below 6 × 6.

    Example:
        >>> mnist_demo().layers[0]
        Conv2D(name='conv', filters=10, kernel_size=(5, 5), activation='relu')
    """
    shape = picture("mnist_demo", input_shape, smallest=6, because="6 → 2 → 1")
    return Sequential(
        [
            Conv2D(thin(10, width), 5, activation="relu", name="conv"),
            MaxPooling2D(2, name="pool"),
            Flatten(name="flatten"),
            Dense(thin(200, width), activation="relu", name="hidden"),
            Dense(classes, name="output"),
        ],
        input_shape=shape,
        name="mnist_demo",
    )


def mlp(
    classes: int = 10, input_shape: ShapeLike = (28, 28, 1), hidden: Sequence[int] = (128, 64), width: float = 1.0
) -> Sequential:
    """A multi-layer perceptron, what the lectures hold convolution against (lectures 000, 001 and 002).

    From 128 to 64 units it has the 8,256 parameters of lecture 000's example.

    Args:
        classes: values that come out.
        input_shape: a vector, ``(4,)`` for Iris; anything else is flattened first.
        hidden: units of each hidden layer.
        width: factor on them.

    Example:
        >>> [layer.name for layer in mlp(classes=3, input_shape=4, hidden=[16]).layers]
        ['hidden1', 'output']
    """
    shape = as_shape(input_shape)
    layers: list[Node] = [] if isinstance(shape, Vector) else [Flatten(name="flatten")]
    for number, units in enumerate(hidden, start=1):
        layers.append(Dense(thin(units, width), activation="relu", name=f"hidden{number}"))
    return Sequential([*layers, Dense(classes, name="output")], input_shape=shape, name="mlp")


def perceptron(input_shape: ShapeLike = (2,)) -> Sequential:
    """One unit with the step function of lecture 002: f(net) = 1 if net > 0, else 0; 3 parameters on two inputs.

    net = Σ wᵢ xᵢ + b, so that net = 0 is a line (a plane, a hyperplane) and the answer says on which side of it the input
    lies. The step has no slope: what trains it is the perceptron rule (:mod:`foveal.training.steps.perceptron`), not gradient
    descent. All weights begin at zero, which is what the convergence theorem's bound on the corrections supposes.

    Args:
        input_shape: a vector.

    Example:
        >>> perceptron().layers[0]
        Dense(name='unit', units=1, activation='step', kernel_initializer='zeros')
    """
    unit = Dense(1, activation="step", kernel_initializer="zeros", name="unit")
    return Sequential([unit], input_shape=as_shape(input_shape), name="perceptron")
