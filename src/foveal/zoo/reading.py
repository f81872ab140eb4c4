"""A network that reads lines: convolutions make columns, a recurrent layer reads them both ways, each column gets a character."""

from __future__ import annotations

from foveal.errors import ShapeError
from foveal.network import Node, Sequential, as_shape
from foveal.network.layers import LSTM, Bidirectional, Dense, MaxPooling2D, Reshape, TimeDistributed
from foveal.zoo.parts import ShapeLike, convolution, picture, thin

STAGES = ((16, (2, 2)), (48, (2, 2)), (96, (2, 1)), (96, (2, 1)), (128, None))
"""Feature maps of each convolution, and the pooling after it; None pools the height that is left to one row."""
UNITS = 64  # of the LSTM in each direction


def crnn(characters: int = 10, input_shape: ShapeLike = (32, 192, 1), width: float = 1.0) -> Sequential:
    """A convolutional-recurrent reader of lines (Shi, Bai, Yao 2015): picture → columns → characters; 343,067 parameters.

    As in the paper: 3 × 3 convolutions; poolings that halve the height more often than the width, until each map is one row;
    the columns of that row, from left to right, are the steps of a sequence; a bidirectional LSTM reads them; a dense layer
    gives each step its logits, one a character and, as the last one, that of *blank* for connectionist temporal
    classification (Graves et al. 2006). Ours: five convolutions in place of seven and one LSTM of 64 units in place of two of
    256, for ten kinds of digits need less than words; batch normalisation after each convolution; the last pooling takes
    all rows that are left. A step is 4 columns of pixels wide.

    Args:
        characters: kinds of characters; characters + 1 values come out at each step.
        input_shape: height × width × channels, at least 16 × 4; both fixed.
        width: factor on the number of feature maps and units.

    Raises:
        ShapeError: a picture below 16 × 4, or one whose height or width is not said.

    Example:
        >>> [layer.name for layer in crnn().layers][-4:]
        ['pool5', 'columns', 'reader', 'characters']
    """
    shape = picture("crnn", input_shape)
    if shape.h is None or shape.w is None or shape.h < 16 or shape.w < 4:
        raise ShapeError(
            "lines to be read have one height and one width",
            where="crnn",
            given=f"input {as_shape(shape)}",
            expected="at least 16 × 4: four poolings halve the height, 16 → 8 → 4 → 2 → 1, two the width, 4 → 2 → 1",
            fix=f"input_shape=(32, 192, {shape.c}), say",
        )
    layers: list[Node] = []
    rows, columns, maps = shape.h, shape.w, 0
    for number, (channels, given) in enumerate(STAGES, start=1):
        maps, window = thin(channels, width), given or (rows, 1)
        layers += convolution(maps, 3, str(number), padding="same")
        layers.append(MaxPooling2D(window, name=f"pool{number}"))
        rows, columns = rows // window[0], columns // window[1]
    layers += [
        Reshape((columns, maps), name="columns"),
        Bidirectional(LSTM(thin(UNITS, width), return_sequences=True), name="reader"),
        TimeDistributed(Dense(characters + 1), name="characters"),
    ]
    return Sequential(layers, input_shape=shape, name="crnn")
