"""Rosenblatt's perceptron: AND, OR and two kinds of iris, which a line separates, and XOR, which none does and an MLP does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal import zoo
from foveal.data.generated import logic
from foveal.data.published import iris
from foveal.errors import ConfigurationError, DataError
from foveal.network import Sequential
from foveal.network.layers import Dense
from foveal.report.blocks import Headline, Report, Section
from foveal.runs.method import Method, Quick
from foveal.runs.settings import Setting
from foveal.systems.classification import perceptron_report as report
from foveal.systems.classification.perceptron_problem import Problem, Solved
from foveal.systems.classification.separability import separation
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.data.dataset import DataSet
    from foveal.runs.run import Run

RECIPE = TrainingConfig(epochs=20, batch_size=1, optimizer="sgd", lr=1.0, validation=0.0)
"""η = 1: from zero weights another rate only scales them. AND took 12 corrections, OR 4, iris 7 (seed 0), all within nine epochs;
twenty are shown so that XOR's unrest is seen. Five seconds in all on one thread."""
SETTINGS = (
    Setting("class_a", 0, "first class of a table with more than two: setosa", at_least=0),
    Setting("class_b", 1, "second class: versicolor", at_least=0),
    Setting("feature_x", 2, "first column: petal length", at_least=0),
    Setting("feature_y", 3, "second column: petal width", at_least=0),
    Setting("hidden", 4, "tanh units of the MLP that does what no line can", at_least=1),
    Setting("mlp_steps", 600, "its steps of Adam on the cross-entropy", at_least=6),
)

EVERY = ("and", "or", "xor", "iris")
MLP = TrainingConfig(
    epochs=6, batch_size=4, optimizer="adam", lr=0.05, loss="binary_cross_entropy", from_logits=False, validation=0.0
)
"""Gradient descent on the cross-entropy; six epochs of mlp_steps / 6 steps. Twenty seeds of twenty solved XOR."""


def run(run: Run) -> Report:
    """Train the unit on each problem, and an MLP where no line separates.

    Raises:
        DataError, ConfigurationError: data that are not table, or classes and columns that it does not have.
    """
    found = [_solve(run, problem) for problem in _problems(run)]
    apart, mixed = ([each for each in found if each.separation.separable is kind] for kind in (True, False))
    return Report(
        headlines=_headlines(apart, mixed),
        sections=[
            Section(
                "Decision lines",
                "net = w₁x₁ + w₂x₂ + b is 0 on the line; on the tinted side the unit answers 1, on the line itself 0. Filled "
                "points are to be answered by 1.",
                [report.drawn(each) for each in found],
            ),
            Section(
                "Corrections",
                "The rule changes the weights only after a wrong answer: w ← w + η (t − y) x. Where a line separates the "
                "classes it stops by itself, after at most (R / γ)² corrections (Novikoff 1962).",
                [report.curves(found), report.table(found)],
            ),
            *([report.impossible(mixed)] if mixed else []),
        ],
        networks={
            "perceptron": zoo.perceptron(),
            **({"MLP": _mlp(int(run.settings["hidden"]))} if mixed else {}),
        },
        facts={"problems": {each.problem.name: each.to_json() for each in found}},
        split="training",
    )


def _headlines(apart: Sequence[Solved], mixed: Sequence[Solved]) -> list[Headline]:
    told = []
    if apart:
        names = ", ".join(each.problem.title for each in apart)
        examples = sum(len(each.problem.answers) for each in apart)
        told.append(Headline(f"errors on {names}", sum(each.left[-1] for each in apart), f"of {examples} examples"))
        held = [each for each in apart if len(each.problem.unseen_answers)]
        if held:
            count = sum(len(each.problem.unseen_answers) for each in held)
            told.append(Headline("errors on unseen examples", sum(e.unseen_wrong for e in held), f"of {count}"))
    for each in mixed:
        title, count = each.problem.title, len(each.problem.answers)
        fewest = f"of {count}, after the last epoch; {min(each.left)} at best: no line separates {title}"
        told.append(Headline(f"errors of the perceptron on {title}", each.left[-1], fewest))
        told.append(Headline(f"errors of an MLP on {title}", each.mlp_wrong, f"of {count}"))
    return told


# Data -----------------------------------------------------------------------------------------------------------------


def _problems(run: Run) -> list[Problem]:
    from foveal.data import load

    if run.data_name is not None:
        return [_problem(run.load(), run.settings)]
    return [_problem(load(name), run.settings) for name in EVERY]


