"""Debian's package, with an apt-get and a dpkg of our own on the PATH."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from foveal.data.published.catalogue import ROLES, PublishedFile, PublishedSet
from foveal.data.published.debian import fetch_package
from foveal.data.published.obtain import obtain
from foveal.errors import SourceError

BODIES = {name: b"\x00\x00\x08\x01\x00\x00\x00\x03" + bytes([i, 1, 2]) for i, name in enumerate(ROLES)}
KNOWN = PublishedSet(
    "small",
    "Small-Set",
    ("a", "b", "c"),
    tuple(PublishedFile(name, hashlib.sha256(body).hexdigest(), len(body), "") for name, body in BODIES.items()),
    (),
    ("/usr/share/datasets/nowhere-small",),
    "dataset-small",
)

APT = """#!/bin/sh
echo "$@" >> "$LOG"
case " $* " in
  *" update "*) touch "$LISTS"; exit 0 ;;
  *" download dataset-small "*)
    [ -e "$LISTS" ] || { echo "W: a warning" >&2; echo "E: Unable to locate package dataset-small" >&2; exit 100; }
    echo archive > dataset-small_1_all.deb ;;
esac
"""
DPKG = """#!/bin/sh
[ "$1" = -x ] && [ -e "$2" ] || exit 1
mkdir -p "$3/usr/share/datasets/nowhere-small" && cp "$PAYLOAD"/* "$3/usr/share/datasets/nowhere-small/"
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two commands, which reads what to unpack from ``payload``."""
    folder, payload = tmp_path / "bin", tmp_path / "payload"
    folder.mkdir()
    payload.mkdir()
    for name, text in (("apt-get", APT), ("dpkg", DPKG)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    for name, body in BODIES.items():
        (payload / f"{name}.gz").write_bytes(gzip.compress(body))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("LISTS", str(tmp_path / "lists"))
    monkeypatch.setenv("PAYLOAD", str(payload))
    monkeypatch.delenv("FOVEAL_OFFLINE", raising=False)
    monkeypatch.delenv("FOVEAL_DATA", raising=False)
    (tmp_path / "lists").touch()
    return tmp_path


def test_the_package_is_unpacked_into_the_cache(tools: Path) -> None:
    found = obtain(KNOWN, cache=tools / "cache")
    assert found.source == f"the package dataset-small, unpacked into {tools / 'cache'}"
    assert [bytes(data) for data in found.contents] == list(BODIES.values())
    assert sorted(path.name for path in (tools / "cache").iterdir()) == sorted(f"{name}.gz" for name in BODIES)


def test_lists_are_fetched_where_apt_has_none(tools: Path) -> None:
    (tools / "lists").unlink()
    assert fetch_package(KNOWN, tools / "cache") is None
    first, update, second = (tools / "log").read_text().splitlines()
    assert first.endswith("download dataset-small")
    assert "Dir::State::lists=" not in first
    assert update.endswith("update")
    assert f"Dir::State::lists={tools / 'cache'}" in update
    assert second.endswith("download dataset-small")
    assert f"Dir::State::lists={tools / 'cache'}" in second


def test_a_package_that_apt_does_not_know(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Below a file nothing can be made, not even by root: the machine stays as it was, and so does the test.
    monkeypatch.setenv("LISTS", str(tools / "log" / "lists"))
    with pytest.raises(SourceError) as error:
        obtain(KNOWN, cache=tools / "cache", addresses=[])
    assert "apt-get download dataset-small: apt-get download: E: Unable to locate package" in str(error.value)
    assert list((tools / "cache").iterdir()) == []


def test_a_package_with_wrong_content(tools: Path) -> None:
    (tools / "payload" / f"{ROLES[2]}.gz").write_bytes(gzip.compress(b"something else"))
    reason = fetch_package(KNOWN, tools / "cache")
    assert reason == f"the package dataset-small: {ROLES[2]}.gz holds more than 11 bytes"


def test_a_package_without_the_files(tools: Path) -> None:
    (tools / "payload" / f"{ROLES[2]}.gz").unlink()
    assert fetch_package(KNOWN, tools / "cache") == "the package dataset-small does not hold the four files"


def test_dpkg_fails(tools: Path) -> None:
    (tools / "bin" / "dpkg").write_text("#!/bin/sh\necho 'dpkg: no space left' >&2\nexit 2\n")
    assert fetch_package(KNOWN, tools / "cache") == "dpkg -x: dpkg: no space left"


def test_a_machine_without_apt(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tools / "nothing"))
    assert fetch_package(KNOWN, tools / "cache") == "there is no apt-get and no dpkg on this machine"
