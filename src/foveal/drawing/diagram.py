"""A network as a drawing (SVG): boxes for layers, shapes on the arrows, branches side by side, shortcuts as arcs.

Flow runs from top to bottom. Every node's group has the node's path as id, and a title with its numbers, so that a page can
point at it and a screen reader can read it. Where blocks repeat, one is drawn and the others are named: DenseNet-201 stays a
drawing of a few pages. Colours follow the reader's light or dark setting.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from foveal.arithmetic.summary import Row, Summary
from foveal.drawing.folding import Run, runs
from foveal.drawing.svg import STYLE, Piece, escape, group, line, rectangle, text, wide
from foveal.drawing.table import seen, short, step
from foveal.network import layers as kinds
from foveal.network.shape import Shape
from foveal.network.tree import Auxiliary, Parallel, Residual, Sequential

GAP = 34  # between boxes, with an arrow and a shape
FORK = 30  # from the input of a block to its branches
BETWEEN = 26  # branches side by side
FRAME = 16
BOX = 46
STRIP = 22
LEAST = 170
CHIPS_A_ROW = 8

_DROPOUTS = (kinds.Dropout, kinds.SpatialDropout2D)
_STRIPS = (
    *_DROPOUTS, kinds.BatchNormalization, kinds.LayerNormalization, kinds.Activation, kinds.LocalResponseNormalization,
    kinds.UnitNormalization, kinds.GaussianNoise,
)  # fmt: skip


def draw(summary: Summary, *, fold: bool = True) -> str:
    """The network as an SVG document.

    Args:
        summary: the network in numbers; a broken one is drawn up to the break.
        fold: whether blocks that repeat are drawn once.

    Example:
        >>> from foveal.arithmetic.summary import summarize
        >>> from foveal.network import Sequential
        >>> from foveal.network.layers import Conv2D
        >>> drawing = draw(summarize(Sequential([Conv2D(8, 3, name="conv1")], input_shape=(28, 28, 1), name="one")))
        >>> 'id="conv1"' in drawing, "26 × 26 × 8" in drawing
        (True, True)
    """
    return _Drawing(summary, fold).document()


class _Drawing:
    def __init__(self, summary: Summary, fold: bool) -> None:
        self.summary = summary
        self.fold = fold
        self.parts: dict[str, list[Row]] = defaultdict(list)
        for row in summary.rows:
            self.parts[row.path.rpartition("/")[0]].append(row)

    def document(self) -> str:
        s = self.summary
        middle = self.chain(self.parts[""], s.input, framed=True)
        whole = _stacked([_terminal(f"input {s.input}"), middle], [None])
        if s.error is None and s.output is not None:
            whole = _stacked([whole, _terminal(f"output {s.output}")], [str(s.output)])
        totals = f"{s.totals.parameters:,} parameters · {short(s.totals.macs)} MACs"
        margin, head = 28.0, 74.0
        width = max(whole.width + 2 * margin, wide(s.name, 18) + 2 * margin, wide(totals, 13) + 2 * margin)
        height = whole.height + head + margin
        described = f"{s.name}: {s.input} in, {s.output if s.output is not None else 'broken'} out; {totals}"
        if s.error is not None:
            described += f". It breaks: {s.error.where}: {s.error.problem}"
        x = (width - whole.width) / 2
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="fd" role="img" aria-labelledby="fd-title fd-desc" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">'
            f'<title id="fd-title">{escape(s.name)}</title><desc id="fd-desc">{escape(described)}</desc>'
            f'<style>{STYLE}</style><rect class="paper" width="100%" height="100%"/>'
            + text(margin, 34, s.name, "heading", "start")
            + text(margin, 54, totals, "small", "start")
            + whole.at(x, head)
            + "</svg>\n"
        )

    # Compositions -----------------------------------------------------------------------------------------------------

    def chain(self, rows: Sequence[Row], given: Shape, framed: bool = False) -> Piece:
        """Parts one after another."""
        if not rows:
            return Piece(2, 0, 1, "")
        pieces: list[Piece] = []
        shapes: list[str | None] = []
        before: Shape | None = given
        for run in runs([row.node for row in rows]) if self.fold else [Run(i, 1, 1) for i in range(len(rows))]:
            for place in run.drawn:
                shapes.append(str(before) if before is not None else None)
                pieces.append(self.node(rows[place], framed))
                before = rows[place].output
            if run.count > 1:
                shapes.append(str(before) if before is not None else None)
                pieces.append(_folded([rows[i] for i in run.folded], rows[run.first]))
                before = rows[run.folded[-1]].output
        return _stacked(pieces, shapes[1:])

    def node(self, row: Row, framed: bool) -> Piece:
        """Any node."""
        if row.layer:
            return _layer(row)
        parts = self.parts[row.path]
        if isinstance(row.node, Sequential):
            inner = self.chain(parts, row.input, framed)
            return _framed(inner, row) if framed and len(parts) > 1 else _named(inner, row)
        if isinstance(row.node, Auxiliary):
            return self.auxiliary(row)
        branches = [self.node(part, False) for part in parts]
        if isinstance(row.node, Residual) and len(parts) == 1:
            return _framed(_arched(branches[0], parts[0], row), row)
        passes = [i for i, part in enumerate(parts) if not self.parts[part.path]]
        if len(parts) == 2 and len(passes) == 1:
            return _framed(_arched(branches[1 - passes[0]], parts[1 - passes[0]], row), row)
        return _framed(_side_by_side(branches, parts, row), row)

    def auxiliary(self, row: Row) -> Piece:
        """The flow goes straight on; the head hangs at its side."""
        (head,) = self.parts[row.path]
        inner = self.chain(self.parts[head.path], row.input)
        note, left, top = f"{row.name}: side head, in training only", 46.0, FORK + 6.0
        height, port = top + inner.height + 6, left + inner.port
        body = line([(0, 0), (0, height)]) + inner.at(left, top) + text(port + 10, 24, note, "small", "start")
        body += line([(0, 10), (port, 10), (port, top)], "side", arrow=True)
        width = max(left + inner.width, port + 10 + wide(note, 11))
        content = group(head.path, "node", _tip(head), body)
        return Piece(width, height, 0, group(row.path, "node auxiliary", _tip(row), content))


def _tip(row: Row) -> str:
    """What a pointer over a node tells."""
    parts = [f"{row.path}: {row.kind}"]
    if row.kernel:
        parts.append(f"kernel {row.kernel}, stride {row.strides}, padding {row.padding_text}")
    parts.append(f"{row.input} → {row.output if row.output is not None else '✗'}")
    parts.append(f"{row.counts.parameters:,} parameters, {short(row.counts.macs)} MACs")
    if row.receptive_field and row.output is not None:
        parts.append(f"sees {seen(row.fields)}, step {step(row.stride)}")
    return "\n".join(parts)


def _terminal(content: str) -> Piece:
    width = max(110.0, wide(content) + 28)
    box = rectangle(0, 0, width, 30, "", 15) + text(width / 2, 20, content, "")
    return Piece(width, 30, width / 2, f'<g class="merge">{box}</g>')


def _label(row: Row) -> str:
    """What a box says first: kind, window and size."""
    label = row.kind
    if row.kernel:
        label += f" {row.kernel}"
    size = next((n for name in ("filters", "units", "output_dim") if (n := getattr(row.node, name, None))), None)
    if size is not None:
        label += f" · {size}"
    return label


def _layer(row: Row) -> Piece:
    kind = row.node.family
    strip = isinstance(row.node, _STRIPS)
    if strip:
        what = row.details.split(" · ")[0] if isinstance(row.node, kinds.Activation) else row.kind
        what += f" {row.details}" if isinstance(row.node, _DROPOUTS) else ""
        width = max(LEAST, wide(what, 11) + 24)
        style = "function" if isinstance(row.node, kinds.Activation) else "other"
        body = rectangle(0, 0, width, STRIP, "", 5) + text(width / 2, 15, what, "small")
        broken = row.output is None
        return Piece(
            width, STRIP, width / 2, group(row.path, f"node {'broken' if broken else style}", _tip(row), body), True
        )
    label = _label(row)
    below = row.name
    if row.strides and row.strides != "1":
        below += f" · stride {row.strides}"
    if row.details:
        below += f" · {row.details}"
    count = f"{row.counts.parameters:,}" if row.counts.parameters else ""
    if row.output is None:
        label, kind, count = f"✗ {label}", "broken", ""
    width = max(LEAST, wide(label) * 1.14 + 24, wide(below, 11) + wide(count, 11) + 44)
    body = rectangle(0, 0, width, BOX, "")
    body += text(width / 2, 19, label, "strong")
    if count:
        body += text(12, 36, below, "small", "start") + text(width - 12, 36, count, "small", "end")
    else:
        body += text(width / 2, 36, below, "small")
    return Piece(width, BOX, width / 2, group(row.path, f"node {kind}", _tip(row), body))


def _stacked(pieces: Sequence[Piece], shapes: Sequence[str | None]) -> Piece:
    """Pieces under one another, on one line of flow; strips are attached, others get an arrow with a shape."""
    left = max(piece.port for piece in pieces)
    right = max(piece.width - piece.port for piece in pieces)
    body, y = pieces[0].at(left - pieces[0].port, 0), pieces[0].height
    for above, piece, shape in zip(pieces, pieces[1:], shapes, strict=False):
        if not (piece.strip and above.height):
            body += line([(left, y), (left, y + GAP)], arrow=bool(piece.body))
            if shape is not None:
                body += text(left + 9, y + GAP / 2 + 3, shape, "shape", "start")
                right = max(right, 9 + wide(shape, 11) + 4)
            y += GAP
        body += piece.at(left - piece.port, y)
        y += piece.height
    return Piece(left + right, y, left, body, pieces[0].strip)


def _adds(row: Row) -> bool:
    return isinstance(row.node, Residual) or (isinstance(row.node, Parallel) and row.node.merge == "add")


def _merge(row: Row, x: float, y: float) -> tuple[str, float]:
    """The sign where branches meet, its top at y, and its height."""
    broken = " broken" if row.output is None else ""
    if _adds(row):
        style = f"merge residual{broken}"
        sign = f'<circle cx="{x:.1f}" cy="{y + 11:.1f}" r="11"/>' + text(
            x, y + 16, "+" if not broken else "✗", "strong"
        )
        return f'<g class="{style}">{sign}</g>', 22
    word = row.details or "concat"
    content = f"{word} · {row.output.channels}" if row.output is not None else f"✗ {word}"
    width = wide(content, 11) + 24
    box = rectangle(x - width / 2, y, width, 22, "", 11) + text(x, y + 15, content, "small")
    return f'<g class="merge{broken}">{box}</g>', 22


def _ending(end: Row, port: float, y: float) -> str:
    """The shape that a branch gives, beside the line that leaves it at y."""
    return text(port + 9, y + 15, str(end.output), "shape", "start") if end.output is not None else ""


def _side_by_side(branches: Sequence[Piece], ends: Sequence[Row], row: Row) -> Piece:
    """Branches next to each other, forked above and merged below."""
    branches = [piece if piece.height else Piece(30, 0, 15, "") for piece in branches]
    width = sum(piece.width for piece in branches) + BETWEEN * (len(branches) - 1)
    tall = max(piece.height for piece in branches)
    middle = width / 2
    if len(branches) == 2:
        middle = branches[0].port  # a body and its shortcut: the flow stays straight
    top, bottom = float(FORK), FORK + tall
    sign, high = _merge(row, middle, bottom + FORK - 6)
    body, x = "", 0.0
    for piece, end in zip(branches, ends, strict=True):
        port = x + piece.port
        empty = not piece.height
        body += line([(middle, 0), (middle, 10), (port, 10), (port, top)], arrow=not empty)
        body += piece.at(x, top)
        side = port != middle
        joint = bottom + FORK - 6 + (high / 2 if side else 0)
        half = 11 if _adds(row) else wide("concat · 256", 11) / 2 + 12
        goal = (middle + (half if port > middle else -half), joint) if side else (middle, joint)
        points = [(port, top + piece.height), (port, joint), goal] if side else [(port, top + piece.height), goal]
        body += line(points, arrow=True) + ("" if empty else _ending(end, port, top + piece.height))
        x += piece.width + BETWEEN
    return Piece(width, bottom + FORK - 6 + high, middle, body + sign)


def _arched(inner: Piece, end: Row, row: Row) -> Piece:
    """A body, and its input handed around it."""
    top, arc = 24.0, 26.0
    bottom = top + inner.height
    right = inner.width + arc
    sign, high = _merge(row, inner.port, bottom + 22)
    half = 11.0 if isinstance(row.node, Residual) else wide("concat · 256", 11) / 2 + 12
    joint = bottom + 22 + high / 2
    body = line([(inner.port, 0), (inner.port, top)], arrow=True) + inner.at(0, top)
    body += line([(inner.port, bottom), (inner.port, bottom + 22)], arrow=True) + _ending(end, inner.port, bottom)
    if row.output is None:
        body += text(right - 8, joint + 20, f"{row.input} around", "shape", "end")
    body += line([(inner.port, 8), (right, 8), (right, joint), (inner.port + half, joint)], "arc", arrow=True)
    return Piece(right + 2, bottom + 22 + high, inner.port, body + sign)


def _named(inner: Piece, row: Row) -> Piece:
    """A group without a frame: branches, bodies."""
    return Piece(
        inner.width,
        inner.height,
        inner.port,
        group(row.path, "node", _tip(row), inner.body) if inner.body else "",
        inner.strip,
    )


def _framed(inner: Piece, row: Row) -> Piece:
    """A group with a frame and its name."""
    top = 26.0
    width = max(inner.width + 2 * FRAME, wide(row.name, 11) + 2 * FRAME)
    x = (width - inner.width) / 2
    gap = 12 + wide(row.name, 11) * 1.1 + 8 - x - inner.port  # the name must not lie on the line of flow
    if gap > 0:
        width, x = width + gap, x + gap
    height = inner.height + top + FRAME
    body = rectangle(0, 0, width, height, "", 12) + text(12, 17, row.name, "small strong", "start")
    port = x + inner.port
    body += line([(port, 0), (port, top)]) + inner.at(x, top)
    if row.output is not None:
        body += line([(port, top + inner.height), (port, height)])
    return Piece(width, height, port, group(row.path, "node frame", _tip(row), body))


def _folded(rows: Sequence[Row], like: Row) -> Piece:
    """Blocks that are like one drawn above: a chip each."""
    blocks = [row for row in rows if not row.layer]
    word = f"{len(blocks)} more like {like.name}"
    chips = [(row, max(46.0, wide(row.name, 11) + 16)) for row in blocks]
    size = max(width for _, width in chips)
    columns = min(CHIPS_A_ROW, len(chips))
    inner = columns * size + (columns - 1) * 6
    width = max(inner, wide(word)) + 2 * FRAME
    body = text(width / 2, 20, word, "strong")
    first, last = blocks[0].input, blocks[-1].output
    body += text(width / 2, 36, f"{first} → {last if last is not None else '✗'}", "small")
    start = (width - inner) / 2
    for place, (row, _) in enumerate(chips):
        x, y = start + (place % columns) * (size + 6), 46 + (place // columns) * 26
        chip = rectangle(x, y, size, 20, "", 5) + text(x + size / 2, y + 14, row.name, "small")
        body += group(row.path, "node chip" + (" broken" if row.output is None else ""), _tip(row), chip)
    height = 46 + -(-len(chips) // columns) * 26 + 8.0
    return Piece(width, height, width / 2, f'<g class="folded">{rectangle(0, 0, width, height, "", 12)}{body}</g>')
