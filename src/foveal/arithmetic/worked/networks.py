"""The worked arithmetic of compositions, and what holds for every node: its receptive field and its memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from foveal.arithmetic.counts import Counts, counted, times, total
from foveal.arithmetic.memory import BYTES, COPIES
from foveal.arithmetic.pattern import Field, Pattern
from foveal.arithmetic.pattern import WorkedStep as Reach
from foveal.arithmetic.receptive_field import Walk, reach
from foveal.arithmetic.shapes import Traced, trace
from foveal.arithmetic.worked.steps import (
    CONNECTIONS,
    MACS,
    OUTPUT,
    PARAMETERS,
    WorkedSection,
    WorkedStep,
    axis_names,
    product,
    rules,
)
from foveal.network.fields import LARGEST
from foveal.network.node import Node
from foveal.network.shape import Shape
from foveal.network.tree import Auxiliary, Parallel, Residual, Sequential, children, find

ARAUJO = "Araujo, Norris, Sim 2019"


@dataclass(frozen=True)
class Located:
    """A node in its network: itself, its parts, and the walk that knows every receptive field."""

    at: Traced
    parts: tuple[Traced, ...]
    walk: Walk

    def counts(self, heads: bool = True) -> list[Counts]:
        """What the layers in it have, itself if it is one, and the merges that compute; side heads too if ``heads``."""
        below = f"{self.at.path}/" if self.at.path else ""
        return [
            counts
            for path, counts in counted(self.walk.at.values()).items()
            if (path == self.at.path or path.startswith(below)) and (heads or not self.walk.at[path].auxiliary)
        ]


def locate(network: Node, path: str, input: Shape | Iterable[int | None] | int | str | None = None) -> Located:
    """The node at ``path``.

    Raises:
        UnknownName: there is none; the message offers the nearest paths.
        ShapeError: the layers do not fit, and the node is not before the break.
    """
    find(network, path)
    walk = Walk(trace(network, input))
    names = [f"{path}/{name}" if path else name for name, _ in children(walk.at[path].node)]
    return Located(walk.at[path], tuple(walk.at[name] for name in names), walk)


def _sum(found: Iterable[int | None]) -> str:
    shown = [str(n) for n in found if n != 0]
    return " + ".join(shown) if len(shown) <= 24 else f"{' + '.join(shown[:23])} + … ({len(shown)} summands)"


def _sums(place: Located) -> Iterator[WorkedSection]:
    """Parameters, connections and MACs of everything in a composition, side heads left out."""
    at = place.at
    found = place.counts(at.auxiliary or isinstance(at.node, Auxiliary))
    if not found:
        return
    whole = total(found)
    merged = getattr(at.node, "merge", "") == "attention"
    formula = "sum over the layers in it" + (", and the products of the merge" if merged else "")
    text = _sum(c.parameters for c in found) or "0"
    yield WorkedSection(PARAMETERS, (WorkedStep("parameters", formula, text, whole.parameters),))
    yield WorkedSection(
        CONNECTIONS, (WorkedStep("connections", formula, _sum(c.connections for c in found) or "0", whole.connections),)
    )
    yield WorkedSection(MACS, (WorkedStep("MACs", formula, _sum(c.macs for c in found) or "0", whole.macs),))


@rules.rule(Sequential)
def _sequential(node: Sequential, input: Shape, output: Shape, place: Located) -> Iterator[WorkedSection]:
    shown = [f"{part.path.rpartition('/')[2]} {part.output}" for part in place.parts]
    if len(shown) > 10:
        shown = [*shown[:4], "…", *shown[-4:]]
    flow = " → ".join([str(input), *shown])
    yield WorkedSection(OUTPUT, (WorkedStep("output", "what the last layer gives", flow, str(output)),))
    yield from _sums(place)


@rules.rule(Parallel)
def _parallel(node: Parallel, input: Shape, output: Shape, place: Located) -> Iterator[WorkedSection]:
    ends = [part.output for part in place.parts if part.output is not None]
    yield from MERGES[node.merge](ends, output)
    yield from _sums(place)


def _concatenated(ends: list[Shape], output: Shape) -> Iterator[WorkedSection]:
    channels = [end.channels for end in ends]
    note = "feature maps behind one another; height and width are those of every branch"
    text = " + ".join(map(str, channels))
    yield WorkedSection(OUTPUT, (WorkedStep("output channels", "sum over the branches", text, sum(channels), note),))


def _added(ends: list[Shape], output: Shape) -> Iterator[WorkedSection]:
    step = WorkedStep(
        "output", "the shape of every branch", product(*output.axes), output.size, "summed place by place"
    )
    yield WorkedSection(OUTPUT, (step,))


def _attended(ends: list[Shape], output: Shape) -> Iterator[WorkedSection]:
    """Both products, and what comes out."""
    (l_q,), (l_m,), d = ends[0].spatial, ends[1].spatial, ends[0].channels
    pairs = times(l_q, l_m, d)
    scores, contexts = product(l_q, l_m, d), product(l_q, l_m, d)
    note = "softmax of each row: what a query looks at adds up to 1"
    steps = (
        WorkedStep("weights", "softmax over j of qᵢ · mⱼ", product(l_q, l_m), times(l_q, l_m), note),
        WorkedStep(
            "context", "cᵢ = Σⱼ weightᵢⱼ · mⱼ", product(l_q, d), times(l_q, d), "a mean of the memory, as weighted"
        ),
        WorkedStep("output channels", "[qᵢ, cᵢ]: 2 · d", f"2 × {d}", output.channels),
    )
    yield WorkedSection(OUTPUT, steps, "Luong, Pham, Manning 2015, section 3.1")
    both = WorkedStep("products of the merge", "scores L_q · L_m · d + contexts L_q · L_m · d", f"{scores} + {contexts}",
                times(2, pairs), "nothing is learned in it")  # fmt: skip
    yield WorkedSection("Attention", (both,))


MERGES: dict[str, Callable[[list[Shape], Shape], Iterator[WorkedSection]]] = {
    "concat": _concatenated,
    "add": _added,
    "attention": _attended,
}


@rules.rule(Residual)
def _residual(node: Residual, input: Shape, output: Shape, place: Located) -> Iterator[WorkedSection]:
    short = "projected on the shortcut" if node.shortcut.layers else "handed on unchanged"
    formula = "y = F(x) + shortcut(x)" if node.shortcut.layers else "y = F(x) + x"
    note = f"the input is {short}; shapes must be equal, values are added place by place"
    step = WorkedStep("output", formula, product(*output.axes), output.size, note)
    yield WorkedSection(OUTPUT, (step,), "He, Zhang, Ren, Sun 2015; lecture 004")
    yield from _sums(place)


@rules.rule(Auxiliary)
def _auxiliary(node: Auxiliary, input: Shape, output: Shape, place: Located) -> Iterator[WorkedSection]:
    note = "the input is handed on; the head gives a second answer, in training only"
    step = WorkedStep("output", "the input's shape", product(*output.axes), output.size, note)
    yield WorkedSection(OUTPUT, (step,), "Szegedy et al. 2014, section 5")
    yield from _sums(place)


# What holds for every node --------------------------------------------------------------------------------------------


def _text(number: Fraction | int | None) -> str:
    return "?" if number is None else str(number)


def receptive_field_section(place: Located) -> Iterator[WorkedSection]:
    """How the receptive field grows by this node, axis by axis."""
    before, after = place.walk.before[place.at.path], place.walk.fields[place.at.path]
    if not after:
        return
    groups: dict[tuple[WorkedStep, ...], list[str]] = {}
    for axis, name in enumerate(axis_names(place.walk.root.input)):
        groups.setdefault(tuple(_axis(place, axis, before[axis], after[axis])), []).append(name)
    steps = []
    for made, names in groups.items():
        label = " and ".join(names) if len(names) < len(after) else ""
        steps += [
            WorkedStep(f"{s.quantity}, {label}" if label else s.quantity, s.formula, s.substitution, s.value, s.note)
            for s in made
        ]
    yield WorkedSection("Receptive field", tuple(steps), ARAUJO)


def _axis(place: Located, axis: int, before: Field, after: Field) -> Iterator[WorkedStep]:
    at = place.at
    number = _value(after.stride)
    if place.parts or isinstance(at.node, Sequential | Parallel | Residual | Auxiliary):
        yield from _merged(place, axis, after)
        return
    if after.step is None:
        yield _unknown(after)
        return
    if before.step is not None and before.step.advance == 0:
        yield WorkedStep(
            "size", "as before", _text(before.size), after.size, "every unit already sees all that there is"
        )
        return
    if not after.step.exact:
        yield _bounded(after)
        yield WorkedStep("stride", "mean step", _text(after.stride), number)
        return
    own = reach(at.node, at.input, axis, at.path) if axis < len(at.input.spatial) else None
    if after.step.advance == 0:
        span = after.step.first
        text = "0" if span is None else f"{span[1]} − {max(span[0], 0)} + 1"
        note = "what any unit before it sees, of the pixels that are there"
        yield WorkedStep("size", "last − first + 1", text, after.size, note)
        return
    assert before.step is not None
    if not _single(own) or not _single(before.step) or own is None or own.first is None:
        note = "units see windows of different sizes by turns; this is the largest"
        yield WorkedStep("size", "last − first + 1, the largest", _text(after.size), after.size, note)
        yield WorkedStep("stride", "mean step", _text(after.stride), number)
        return
    low, high = own.first
    word = "pixels" if len(place.walk.root.input.spatial) > 1 else "places"
    r, j = _text(before.size), _text(before.stride)
    yield WorkedStep(
        "size", "size before + (extent − 1) · stride before", f"{r} + ({high - low + 1} − 1) × {j}", after.size
    )
    yield WorkedStep("stride", "stride before · s", f"{j} × {own.advance}", number, f"{word} from one unit to the next")
    zeros = f"{-low}" if low <= 0 else f"(−{low})"
    yield WorkedStep(
        "padding", "padding before + zeros before · stride before", f"{before.padding} + {zeros} × {j}", after.padding
    )


def _value(number: Fraction) -> int | float:
    return int(number) if number.denominator == 1 else float(number)


def _merged(place: Located, axis: int, after: Field) -> Iterator[WorkedStep]:
    if after.step is None:
        yield _unknown(after)
        return
    stride = _value(after.stride)
    if not after.step.exact:
        yield _bounded(after)
        yield WorkedStep("stride", "mean step", _text(after.stride), stride)
        return
    if isinstance(place.at.node, Parallel | Residual):
        ends = [place.walk.fields[part.path][axis].step for part in place.parts]
        if isinstance(place.at.node, Residual) and len(place.parts) == 1:
            ends.append(place.walk.before[place.at.path][axis].step)
        spans = [span for span in (_first(end) for end in ends) if span is not None]
        if spans and _single(after.step):
            lows, highs = (", ".join(_signed(span[side]) for span in spans) for side in (0, 1))
            note = "the first unit of each branch sees from … to …; of branches the hull counts"
            text = f"max({highs}) − min({lows}) + 1"
            yield WorkedStep("size", "largest last − smallest first + 1", text, after.size, note)
            yield WorkedStep("stride", "that of the branches", _text(after.stride), stride)
            return
    if getattr(place.at.node, "merge", "") == "attention":
        note = "that of the output which sees most"
        yield WorkedStep(
            "size", "what the query sees, and all that the memory sees", _text(after.size), after.size, note
        )
        return
    yield WorkedStep("size", "that of its last layer", _text(after.size), after.size)
    yield WorkedStep("stride", "that of its last layer", _text(after.stride), stride)


def _first(step: Reach | None) -> tuple[int, int] | None:
    return None if step is None else step.first


def _single(step: Reach | None) -> bool:
    """Whether all units see alike, each at its own place."""
    return isinstance(step, Pattern) and len(step.spans) == 1


def _unknown(field: Field) -> WorkedStep:
    if field.beyond:
        return WorkedStep(
            "size", "beyond all sizes", "?", None, f"a unit sees more than {LARGEST:,} places, or steps over as many"
        )
    return WorkedStep("size", "everything", "?", None, "the size of the input is not known")


def _bounded(field: Field) -> WorkedStep:
    """A pattern too long to list."""
    note = "no unit sees more; units see windows of so many sizes that they are not listed"
    return WorkedStep("size, at most", "last − first + 1", _text(field.at_most), field.at_most, note)


def _signed(n: int) -> str:
    return f"−{-n}" if n < 0 else str(n)


def memory_section(place: Located) -> Iterator[WorkedSection]:
    """Bytes of a layer's numbers at float32."""
    found = place.counts()
    if not found:
        return
    whole = total(found)
    stored = whole.parameters + whole.fixed
    steps = [
        WorkedStep(
            "weights",
            "4 bytes · (parameters + not trained)",
            f"{BYTES} × ({whole.parameters} + {whole.fixed})",
            BYTES * stored,
        )
    ]
    if whole.activations is not None:
        a = whole.activations
        steps.append(WorkedStep("activations", "4 bytes · values that come out", f"{BYTES} × {a}", BYTES * a))
        numbers = f"{BYTES} × ({COPIES} × {whole.parameters} + {whole.fixed} + {a})"
        value = BYTES * (COPIES * whole.parameters + whole.fixed + a)
        note = "each parameter with its gradient and Adam's two moments"
        steps.append(
            WorkedStep("training", "4 bytes · (4 · parameters + not trained + activations)", numbers, value, note)
        )
    yield WorkedSection("Memory", tuple(steps))
