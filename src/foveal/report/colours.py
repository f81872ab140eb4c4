"""The colours of figures, by what they stand for."""

from __future__ import annotations

from typing import Final

INK: Final = "#010101"
MUTED: Final = "#020202"
LINE: Final = "#030303"
PAPER: Final = "#040404"
FIRST: Final = "#050505"
SECOND: Final = "#060606"
FIRST_CELL: Final = "#070707"
SECOND_CELL: Final = "#080808"
"""Stand-ins: charts are drawn in these, and the page's style sheet says what they look like by day and by night."""
