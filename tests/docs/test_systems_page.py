"""docs/systems.md holds the registry with what was measured, the pages of systems their settings.

To write them anew: ``python tests/docs/test_systems_page.py``.
"""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

import pytest

from foveal import systems, zoo
from foveal.runs import settings
from foveal.systems import launch

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "systems.md"
RESULTS = ROOT / "benchmarks" / "results" / "systems.json"
PLACE = re.compile(r"(<!-- table: .*? -->\n).*?(<!-- end of table -->)", re.DOTALL)
SETTINGS = re.compile(r"(<!-- settings: (\S+) -->\n).*?(<!-- end of settings -->)", re.DOTALL)
PAGES = {"rnn": "recurrent", "lstm": "recurrent", "gru": "recurrent"}
PAGES |= dict.fromkeys(
    ("autoencoder", "conv_autoencoder", "sparse_autoencoder", "denoising_autoencoder"), "autoencoders"
)


def page_of(name: str) -> Path:
    """The documentation page of a system."""
    return ROOT / "docs" / "systems" / f"{PAGES.get(name, name)}.md"


def settings_filled(page: Path) -> str:
    """The page of some systems with the settings of now."""

    def now(found: re.Match[str]) -> str:
        own = launch.method(systems.system(found[2])).settings
        return f"{found[1]}{settings.markdown(own)}\n{found[3]}"

    return SETTINGS.sub(now, page.read_text(encoding="utf-8"))


def table() -> str:
    """The registry with the measured results as Markdown."""
    measured: dict[str, list[dict[str, Any]]] = {}
    for row in json.loads(RESULTS.read_text()):
        measured.setdefault(row["system"], []).append(row)
    lines = ["| system | lecture | command | result measured | time |", "| --- | --- | --- | --- | --- |"]
    for each in systems.SYSTEMS:
        found = measured.get(each.name, [])
        rows = [row for row in found if "data" not in row]
        others = sorted({row["data"] for row in found if "data" in row})
        more = "".join(f"; on {data}: {_alone([row for row in found if row.get('data') == data])}" for data in others)
        link = f"[{each.title}](systems/{page_of(each.name).name})"
        lines.append(f"| {link} | {each.lecture} | `{each.command}` | {result(rows)}{more} | {taken(rows)} |")
    return "\n".join(lines) + "\n"


def _alone(rows: list[dict[str, Any]]) -> str:
    """The first headline over all seeds, and nothing else."""
    return result([{**row, "headlines": row["headlines"][:1]} for row in rows])


def result(rows: list[dict[str, Any]]) -> str:
    """The first headline over all seeds, and the further ones of the first run."""
    if not rows:
        return "not measured"
    first, *others = rows[0]["headlines"]
    values = [row["headlines"][0]["value"] for row in rows]
    text = f"**{first['label']} {first['text']}**"
    if len(values) > 1 and all(isinstance(value, int | float) for value in values):
        scale = 100 if first["text"].endswith("%") else 1
        unit = " %" if scale == 100 else ""
        mean = statistics.fmean(values) * scale
        ends = f"{min(values) * scale:.4g}–{max(values) * scale:.4g}".replace("-", "−")
        text = f"**{first['label']} {mean:.4g}{unit}**, mean of {len(values)} seeds ({ends})".replace(" -", " −")
    return "; ".join([text, *(f"{each['label']} {each['text']}" for each in others[:3])]).replace("|", "/")


def taken(rows: list[dict[str, Any]]) -> str:
    """The time of the whole command."""
    if not rows:
        return "–"
    seconds = statistics.fmean(row["seconds"] for row in rows)
    whole = round(seconds)
    return f"{whole} s" if whole < 90 else f"{whole // 60} min {whole % 60} s"


def filled(page: str) -> str:
    """The page with the table of now."""
    return PLACE.sub(lambda found: found[1] + table() + found[2], page)


def test_the_page_has_the_table_of_now():
    page = PAGE.read_text(encoding="utf-8")
    assert len(PLACE.findall(page)) == 1
    assert page == filled(page), "docs/systems.md is not up to date: python tests/docs/test_systems_page.py"


def test_every_system_was_measured():
    rows = json.loads(RESULTS.read_text())
    assert {row["system"] for row in rows} == set(systems.names())
    assert all(row["headlines"] for row in rows)
    assert all(row["seconds"] < 600 for row in rows), "ten minutes on two cores at most"


@pytest.mark.parametrize("name", systems.names())
def test_every_system_has_a_page_with_its_source_and_command(name):
    text = page_of(name).read_text(encoding="utf-8")
    found = systems.system(name)
    assert found.command in text
    author = re.split(r"[ ,]", found.source)[0]
    assert author in text, f"the page does not name {author}"
    for network in found.networks:
        assert network in text or zoo.entry(network).title in text


@pytest.mark.parametrize("page", sorted({page_of(name) for name in systems.names()}), ids=lambda page: page.stem)
def test_every_page_has_the_settings_of_its_systems(page):
    own = {name: launch.method(systems.system(name)).settings for name in systems.names() if page_of(name) == page}
    told = [own[found[1]] for found in SETTINGS.findall(page.read_text(encoding="utf-8")) if found[1] in own]
    assert all(each in told for each in own.values()), f"{page.name} lacks the settings of one of {', '.join(own)}"
    assert page.read_text(encoding="utf-8") == settings_filled(page), (
        f"docs/systems/{page.name} is not up to date: python tests/docs/test_systems_page.py"
    )


if __name__ == "__main__":
    for page in {page_of(name) for name in systems.names()}:
        page.write_text(settings_filled(page), encoding="utf-8")
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
