"""A whole run beside a loop written by hand, and everything that can happen to one."""

from __future__ import annotations

import concurrent.futures
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small_training import Clusters, network
from torch import Tensor, nn

from foveal.errors import CheckpointError, TrainingError
from foveal.training import RunFolder, TrainingConfig, events, run
from foveal.training.callbacks import Callback
from foveal.training.metric_buffer import MetricBuffer

CONFIG = TrainingConfig(epochs=3, batch_size=16, lr=0.01, validation=0.0)


def weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in a)


def test_a_run_is_the_loop_that_a_tutorial_writes() -> None:
    ours, theirs, batches = network(), network(), Clusters()
    history = run(ours, batches, None, CONFIG)
    torch.manual_seed(CONFIG.seed)  # dropout
    optimizer, done = torch.optim.Adam(theirs.parameters(), lr=0.01), 0
    theirs.train()
    for epoch in range(3):
        losses, right = [], 0
        for x, y in batches.epoch(epoch):
            optimizer.zero_grad()
            outputs = theirs(x)
            loss = F.cross_entropy(outputs, y)
            loss.backward()
            done += 1
            optimizer.param_groups[0]["eps"] = 1e-7 / (1 - 0.999**done) ** 0.5  # Keras' epsilon stands before that root
            optimizer.step()
            losses.append(loss.item() * len(y))
            right += int((outputs.argmax(1) == y).sum())
        assert history.history["loss"][epoch] == pytest.approx(sum(losses) / 70, rel=1e-5)
        assert history.history["accuracy"][epoch] == pytest.approx(right / 70)
    assert not ours.training
    theirs.eval()
    with (
        torch.no_grad()
    ):  # a bias before a batch normalisation has no gradient but rounding; the outputs do not feel it
        torch.testing.assert_close(ours(batches.inputs), theirs(batches.inputs), rtol=1e-3, atol=1e-4)


def test_the_seed_decides_the_bits_and_the_callers_random_numbers_stay() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    runs = []
    for seed in (0, 0, 1):
        module = network()
        run(module, Clusters(), None, CONFIG.replace(seed=seed))
        runs.append(weights(module))
    assert equal(runs[0], runs[1])
    assert not equal(runs[0], runs[2])  # other dropout
    assert torch.equal(torch.get_rng_state(), before)


def test_validation_is_measured_in_evaluation_mode_after_each_epoch(tmp_path: Path) -> None:
    module, held = network(), Clusters(30, seed=4)
    folder = RunFolder(tmp_path / "run")
    history = run(module, Clusters(), held, CONFIG, run_folder=folder)
    with torch.no_grad():
        outputs = module(held.inputs)
    assert history.history["val_loss"][-1] == pytest.approx(float(F.cross_entropy(outputs, held.targets)), rel=1e-5)
    assert history.history["val_accuracy"][-1] == pytest.approx(
        float((outputs.argmax(1) == held.targets).float().mean())
    )
    rows = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert [row[name] for row in rows] == history.history[name]
    steps = [json.loads(line) for line in folder.steps.read_text().splitlines()]
    assert len(steps) == 3 * 5
    assert history.epoch == [0, 1, 2]


