"""How far back a recurrent network remembers: the adding problem at growing lags, and gradients through time.

Hochreiter, Schmidhuber 1997, "Long Short-Term Memory", section 5.4; Bengio, Simard, Frasconi 1994, "Learning Long-Term
Dependencies with Gradient Descent is Difficult".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal import zoo
from foveal.data.generated import adding_problem as adding
from foveal.errors import ConfigurationError
from foveal.report.blocks import Block, Headline, Lines, Rows, Section, Series
from foveal.training.config import TrainingConfig
from foveal.zoo.recurrent import UNITS

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.runs.run import Run

KINDS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
SOLVED = 0.01
"""A mean squared error below this counts as solved; always answering 1 has 0.1667."""

_EPOCH = 100  # steps between two points of a curve
_BATCH = 64
_TESTED = 2000
_PROBED = 200
_FRESH = 10**6  # numbers of epochs that no training comes to: sequences of the test


@dataclass(frozen=True)
class LagPlan:
    """Which lags, and how long and with what each network learns.

    Attributes:
        lags: rising.
        config: of one network at one lag.
        units: of the recurrent layer.
    """

    lags: tuple[int, ...]
    config: TrainingConfig
    units: int


@dataclass(frozen=True)
class Attempt:
    """One kind of network on the adding problem at one lag.

    Attributes:
        kind: rnn, lstm or gru.
        lag: steps from the first number to the second.
        steps, losses: the mean squared error of the batches up to each step, on numbers never seen before.
        mse: after training, on 2,000 new sequences.
        right: the share of them that are right within 0.04, the paper's measure.
        before, after: the mean norm of d(answer)/d(step) by steps before the last, untrained and trained.
    """

    kind: str
    lag: int
    steps: tuple[int, ...]
    losses: tuple[float, ...]
    mse: float
    right: float
    before: tuple[float, ...]
    after: tuple[float, ...]

    @property
    def solved(self) -> bool:
        """Whether it adds, and does not merely answer 1."""
        return self.mse < SOLVED


@dataclass(frozen=True)
class LagMemory:
    """All attempts."""

    plan: LagPlan
    attempts: tuple[Attempt, ...]

    def of(self, kind: str) -> list[Attempt]:
        """One kind's attempts, by rising lag."""
        return [each for each in self.attempts if each.kind == kind]

    def longest(self, kind: str) -> int:
        """The longest lag that a kind has solved; 0 for none."""
        return max((each.lag for each in self.of(kind) if each.solved), default=0)

    def to_json(self) -> dict[str, Any]:
        """Every figure, by kind and lag."""
        told: dict[str, Any] = {
            "always_one": adding.ALWAYS_ONE, "one_forgotten": adding.ONE_FORGOTTEN,
            "solved_below": SOLVED, "units": self.plan.units,
        }  # fmt: skip
        for kind in KINDS:
            told[kind] = {
                str(each.lag): {
                    "mse": each.mse, "right": each.right, "solved": each.solved,
                    "losses": each.losses, "gradient_before": each.before, "gradient_after": each.after,
                }
                for each in self.of(kind)
            }  # fmt: skip
        return told


