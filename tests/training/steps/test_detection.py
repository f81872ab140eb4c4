"""Detection: which point learns what, the parts of the loss, and that boxes come back out of perfect maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal import zoo
from foveal.backends.torch import build
from foveal.data.batches.scenes import SceneBatches, tensors
from foveal.data.generated.scenes import Composer
from foveal.data.published import digits
from foveal.evaluation.detection import measured, overlaps, read_maps
from foveal.training import TrainingConfig, run
from foveal.training.steps import Step
from foveal.training.steps.detection import RADIUS, Detection, assign, decoded, focal, giou

CONFIG = TrainingConfig(lr=1e-2, validation=0.0, metrics=())
STEP = 4.0


def scenes(count: int = 30):
    data = digits.load()
    return Composer(data.train, data.classes, size=48, seed=5).scenes(range(count))


def test_each_point_learns_the_smallest_box_whose_middle_it_is_in():
    made = scenes()
    found = assign(torch.from_numpy(made.boxes), torch.from_numpy(made.labels), (12, 12), STEP)
    for n in range(len(made)):
        expected: dict[tuple[int, int], int] = {}
        for k in np.flatnonzero(made.labels[n] >= 0):
            top, left, bottom, right = made.boxes[n, k]
            middle = (top + bottom) / 2, (left + right) / 2
            mine, apart = [], {}
            for i in range(12):
                for j in range(12):
                    y, x = (i + 0.5) * STEP, (j + 0.5) * STEP
                    apart[i, j] = (y - middle[0]) ** 2 + (x - middle[1]) ** 2
                    near = abs(y - middle[0]) <= RADIUS * STEP and abs(x - middle[1]) <= RADIUS * STEP
                    if near and top < y < bottom and left < x < right:
                        mine.append((i, j))
            area = (bottom - top) * (right - left)
            for point in mine or [min(apart, key=apart.__getitem__)]:
                before = expected.get(point)
                old = made.boxes[n, before] if before is not None else None
                if old is None or area < (old[2] - old[0]) * (old[3] - old[1]):
                    expected[point] = int(k)
        here = {(int(i), int(j)) for i, j in torch.nonzero(found.here[n])}
        assert here == set(expected)
        for (i, j), k in expected.items():
            assert found.boxes[n, :, i, j].tolist() == made.boxes[n, k].tolist()
            assert found.labels[n, i, j] == made.labels[n, k]
    assert not found.boxes[(found.here == 0)[:, None].expand_as(found.boxes)].any()


def test_a_thing_too_thin_for_the_grid_gets_the_nearest_point():
    boxes, labels = torch.tensor([[[0.0, 7.5, 16.0, 8.5]]]), torch.tensor([[2]])  # between two columns of points
    found = assign(boxes, labels, (4, 4), STEP)
    assert found.here.sum() == 1
    assert found.labels[0][found.here[0] > 0].tolist() == [2]


def perfect(made, classes: int = 10) -> torch.Tensor:
    """The map that knows everything."""
    _, _, boxes, labels = tensors(made)
    target = assign(boxes, labels, (12, 12), STEP)
    maps = torch.zeros(len(made), 5 + classes, 12, 12)
    at = (torch.arange(12) + 0.5) * STEP
    rows, columns = at[:, None], at[None]
    top, left, bottom, right = target.boxes.unbind(1)
    distances = torch.stack([rows - top, columns - left, bottom - rows, right - columns], 1)
    maps[:, :4] = (distances.clamp(min=1e-3) / STEP).log()
    maps[:, 4] = target.here * 40 - 20
    maps[:, 5:] = torch.nn.functional.one_hot(target.labels, classes).permute(0, 3, 1, 2) * 40.0
    return maps


def test_a_perfect_map_gives_every_box_back_and_costs_nothing():
    made = scenes()
    maps = perfect(made)
    found = read_maps(maps.numpy(), decoded(maps, STEP).numpy())
    missed = 0
    for each, boxes, labels in zip(found, made.boxes, made.labels, strict=True):
        for box, label in zip(boxes[labels >= 0], labels[labels >= 0], strict=True):
            hits = (overlaps(box[None], each.boxes)[0] > 0.99) & (each.labels == label)
            missed += not hits.any()
    assert missed <= 1  # a thing all of whose points belong to smaller things
    assert measured(found, made.boxes, made.labels, made.classes).mean_average_precision > 0.98

    class Known(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.nothing = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return maps + self.nothing

    step = Detection(Known(), CONFIG, 1)
    assert isinstance(step, Step)
    with step.evaluating() as values_of:
        values = values_of(tensors(made))
    assert values["loss"].item() < 1e-2
    assert values["accuracy"].item() == pytest.approx(1.0)


def test_giou_and_focal_are_their_formulas():
    rng = np.random.default_rng(0)
    corner = rng.random((2, 50, 2)) * 10
    a, b = np.concatenate([corner, corner + 0.5 + rng.random((2, 50, 2)) * 6], -1)
    found = giou(torch.from_numpy(a), torch.from_numpy(b))
    for i in range(50):
        t, left, o, r = (max(a[i][k], b[i][k]) if k < 2 else min(a[i][k], b[i][k]) for k in range(4))
        both = max(0, o - t) * max(0, r - left)
        union = sum((x[2] - x[0]) * (x[3] - x[1]) for x in (a[i], b[i])) - both
        hull = (max(a[i][2], b[i][2]) - min(a[i][0], b[i][0])) * (max(a[i][3], b[i][3]) - min(a[i][1], b[i][1]))
        assert found[i].item() == pytest.approx(both / union - (hull - union) / hull)
    logits = torch.linspace(-4, 4, 9)
    p = 1 / (1 + np.exp(-logits.numpy()))
    assert focal(logits, torch.ones(9)).numpy() == pytest.approx(-((1 - p) ** 2) * np.log(p), rel=1e-4)
    assert focal(logits, torch.zeros(9)).numpy() == pytest.approx(-(p**2) * np.log(1 - p), rel=1e-4)


def test_the_loss_is_the_sum_written_out():
    made = scenes(4)
    maps = torch.randn(4, 15, 12, 12, generator=torch.Generator().manual_seed(1))

    class Known(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.nothing = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return maps + self.nothing

    with Detection(Known(), CONFIG, 1, box=2.0).evaluating() as values_of:
        values = values_of(tensors(made))
    target = assign(torch.from_numpy(made.boxes), torch.from_numpy(made.labels), (12, 12), STEP)
    positives = [tuple(map(int, place)) for place in torch.nonzero(target.here)]
    whether = sum(
        focal(maps[n, 4, i, j], target.here[n, i, j]).item() for n in range(4) for i in range(12) for j in range(12)
    )
    place = sum(1 - giou(decoded(maps, STEP)[n, :, i, j], target.boxes[n, :, i, j]).item() for n, i, j in positives)
    what = sum(-torch.log_softmax(maps[n, 5:, i, j], 0)[target.labels[n, i, j]].item() for n, i, j in positives)
    assert values["loss"].item() == pytest.approx((whether + 2.0 * place + what) / len(positives), rel=1e-4)


def test_it_learns_and_repeats_its_bits():
    def trained() -> tuple[list[float], torch.Tensor]:
        data = digits.load()
        batches = SceneBatches(Composer(data.train, data.classes, size=16, objects=(1, 1)), 96, 8)
        module = build(zoo.detector(10, (16, 16, 3), 0.25), seed=1)
        history = run(module, batches, None, CONFIG.replace(epochs=8), make_step=Detection)
        return history.history["loss"], next(module.parameters()).detach().clone()

    first, second = trained(), trained()
    assert first[0][-1] < 0.75 * first[0][0]
    assert first[0] == second[0]
    assert torch.equal(first[1], second[1])
