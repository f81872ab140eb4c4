"""The pen of the diagrams: pieces that know their size and where the flow enters and leaves, and the style of light and dark."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape as escaped

from foveal.printable import printable

ARROW = 7
RADIUS = 8


@dataclass(frozen=True)
class Piece:
    """A part of a drawing, in coordinates of its own.

    Attributes:
        width, height: its size.
        port: x of the line on which the flow enters at the top and leaves at the bottom.
        body: SVG elements.
        strip: whether it is a thin strip that is attached to what stands above.
    """

    width: float
    height: float
    port: float
    body: str
    strip: bool = False

    def at(self, x: float, y: float) -> str:
        """The elements, moved."""
        return f'<g transform="translate({_n(x)} {_n(y)})">{self.body}</g>' if self.body else ""


def escape(text: str) -> str:
    """``text`` as XML, which holds no control characters at all."""
    return escaped(printable(text, lines=True))


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def rectangle(x: float, y: float, w: float, h: float, style: str, radius: float = RADIUS) -> str:
    """A box with round corners."""
    return f'<rect class="{style}" x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}" rx="{_n(min(radius, h / 2))}"/>'


def text(x: float, y: float, content: str, style: str, anchor: str = "middle") -> str:
    """A line of text; y is its base line."""
    placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{style}" x="{_n(x)}" y="{_n(y)}"{placed}>{escape(content)}</text>'


def line(points: list[tuple[float, float]], style: str = "flow", arrow: bool = False) -> str:
    """A line along right angles, its corners rounded; with an arrow at its end."""
    points = [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
    (x0, y0), end = points[0], points[-1]
    path = f"M{_n(x0)} {_n(y0)}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        r = min(RADIUS, _length(before, corner) / 2, _length(corner, after) / 2)
        into, out = _towards(corner, before, r), _towards(corner, after, r)
        path += f"L{_n(into[0])} {_n(into[1])}Q{_n(corner[0])} {_n(corner[1])} {_n(out[0])} {_n(out[1])}"
    path += f"L{_n(end[0])} {_n(end[1])}"
    head = ""
    if arrow and len(points) > 1:
        (x1, y1), (x2, y2) = points[-2], end
        dx, dy = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
        left = (x2 - ARROW * dx + 0.5 * ARROW * dy, y2 - ARROW * dy - 0.5 * ARROW * dx)
        right = (x2 - ARROW * dx - 0.5 * ARROW * dy, y2 - ARROW * dy + 0.5 * ARROW * dx)
        corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in ((x2, y2), left, right))
        head = f'<polygon class="{style}-head" points="{corners}"/>'
    return f'<path class="{style}" d="{path}"/>{head}'


def _length(a: tuple[float, float], b: tuple[float, float]) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(a: tuple[float, float], b: tuple[float, float], r: float) -> tuple[float, float]:
    whole = _length(a, b) or 1.0
    return a[0] + (b[0] - a[0]) * r / whole, a[1] + (b[1] - a[1]) * r / whole


def group(identity: str, style: str, tip: str, content: str) -> str:
    """A node's group: its id is the node's path, its title what a pointer or a screen reader tells."""
    name = f' id="{escape(identity)}"' if identity else ""
    return f'<g{name} class="{style}"><title>{escape(tip)}</title>{content}</g>'


def wide(content: str, size: float = 13) -> float:
    """About how wide a text is: an average letter takes 0.56 of its height."""
    return sum(0.3 if c in " .,·1il|/" else 0.64 if c.isupper() or c in "×⊕mw→" else 0.57 for c in content) * size


STYLE = """
.fd{--ink:#1c2733;--soft:#5c6b7a;--paper:#ffffff;--line:#8593a1;--frame:#d7dee5;--frame-fill:#f6f8fa;
--convolution:#dbe9fb;--convolution-edge:#3b78c2;--pooling:#d9f0e1;--pooling-edge:#2f8a57;--dense:#ecdff7;--dense-edge:#8650b5;
--other:#eceff2;--other-edge:#9aa6b2;--function:#fdf0d8;--function-edge:#c58a1b;--bad:#fbdcdc;--bad-edge:#c62f2f;--arc:#c2571a}
@media (prefers-color-scheme:dark){.fd:not(.fd-light){--ink:#e6edf3;--soft:#9aa8b5;--paper:#0f151b;--line:#73818e;--frame:#2b3742;
--frame-fill:#151d25;--convolution:#17324f;--convolution-edge:#5b9be0;--pooling:#163a28;--pooling-edge:#4fb57c;--dense:#35224a;
--dense-edge:#b184dc;--other:#232c35;--other-edge:#5f6d7a;--function:#3b2f14;--function-edge:#d9a441;--bad:#4a1a1a;
--bad-edge:#ef6b6b;--arc:#f0905a}}
.fd text{font:13px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;fill:var(--ink)}
.fd .paper{fill:var(--paper)}.fd .small{font-size:11px;fill:var(--soft)}
.fd .strong{font-weight:600}.fd .heading{font-size:18px;font-weight:600}
.fd .shape{font-size:11px;fill:var(--soft);paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
.fd .frame .shape{stroke:var(--frame-fill)}
.fd .flow,.fd .arc,.fd .side{fill:none;stroke:var(--line);stroke-width:1.6}.fd .flow-head{fill:var(--line)}
.fd .arc{stroke:var(--arc);stroke-width:1.8}.fd .arc-head{fill:var(--arc)}
.fd .side{stroke-dasharray:5 4}.fd .side-head{fill:var(--line)}
.fd .frame>rect{fill:var(--frame-fill);stroke:var(--frame)}.fd .folded>rect{fill:none;stroke:var(--line);stroke-dasharray:5 4}
.fd .convolution>rect,.fd .chip>rect{fill:var(--convolution);stroke:var(--convolution-edge)}
.fd .pooling>rect{fill:var(--pooling);stroke:var(--pooling-edge)}
.fd .dense>rect{fill:var(--dense);stroke:var(--dense-edge)}.fd .other>rect{fill:var(--other);stroke:var(--other-edge)}
.fd .function>rect{fill:var(--function);stroke:var(--function-edge)}
.fd .merge>rect,.fd .merge>circle{fill:var(--paper);stroke:var(--line);stroke-width:1.6}.fd .residual>circle{stroke:var(--arc)}
.fd .broken>rect,.fd .broken>circle{fill:var(--bad);stroke:var(--bad-edge)}
.fd .node:hover>rect,.fd .node:focus>rect{stroke-width:2.5}
@media print{.fd{--paper:#fff}}
"""
