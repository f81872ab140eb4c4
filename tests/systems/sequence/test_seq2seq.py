"""The translator of dates as a system: what it counts, against counting by hand; what it answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from foveal import systems
from foveal.data.generated import dates
from foveal.errors import ConfigurationError, DataError
from foveal.evaluation.intervals import wilson
from foveal.systems.sequence import seq2seq
from foveal.systems.sequence.translator import Translation


class Told:
    """A translator that has the right answers, but for those that it is told to spoil."""

    def __init__(self, pairs: list[dates.Pair], wrong: set[int]) -> None:
        self.pairs, self.wrong = pairs, wrong

    def translate(self, sources: np.ndarray) -> Translation:
        source, target = dates.lengths()
        known = {pair.source: pair.target for pair in self.pairs}
        texts = [dates.decoded(row) for row in sources]
        answers = ["1" + known[t][1:-1] if i in self.wrong else known[t] for i, t in enumerate(texts)]
        return Translation(
            dates.encoded(answers, target), np.full((len(texts), target, source), 1 / source, np.float32)
        )


@pytest.fixture(scope="module")
def pairs() -> list[dates.Pair]:
    return list(dates.load(train=1, validation=1, test=60).test)


def test_exact_matches_are_counted_by_direction_form_and_language(pairs: list[dates.Pair]) -> None:
    wrong = {0, 7, 8}
    told = seq2seq.measured(Told(pairs, wrong), pairs)  # type: ignore[arg-type]
    for to_iso, name in ((True, "to_iso"), (False, "from_iso")):
        own = [i for i, pair in enumerate(pairs) if pair.to_iso is to_iso]
        right = len(set(own) - wrong)
        interval = wilson(right, len(own))
        assert (told[name]["right"], told[name]["count"]) == (right, len(own))
        assert told[name]["exact"] == right / len(own)
        assert (told[name]["low"], told[name]["high"]) == (interval.low, interval.high)
        assert sum(form[name]["right"] for form in told["forms"]) == right
        assert sum(language[name]["right"] for language in told["languages"].values()) == right
        assert (told[name]["characters"] < 1) is (right < len(own))
    assert told["wrong"] == 3
    assert [error["source"] for error in told["errors"]] == [pairs[i].source for i in sorted(wrong)]
    assert all(error["given"] != error["target"] for error in told["errors"])


def test_looks_are_of_the_first_of_each_form(pairs: list[dates.Pair]) -> None:
    drawn = seq2seq.looks(Told(pairs, set()), pairs)  # type: ignore[arg-type]
    for each in drawn:
        assert each["given"] == each["target"]
        assert len(each["weights"]) == len(each["given"]) + 1  # and the end
        assert {len(row) for row in each["weights"]} == {len(each["source"]) + 2}  # and the end, and the padding
        assert [sum(row) for row in each["weights"]] == pytest.approx([1.0] * len(each["weights"]), abs=0.01)


def test_a_run_and_its_model_s_answers(tmp_path: Path) -> None:
    outcome = systems.train("seq2seq", runs=tmp_path, **seq2seq.METHOD.quick.arguments())
    facts = outcome.findings.facts
    assert facts["to_iso"]["count"] + facts["from_iso"]["count"] == facts["examples"]["test"]
    assert facts["to_iso"]["count"] == 20
    heading = [section.heading for section in outcome.findings.sections]
    assert heading == ["Where it looks", "Forms and languages", "What went wrong", "Learning"]
    answers = list(seq2seq.predict(str(outcome.folder.model), ["21. November 2026", " us 11/21/2026 "]))
    assert len(answers) == 2
    with pytest.raises(DataError, match="no date has the character"):
        list(seq2seq.predict(str(outcome.folder.model), ["21. XI 2026"]))


def test_other_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot learn from these data"):
        systems.train("seq2seq", "digits", runs=tmp_path)
