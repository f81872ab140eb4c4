"""A few words describe a network of gigabytes: it is refused before anything is allocated, with what would be enough."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

import foveal
from foveal import layers
from foveal.backends import capacity
from foveal.backends.torch import build
from foveal.errors import ConfigurationError, OutOfMemory
from foveal.network import Image, Sequential


@pytest.fixture(autouse=True)
def the_usual_limit():
    yield
    capacity.allow_memory(None)


def wide(factor: int) -> Sequential:
    """A network of a few words: 28 · factor squared values at once."""
    parts = [layers.UpSampling2D(factor, name="wide"), layers.GlobalAveragePooling2D(), layers.Dense(3)]
    return Sequential(parts, input_shape=(28, 28, 1), name="net")


def test_the_estimate_is_that_of_the_arithmetic():
    found = capacity.needs(wide(10))
    assert found.running - found.weights == 4 * (28 * 28 + 280 * 280)


def test_a_sample_that_takes_gigabytes_is_refused_where_the_module_is_built():
    for made in (lambda: build(wide(1_000)), lambda: foveal.Model(wide(1_000), seed=0).module):
        with pytest.raises(OutOfMemory) as caught:
            made()
        error = caught.value
        assert error.where == "net, wide"
        assert "3.1 GB at once for one sample; the largest output is 28000 × 28000 × 1" in error.given
        assert "--allow-memory 3GB" in error.fix[1]
    build(wide(1_000), device="meta")  # an outline takes nothing


def test_what_is_refused_can_be_allowed():
    capacity.allow_memory("100kB")
    with pytest.raises(OutOfMemory) as caught:
        build(wide(10))
    size = caught.value.fix[1].removeprefix("--allow-memory ").split(",")[0]
    foveal.allow_memory(size)
    assert build(wide(10)).predict(np.ones((2, 28, 28, 1), np.float32)).shape == (2, 3)


@pytest.mark.parametrize(
    ("text", "size"), [("8GB", 8 * 2**30), ("500 mb", 500 * 2**20), ("1.5k", 1536), (7, 7), ("12", 12)]
)
def test_sizes_as_people_write_them(text, size):
    capacity.allow_memory(text)
    assert capacity.most() == capacity.most(training=True) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "8PB", 0, True, "1e9", [1]])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ConfigurationError, match="not a size of memory"):
        capacity.allow_memory(text)


def test_a_batch_is_cut_into_what_fits_and_the_answers_are_the_same():
    module = build(Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)], input_shape=(12, 12, 1)))
    images = np.random.default_rng(0).random((40, 12, 12, 1), np.float32)
    whole = module.predict(images, 40)
    each = 4 * (400 + 400)  # Flatten's input and output, the most at once
    capacity.allow_memory(7 * each + 1)
    assert module.batch_that_fits(40) == 7
    assert np.allclose(module.predict(images, 40), whole, atol=1e-6)
    capacity.allow_memory(each - 1)
    with pytest.raises(OutOfMemory):
        module.predict(images, 40)


def test_a_network_of_any_size_is_measured_by_the_picture_that_comes():
    module = build(
        Sequential([layers.Conv2D(2, 3, padding="same"), layers.GlobalAveragePooling2D()]), Image(None, None, 1)
    )
    capacity.allow_memory("100kB")
    assert module.predict(np.zeros((3, 20, 20), np.float32)).shape == (3, 2)
    with pytest.raises(OutOfMemory, match="activations"):
        module.predict(np.zeros((1, 200, 200, 1), np.float32))


def test_a_training_that_cannot_fit_is_refused_before_the_first_step():
    model = foveal.Model(
        Sequential([layers.Conv2D(8, 3), layers.Flatten(), layers.Dense(3)], input_shape=(20, 20, 1)), seed=0
    )
    model.compile()
    x, y = np.zeros((64, 20, 20, 1), np.float32), np.zeros(64, int)
    need = capacity.needs(model.network)
    capacity.allow_memory(need.training + 9 * need.activations)
    with pytest.raises(OutOfMemory) as caught:
        model.fit(x, y, batch_size=32, verbose=0)
    assert caught.value.fix[0] == "batch_size=10 (--batch-size 10)"
    model.fit(x, y, batch_size=10, verbose=0)


def test_the_command_line_takes_the_option(tmp_path):
    from foveal.cli.app import app

    path = foveal.Model(wide(10), seed=0).save(tmp_path / "small.safetensors")
    capacity.allow_memory("100kB")
    picture = tmp_path / "a.png"
    from PIL import Image as Pillow

    Pillow.new("L", (28, 28)).save(picture)
    found = CliRunner().invoke(app, ["predict", str(path), str(picture)])
    assert isinstance(found.exception, OutOfMemory)
    found = CliRunner().invoke(app, ["predict", str(path), str(picture), "--allow-memory", "1MB"])
    assert found.exit_code == 0, found.output
