"""A trained network out of its file, pictures from anywhere, and the two verbs that use them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from foveal import modelfile
from foveal.backends.torch import build
from foveal.cli.app import app
from foveal.errors import DataError, FovealError, ImageError, ModelFileError
from foveal.inference.image_predictions import classify, listed
from foveal.inference.label_matching import matched
from foveal.inference.trained_classifier import load_classifier
from foveal.network.layers import Dense, Flatten
from foveal.network.tree import Sequential


def saved(place: Path, *, softmax: bool = False, channels: int = 1, units: int = 2, border: float | None = 0.0) -> Path:
    """A network for 4 × 4 pictures whose logits are −m and m for a picture of mean value m in −8 … 8: dark, light."""
    last = Dense(units, activation="softmax" if softmax else "linear", name="logits")
    network = Sequential([Flatten(), last], input_shape=(4, 4, channels))
    module = build(network)
    with torch.no_grad():
        module.logits.weight.copy_(torch.tensor([[-1.0], [1.0]])[-units:].expand(units, 16 * channels) / channels)
        module.logits.bias.copy_(torch.tensor([8.0, -8.0])[-units:])
    facts: dict[str, Any] = {"classes": ["dark", "light"], "training": {"data": "paper"}}
    if border is not None:
        facts["preprocessing"] = {"border_level": border}
    return modelfile.save(place / "model.safetensors", network, module.state_dict(), facts)


def picture(path: Path, value: int, size: tuple[int, int] = (8, 8), mode: str = "L") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (size[1], size[0]), value if mode == "L" else (value,) * 3).save(path)
    return str(path)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


# Networks from files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_tiff_is_answered_as_its_png(tmp_path: Path, orientation: int) -> None:
    values = np.zeros((4, 12, 3), np.uint8)
    values[:, 4:8] = 255  # the middle decides, and only it is looked at
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("png", "tiff"):
        Image.fromarray(values).save(tmp_path / f"a.{kind}", exif=exif)
    trained = load_classifier(saved(tmp_path, border=None))
    png, tiff = classify(trained, [str(tmp_path / "a.png"), str(tmp_path / "a.tiff")])
    assert png.top == tiff.top
    assert png.top[0][0] == "light"
    assert png.warnings == tiff.warnings
    assert f"its {'4 × 12' if orientation < 5 else '12 × 4'} pixels" in png.warnings[0]


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_probabilities_are_the_networks(tmp_path: Path, softmax: bool, channels: int) -> None:
    trained = load_classifier(saved(tmp_path, softmax=softmax, channels=channels))
    images = np.stack([np.full((4, 4, channels), value, np.uint8) for value in (0, 51, 255)])
    mean = np.array([-8.0, -8 + 16 * 0.2, 8.0])
    assert np.allclose(trained.probabilities(images)[:, 1], 1 / (1 + np.exp(-2 * mean)), atol=1e-6)
    assert (trained.classes, trained.size, trained.channels) == (("dark", "light"), (4, 4), channels)
    assert (trained.folder, trained.border, trained.from_logits) == (None, 0.0, not softmax)


def test_one_output_is_the_second_class(tmp_path: Path) -> None:
    trained = load_classifier(saved(tmp_path, units=1))
    assert trained.classes == ("dark", "light")
    assert trained.probabilities(np.full((1, 4, 4, 1), 255, np.uint8))[0, 1] == pytest.approx(1 / (1 + np.exp(-8)))


def test_a_missing_run_is_explained_with_the_latest_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="foveal train"):
        load_classifier("nothing", tmp_path)
    saved(tmp_path / "first")
    with pytest.raises(ModelFileError, match="first, the latest run"):
        load_classifier("nothing", tmp_path)
    assert load_classifier("first", tmp_path).path == tmp_path / "first" / "model.safetensors"
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "config.json").write_text("{}")
    with pytest.raises(ModelFileError, match="not finished") as caught:
        load_classifier("half", tmp_path)
    assert f"foveal train --resume {tmp_path / 'half'}" in str(caught.value)


def test_labels_are_matched_by_name() -> None:
    labels = np.array([0, 1, 2, 0])
    assert matched(labels, ["owl", "cat", "dog"], ["cat", "dog", "owl"], "pets").tolist() == [2, 0, 1, 2]
    assert matched(labels, ["0", "1", "2"], ["cat", "dog", "owl"], "numbers").tolist() == [0, 1, 2, 0]
    assert matched(labels[:2], ["cat", "dog", "yak"], ["dog", "cat"], "no yak in it").tolist() == [1, 0]
    with pytest.raises(DataError, match="does not know a class") as caught:
        matched(labels, ["cat", "dog", "yak"], ["cat", "dog"], "pets")
    assert "given     yak" in str(caught.value)


# Pictures --------------------------------------------------------------------------------------------------------------


def test_a_bad_picture_never_fails_its_neighbours(tmp_path: Path) -> None:
    trained = load_classifier(saved(tmp_path))
    good = [picture(tmp_path / f"{i}.png", value) for i, value in enumerate((0, 255) * 40)]
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    paths = [good[0], str(bad), str(tmp_path / "missing.png"), *good[1:]]
    answers = list(classify(trained, paths, top=1))
    assert [answer.path for answer in answers] == paths
    assert [answer.path for answer in answers if answer.error] == paths[1:3]
    names = [answer.top[0][0] for answer in answers if not answer.error]
    assert names == ["dark", "light"] * 40
    alone = next(iter(classify(trained, [good[7]], top=1)))
    assert alone.top[0][1] == pytest.approx(answers[9].top[0][1], abs=1e-6)


def test_what_may_mislead_is_said(tmp_path: Path) -> None:
    trained = load_classifier(saved(tmp_path))
    light, dark = picture(tmp_path / "light.png", 250), picture(tmp_path / "dark.png", 5)
    wide, tiny = picture(tmp_path / "wide.png", 0, (8, 20)), picture(tmp_path / "tiny.png", 0, (2, 2))

    def said(path: str, **how: Any) -> str:
        return " ".join(next(iter(classify(trained, [path], **how))).warnings)

    assert "background is light" in said(light)
    assert "--invert exchanges" in said(light)
    assert said(light, invert=True) == said(dark) == ""
    assert "leave out --invert" in said(dark, invert=True)
    assert "only the middle of its 8 × 20 pixels" in said(wide)
    assert said(wide, fit="pad") == ""
    assert "enlarged from 2 × 2 to 4 × 4" in said(tiny)


def test_the_border_is_that_of_the_whole_picture(tmp_path: Path) -> None:
    trained = load_classifier(saved(tmp_path))
    pixels = np.full((40, 160), 255, np.uint8)
    pixels[:, 60:100] = 0  # the middle, which is all that is left after cropping
    Image.fromarray(pixels).save(tmp_path / "bar.png")
    assert "background is light" in next(iter(classify(trained, [str(tmp_path / "bar.png")]))).warnings[0]


def test_nothing_is_said_of_a_background_that_is_not_known(tmp_path: Path) -> None:
    trained = load_classifier(saved(tmp_path, border=None))
    assert next(iter(classify(trained, [picture(tmp_path / "light.png", 250)]))).warnings == ()


def test_linked_folders_are_classified_and_unreadable_ones_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = load_classifier(saved(tmp_path))
    for name in ("in/a/1.png", "in/._1.png", "in/closed/1.png", "out/2.png"):
        picture(tmp_path / name, 255)
    os.symlink(tmp_path / "out", tmp_path / "in" / "more")
    os.symlink(tmp_path / "in", tmp_path / "in" / "a" / "loop")
    os.symlink("gone", tmp_path / "in" / "z.png")
    scandir = os.scandir

    def refused(path: Any = ".") -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    answers = list(classify(trained, listed([str(tmp_path / "in")])))
    assert [(Path(each.path).name, each.error is None) for each in answers] == [
        ("1.png", True), ("closed", False), ("2.png", True), ("z.png", False),
    ]  # fmt: skip
    assert "Permission denied" in str(answers[1].error)


def test_folders_are_read_in_the_order_of_names(tmp_path: Path) -> None:
    paths = [picture(tmp_path / name, 0) for name in ("b/2.png", "a.png", "b/1.jpg")]
    (tmp_path / "b" / "notes.txt").write_text("no picture")
    assert list(listed([str(tmp_path), "x.png"])) == [paths[1], paths[2], paths[0], "x.png"]
    (tmp_path / "empty").mkdir()
    trained = load_classifier(saved(tmp_path))
    (answer,) = classify(trained, listed([str(tmp_path / "empty")]))
    assert "no picture in this folder" in str(answer.error)


def test_a_network_for_tables_refuses_pictures(tmp_path: Path) -> None:
    network = Sequential([Dense(3)], input_shape=4)
    modelfile.save(tmp_path / "t.safetensors", network, build(network).state_dict(), {})
    with pytest.raises(ImageError, match="takes no pictures"):
        next(classify(load_classifier(tmp_path / "t.safetensors"), ["x.png"]))


# foveal predict --------------------------------------------------------------------------------------------------------


def test_predict_prints_bars_and_warns(tmp_path: Path) -> None:
    model = saved(tmp_path)
    done = run("predict", model, picture(tmp_path / "[b]light.png", 255, mode="RGB"))
    assert done.exit_code == 0
    assert "[b]light.png" in done.output
    first = done.output.splitlines()[1]
    assert first.split()[:3] == ["light", "100.0", "%"]
    assert "█" * 20 in first
    assert "note: its background is light" in done.output


def test_predict_goes_on_after_a_bad_picture_and_exits_with_1(tmp_path: Path) -> None:
    model = saved(tmp_path)
    (tmp_path / "bad.png").write_bytes(b"\x89PNG")
    done = run("predict", model, tmp_path / "bad.png", picture(tmp_path / "dark.png", 0), "--top", 1)
    assert done.exit_code == 1
    assert "dark " in done.stdout
    assert "bad.png" in done.stderr
    assert "1 picture could not be read." in done.stderr
    told = run("predict", model, tmp_path / "bad.png", tmp_path / "dark.png", "--json")
    assert told.exit_code == 1
    first, second = json.loads(told.stdout)["predictions"]
    assert "bad.png" in first["error"]
    assert second["top"][0]["class"] == "dark"
    assert sum(each["probability"] for each in second["top"]) == pytest.approx(1)


def test_predict_inverts(tmp_path: Path) -> None:
    done = run("predict", saved(tmp_path), picture(tmp_path / "light.png", 255), "--invert", "--json")
    assert json.loads(done.stdout)["predictions"][0] | {"top": []} == {
        "image": str(tmp_path / "light.png"), "top": [], "warnings": []
    }  # fmt: skip
    assert json.loads(done.stdout)["predictions"][0]["top"][0]["class"] == "dark"


def test_predict_refuses_an_unknown_fit(tmp_path: Path) -> None:
    done = run("predict", saved(tmp_path), "x.png", "--fit", "banana")
    assert isinstance(done.exception, FovealError)
    assert "expected  crop, pad, stretch" in str(done.exception)


# foveal evaluate -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small run, trained for an epoch on digits."""
    from foveal.systems import start
    from tests.classifiers import prepare

    place = tmp_path_factory.mktemp("runs")
    changes = {"epochs": 1, "validation": 0.2, "device": "cpu"}
    start(prepare("mlp", "digits", changes=changes, command=("foveal", "train")), runs=place, name="small")
    return place