def _problem(data: DataSet, settings: Mapping[str, Any]) -> Problem:
    """Two classes and two columns of a table.

    Raises:
        DataError: pictures, or a table of one column.
        ConfigurationError: a class or column that is not there.
    """
    if not data.is_table or data.shape[0] < 2:
        raise DataError(
            "the perceptron's line is drawn in a plane of two measurements",
            where=data.name,
            given=f"a table of {data.shape[0]} columns" if data.is_table else "pictures",
            expected="a table with two columns or more",
            fix=[f"foveal train perceptron {name}" for name in EVERY],
        )
    plain = data.shape[0] == 2 and len(data.classes) == 2
    columns = (0, 1) if plain else _two(settings, ("feature_x", "feature_y"), data.shape[0], "column", data.name)
    classes = (0, 1) if plain else _two(settings, ("class_a", "class_b"), len(data.classes), "class", data.name)

    def taken(part: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        kept = np.isin(part.labels, classes)
        points = np.ascontiguousarray(part.images[kept][:, columns], dtype=np.float32)
        return points, (part.labels[kept] == classes[1]).astype(np.int64)

    points, answers = taken(data.train)
    none = np.zeros((0, 2), np.float32), np.zeros(0, np.int64)
    unseen, unseen_answers = none if data.test is None else taken(data.test)
    names = [f"column {i}" for i in columns]
    if data.name == "iris":
        names = [f"{iris.FEATURES[i]}, cm" for i in columns]
    elif data.name in logic.TABLES:
        names = [logic.FEATURES[i] for i in columns]
    chosen = (data.classes[classes[0]], data.classes[classes[1]])
    return Problem(data.name, points, answers, unseen, unseen_answers, (names[0], names[1]), chosen)


def _two(settings: Mapping[str, Any], keys: tuple[str, str], count: int, what: str, where: str) -> tuple[int, int]:
    first, second = (int(settings[key]) for key in keys)
    if first == second or not (0 <= first < count and 0 <= second < count):
        raise ConfigurationError(
            f"there are no two such {what}{'es' if what == 'class' else 's'}",
            where=where,
            given=f"{keys[0]}={first}, {keys[1]}={second}",
            expected=f"two different numbers from 0 to {count - 1}",
            fix=f"--set {keys[0]}=0 --set {keys[1]}=1",
        )
    return first, second


# Training -------------------------------------------------------------------------------------------------------------


def _solve(run: Run, problem: Problem) -> Solved:
    from foveal.runs.run import digest
    from foveal.training.steps.perceptron import PerceptronRule

    import torch  # isort: skip

    part = _split(problem.points, problem.answers)
    tree = zoo.perceptron()
    module = run.build(tree)
    batches = run.batches(part, training=True)
    held = run.batches(part, training=False)
    fingerprint = {"examples": digest(problem.points, problem.answers)}
    stage = problem.name if run.data_name is None else ""
    history = run.train(stage, module, PerceptronRule, batches, held, fingerprint=fingerprint).history
    count = len(problem.answers)
    unit: Any = module.node("unit")
    w1, w2, b = (float(v) for v in torch.cat([unit.weight[0], unit.bias]).tolist())
    run.save_model(tree, module, stage or "model", classes=list(problem.classes), features=list(problem.axes))
    held_apart = separation(problem.points, problem.answers)
    mlp, mlp_wrong = None, 0
    if not held_apart.separable:
        mlp, mlp_wrong = _bent(run, problem, stage)
    return Solved(
        problem,
        tuple(round(share * count) for share in history["loss"]),
        tuple(round(share * count) for share in history["val_loss"]),
        _wrong(module, problem.unseen, problem.unseen_answers),
        (w1, w2, b),
        held_apart,
        mlp,
        mlp_wrong,
    )


def _split(points: NDArray[np.float32], answers: NDArray[np.int64]) -> Any:
    from foveal.data.dataset import Split

    return Split(points, answers)


def _wrong(module: Any, points: NDArray[np.float32], answers: NDArray[np.int64]) -> int:
    if not len(answers):
        return 0
    return int(((module.predict(points)[:, 0] > 0.5) != (answers == 1)).sum())


def _mlp(hidden: int) -> Sequential:
    layers = [Dense(hidden, activation="tanh", name="hidden"), Dense(1, activation="sigmoid", name="output")]
    return Sequential(layers, input_shape=(2,), name="mlp")


def _bent(run: Run, problem: Problem, stage: str) -> tuple[Any, int]:
    """A small MLP by gradient descent: what one line cannot do, several and their mixture can."""
    from foveal.runs.run import digest

    hidden, steps = int(run.settings["hidden"]), int(run.settings["mlp_steps"])
    config = MLP.replace(seed=run.seed, device=run.config.device, batch_size=min(32, len(problem.answers)))
    times = -(-steps // MLP.epochs * config.batch_size // len(problem.answers))
    again = np.tile(np.arange(len(problem.answers)), max(1, times))
    tree = _mlp(hidden)
    module = run.build(tree)
    batches = run.batches(_split(problem.points, problem.answers).take(again), training=True, config=config)
    name = f"{stage}-mlp" if stage else "mlp"
    run.train(
        name, module, None, batches, config=config, fingerprint={"examples": digest(problem.points, problem.answers)}
    )
    run.save_model(tree, module, name, classes=list(problem.classes), features=list(problem.axes))
    return module, _wrong(module, problem.points, problem.answers)


# Use ------------------------------------------------------------------------------------------------------------------


def predict(model: str, questions: Sequence[str]) -> Iterator[str]:
    """Each question is a point, two numbers: "1.4, 0.2"; the answer its class, and the unit's net or the MLP's probability.

    Raises:
        DataError: not two finite numbers.
    """
    from foveal.inference.opened_model import open_model

    opened = open_model(model)
    module, classes = opened.module, opened.classes or logic.CLASSES
    for question in questions:
        point = _point(question)
        value = float(module.predict(point[None])[0, 0])
        sums = f"probability {value:.4g}"
        if opened.network.name == "perceptron":
            unit: Any = module.node("unit")
            sums = f"net {float((unit.weight[0].detach().numpy() * point).sum() + unit.bias.detach().numpy()[0]):.4g}"
        yield f"{classes[int(value > 0.5)]} ({sums})"


def _point(text: str) -> NDArray[np.float32]:
    try:
        numbers = np.array([float(part) for part in text.replace(",", " ").split()], dtype=np.float32)
    except ValueError:
        numbers = np.zeros(0, np.float32)
    if numbers.shape != (2,) or not np.isfinite(numbers).all():
        raise DataError(
            "this is not a point of the plane",
            where="foveal predict",
            given=repr(text),
            expected="two numbers",
            fix='"1 0"',
        )
    return numbers


METHOD = Method(RECIPE, SETTINGS, run, Quick(data="xor", changes={"epochs": 2}, settings={"mlp_steps": 6}), predict)
