"""Tiny descriptions of enormous networks: every output of `show`, in bounded work; none ends in a traceback."""

from __future__ import annotations

import json

import pytest

from foveal.arithmetic.summary import summarize
from foveal.arithmetic.worked.derivation import derive
from foveal.drawing import pair, table, worked
from foveal.drawing.diagram import draw
from foveal.errors import FovealError
from foveal.network import codec

BILLION = 10**9
DESCRIPTIONS = {
    "zeros": [{"ZeroPadding2D": {"padding": BILLION}}, "GlobalAveragePooling2D", {"Dense": {"units": 3}}],
    "adaptive": [
        {"AdaptiveAveragePooling2D": {"output_size": 3 * 10**6}},
        {"Conv2D": {"filters": 1, "kernel_size": 3}},
    ],
    "upsampling": [
        {"UpSampling2D": {"size": BILLION, "interpolation": "bilinear"}},
        {"MaxPooling2D": {"pool_size": 7}},
    ],
    "transposed": [{"Conv2DTranspose": {"filters": 1, "kernel_size": 10**4, "strides": 10**4}}, "GlobalMaxPooling2D"],
    "dilated": [{"Conv2D": {"filters": 1, "kernel_size": 10**6, "dilation_rate": 10**5, "padding": "same"}}, "Flatten"],
    "kernel": [{"Conv2D": {"filters": 2**63 - 1, "kernel_size": 10**18, "padding": "same"}}],
    "dense": ["Flatten", {"Dense": {"units": 10**18}}],
    "strides": [{"MaxPooling2D": {"pool_size": 1, "strides": 10**18}}] * 9,
    "too large": [{"UpSampling2D": {"size": BILLION}}, "Flatten"],
    "turns": [{"UpSampling2D": {"size": 512}}, {"MaxPooling2D": {"pool_size": 511}}] * 20,
    "blocks": [{"Residual": {"body": [{"Conv2D": {"filters": 1, "kernel_size": 3, "padding": "same"}}]}}] * 200,
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_everything_that_show_prints(name):
    network = codec.from_dict({"input": [28, 28, 1], "layers": DESCRIPTIONS[name]})
    numbers = summarize(network)
    assert numbers.name in table.plain(numbers)
    assert len(json.dumps(numbers.to_dict())) < 200_000
    assert draw(numbers).startswith("<svg")
    assert "No difference" in pair.plain(numbers, numbers)
    for path in ("", numbers.rows[0].path, numbers.rows[-1].path):
        try:
            text = worked.plain(derive(network, path))
        except FovealError as error:  # a network that breaks: the error says where
            text = str(error)
        assert text


@pytest.mark.parametrize(
    "text",
    ['{"layers": [' + "[" * 100_000, '{"layers": [{"Dense": {"units": ' + "9" * 5_000 + "}}]}",
     '{"input": [1e400], "layers": []}', '{"input": [3.0], "layers": []}', '{"input": [true], "layers": []}',
     '{"input": "²x2x1", "layers": []}', '{"name": "\\ud800", "layers": []}', '{"layers": ["' + "x" * 3_000_000 + '"]}',
     '{"layers": [{"Dense": {"units": [' + "1," * 500_000 + "1]}}]}", '{"input": [NaN], "layers": []}', "", "null",
     '{"layers": [' + '"Flatten",' * 7_000 + '"Flatten"]}'],
)  # fmt: skip
def test_one_short_error_for_what_is_no_description(text):
    for read in (codec.from_json, codec.from_yaml):
        with pytest.raises(FovealError) as caught:
            read(text, "net.json")
        assert len(str(caught.value)) < 10_000


def test_only_regular_files_are_read(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", tmp_path, "/dev/zero", tmp_path / "none.yaml", "a\0b.json"):
        with pytest.raises(FovealError):
            codec.read(path)
    marked = tmp_path / "marked.yaml"
    marked.write_bytes(b"\xef\xbb\xbfinput: [4]\nlayers: [{Dense: {units: 1e1}}]")
    with pytest.raises(FovealError, match="units cannot be"):
        codec.read(marked)
