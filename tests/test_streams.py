"""What is printed can be read in every encoding, steers no terminal, and a failure to print is never a success."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal import streams
from foveal.streams import console, legible, say

LAYOUTS = (
    "show lenet5",
    "show lenet5 lecture_cnn",
    "show lecture_cnn --why conv2d_1",
    "show --list",
    "data list",
    "--help",
)
NARROW = ("ascii", "cp1252", "latin-1", "cp437", "koi8-r", "shift_jis")


def _foveal(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-m", "foveal", *command.split()]
    return subprocess.run(words, cwd=folder, capture_output=True, env={**os.environ, **environment}, check=False)


@given(st.text(), st.sampled_from(NARROW))
def test_every_text_becomes_one_that_the_encoding_has(text: str, encoding: str) -> None:
    told = legible(text, encoding)
    told.encode(encoding)
    assert not text.isascii() or told == text


@pytest.mark.parametrize(
    ("text", "ascii"),
    [
        ("5 × 5", "5 x 5"), ("−0.3 – 0.4", "-0.3 - 0.4"), ("p ≥ ½", "p >= 1/2"), ("a → b", "a -> b"), ("│ ├ └ ─ ┌", "| + + - +"),
        ("⌊(28 + 2·0 − 5) / 2⌋", "floor((28 + 2.0 - 5) / 2)"), ("███▌", "####"), ("✗ does not fit", "x does not fit"),
        ("naïve Käse", "naive Kase"), ("σ²", "sigma^2"), ("10⁶ 10⁻¹²", "10^6 10^-12"), ("1½", "1 1/2"),
        ("猫", "\\u732b"), ("🐈", "\\U0001f408"), ("caf\udce9", "caf\\udce9"),
    ],
)  # fmt: skip
def test_what_is_missing_is_written_as_people_write_it(text: str, ascii: str) -> None:
    assert legible(text, "ascii") == ascii


def test_what_the_encoding_has_stays() -> None:
    assert legible("28 × 28 – Käse → €", "cp1252") == "28 × 28 – Käse -> €"
    assert legible("28 × 28", "no such encoding") == "28 × 28"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8", "utf-16"])
def test_a_library_user_prints_into_any_stream(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from foveal import layers, models

    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    models.Sequential([layers.Conv2D(3, 3, input_shape=(8, 8, 1))]).summary()
    say("caf\udce9 猫")
    console(width=80).print("[bold]→[/bold] ×", "Σ")
    assert sys.stdout is stream
    stream.flush()
    told = raw.getvalue().decode(encoding)
    assert ("8 × 8 × 1 → 6 × 6 × 3" if encoding.startswith("utf") else "->") in told


def test_who_asks_python_for_another_handler_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="replace")
    monkeypatch.setattr(sys, "stdout", stream)
    say("→")
    stream.flush()
    assert raw.getvalue().splitlines() == [b"?"]


def test_nothing_that_is_printed_steers_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    hostile = "a\x1b[2J\x07\x9b31m\u202eb\u2066\x00\x7f"
    say(hostile)
    from rich.table import Table
    from rich.text import Text

    table = Table(hostile)
    table.add_row(Text(hostile))
    coloured = console(force_terminal=True, width=100, color_system="standard")
    coloured.print(table)
    coloured.print(Text(hostile, "red"), hostile)
    told = stream.getvalue()
    assert "\\x1b[2J" in told
    assert not set(told) & set("\x07\x9b\u202e\u2066\x00\x7f")
    assert "\x1b[2J" not in told
    assert "\x1b[31m" in told  # rich's own colours stay


def test_a_closed_stream_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    say("nobody")
    say("hears", error=True)
    console().print("this")
    from foveal import layers, models

    models.Sequential([layers.Dense(3, input_shape=(4,))]).summary()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_every_listing_can_be_read_in_every_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from foveal.cli.app import app

    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    for command in LAYOUTS:
        app(command.split(), standalone_mode=False)
    stream.flush()
    assert b"\\u" not in raw.getvalue(), "a sign without an ASCII spelling"


def test_the_command_line_in_ascii(tmp_path: Path) -> None:
    done = _foveal("show lenet5", tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"28 x 28 x 1 -> 10" in done.stdout


def test_every_sign_that_foveal_writes_has_a_spelling() -> None:
    source = Path(streams.__file__).parent
    signs = {c for path in source.rglob("*.py") for c in path.read_text(encoding="utf-8") if not c.isascii()}
    missing = {c for c in signs if streams._ascii(c).startswith("\\") and unicodedata.category(c)[0] in "PS"}
    assert not missing, "give each a spelling in streams._WRITTEN"


def test_the_c_locale(tmp_path: Path) -> None:
    done = _foveal("show lenet5", tmp_path, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="")
    assert (done.returncode, done.stderr) == (0, b"")


def test_errors_are_legible_too(tmp_path: Path) -> None:
    done = _foveal("show lenet5 --input 2x2x1 --why C3", tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert done.stderr.isascii()
    assert b"Traceback" not in done.stderr
    assert b" x " in done.stderr


def _shell(script: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    script = script.replace("foveal ", f"'{sys.executable}' -m foveal ")
    return subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, check=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("command", ["show lenet5", "--help"])
def test_a_full_disk_behind_standard_output(tmp_path: Path, command: str) -> None:
    done = _shell(f"foveal {command} > /dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(b"standard output: not all could be written\n  given     No space left on device\n")
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_standard_output_that_is_closed(tmp_path: Path) -> None:
    done = _shell("foveal show lenet5 >&-", tmp_path)
    assert done.returncode == 2
    assert b"it is closed" in done.stderr
    assert b"Traceback" not in done.stderr


def test_standard_error_that_is_closed_or_full(tmp_path: Path) -> None:
    done = _shell("foveal show lenet5 2>&-", tmp_path)
    assert done.returncode == 0
    assert b"61,706" in done.stdout
    for end in ("2>&-", "2>/dev/full"):
        done = _shell(f"foveal show nothing {end}", tmp_path)
        assert (done.returncode, done.stdout) == (2, b"")


def test_all_closed(tmp_path: Path) -> None:
    done = _shell("foveal show lenet5 --svg net.svg <&- >&- 2>&-", tmp_path)
    assert done.returncode == 2
    assert not list(tmp_path.iterdir())


def test_a_reader_that_went_away(tmp_path: Path) -> None:
    done = _shell("foveal show resnet152 | head -1; exit ${PIPESTATUS[0]}", tmp_path)
    assert (done.returncode, done.stderr) in ((141, b""), (0, b""))  # 0: all fitted into the pipe before head was gone
    assert done.stdout.count(b"\n") == 1


def test_what_is_left_of_a_pipe_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        out = streams._Output(stream)
        os.close(reading)
        print("x", file=out)  # type: ignore[call-overload]
        with pytest.raises(streams.OutputError) as caught:
            out.flush()
        assert caught.value.reader_gone
        out.flush()  # what was not taken goes nowhere, and is not a second error
