"""Deterministic damage: to bytes as disks and attackers do it, to JSON one value at a time."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

LONG = 4_400  # digits: over the limit at which Python refuses to read an integer

VALUES: dict[str, str] = {
    "null": "null",
    "true": "true",
    "minus": "-1",
    "zero": "0",
    "half": "0.5",
    "billion": "1000000000",
    "2^63": str(2**63),
    "huge": "1e400",
    "NaN": "NaN",
    "digits": "9" * LONG,
    "empty text": '""',
    "escape": '"\\u001b[2J\\u202ebad"',
    "surrogate": '"\\ud800"',
    "path": '"../../../etc/passwd"',
    "device": '"/dev/zero"',
    "root": '"/"',
    "long text": '"' + "x" * 100_000 + '"',
    "empty list": "[]",
    "empty object": "{}",
    "deep": "[" * 2_000 + "]" * 2_000,
    "wide": "[" + ",".join("1" for _ in range(50_000)) + "]",
}
MARK = "@@hostile@@"


def damaged(data: bytes, seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """``count`` ways to damage bytes; the names say what was done."""
    draw = random.Random(seed)
    size = len(data)
    for number in range(count):
        kind = number % 7
        place = draw.randrange(size)
        if kind == 0:
            yield f"cut at {place}", data[:place]
        elif kind == 1:
            bit = draw.randrange(8)
            yield f"bit {bit} of byte {place}", data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
        elif kind == 2:
            near = draw.randrange(min(size, 160))
            value = draw.choice(
                [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\x80\0\0\0", b"\xff\xff\xff\x7f"]
            )
            yield f"{value.hex()} at {near}", data[:near] + value + data[near + 4 :]
        elif kind == 3:
            length = draw.randrange(1, max(2, size // 4))
            yield f"{length} bytes gone at {place}", data[:place] + data[place + length :]
        elif kind == 4:
            length = draw.randrange(1, max(2, size // 4))
            yield f"{length} bytes twice at {place}", data[: place + length] + data[place:]
        elif kind == 5:
            yield f"noise at {place}", data[:place] + draw.randbytes(16) + data[place:]
        else:
            yield f"{place} zeros for the end", data[:place] + bytes(size - place)


def with_values(tree: Any, seed: int, count: int) -> Iterator[tuple[str, str]]:
    """JSON texts in each of which one value was replaced by a hostile one, a key was doubled, or a key was added."""
    import json

    places = list(_places(tree, ()))
    trials = [(place, name) for place in places for name in VALUES]
    random.Random(seed).shuffle(trials)
    for place, name in trials[:count]:
        changed = copy.deepcopy(tree)
        inner = changed
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = MARK
        yield f"{'/'.join(map(str, place))} = {name}", json.dumps(changed).replace(f'"{MARK}"', VALUES[name])


def _places(tree: Any, above: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in entries:
        yield (*above, key)
        yield from _places(value, (*above, key))
