"""What systems that classify have in common: train one tree on labelled examples, test it once, keep it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet, Split
    from foveal.evaluation.results import Evaluation
    from foveal.network.tree import Sequential
    from foveal.runs.run import Session
    from foveal.training.config import TrainingConfig

MISTAKES = 36


@dataclass(frozen=True)
class Classified:
    """A classifier that was trained and tested.

    Attributes:
        module: in evaluation mode.
        evaluation: on ``measured``.
        measured: the part that was measured; ``split`` is its name.
        pictures: those of the worst mistakes, in their order; None for a table.
    """

    module: Network
    evaluation: Evaluation
    measured: Split
    split: str
    pictures: NDArray[np.uint8] | None


def classify(
    session: Session,
    network: Sequential,
    data: DataSet,
    *,
    stage: str = "",
    config: TrainingConfig | None = None,
    keep: str = "model",
) -> Classified:
    """Train ``network`` on a data set as one stage, test it once, and keep the model file.

    Args:
        session: the run.
        network: a tree that gives one value a class.
        data: pictures or a table, with labels.
        stage: see :meth:`Session.train`.
        config: the session's own by default.
        keep: name of the model file; "" keeps none.
    """
    from foveal.data.dataset import check_classes
    from foveal.evaluation import evaluate
    from foveal.experiment import Experiment
    from foveal.inference.probabilities import class_probabilities
    from foveal.network.ending import ends_in_probabilities

    check_classes(data)
    chosen = config or session.config
    if chosen.loss.endswith("cross_entropy"):
        chosen = chosen.replace(from_logits=not ends_in_probabilities(network))
    experiment = Experiment(network.with_input(data.shape), session.system.name, data, session.opening, chosen)
    train, validation = experiment.parts()
    module = experiment.module()
    held = None if validation is None else experiment.batches(validation, training=False)
    session.train(
        stage, module, None, experiment.batches(train, training=True), held, config=chosen,
        identity=experiment.identity(),
    )  # fmt: skip
    parts = {"test": data.test, "validation": validation, "training": train}
    split, measured = next((name, part) for name, part in parts.items() if part is not None)
    answers = class_probabilities(module, measured.images, from_logits=chosen.from_logits, mirror=chosen.mirror)
    found = evaluate(answers, measured.labels, data.classes, mistakes=MISTAKES)
    if keep:
        told: dict[str, Any] = {"classes": list(data.classes)}
        told["training"] = {"data": data.name, "config": chosen.to_json(), split: {"accuracy": found.accuracy}}
        if not data.is_table:
            from foveal.data.sources.images import border_level

            told["preprocessing"] = {"border_level": border_level(train.images)}
        session.keep(experiment.network, module, keep, **told)
    worst = np.asarray([mistake.index for mistake in found.mistakes], dtype=np.int64)
    return Classified(module, found, measured, split, None if data.is_table else measured.images[worst])
