"""``foveal evaluate`` of a run whose data were renamed, moved, changed or are seen from another folder: it says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from foveal import systems
from foveal.cli.app import app
from foveal.data.fingerprint import fingerprint
from foveal.data.loading import reopened
from foveal.errors import CheckpointError, DataError, UnknownName
from foveal.network.layers import Dense, Flatten
from foveal.network.tree import Sequential
from foveal.systems import resume, start
from foveal.training.checkpoints.run_folder import RunFolder
from tests.classifiers import prepare

NETWORK = Sequential([Flatten(), Dense(2)], name="small")


def draw(root: Path) -> None:
    random = np.random.default_rng(0)
    for part, count in (("train", 12), ("test", 6)):
        for name, level in (("dark", 0), ("light", 128)):
            (root / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(level, level + 128, (4, 4), dtype=np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{number}.png")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("moved")
    draw(root / "photos")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        changes = {"epochs": 1, "validation": 0.25, "engine": "torch", "precision": "fp32", "device": "cpu"}
        start(prepare(NETWORK, "photos", changes=changes), name="first")
    return root


@pytest.fixture
def place(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run and its data, and no trace of where they were."""
    shutil.copytree(trained, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    config = Path("runs/first/config.json")
    told = json.loads(config.read_text())
    assert told["data"]["opening"]["place"] == str(trained / "photos")
    told["data"]["opening"]["place"] = str(tmp_path / "work" / "photos")
    config.write_text(json.dumps(told))
    return tmp_path / "work"


def evaluate(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["evaluate", *arguments, "--json"])
    if done.exception is not None:
        raise done.exception
    return dict(json.loads(done.stdout))


def test_data_that_lie_as_they_did_need_no_word(place: Path) -> None:
    assert evaluate("first")["notes"] == []
    assert evaluate("first", "--split", "validation")["notes"] == []


def test_a_renamed_folder_is_said_and_the_repair_works(place: Path) -> None:
    before = {split: evaluate("first", "--split", split) for split in ("test", "validation", "training")}
    (place / "photos").rename(place / "pictures")
    with pytest.raises(DataError, match="trained on are not there any more") as error:
        evaluate("first")
    assert error.value.where == "photos"
    assert error.value.given == f"nothing at {place / 'photos'}"
    assert error.value.fix[0] == "foveal evaluate runs/first PLACE, with the place where they are now"
    for split, then in before.items():  # the validation part too is the one of the training
        now = evaluate("first", "pictures", "--split", split)
        assert now["notes"] == ["these are the data that the network was trained on, in the parts of the training"]
        assert (now["count"], now["accuracy"], now["negative_log_likelihood"]) == (
            then["count"], then["accuracy"], then["negative_log_likelihood"],
        )  # fmt: skip
    with pytest.raises((DataError, CheckpointError), match="not there any more"):
        resume("first")
    Path("photos").symlink_to("pictures")
    assert evaluate("first")["notes"] == []


def test_another_working_folder_finds_them_by_their_absolute_path(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    assert evaluate("../runs/first")["count"] == 12


def test_data_that_changed_are_said(place: Path) -> None:
    Image.new("L", (4, 4), 9).save("photos/train/dark/new.png")
    assert evaluate("first")["notes"] == []
    (note,) = evaluate("first", "--split", "validation")["notes"]
    assert note.startswith("the training part is not the one of the training any more: the validation part may hold")
    Path("photos/test/dark/0.png").unlink()
    assert evaluate("first")["notes"] == ["the test part is not the one of the training any more"]
    Path("photos/test/dark/1.png").write_bytes(b"damaged")
    assert any(note.startswith("could not be read: test/dark/1.png") for note in evaluate("first")["notes"])
    shutil.rmtree("photos/test")
    (note,) = evaluate("first", "--split", "validation")["notes"]
    assert note.startswith("the training part is not")


def test_other_data_are_not_taken_for_the_runs_own(place: Path) -> None:
    shutil.copytree("photos/test", "other/photos")
    told = evaluate("first", "other/photos")
    assert (told["split"], told["times_used"], told["notes"]) == ("all", None, [])


def test_a_run_that_does_not_tell(place: Path) -> None:
    config = Path("runs/first/config.json")
    told = json.loads(config.read_text())
    del told["data"]["fingerprint"], told["data"]["opening"]["place"]
    config.write_text(json.dumps(told))
    Path("runs/first/result.json").unlink()  # version 0.1 wrote none of a classifier
    Path("photos/test/dark/0.png").unlink()
    assert evaluate("first")["notes"] == []
    Path("photos").rename("pictures")
    with pytest.raises(DataError, match="trained on are not there any more"):
        evaluate("first")
    assert evaluate("first", "pictures")["count"] == 11


def test_the_label_column_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{i % 2},{i},{i},{i},{(i // 2) % 2}" for i in range(40)]
    Path("some.csv").write_text("\n".join(rows))
    experiment = prepare(NETWORK, "some.csv", label="last", changes={"epochs": 1})
    assert experiment.data.train.labels.tolist()[:4] == [0, 0, 1, 1]
    assert experiment.opening["label"] == "last"
    again = reopened(experiment.opening, "runs/first")
    assert fingerprint(again) == fingerprint(experiment.data)


def test_a_system_says_so_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw(Path("photos"))
    plan = systems.plan("rbm", "photos")
    assert plan.opening["place"] == str(tmp_path / "photos")
    folder = RunFolder(tmp_path / "runs" / "one")
    folder.path.mkdir(parents=True)
    folder.write_config(plan.to_json())
    Path("photos").rename("pictures")
    with pytest.raises(DataError, match="trained on are not there any more"):
        systems.launch.data_of(folder)
    with pytest.raises(UnknownName):  # a fresh start has nothing to remember
        prepare(NETWORK, "photos")
