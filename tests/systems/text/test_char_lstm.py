"""Text generation from data to answer: what the report says is what the kept model does, on the same characters."""

from __future__ import annotations

import json

import numpy as np
import pytest

from foveal import modelfile, systems
from foveal.backends.torch import build
from foveal.data.generated import stdlib_text
from foveal.errors import ConfigurationError
from foveal.systems.text import char_lstm, markov
from foveal.systems.text.text_generator import Writer

MODULES = "json,textwrap,calendar,string,bisect"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    return systems.train(
        "char_lstm", seed=3, runs=tmp_path_factory.mktemp("runs"), **char_lstm.METHOD.quick.arguments()
    )


@pytest.fixture(scope="module")
def texts():
    data = stdlib_text.load(modules=MODULES.split(","))
    return [[stdlib_text.encode(each.text) for each in part] for _, part in data.parts()]


def test_the_figures_are_those_of_the_kept_model(outcome, texts):
    loaded = modelfile.load(outcome.folder.model)
    module = build(loaded.network)
    module.load_state_dict(loaded.state)
    bits = np.concatenate(Writer(module.eval()).bits(texts[2]))
    facts = json.loads((outcome.folder.path / "evaluation.json").read_text())
    assert facts["lstm"]["bits"] == pytest.approx(bits.mean(), rel=1e-5)
    assert facts["characters"] == len(bits) == sum(len(text) + 1 for text in texts[2])
    assert outcome.findings.headlines[0].value == facts["lstm"]["bits"]
    assert loaded.metadata["vocabulary"] == list(stdlib_text.SYMBOLS)


def test_the_baseline_is_measured_on_the_same_characters(outcome, texts):
    facts = outcome.findings.facts
    chosen = markov.best_markov(3, 98, texts[0], texts[1])
    assert facts["markov"]["3"]["bits"] == pytest.approx(chosen.model.bits(texts[2]).mean())
    assert facts["markov"]["3"]["smoothing"] == chosen.model.smoothing
    assert sorted(facts["markov"]) == ["0", "1", "2", "3"]
    gap = facts["markov"]["3"]["bits"] - facts["lstm"]["bits"]
    assert facts["below_order_3"]["bits"] == pytest.approx(gap)


@pytest.mark.parametrize("groups", ["by_kind", "by_place"])
def test_the_parts_add_up_to_the_whole(outcome, groups):
    rows = outcome.findings.facts[groups]
    assert sum(row["share"] for row in rows) == pytest.approx(1.0)
    for title, whole in (("LSTM", "lstm"), ("order 3", "markov")):
        figure = outcome.findings.facts[whole]
        figure = figure["3"] if whole == "markov" else figure
        assert sum(row["share"] * row[title] for row in rows) == pytest.approx(figure["bits"])


def test_samples_at_every_temperature_begin_with_the_prompt(outcome):
    samples = outcome.findings.facts["samples"]
    assert [each["temperature"] for each in samples] == [*char_lstm.TEMPERATURES, None]
    assert all(each["text"].startswith("Return the ") for each in samples)
    assert len({each["text"] for each in samples}) == len(samples)


def test_it_writes_on_from_a_prompt_and_always_alike(outcome):
    asked = ["Return ", "Ünknown "]
    one, two = (list(char_lstm.predict(str(outcome.folder.model), asked)) for _ in range(2))
    assert one == two
    assert all(text.startswith(prompt) and len(text) > len(prompt) for text, prompt in zip(one, asked, strict=True))


def test_other_data_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot learn from these data") as caught:
        systems.train("char_lstm", "digits", runs=tmp_path)
    assert "stdlib-text" in caught.value.expected


def test_an_order_that_cannot_be(tmp_path):
    with pytest.raises(ConfigurationError, match="orders is too large") as caught:
        systems.train("char_lstm", settings={"orders": 12}, runs=tmp_path)
    assert caught.value.expected == "0 to 8"
