"""Other methods than the classifier go through the same loop: two networks, two optimizers, no flag anywhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small_training import Clusters, network
from torch import nn

from foveal.training import RunFolder, TrainingConfig, run
from foveal.training.cuda_graph import GraphedStep
from foveal.training.optim.scheduled_optimizer import ScheduledOptimizer
from foveal.training.steps import Capturable, Step, Values
from foveal.training.steps.supervised import Supervised

CONFIG = TrainingConfig(epochs=3, batch_size=16, lr=0.01, schedule="cosine", ema=0.9, clip_norm=0.5)


class Adversaries:
    """A GAN of the smallest kind: a generator, a discriminator, noise of its own, two descents."""

    def __init__(self, module: nn.Module, config: TrainingConfig, steps_per_epoch: int) -> None:
        self.maker, self.judge = module["maker"], module["judge"]  # type: ignore[index]
        self.making = ScheduledOptimizer(self.maker, config, steps_per_epoch)
        self.judging = ScheduledOptimizer(self.judge, config.replace(optimizer="sgd", ema=None), steps_per_epoch)
        self.noise = torch.Generator().manual_seed(config.seed)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"maker": self.maker, "judge": self.judge}

    @property
    def rate(self) -> float:
        return self.making.rate

    def __call__(self, batch: Any) -> Values:
        real = batch[0].flatten(1)
        made = self.maker(torch.randn(len(real), 4, generator=self.noise))
        self.judging.before_step()
        judged = F.softplus(-self.judge(real)).mean() + F.softplus(self.judge(made.detach())).mean()
        self.judging.step(judged)
        self.judging.after_step()
        self.making.before_step()
        fooled = F.softplus(-self.judge(made)).mean()
        self.making.step(fooled)
        self.making.after_step()
        return {"loss": fooled.detach(), "judge_loss": judged.detach()}

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[Callable[[Any], Values]]:
        with self.making.averaged(), torch.no_grad():
            yield lambda batch: {"loss": F.softplus(self.judge(batch[0].flatten(1))).mean()}

    def finish(self) -> None:
        self.making.finish()

    def state_dict(self) -> dict[str, Any]:
        return {
            "maker": dict(self.maker.state_dict()), "judge": dict(self.judge.state_dict()),
            "making": self.making.state_dict(), "judging": self.judging.state_dict(), "noise": self.noise.get_state(),
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.maker.load_state_dict(state["maker"])
        self.judge.load_state_dict(state["judge"])
        self.making.load_state_dict(state["making"])
        self.judging.load_state_dict(state["judging"])
        self.noise.set_state(state["noise"])


def adversaries(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    judge = nn.Sequential(nn.Linear(36, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    return nn.ModuleDict({"maker": nn.Linear(4, 36), "judge": judge})


class Stopping(Clusters):
    """Ctrl-C in the middle of the second epoch."""

    def epoch(self, number: int, start: int = 0) -> Iterator[Any]:
        import os
        import signal

        for step, batch in enumerate(super().epoch(number, start), start):
            if (number, step) == (1, 2):
                os.kill(os.getpid(), signal.SIGINT)
            yield batch


@pytest.mark.parametrize("early", [None, 2])
def test_two_adversaries_train_stop_and_resume_like_anything_else(tmp_path: Path, early: int | None) -> None:
    config = CONFIG.replace(early_stopping=early)
    whole, parts = adversaries(0), adversaries(0)
    held = Clusters(20, seed=2)
    history = run(whole, Clusters(), held, config, make_step=Adversaries)
    assert list(history.history) == ["loss", "judge_loss", "val_loss"]
    with pytest.raises(KeyboardInterrupt, match="stopped in epoch 2 of 3 after step 3 of 5"):
        run(parts, Stopping(), held, config, make_step=Adversaries, run_folder=RunFolder(tmp_path / "run"))
    resumed = adversaries(7)
    folder = RunFolder(tmp_path / "run")
    again = run(resumed, Clusters(), held, config, make_step=Adversaries, run_folder=folder, resume=True)
    assert again.history == history.history
    assert all(torch.equal(a, resumed.state_dict()[name]) for name, a in whole.state_dict().items())


def test_both_kinds_are_steps() -> None:
    supervised = Supervised(network(), CONFIG, 5)
    assert isinstance(supervised, Step)
    assert isinstance(supervised, Capturable)
    assert isinstance(Adversaries(adversaries(0), CONFIG, 5), Step)
    assert isinstance(GraphedStep(supervised, print), Step)


class Pretence:
    """Stands in for torch.cuda where there is no GPU: recording runs the step and takes it back; replay runs it."""

    def __init__(self, step: Supervised, fail: bool) -> None:
        self.step, self.fail = step, fail
        self.recorded, self.replayed = 0, 0

    def install(self, graphed: GraphedStep, monkeypatch: pytest.MonkeyPatch) -> None:
        pretence = self

        class Graph:
            def replay(self) -> None:
                pretence.replayed += 1
                values = pretence.step.learn(graphed._inputs)
                for name, fixed in graphed._values.items():
                    fixed.copy_(values[name])

        @contextlib.contextmanager
        def recording(graph: Graph) -> Iterator[None]:
            before = {name: tensor.clone() for name, tensor in pretence.step.module.state_dict().items()}
            remembered = pretence.step.optimizer.state_dict()["optimizer"]
            kept = [{k: v.clone() for k, v in p.items()} for p in remembered["parameters"]]
            random = torch.get_rng_state()
            if pretence.fail:
                raise RuntimeError("operation not permitted when stream is capturing\nand more")
            yield
            pretence.recorded += 1
            pretence.step.module.load_state_dict(before)
            for live, then in zip(remembered["parameters"], kept, strict=True):
                for name, value in then.items():
                    live[name].copy_(value)
            torch.set_rng_state(random)

        monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
        monkeypatch.setattr(torch.cuda, "graph", recording)
        monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
        monkeypatch.setattr(graphed, "_on_side_stream", graphed._eagerly)
        monkeypatch.setattr("foveal.training.cuda_graph.on_gpu", lambda part: isinstance(part, torch.Tensor))


@pytest.mark.parametrize("fail", [False, True])
def test_a_recorded_step_learns_every_batch_once_and_the_odd_one_without_a_graph(
    monkeypatch: pytest.MonkeyPatch, fail: bool
) -> None:
    module, same = network(), network()
    plain, inner = Supervised(module, CONFIG, 5), Supervised(same, CONFIG, 5)
    told: list[str] = []
    graphed = GraphedStep(inner, told.append)
    pretence = Pretence(inner, fail)
    pretence.install(graphed, monkeypatch)
    losses = []
    for step in (plain, graphed):
        torch.manual_seed(0)
        losses.append([float(step(batch)["loss"]) for n in range(3) for batch in Clusters().epoch(n)])
        step.finish()
    assert losses[0] == losses[1]
    assert all(torch.equal(a, same.state_dict()[name]) for name, a in module.state_dict().items())
    if fail:
        assert told == [
            "this step cannot be recorded as a CUDA graph and runs without one "
            "(operation not permitted when stream is capturing)"
        ]
    else:  # of 15 batches 3 are of another size, 3 warm up, 9 are replayed
        assert (pretence.recorded, pretence.replayed, told) == (1, 9, [])


def test_clipping_bounds_the_whole_gradient() -> None:
    layer = nn.Linear(3, 2)
    optimizer = ScheduledOptimizer(layer, TrainingConfig(optimizer="sgd", lr=1.0, clip_norm=0.25), 1)
    before = torch.cat([p.detach().flatten().clone() for p in layer.parameters()])
    optimizer.before_step()
    optimizer.step(100 * layer(torch.ones(1, 3)).sum())
    after = torch.cat([p.detach().flatten() for p in layer.parameters()])
    assert float((before - after).norm()) == pytest.approx(0.25, rel=1e-5)