class Sided(nn.Module):
    """Two side heads and a penalty, beside a plain classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.main, self.left, self.right = nn.Linear(36, 3), nn.Linear(36, 3), nn.Linear(36, 3)
        self.auxiliary_weights = (0.3, 0.5)

    def forward(self, x: Tensor) -> Any:
        flat = x.flatten(1)
        return (self.main(flat), [self.left(flat), self.right(flat)]) if self.training else self.main(flat)

    def regularization_loss(self) -> Tensor:
        return 0.1 * self.main.weight.square().sum()


def test_side_heads_and_penalties_belong_to_the_loss() -> None:
    module = Sided()
    batch = next(Clusters().epoch(0))
    with torch.no_grad():
        main, (left, right) = module(batch[0])
        expected = F.cross_entropy(main, batch[1]) + 0.3 * F.cross_entropy(left, batch[1])
        expected += 0.5 * F.cross_entropy(right, batch[1]) + module.regularization_loss()
    from foveal.training.steps.supervised import Supervised

    step = Supervised(module, CONFIG, 5)
    assert float(step(batch)["loss"]) == pytest.approx(float(expected), rel=1e-5)
    assert all(head.weight.grad is not None for head in (module.main, module.left, module.right))
    with torch.no_grad(), step.evaluating() as measure:
        alone = F.cross_entropy(module(batch[0]), batch[1]) + module.regularization_loss()
        assert float(measure(batch)["loss"]) == pytest.approx(float(alone), rel=1e-5)


def test_mixup_mixes_the_losses() -> None:
    from foveal.training.steps.supervised import Supervised

    module = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    x, y = next(Clusters().epoch(0))
    others, share = y.flip(0), torch.tensor(0.7)
    with torch.no_grad():
        out = module(x)
        expected = 0.7 * F.cross_entropy(out, y) + 0.3 * F.cross_entropy(out, others)
    assert float(Supervised(module, CONFIG, 5)((x, y, others, share))["loss"]) == pytest.approx(
        float(expected), rel=1e-5
    )


class Broken(Clusters):
    """A picture that is not a number, in one batch."""

    at = (1, 3)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        for step, (x, y) in enumerate(super().epoch(number, start), start):
            yield (x * float("nan") if (number, step) == self.at else x), y


@pytest.mark.parametrize(("seconds", "kept"), [(60.0, [5]), (0.0, [8, 7])])
def test_a_loss_that_is_not_finite_names_its_step_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, seconds: float, kept: list[int]
) -> None:
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(TrainingError) as caught:
        run(network(), Broken(), None, CONFIG.replace(checkpoint_seconds=seconds), run_folder=folder)
    assert caught.value.where == "epoch 2, step 4"
    assert caught.value.given is not None
    assert caught.value.given.startswith("loss NaN, ")
    assert [int(path.stem) for path in folder.checkpoint_files()] == kept
    module = network(3)
    history = run(module, Clusters(), None, CONFIG, run_folder=folder, resume=True)  # with sound data it goes on
    whole = network()
    assert history.history == run(whole, Clusters(), None, CONFIG).history
    assert equal(weights(module), weights(whole))


def test_weights_that_are_not_finite_never_supersede_a_good_checkpoint(tmp_path: Path) -> None:
    class Poison(Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            if epoch == 1:
                self.model[0].weight.data[0] = float("inf")

    with pytest.raises(TrainingError) as caught:
        run(network(), Clusters(), None, CONFIG, callbacks=[Poison()], run_folder=RunFolder(tmp_path / "run"))
    assert str(caught.value).startswith(
        "epoch 3, step 0: the weights are no longer finite numbers\n  given     network: 0.weight"
    )
    assert [p.name for p in RunFolder(tmp_path / "run").checkpoint_files()] == ["000000005.safetensors"]


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 1 EB")]
)
def test_out_of_memory_is_one_clear_error(error: Exception) -> None:
    class Hungry(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, x: Tensor) -> Tensor:
            raise error

    with pytest.raises(TrainingError) as caught:
        run(Hungry(), Clusters(), None, CONFIG)
    assert caught.value.problem == "the memory does not suffice for a training step"
    assert caught.value.fix[0] == "batch_size=8 (--batch-size 8)"


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        run(nn.Sequential(nn.Flatten(), nn.Linear(35, 3)), Clusters(), None, CONFIG)


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    run(network(), Clusters(), None, CONFIG, run_folder=folder)
    latest, _ = folder.checkpoint_files()
    latest.write_bytes(latest.read_bytes()[:-100])
    told: list[events.Event] = []
    module, whole = network(9), network()
    run(module, Clusters(), None, CONFIG, run_folder=folder, resume=True, listeners=[told.append])
    run(whole, Clusters(), None, CONFIG)
    assert any(isinstance(e, events.Message) and latest.name in e.text and "damaged" in e.text for e in told)
    assert equal(weights(module), weights(whole))
    for path in folder.checkpoint_files():
        path.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="none of this run's checkpoints can be read"):
        run(module, Clusters(), None, CONFIG, run_folder=folder, resume=True)


def test_another_configuration_or_other_data_cannot_resume(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    run(network(), Clusters(), None, CONFIG, run_folder=folder, fingerprint={"data": "abc"})
    with pytest.raises(CheckpointError) as caught:
        run(
            network(),
            Clusters(),
            None,
            CONFIG.replace(lr=0.02),
            run_folder=folder,
            resume=True,
            fingerprint={"data": "abd"},
        )
    assert caught.value.given == "lr 0.02, data 'abd'"
    assert caught.value.expected == "lr 0.01, data 'abc'"
    run(
        network(),
        Clusters(),
        None,
        CONFIG.replace(checkpoint_seconds=5),
        run_folder=folder,
        resume=True,
        fingerprint={"data": "abc"},
    )


def test_two_processes_cannot_train_in_one_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.locked():
        reach = "from foveal.training.checkpoints.run_folder import RunFolder"
        code = f"import sys\n{reach}\nwith RunFolder(sys.argv[1]).locked(): pass"
        other = subprocess.run(
            [sys.executable, "-c", code, str(folder.path)], capture_output=True, text=True, check=False
        )
    assert "another process is training in this folder" in other.stderr
    with concurrent.futures.ThreadPoolExecutor(1) as threads, folder.locked():
        with pytest.raises(CheckpointError, match="another process"):
            threads.submit(run, network(), Clusters(), None, CONFIG, run_folder=folder).result()
        run(network(), Clusters(), None, CONFIG, run_folder=folder)  # whoever holds it may go on


def test_a_finished_run_resumes_to_itself(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    config = CONFIG.replace(ema=0.8, early_stopping=1)
    first, again = network(), network(8)
    history = run(first, Clusters(), Clusters(30, seed=3), config, run_folder=folder)
    resumed = run(again, Clusters(), Clusters(30, seed=3), config, run_folder=folder, resume=True)
    assert resumed.history == history.history
    assert equal(weights(first), weights(again))


def test_steps_are_told_by_their_means(monkeypatch: pytest.MonkeyPatch) -> None:
    from foveal.training import hooks

    monkeypatch.setattr(hooks, "SECONDS_BETWEEN_LOOKS", 0.0)
    told: list[events.Event] = []
    history = run(network(), Clusters(), None, CONFIG, listeners=[told.append])
    steps = [e for e in told if isinstance(e, events.StepDone)]
    assert [(e.epoch, e.step) for e in steps] == [(epoch, step) for epoch in (1, 2, 3) for step in range(1, 6)]
    assert steps[4].values == {name: values[0] for name, values in history.history.items()}
    assert [type(e).__name__ for e in told if not isinstance(e, events.StepDone)] == [
        "Started", *["EpochStarted", "EpochDone"] * 3, "Finished"
    ]  # fmt: skip
    assert all(json.dumps(events.as_json(e)) for e in told)


def test_a_records_means_weigh_the_last_batch_by_its_size() -> None:
    record = MetricBuffer(steps=3, examples=10, batch_size=4)
    for step, loss in enumerate((1.0, 2.0, 6.0)):
        record.put(step, {"loss": torch.tensor(loss)})
    assert record.means(3)["loss"] == pytest.approx((4 * 1 + 4 * 2 + 2 * 6) / 10)
    assert record.means(2)["loss"] == pytest.approx(1.5)
    curve = record.curve(epoch=1)
    assert [(row["epoch"], row["step"], row["loss"]) for row in curve] == [(2, 1, 1.0), (2, 2, 2.0), (2, 3, 6.0)]


def test_a_curve_has_about_twenty_rows_that_average_to_the_whole() -> None:
    record = MetricBuffer(steps=137, examples=137 * 2 - 1, batch_size=2)
    for step in range(137):
        record.put(step, {"loss": torch.tensor(math.sin(step))})
    rows = record.curve(0)
    assert len(rows) == 20
    ends = [0, *(int(row["step"]) for row in rows)]
    weights = [float(record.weights(a, b).sum()) for a, b in itertools.pairwise(ends)]
    mean = sum(w * row["loss"] for w, row in zip(weights, rows, strict=True)) / sum(weights)
    assert mean == pytest.approx(record.means(137)["loss"], rel=1e-9)
