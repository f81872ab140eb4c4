"""The ten digits as 7 × 12 pictures: targets of LeNet-5's output layer (LeCun et al. 1998, section II.B).

The paper's bitmaps come from a printable character set; these are drawn here. A stroke is +1 and the ground −1, the values
at which the paper's scaled tangent is bent most, so that the layer before is not driven into saturation.
"""

from __future__ import annotations

_DRAWINGS = """
.#####. ...#... .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
##...## ..##... ##...## ##...## ...###. ##..... .##.... ##...## ##...## ##...##
##...## .###... .....## .....## ..####. ##..... ##..... .....## ##...## ##...##
##..### ...#... .....## .....## .##.##. ##..... ##..... ....##. ##...## ##...##
##.#.## ...#... ....##. .....## ##..##. ##..... ##..... ....##. ##...## ##...##
##.#.## ...#... ...##.. ..####. ##..##. ######. ######. ...##.. .#####. .######
##.#.## ...#... ..##... .....## ##..##. .....## ##...## ...##.. ##...## .....##
###..## ...#... .##.... .....## ####### .....## ##...## ..##... ##...## .....##
##...## ...#... ##..... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...#... ##..... .....## ....##. .....## ##...## .##.... ##...## .....##
##...## ...#... ##..... ##...## ....##. ##...## ##...## .##.... ##...## ....##.
.#####. .#####. ####### .#####. ....##. .#####. .#####. .##.... .#####. .####..
"""


def bitmaps() -> list[list[float]]:
    """Ten rows of 84 values, −1 or +1, each a digit of 12 rows × 7 columns in reading order.

    Example:
        >>> rows = bitmaps()
        >>> len(rows), {len(row) for row in rows}, sorted({value for row in rows for value in row})
        (10, {84}, [-1.0, 1.0])
    """
    lines = [line.split() for line in _DRAWINGS.split("\n") if line]
    return [[1.0 if mark == "#" else -1.0 for line in lines for mark in line[digit]] for digit in range(10)]
