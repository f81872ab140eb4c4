"""Texts through the Keras face: whole numbers go in as they are, and a network learns from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from foveal import Model, layers, losses, models
from foveal.errors import DataError
from foveal.network import Tokens


def texts(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Six tokens of nine; the class says whether token 3 is among them."""
    x = np.random.default_rng(seed).integers(0, 9, (n, 6))
    return x, (x == 3).any(axis=1).astype(np.int64)


def network(**first: object) -> Model:
    return models.Sequential(
        [layers.Embedding(9, 8, **first), layers.GlobalMaxPooling1D(), layers.Dense(2)]  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("first", [{"input_shape": "6 tokens"}, {"input_shape": Tokens(6)}, {}])
def test_it_learns_which_token_matters(first: dict, tmp_path: Path) -> None:
    model = network(**first)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    x, y = texts(600)
    model.fit(x, y, epochs=30, batch_size=20, verbose=0)
    unseen, answers = texts(200, seed=1)
    assert model.input_shape == Tokens(6)
    assert (model.predict(unseen).argmax(axis=1) == answers).mean() > 0.97
    again = Model.load(model.save(tmp_path / "text.safetensors"))
    np.testing.assert_array_equal(again.predict(unseen.astype(np.uint8)), model.predict(unseen))


@pytest.mark.parametrize("x", [np.zeros((2, 6), np.float32), np.zeros((2, 5), np.int64), np.zeros((2, 6, 1), np.int64)])
def test_what_is_no_row_of_tokens_is_refused(x: np.ndarray) -> None:
    with pytest.raises(DataError):
        network(input_shape="6 tokens").predict(x)