def test_evaluate_repeats_the_runs_own_test_and_counts_it(runs: Path) -> None:
    done = run("evaluate", "small", "--runs", runs, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    first = json.loads((runs / "small" / "evaluation.json").read_text())
    assert {key: told[key] for key in ("accuracy", "count", "confusion")} == {
        key: first[key] for key in ("accuracy", "count", "confusion")
    }
    assert (told["data"], told["split"], told["times_used"]) == ("digits", "test", 2)
    again = run("evaluate", runs / "small", "digits")
    assert "used 3 times for this run" in " ".join(again.stdout.split())
    assert f"{first['accuracy']:.4f}" in again.stdout
    held = json.loads(run("evaluate", runs / "small", "--split", "validation", "--json").stdout)
    assert (held["split"], held["times_used"]) == ("validation", 2)
    metrics = json.loads((runs / "small" / "metrics.jsonl").read_text().splitlines()[-1])
    assert held["accuracy"] == pytest.approx(metrics["val_accuracy"], abs=1e-6)


def test_evaluate_on_a_folder_of_pictures_takes_all_of_it(tmp_path: Path) -> None:
    for i, (name, value) in enumerate((("light", 255), ("dark", 0), ("dark", 255), ("light", 250))):
        picture(tmp_path / "paper" / name / f"{i}.png", value)
    done = run("evaluate", saved(tmp_path), tmp_path / "paper", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["split"], told["times_used"]) == ("all", None)
    assert (told["classes"], told["confusion"]) == (["dark", "light"], [[1, 1], [0, 2]])


def test_evaluate_explains_what_it_cannot_do(tmp_path: Path, runs: Path) -> None:
    model = saved(tmp_path)
    for arguments, words in [
        (
            ["evaluate", model],
            ["does not say where its data are", "given     data 'paper'", f"foveal evaluate {model} DATA"],
        ),
        (
            ["evaluate", runs / "small", "--split", "banana"],
            ["no such part", "expected  auto, test, validation, training"],
        ),
        (["evaluate", "nothing", "--runs", runs], ["no trained model", "small, the latest run"]),
        (
            ["evaluate", model, "iris"],
            ["takes another kind of data\n  given     rows of 4 numbers\n  expected  pictures of"],
        ),
        (["evaluate", model, "digits"], ["does not know a class", "classes of the network: dark, light"]),
    ]:
        done = run(*arguments)
        assert isinstance(done.exception, FovealError)
        assert all(word in str(done.exception) for word in words), str(done.exception)
        assert "foveal train" not in str(done.exception)
