"""What to say when a recurrent layer, or a layer on each step, does not fit what comes in."""

from __future__ import annotations

from foveal.errors import ShapeError
from foveal.network.node import Node
from foveal.network.shape import Image, Shape, Vector, Volume


def needs_steps(layer: Node, shape: Shape) -> ShapeError:
    """A recurrent layer on something that has no steps, or on steps that are not vectors."""
    repairs = []
    if isinstance(shape, Vector):
        repairs = [f"Reshape(({shape.n}, 1)) before it: one value a step"]
    elif isinstance(shape, Image):
        if shape.h is not None and shape.w is not None:
            text = f"Reshape(({shape.h}, {shape.w * shape.c})) before it: the rows as {shape.h} steps"
            repairs = [text, f"Reshape(({shape.h * shape.w}, {shape.c})) before it: pixel after pixel"]
        else:
            repairs = [f"TimeDistributed({layer!r}): each row by itself, as a sequence"]
    elif isinstance(shape, Volume):
        repairs = ["TimeDistributed(Flatten()) before it: each frame as a vector"]
    return ShapeError(
        f"{layer.kind} reads step after step, so it needs a sequence",
        given=f"input {shape}, of kind {type(shape).__name__}",
        expected="a sequence (length × channels)",
        fix=repairs or "a layer before it that makes a sequence",
    )


def needs_frames(layer: Node, shape: Shape) -> ShapeError:
    """A layer on each step of something that has no steps."""
    repairs = [f"{layer.layer!r} by itself"]  # type: ignore[attr-defined]
    if isinstance(shape, Vector):
        repairs.append(f"Reshape(({shape.n}, 1)) before it: one value a step")
    return ShapeError(
        "TimeDistributed works on the steps of a sequence, a picture or a film, and there are none",
        given=f"input {shape}, of kind {type(shape).__name__}",
        expected="length × channels, height × width × channels, or depth × height × width × channels",
        fix=repairs,
    )


def too_many_axes(layer: Node, frames: int | None, frame: Shape) -> ShapeError:
    """Frames that are films: no shape has so many axes."""
    return ShapeError(
        "there is no shape for a sequence of these frames",
        given=f"{'?' if frames is None else frames} frames of {frame}, of kind {type(frame).__name__}",
        expected="frames that are vectors, sequences or pictures",
        fix="a layer that gives a vector, a sequence or a picture: Flatten(), say",
    )
