"""Columns of plain text: what every list and table of the command line is laid out by."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from foveal.drawing.terminal import columns

WORDS = st.text("abc×│", max_size=6)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[WORDS] * n), min_size=1, max_size=6)), st.data())
def test_cells_of_a_column_begin_or_end_together(rows, data):
    right = data.draw(st.sets(st.integers(0, len(rows[0]) - 1)))
    start = 0
    for place, column in enumerate(zip(*rows, strict=True)):
        width = max(map(len, column))
        for line, cell in zip(columns(rows, right), column, strict=True):
            shown = line[start : start + width].ljust(width)
            assert shown == (cell.rjust(width) if place in right else cell.ljust(width))
            assert line == line.rstrip()
        start += width + 2


def test_a_longer_cell_than_the_widest_column_moves_its_own_line_only():
    assert columns([("a", "1"), ("bbbbbb", "2")], most=3) == ["a    1", "bbbbbb  2"]
    assert columns([]) == []
