"""Arguments that do not exist are answered like every other mistake, for layers, optimizers, losses and callbacks alike."""

from __future__ import annotations

from typing import Any

import pytest

from foveal import callbacks, layers, losses, optimizers
from foveal.errors import ArgumentError


@pytest.mark.parametrize(
    ("kind", "arguments", "repaired"),
    [
        (layers.Conv2D, {"filters": 4, "kernel_size": 3, "stride": 2}, {"filters": 4, "kernel_size": 3, "strides": 2}),
        (layers.Dense, {"unit": 3}, {"units": 3}),
        (layers.Residual, {"body": [], "shortcuts": []}, {"body": [], "shortcut": []}),
        (optimizers.Adam, {"beta1": 0.8}, {"beta_1": 0.8}),
        (losses.BinaryCrossentropy, {"from_logit": True}, {"from_logits": True}),
        (callbacks.EarlyStopping, {"patiens": 3}, {"patience": 3}),
    ],
)
def test_a_misspelt_argument_gets_the_right_one(kind: Any, arguments: dict[str, Any], repaired: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="there is no argument") as caught:
        kind(**arguments)
    wrong = next(iter(set(arguments) - set(repaired)))
    assert caught.value.where == kind.__name__
    right = {**{k: v for k, v in arguments.items() if k != wrong}, **eval(f"dict({caught.value.fix[0]})")}
    assert right == repaired
    kind(**right)


def test_other_libraries_arguments_are_named_and_no_neighbour_is_offered() -> None:
    for kind, given in ((layers.Conv2D, "data_format"), (optimizers.Adam, "amsgrad"), (layers.Dense, "dtype")):
        with pytest.raises(ArgumentError) as caught:
            kind(3, **{given: "x"})
        assert f"there is no argument '{given}'" in str(caught.value)
        assert caught.value.fix == ("leave it out",)


def test_missing_and_superfluous_arguments() -> None:
    with pytest.raises(ArgumentError) as caught:
        layers.Conv2D()  # type: ignore[call-arg]
    assert caught.value.fix == ("Conv2D(filters=…, kernel_size=…)",)
    with pytest.raises(ArgumentError, match="do not fit"):
        layers.Flatten(1, 2, 3, 4)  # type: ignore[call-arg]
    with pytest.raises(TypeError):  # what scripts of other libraries catch
        layers.Dense()  # type: ignore[call-arg]


def test_a_users_own_callback_keeps_its_errors() -> None:
    class Own(callbacks.Callback):
        def __init__(self) -> None:
            raise TypeError("mine")

    with pytest.raises(TypeError, match="mine") as caught:
        Own()
    assert not isinstance(caught.value, ArgumentError)