def plan(run: Run) -> LagPlan:
    """What the settings ask for.

    Raises:
        ConfigurationError: lags that are not whole numbers above 0.
    """
    text, steps, units = str(run.settings["lags"]), run.settings["lag_steps"], run.settings["lag_units"]
    parts = [part for part in text.replace(" ", "").split(",") if part]
    if not all(part.isdigit() and 0 < int(part) <= 1000 for part in parts):
        raise ConfigurationError(
            "the adding problem cannot be set like this",
            where="settings",
            given=f"lags={text!r}",
            expected="whole numbers from 1 to 1000 with commas between",
            fix=["--set lags=10,100", '--set lags="": without the adding problem'],
        )
    config = TrainingConfig(
        epochs=max(1, int(steps) // _EPOCH), batch_size=_BATCH, optimizer="adam", lr=float(run.settings["lag_rate"]),
        schedule="one-cycle", peak_at=0.1, clip_norm=1.0, loss="mse", metrics=(), validation=0.0, precision="fp32",
        seed=run.seed, device=run.config.device,
    )  # fmt: skip
    return LagPlan(tuple(sorted({int(part) for part in parts})), config, int(units))


def carried_out(run: Run, plan: LagPlan) -> LagMemory:
    """Train every kind at every lag, each from its first values, a stage each."""
    steps = min(_EPOCH, int(run.settings["lag_steps"]))
    attempts = [_attempt(run, plan, kind, lag, steps) for lag in plan.lags for kind in KINDS]
    return LagMemory(plan, tuple(attempts))


def _attempt(run: Run, plan: LagPlan, kind: str, lag: int, steps: int) -> Attempt:

    tree = zoo.create(kind, classes=1, input_shape=(lag + adding.BEGINNING, 2), width=plan.units / UNITS)
    module = run.build(tree)
    probe, _, _ = adding.sequences(_PROBED, lag, np.random.default_rng([run.seed, lag, _FRESH + 1]))
    before = gradient_norms(module, probe)
    batches = adding.AddingBatches(lag, _BATCH, steps, seed=run.seed, device=run.device)
    history = run.train(f"adding-{lag}-{kind}", module, None, batches, config=plan.config)
    x, sums, _ = adding.sequences(_TESTED, lag, np.random.default_rng([run.seed, lag, _FRESH]))
    wrong = module.predict(x) - sums
    losses = history.history["loss"]
    return Attempt(
        kind, lag, tuple((i + 1) * steps for i in range(len(losses))), tuple(losses),
        float(np.square(wrong, dtype=np.float64).mean()), float((np.abs(wrong) < 0.04).mean()),
        before, gradient_norms(module, probe),
    )  # fmt: skip


def gradient_norms(module: Network, x: np.ndarray[Any, Any]) -> tuple[float, ...]:
    """The mean over sequences of ‖d(output)/d(x_t)‖, for the steps from the last to the first.

    Args:
        module: sequences → one value each.
        x: N × length × channels.

    Example:
        >>> from foveal.backends.torch import build
        >>> module = build(zoo.rnn(1, (5, 2), width=1 / 32))
        >>> len(gradient_norms(module, np.zeros((3, 5, 2), np.float32)))
        5
    """
    import torch

    from foveal.backends.torch import evaluating

    with evaluating(module):
        given = module.as_input(x).requires_grad_()
        (gradient,) = torch.autograd.grad(module(given).sum(), given)
    norms = gradient.double().square().sum(1).sqrt().mean(0)  # N × channels × length → length
    return tuple(float(value) for value in norms.flip(0))


# What is shown --------------------------------------------------------------------------------------------------------

_FLOOR = 1e-9  # smaller gradients are drawn here


def headlines(memory: LagMemory) -> list[Headline]:
    """The longest lag that each kind bridges."""
    tried = ", ".join(map(str, memory.plan.lags))
    found = []
    for kind, title in KINDS.items():
        errors = ", ".join(f"{each.mse:.2g}" for each in memory.of(kind))
        note = f"of lags {tried} in the adding problem; mean squared errors {errors}; who has forgotten the first number has 0.083"
        found.append(Headline(f"longest lag solved, {title}", memory.longest(kind), note))
    return found


def sections(memory: LagMemory) -> list[Section]:
    """The adding problem, and the gradients that explain it."""
    return [_adding(memory), _gradients(memory)]


def _adding(memory: LagMemory) -> Section:
    rows = [
        (each.lag, KINDS[each.kind], each.mse, f"{each.right:.1%}", "yes" if each.solved else "no")
        for each in memory.attempts
    ]
    blocks: list[Block] = [
        Lines(
            "adding-lags", "lag in steps", "mean squared error",
            [
                Series(title, [each.lag for each in memory.of(kind)], [each.mse for each in memory.of(kind)])
                for kind, title in KINDS.items()
            ],
            f"After {memory.attempts[0].steps[-1]:,} batches of {_BATCH} new sequences at each lag, every network from its first "
            f"values, {memory.plan.units} units each. 0.167 is what always answering 1 has, 0.083 what the second number "
            "alone gives.",
            log_x=True, log_y=True,
        )
    ]  # fmt: skip
    for lag in memory.plan.lags:
        series = [Series(KINDS[each.kind], each.steps, each.losses) for each in memory.attempts if each.lag == lag]
        caption = f"Lag {lag}: the error of the batches while learning, all of them new."
        blocks.append(Lines(f"adding-lag-{lag}", "steps", "mean squared error", series, caption, log_y=True))
    blocks.append(
        Rows(
            "adding-figures", ["lag", "network", "mean squared error", "right within 0.04", "solved"], rows,
            f"On {_TESTED:,} sequences that were not trained on. Solved: a mean squared error below {SOLVED}.",
        )
    )  # fmt: skip
    text = (
        "The adding problem: random numbers come in, two of them are marked, and the answer is their sum. Between the two marks "
        "lie as many steps as the lag says, and the first number must be kept all the while. Look for the lag at which the RNN "
        "stays at 0.083, which is what one has who knows the second number and has forgotten the first, while the LSTM comes down."
    )
    return Section("Remembering over a lag", text, blocks)


def _gradients(memory: LagMemory) -> Section:
    lag = memory.plan.lags[-1]
    blocks: list[Block] = []
    for name, said in (("before", "before training"), ("after", "after training")):
        series = []
        for kind, title in KINDS.items():
            norms = getattr(next(each for each in memory.of(kind) if each.lag == lag), name)
            series.append(Series(title, list(range(len(norms))), [max(norm, _FLOOR) for norm in norms]))
        caption = f"Lag {lag}, {said}: the mean over {_PROBED} sequences. What is below {_FLOOR:g} is drawn there."
        blocks.append(
            Lines(
                f"gradient-{name}", "steps before the last", "norm of d(answer) / d(input)", series, caption, log_y=True
            )
        )
    text = (
        "How much the answer changes with the input of each earlier step, at the longest lag. In a simple network the gradient is "
        "multiplied by the same matrix and a slope below 1 at every step, and dies away; the cell of an LSTM and the state of "
        "a GRU hand it on through a gate that training can open. What does not arrive cannot be learned from. Before training the "
        "simple network, whose matrix begins orthogonal, may even reach furthest; look at what each has made of it after."
    )
    return Section("How far back a gradient reaches", text, blocks)
