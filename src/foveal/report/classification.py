"""Everything that a training report tells, as data. :mod:`foveal.page.report` turns it into one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.evaluation.results import Evaluation, RegressionEvaluation


@shown_briefly
@dataclass(frozen=True)
class ReportData:
    """What happened in a run, ready to be shown.

    Attributes:
        title: the run's name, as a heading.
        network: the network's name, ``lecture_cnn``.
        data: the data set's name, ``Fashion-MNIST``.
        history: columns of equal length, one value an epoch, with the Keras names: ``loss``, ``accuracy``,
            ``val_loss``, ``val_accuracy``; others (``lr``) are shown in the table.
        evaluation: what was measured, on the split that ``split`` names.
        split: ``test``, or ``validation`` where there is no test set.
        pictures: (M, h, w) or (M, h, w, 1 | 3) uint8, the pictures of the first M of ``evaluation.mistakes``; or None.
        filters: (kh, kw, cin, cout), the first convolution's learned weights; or None.
        filters_path: that layer's node path.
        layers: one mapping a layer, as ``foveal show NET --json`` has them under ``layers``.
        config: the training configuration.
        environment: versions, processor, threads, seed.
        command: the command line as its arguments, ``("foveal", "train", "lecture_cnn", …)``.
        seconds: the time that training took.
        notes: whatever a reader must know, each one sentence, shown at the top.
        counts: samples by split: ``train``, ``validation``, ``test``.
        totals: ``parameters`` and ``macs`` of the whole network, where they are not the sums over the layers.
        steps: rows within the epochs, ``{"epoch": 1, "step": 40, "loss": …, "accuracy": …}`` in their order, as
            ``steps.jsonl`` has them; drawn as a thin line behind the training curve.
    """

    title: str
    network: str
    data: str
    history: Mapping[str, Sequence[float]]
    evaluation: Evaluation | RegressionEvaluation
    layers: Sequence[Mapping[str, Any]]
    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    command: Sequence[str]
    seconds: float
    split: str = "test"
    pictures: NDArray[np.uint8] | None = None
    filters: NDArray[np.floating] | None = None
    filters_path: str = ""
    notes: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    totals: Mapping[str, Any] = field(default_factory=dict)
    steps: Sequence[Mapping[str, float]] = ()

    @property
    def parameters(self) -> int:
        """Trainable parameters of the network."""
        return self._total("parameters")

    @property
    def macs(self) -> int:
        """Multiply-accumulates a picture."""
        return self._total("macs")

    @property
    def epochs(self) -> int:
        """How many epochs the history holds."""
        return max((len(column) for column in self.history.values()), default=0)

    def _total(self, key: str) -> int:
        given = self.totals.get(key)
        return int(given) if given is not None else sum(int(layer.get(key) or 0) for layer in self.layers)
