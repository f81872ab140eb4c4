"""docs/zoo.md holds the table of the registry. To write it anew: ``python tests/zoo/test_docs.py``."""

from __future__ import annotations

import re
from pathlib import Path

from foveal import zoo

PAGE = Path(__file__).resolve().parents[2] / "docs" / "zoo.md"
PLACE = re.compile(r"(<!-- table: .*? -->\n).*?(<!-- end of table -->)", re.DOTALL)


def table() -> str:
    """The registry as Markdown."""
    rows = ["| name | network | parameters | input | paper |", "| --- | --- | ---: | --- | --- |"]
    for entry in zoo.entries():
        size = entry.input_text
        rows.append(
            f"| `{entry.name}` | {entry.title}: {entry.description} | {entry.parameters:,} | {size} | {entry.paper} |"
        )
    return "\n".join(rows) + "\n"


def filled(page: str) -> str:
    """The page with the table of now."""
    return PLACE.sub(lambda found: found[1] + table() + found[2], page)


def test_the_page_has_the_table_of_now():
    page = PAGE.read_text(encoding="utf-8")
    assert len(PLACE.findall(page)) == 1
    assert page == filled(page), "docs/zoo.md is not up to date: python tests/zoo/test_docs.py"


def test_the_page_names_only_nodes_that_there_are():
    paths = {
        "vgg16": "features/block1/conv1",
        "googlenet": "inception_3a/5x5/conv",
        "resnet50": "layer2/block1/body/conv2",
        "densenet121": "denseblock1/layer1/new/conv2",
    }
    from foveal.network import find

    text = PAGE.read_text(encoding="utf-8")
    for name, path in paths.items():
        assert path in text
        find(zoo.create(name), path)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
