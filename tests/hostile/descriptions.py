"""Descriptions of networks: every number made extreme, every value replaced, files that are none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.hostile import mutations, seeds
from tests.hostile.harness import Case
from tests.hostile.inputs import not_files, write

NUMBERS = (-1, 0, 10**4, 10**6, 3 * 10**6, 10**9, 10**18, 2**63, 10**400, 1.5, True, "1", None)
EVERY = 7
"""Of some eleven thousand layers, arguments and numbers every seventh is tried: coprime to the numbers, so that all occur."""


def described() -> Iterator[Case]:
    """Every layer with every number of its arguments made extreme; shown as table, as worked arithmetic, as drawing."""
    from foveal.network import codec
    from tests.contracts.subjects import SUBJECTS, subject

    views = (("--why", "x"), (), ("--json",), ("--svg", "x.svg"), ("--dense",))
    turn = tried = 0
    for name in SUBJECTS:
        if name.startswith("zoo:"):
            continue
        tree = json.loads(json.dumps(codec.to_dict(subject(name))))
        for place in mutations._places(tree, ()):
            value = _at(tree, place)
            if not isinstance(value, int | float) or isinstance(value, bool) or place == ("foveal",):
                continue
            for number in NUMBERS:
                tried += 1
                if tried % EVERY:
                    continue
                changed = json.loads(json.dumps(tree))
                _put(changed, place, number)
                text = json.dumps(changed)
                view = views[turn % len(views)]
                turn += 1
                shown = f"{name}: {'/'.join(map(str, place))} = {str(number)[:20]}"
                arguments = ("show", "n.json", *(v if v != "x" else _first_layer(tree) for v in view))
                yield Case("description", shown, write("n.json", text, *arguments))


def _at(tree: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        tree = tree[key]
    return tree


def _put(tree: Any, place: tuple[Any, ...], value: Any) -> None:
    _at(tree, place[:-1])[place[-1]] = value


def _first_layer(tree: Any) -> str:
    kind = tree["layers"][0].get("kind", "parallel")
    return str(
        tree["layers"][0].get("name")
        or "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(kind))
    )


def texts() -> Iterator[Case]:
    """Description files in which one value is hostile, as JSON and as YAML; and files that are not descriptions at all."""
    tree = seeds.description()
    for number, (name, text) in enumerate(mutations.with_values(tree, 1, 260)):
        suffix = ("json", "yaml")[number % 2]
        yield Case("text", f"{suffix}: {name}", write(f"n.{suffix}", text, "show", f"n.{suffix}"))
    for name, data in mutations.damaged(json.dumps(tree, indent=1).encode(), 2, 120):
        yield Case("text", f"json: {name}", write("n.json", data, "show", "n.json"))
    odd = {
        "aliases": "a: &a [1,1,1,1,1,1,1,1,1]\n"
        + "".join(
            f"{c}: &{c} [{','.join('*' + p for _ in range(9))}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "keys": "".join(f"k{n}: 1\n" for n in range(40_000)),
        "tag": "!!python/object/apply:os.system ['true']",
        "documents": "foveal: 1\n---\nfoveal: 1\n",
        "deep": "[" * 20_000,
        "deep blocks": "".join("  " * n + "- \n" for n in range(2_000)),
        "BOM": "\ufeff" + json.dumps(tree),
        "twice": '{"foveal": 1, "foveal": 1, "layers": []}',
        "megabytes": '{"foveal": 1, "' + "k" * 3_000_000 + '": 1}',
        "nested": _nested(900),
        "many layers": json.dumps(
            {
                "foveal": 1,
                "input": [8, 8, 1],
                "layers": [{"kind": "Flatten"}] + [{"kind": "Dense", "units": 3}] * 20_000,
            }
        ),
    }
    for name, text in odd.items():
        for suffix in ("json", "yaml"):
            yield Case("text", f"{suffix}: {name}", write(f"n.{suffix}", text, "show", f"n.{suffix}"))
    yield Case("text", "UTF-16", write("n.json", json.dumps(tree).encode("utf-16"), "show", "n.json"))
    yield from not_files("text", "n.json", ("show", "n.json"))


def _nested(depth: int) -> str:
    """Written as text: the writer itself is not made for such depths."""
    opened, closed = '{"kind": "Sequential", "layers": [', "]}"
    return f'{{"foveal": 1, "input": [8, 8, 1], "layers": [{opened * depth}{{"kind": "Flatten"}}{closed * depth}]}}'
