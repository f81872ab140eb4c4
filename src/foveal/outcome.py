"""What comes out of an experiment: the test, made once, the model file and the report."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.printable import counted
from foveal.training.checkpoints.run_folder import RunFolder
from foveal.training.config import TrainingConfig
from foveal.training.history import History

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.dataset import Split
    from foveal.evaluation.results import Evaluation
    from foveal.experiment import Experiment
    from foveal.network.tree import Sequential

WORST = 36  # mistakes shown


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Attributes:
        folder: where everything lies.
        history: the numbers of all epochs.
        evaluation: on the split named by ``split``: test, or validation or training where there is no better one.
        seconds: of training, all sessions of the run together.
    """

    folder: RunFolder
    history: History
    evaluation: Evaluation
    split: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The headline and the paths."""
        interval = self.evaluation.interval
        return {
            "run": str(self.folder.path),
            "model": str(self.folder.model),
            "report": str(self.folder.report),
            "split": self.split,
            "count": self.evaluation.count,
            "accuracy": self.evaluation.accuracy,
            "interval": [interval.low, interval.high],
            "seconds": self.seconds,
        }


def conclude(
    experiment: Experiment, module: Network, folder: RunFolder, history: History, train: Split, validation: Split | None
) -> Outcome:
    """Save the model, test it, and write the report."""
    from foveal.evaluation import as_distribution, evaluate
    from foveal.inference.probabilities import class_probabilities
    from foveal.network.ending import are_independent

    parts = {"test": experiment.data.test, "validation": validation, "training": train}
    split, measured = next((name, part) for name, part in parts.items() if part is not None)
    config = experiment.config
    probabilities = class_probabilities(
        module,
        measured.images,
        from_logits=config.from_logits,
        independent=are_independent(experiment.network, config.loss),
        mirror=config.mirror,
    )
    evaluation = evaluate(as_distribution(probabilities), measured.labels, experiment.data.classes, mistakes=WORST)
    outcome = Outcome(folder, history, evaluation, split, folder.seconds())
    _save_model(experiment, module, folder, outcome)
    _write_report(experiment, module, outcome, measured, {n: len(p) for n, p in parts.items() if p is not None})
    return outcome


def _save_model(experiment: Experiment, module: Network, folder: RunFolder, outcome: Outcome) -> None:
    from foveal import modelfile

    facts: dict[str, Any] = {
        "classes": list(experiment.data.classes),
        "training": {
            "data": experiment.data.name,
            "epochs": len(outcome.history.epoch),
            outcome.split: {"accuracy": outcome.evaluation.accuracy, "count": outcome.evaluation.count},
            "config": experiment.config.to_json(),
        },
    }
    if not experiment.data.is_table:
        from foveal.data.sources.images import border_level

        facts["preprocessing"] = {"border_level": border_level(experiment.data.train.images)}
    modelfile.save(folder.model, experiment.network, module.state_dict(), facts)


def _write_report(
    experiment: Experiment, module: Network, outcome: Outcome, measured: Split, counts: Mapping[str, int]
) -> None:
    from foveal.files import write_json
    from foveal.page import render
    from foveal.report.blocks import RunFacts
    from foveal.report.classification import classified

    mistakes = [mistake.index for mistake in outcome.evaluation.mistakes]
    filters, path = first_filters(experiment.network, module)
    report = classified(
        outcome.evaluation,
        split=outcome.split,
        network=experiment.network,
        name=experiment.name,
        data=experiment.data.name,
        counts=counts,
        history=outcome.history.history,
        smoothed=bool(experiment.config.label_smoothing),
        pictures=None if measured.images.ndim == 2 else measured.images[np.asarray(mistakes, dtype=np.int64)],
        filters=filters,
        filters_path=path,
        notes=_notes(experiment, outcome),
    )
    about = RunFacts(
        title=outcome.folder.path.name,
        name=experiment.name,
        data=experiment.data.name,
        histories={"": outcome.history},
        config=experiment.config.to_json(),
        environment=environment(experiment.config),
        command=experiment.command,
        seconds=outcome.seconds,
    )
    write_json(outcome.folder.path / "evaluation.json", report.to_json())
    render.write(outcome.folder.report, report, about)


def _notes(experiment: Experiment, outcome: Outcome) -> Sequence[str]:
    notes = [*experiment.notes, *experiment.data.notes]
    if experiment.data.problems:
        count, first = len(experiment.data.problems), experiment.data.problems[0]
        notes.append(f"{counted(count, 'file')} could not be read{', among them' if count > 1 else ''}: {first}")
    if experiment.config.mirror:
        notes.append("Each answer is the mean of those for the picture and for its mirror image.")
    if outcome.split != "test":
        notes.append(f"There is no test set: what is shown was measured on the {outcome.split} set.")
    if outcome.history.stopped_early:
        notes.append(
            f"Training stopped early, after {len(outcome.history.epoch)} of {experiment.config.epochs} epochs."
        )
    return notes


def first_filters(network: Sequential, module: Network) -> tuple[np.ndarray[Any, Any] | None, str]:
    """The first convolution's kernels as (height, width, in, out), and its path; None and "" where there is none."""
    from foveal.network.layers import Conv2D
    from foveal.network.tree import walk

    for path, node in walk(network):
        if isinstance(node, Conv2D) and hasattr(module.node(path), "weight"):
            weight: Any = module.node(path).weight
            return weight.detach().float().cpu().permute(2, 3, 1, 0).numpy(), path
    return None, ""


def environment(config: TrainingConfig) -> dict[str, Any]:
    """Versions and machine, as the report shows them."""
    import torch

    from foveal.training.precision import chosen_device

    device = chosen_device(config.device)
    versions = {name: metadata.version(name) for name in ("foveal", "torch", "numpy")}
    processor = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "python": platform.python_version(),
        **versions,
        "system": f"{platform.system()} {platform.machine()}",
        "device": f"{device.type}: {processor}",
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count() or 1,
        "seed": config.seed,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
