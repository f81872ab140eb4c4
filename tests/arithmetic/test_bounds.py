"""A description from elsewhere must cost neither memory nor hours."""

from __future__ import annotations

import pytest

from foveal import zoo
from foveal.arithmetic.shapes import LONGEST, trace
from foveal.errors import DescriptionError


def test_an_input_larger_than_any_picture_is_refused_at_once() -> None:
    with pytest.raises(DescriptionError, match="larger than any picture") as caught:
        trace(zoo.lecture_cnn(), (99_999_999, 99_999_999, 3))
    assert f"at most {LONGEST:,}" in str(caught.value)
