"""What comes out of a run: one kind of result for every system, and the files that tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foveal import files
from foveal.report.blocks import Report, RunFacts
from foveal.runs.run import plain
from foveal.training.checkpoints.run_folder import RunFolder
from foveal.training.history import History

if TYPE_CHECKING:
    from foveal.evaluation.results import Evaluation, RegressionEvaluation
    from foveal.runs.run import Run


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes:
        folder: where everything lies.
        report: what was found out; ``report.facts`` has every figure.
        histories: the numbers of all epochs, by stage; "" is the run itself.
        seconds: of training, all stages and sessions of the run together.
        told: the notes that the display was given while the run went.
        fingerprint: sums over the data, by part; None where the system brought its own.
    """

    folder: RunFolder
    report: Report
    histories: Mapping[str, History]
    seconds: float
    told: frozenset[str] = frozenset()
    fingerprint: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def findings(self) -> Report:
        """The report, as it was called before."""
        return self.report

    @property
    def history(self) -> History:
        """The numbers of the run itself."""
        return self.histories[""]

    @property
    def evaluation(self) -> Evaluation | RegressionEvaluation | None:
        """A classifier's, on the part that ``split`` names: test, or validation or training where there is no better one."""
        return self.report.evaluation

    @property
    def split(self) -> str:
        """What was measured on."""
        return self.report.split

    def to_json(self) -> dict[str, Any]:
        """The headlines, the paths and every fact: the content of ``result.json``."""
        from foveal.evaluation.results import Evaluation

        told: dict[str, Any] = {
            "run": str(self.folder.path),
            "report": str(self.folder.report),
            "split": self.split,
            "headlines": [
                {"label": each.label, "value": each.value, "text": each.text, "note": each.note}
                for each in self.report.headlines
            ],
            "facts": self.report.facts,
            "seconds": self.seconds,
        }
        if self.fingerprint is not None:
            told["fingerprint"] = self.fingerprint
        if self.folder.model.is_file():
            told["model"] = str(self.folder.model)
        if isinstance(self.evaluation, Evaluation):
            interval = self.evaluation.interval
            told |= {
                "accuracy": self.evaluation.accuracy,
                "count": self.evaluation.count,
                "interval": [interval.low, interval.high],
            }
        return dict(plain(told))


def conclude(run: Run, report: Report) -> RunResult:
    """Write ``evaluation.json``, ``result.json`` and the report of a run that has come to its end."""
    from foveal.page import render
    from foveal.runs.environment import environment

    experiment = run.experiment
    result = RunResult(run.folder, report, run.histories, run.folder.seconds(), run.told, run.fingerprint)
    files.write_json(run.folder.path / "evaluation.json", plain(report.to_json()))
    files.write_json(run.folder.path / "result.json", result.to_json())
    about = RunFacts(
        title=run.folder.path.name,
        name=experiment.title,
        data=experiment.data_name,
        source="" if experiment.network_name else experiment.system.source,
        histories=run.histories,
        config={**run.config.to_json(), "settings": dict(run.settings)},
        environment=environment(run.config),
        command=experiment.command,
        seconds=result.seconds,
    )
    render.write(run.folder.report, report, about)
    return result
