"""The two systems that look at scenes, beyond what holds for every system: their answers, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from foveal import systems
from foveal.data.generated import scenes as scene_data
from foveal.data.published import digits
from foveal.errors import DataError
from foveal.systems import launch
from foveal.systems.dense_prediction import detector, scenes, unet


@pytest.fixture(scope="module", params=["unet", "detector"])
def trained(request, tmp_path_factory):
    planned = systems.plan(request.param, **launch.method(systems.system(request.param)).quick.arguments())
    return systems.start(planned, runs=tmp_path_factory.mktemp(request.param))


def test_answers_draw_beside_the_picture_and_never_over_one(trained, tmp_path):
    family = {"unet": unet, "detector": detector}[trained.folder.read_config()["system"]]
    ending = {"unet": "mask", "detector": "boxes"}[trained.folder.read_config()["system"]]
    picture = tmp_path / "photo.png"
    Image.fromarray(scene_data.examples(1, source="digits")[0]).save(picture)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    told = list(family.predict(str(trained.folder.model), [str(picture), str(broken), str(picture)]))
    assert len(told) == 3
    assert str(picture) in told[0]
    assert "broken.png" in told[1]
    first, second = tmp_path / f"photo-{ending}.png", tmp_path / f"photo-{ending}-2.png"
    assert str(first) in told[0]
    assert str(second) in told[2]
    assert first.read_bytes() == second.read_bytes()
    assert np.asarray(Image.open(first)).ndim == 3
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png", "broken.png", first.name, second.name}


def test_facts_add_up(trained):
    facts = trained.findings.facts
    if "iou" in facts:
        assert facts["mean_iou"] == pytest.approx(np.nanmean(list(facts["iou"].values())))
        assert next(iter(facts["iou"])) == "ground"
        assert np.sum(facts["pixels"]) == facts["scenes"] * 32 * 32
    else:
        assert facts["map_50"] == pytest.approx(np.nanmean(list(facts["average_precision_50"].values())))
        assert facts["map_75"] <= facts["map_50"] + 1e-9
        made = scene_data.load(0, source="digits", train=0, test=10, size=32).test
        assert sum(facts["things"].values()) == (made.labels >= 0).sum()


def test_no_picture_is_in_two_parts(tmp_path):
    """Training, validation and test scenes are composed of different pictures."""
    planned = systems.plan("unet", settings=unet.METHOD.quick.settings)
    from foveal.runs.run import Run
    from foveal.training.checkpoints.run_folder import RunFolder
    from foveal.training.display import Silent

    run = Run(planned, RunFolder.fresh(tmp_path, "x", "x"), display=Silent())
    found = scenes.material(run)
    parts = [found.train.composer.split.images, found.validation.composer.split.images]
    seen = [{image.tobytes() for image in part} for part in [*parts, digits.load().test.images]]
    assert sum(map(len, seen)) == len(set().union(*seen))
    assert len(found.test) == 10


def test_a_source_without_a_test_part_is_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(4):
            Image.new("L", (8, 8), 200).save(tmp_path / "photos" / name / f"{number}.png")
    with pytest.raises(DataError, match="composed of test pictures"):
        systems.train("unet", settings={"source": str(tmp_path / "photos")}, runs=tmp_path / "runs")


def test_colours_are_far_apart():
    colours = scenes.palette(10).astype(int)
    apart = np.abs(colours[:, None] - colours[None]).sum(-1) + 999 * np.eye(10, dtype=int)
    assert apart.min() > 60


def test_an_overlay_tints_things_and_dims_the_ground():
    image = np.full((1, 4, 4, 1), 200, np.uint8)
    mask = np.zeros((1, 4, 4), int)
    mask[0, 1, 2] = 3
    drawn = scenes.overlay(image, mask, 10)
    assert drawn.shape == (1, 4, 4, 3)
    assert len({tuple(p) for p in drawn[0].reshape(-1, 3).tolist()}) == 2
    assert np.ptp(drawn[0, 0, 0].astype(int)) == 0 < np.ptp(drawn[0, 1, 2].astype(int))
