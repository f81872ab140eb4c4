"""A question without an answer is said, hides none of the others, and is not a success."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import typer

from foveal.cli.predict import _tell_answers
from foveal.errors import DataError, ModelFileError
from foveal.runs.answers import Answer, Unanswered, each


def doubled(model: str, questions: Sequence[str]) -> Iterator[str]:
    """A system whose generator dies at the first bad question."""
    for text in questions:
        if not text.isdigit():
            raise DataError("this is not a number", where=text)
        yield str(2 * int(text))


@pytest.mark.parametrize("bad", [[], [0], [1], [3], [0, 1], [2, 3], [0, 1, 2, 3]])
def test_bad_questions_hide_none_of_the_others(bad: list[int]) -> None:
    questions = [f"x{i}" if i in bad else str(i) for i in range(4)]
    told = list(each(doubled, "", questions))
    assert [question for question, _ in told] == questions
    assert [i for i, (_, text) in enumerate(told) if isinstance(text, Unanswered)] == bad
    assert [text for i, (_, text) in enumerate(told) if i not in bad] == [str(2 * i) for i in range(4) if i not in bad]


def test_a_model_that_cannot_be_read_answers_nothing() -> None:
    def broken(model: str, questions: Sequence[str]) -> Iterator[str]:
        raise ModelFileError("this is damaged")
        yield ""

    with pytest.raises(ModelFileError):
        list(each(broken, "", ["1"]))


def test_the_exit_status_and_where_each_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as end:
        _tell_answers(each(doubled, "", ["1", "x\x1b", "3"]), as_json=False)
    assert end.value.exit_code == 1
    out, err = capsys.readouterr()
    assert out == "2\n6\n"
    assert err == "x\\x1b: this is not a number\n1 question could not be answered.\n"


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        _tell_answers(iter([("a", Answer("1")), ("b\x1b", Unanswered("no"))]), as_json=True)
    assert json.loads(capsys.readouterr().out) == [
        {"question": "a", "answer": "1"},
        {"question": "b\x1b", "error": "no"},
    ]
    _tell_answers(iter([("a", Answer("1"))]), as_json=True)


def test_drawings_are_svg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from foveal.cli.app import app
    from foveal.errors import ConfigurationError, FileError

    monkeypatch.chdir(tmp_path)
    for name in ("x.png", "x.pdf", "x.JPG", "x.svg.gz"):
        with pytest.raises(ConfigurationError, match="drawn as SVG") as caught:
            app(["show", "lenet5", "--svg", name], standalone_mode=False)
        app(["show", "lenet5", *caught.value.fix[0].split()], standalone_mode=False)  # the repair works
    with pytest.raises(FileError, match="this is a folder"):
        app(["show", "lenet5", "--svg", str(tmp_path)], standalone_mode=False)
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg"}
