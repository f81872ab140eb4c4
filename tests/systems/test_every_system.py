"""What holds for every system: it runs from data to report, repeats its bits, and survives being stopped anywhere."""

from __future__ import annotations

import json
import math
import re
from html import unescape
from pathlib import Path

import pytest

from foveal import systems, zoo
from foveal.page.render import LIMIT
from foveal.runs.method import Method, Quick
from foveal.runs.settings import Setting
from foveal.systems import launch
from foveal.training import events
from foveal.training.config import TrainingConfig
from foveal.training.display import Silent

NAMES = systems.names()


class Stop(Silent):
    """Counts the checkpoints, and asks to stop at the one numbered ``at``."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.saved = at, 0

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.Saved):
            self.saved += 1
            if self.saved == self.at:
                raise KeyboardInterrupt


def planned(name: str) -> systems.Experiment:
    told = launch.method(systems.system(name)).quick.arguments()
    told["changes"]["checkpoint_seconds"] = 0.0  # a checkpoint after every step
    return systems.plan(name, **told)


@pytest.mark.parametrize("name", NAMES)
def test_a_system_has_a_method_whose_settings_have_bounds_and_help(name):
    found = launch.method(systems.system(name))
    assert isinstance(found, Method)
    assert isinstance(found.quick, Quick)
    assert isinstance(found.recipe_for(None, found.defaults), TrainingConfig)
    assert len({setting.name for setting in found.settings}) == len(found.settings)
    for setting in found.settings:
        assert isinstance(setting, Setting)
        assert len(setting.help) >= 4
        assert setting.bounds
        assert setting.read(setting.default, name) == setting.default, "the default keeps the bounds"
    for key, value in found.quick.settings.items():
        assert {setting.name: setting for setting in found.settings}[key].read(value, name) == value


def left(folder: Path) -> dict[str, bytes]:
    """Every file of a run whose content follows from the seed."""
    kinds = ("metrics.jsonl", "evaluation.json", ".safetensors", ".npz")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.name.endswith(kinds) and "checkpoints" not in path.parts
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_system_runs_and_a_stopped_run_ends_in_the_same_bits(name, tmp_path):
    counted = Stop()
    whole = systems.start(planned(name), runs=tmp_path, name="whole", display=counted)
    _check(name, whole)
    stopped = Stop(max(1, counted.saved // 2))
    if counted.saved:
        with pytest.raises(KeyboardInterrupt, match="--resume"):
            systems.start(planned(name), runs=tmp_path, name="stopped", display=stopped)
        assert not (tmp_path / "stopped" / "report.html").exists()
        from foveal.training.checkpoints.run_folder import RunFolder

        again = systems.resume(RunFolder.existing("stopped", tmp_path))
        assert left(again.folder.path) == left(whole.folder.path)
        assert again.findings.headlines == whole.findings.headlines


def _check(name: str, outcome: systems.RunResult) -> None:
    html = outcome.folder.report.read_text(encoding="utf-8")
    assert len(html.encode()) < LIMIT
    first = outcome.findings.headlines[0]
    assert first.label
    assert first.text in unescape(re.sub(r"<small>|</small>", "", html))
    for part in outcome.findings.sections:
        assert part.blocks, f"{part.heading} shows nothing"
        assert len(part.text) > 20, f"{part.heading} does not say what to look at"
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids)), [each for each in ids if ids.count(each) > 1]
    facts = json.loads((outcome.folder.path / "evaluation.json").read_text())
    assert facts, "evaluation.json holds the figures"
    figures = [each.value for each in outcome.findings.headlines if not isinstance(each.value, str)]
    assert all(math.isfinite(value) for value in figures)


@pytest.mark.parametrize("name", [s.name for s in systems.SYSTEMS])
def test_the_table_names_networks_that_there_are(name):
    found = systems.system(name)
    for network in found.networks:
        assert zoo.entry(network).name == network
    assert found.about
    assert len(found.source) > 10
    assert systems.known(name)
    assert systems.system(name.replace("_", "-")) is found
