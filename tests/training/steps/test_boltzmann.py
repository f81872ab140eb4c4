"""Contrastive divergence against enumeration: conditionals, free energy, gradients, chains that go on."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
import torch

from foveal import zoo
from foveal.backends.torch import build
from foveal.network import Sequential
from foveal.network.layers import RBM, Dense
from foveal.training import TrainingConfig, run
from foveal.training.checkpoints.run_folder import RunFolder
from foveal.training.steps import Step
from foveal.training.steps.boltzmann import ContrastiveDivergence, gibbs, pseudo_likelihood

VISIBLE, HIDDEN = 4, 3


def machine(seed=3, scale=1.2):
    module = build(zoo.rbm(VISIBLE, hidden=HIDDEN), seed=seed)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.rbm.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=draw))
    return module


def states(units):
    return np.array(list(itertools.product((0.0, 1.0), repeat=units)))


def joint(rbm):
    """p(v, h) of every pair of states, in plain loops, from the energy alone."""
    w, c, b = (p.detach().double().numpy() for p in (rbm.weight, rbm.bias, rbm.visible_bias))
    table = np.empty((2**VISIBLE, 2**HIDDEN))
    for i, v in enumerate(states(VISIBLE)):
        for j, h in enumerate(states(HIDDEN)):
            table[i, j] = np.exp(v @ b + h @ c + h @ w @ v)
    return table / table.sum()


def tensor(array):
    return torch.from_numpy(np.asarray(array)).float()


def test_both_conditionals_are_those_of_the_joint_distribution():
    rbm, p = machine().rbm, joint(machine().rbm)
    h, v = states(HIDDEN), states(VISIBLE)
    upwards = (p @ h) / p.sum(1, keepdims=True)
    downwards = (p.T @ v) / p.sum(0)[:, None]
    np.testing.assert_allclose(rbm.up(tensor(v)).detach(), upwards, rtol=1e-5)
    np.testing.assert_allclose(rbm.down(tensor(h)).detach(), downwards, rtol=1e-5)


def test_the_free_energy_is_that_of_the_summed_hidden_states():
    rbm = machine().rbm
    marginal = joint(rbm).sum(1)
    energy = rbm.free_energy(tensor(states(VISIBLE))).detach().double().numpy()
    np.testing.assert_allclose(np.exp(-energy) / np.exp(-energy).sum(), marginal, rtol=1e-5)


def test_the_pseudo_likelihood_has_the_mean_of_the_true_conditionals():
    rbm = machine().rbm
    marginal = joint(rbm).sum(1)
    index = {tuple(v): i for i, v in enumerate(states(VISIBLE))}
    for v in states(VISIBLE):
        whole = 0.0
        for i in range(VISIBLE):
            turned = v.copy()
            turned[i] = 1 - turned[i]
            whole += np.log(marginal[index[tuple(v)]] / (marginal[index[tuple(v)]] + marginal[index[tuple(turned)]]))
        found = pseudo_likelihood(rbm, tensor(np.tile(v, (VISIBLE, 1))), torch.arange(VISIBLE))
        assert float(found.detach().mean()) == pytest.approx(whole, rel=1e-4)


def test_gibbs_sampling_ends_in_the_machines_own_distribution():
    rbm = machine().rbm
    end = gibbs(rbm, torch.zeros(40_000, VISIBLE), 30, torch.Generator().manual_seed(0))
    rows = (end.numpy() @ (2 ** np.arange(VISIBLE)[::-1])).astype(int)
    np.testing.assert_allclose(np.bincount(rows, minlength=16) / 40_000, joint(rbm).sum(1), atol=0.01)


EXAMPLES = np.array([[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 1, 1]], float)


def log_likelihood(values):
    """Mean ln p(example) of a flat vector of parameters."""
    w = values[: HIDDEN * VISIBLE].reshape(HIDDEN, VISIBLE)
    c, b = values[HIDDEN * VISIBLE : HIDDEN * VISIBLE + HIDDEN], values[HIDDEN * VISIBLE + HIDDEN :]

    def free(v):
        return -(v @ b) - np.log1p(np.exp(v @ w.T + c)).sum(-1)

    return float(-free(EXAMPLES).mean() - np.log(np.exp(-free(states(VISIBLE))).sum()))


def flat(rbm):
    return np.concatenate([p.detach().double().numpy().ravel() for p in (rbm.weight, rbm.bias, rbm.visible_bias)])


def moved(gibbs_steps, persistent=False, copies=20_000):
    """What one step with rate 1 adds to the parameters, many chains an example."""
    module = machine()
    before = flat(module.rbm)
    config = TrainingConfig(optimizer="sgd", lr=1.0)
    step = ContrastiveDivergence(module, config, 1, gibbs_steps=gibbs_steps, persistent=persistent)
    torch.manual_seed(5)
    step((tensor(EXAMPLES).repeat(copies, 1),))
    return flat(module.rbm) - before


def test_with_long_chains_a_step_is_the_gradient_of_the_likelihood():
    start = flat(machine().rbm)
    numeric = np.empty_like(start)
    for i in range(len(start)):
        more, less = start.copy(), start.copy()
        more[i], less[i] = more[i] + 1e-5, less[i] - 1e-5
        numeric[i] = (log_likelihood(more) - log_likelihood(less)) / 2e-5
    assert np.abs(numeric).max() > 0.2  # there is something to agree with
    np.testing.assert_allclose(moved(40), numeric, atol=0.01)
    assert (
        np.abs(moved(1) - numeric).max() > 0.05
    )  # one step of a chain is another direction: contrastive divergence is biased


def test_one_step_is_what_the_transition_matrix_says():
    rbm = machine().rbm
    p = joint(rbm)
    v, h = states(VISIBLE), states(HIDDEN)
    transition = (p / p.sum(1, keepdims=True)) @ (p / p.sum(0)).T  # v → h → v
    rows = (EXAMPLES @ (2 ** np.arange(VISIBLE)[::-1])).astype(int)
    end = transition[rows].mean(0)
    begin = np.bincount(rows, minlength=16) / len(rows)
    chances = (p @ h) / p.sum(1, keepdims=True)
    weight = np.einsum("s,sj,si->ji", begin - end, chances, v).ravel()
    found = moved(1)[: HIDDEN * VISIBLE]
    np.testing.assert_allclose(found, weight, atol=0.01)


def test_persistent_chains_go_on_where_they_were():
    module = machine()
    step = ContrastiveDivergence(module, TrainingConfig(optimizer="sgd", lr=0.1), 1, persistent=True, gibbs_steps=2)
    step((tensor(EXAMPLES).repeat(200, 1),))
    chains = step.chains.clone()
    torch.manual_seed(11)
    expected = gibbs(module.rbm, chains, 2)
    torch.manual_seed(11)
    step((torch.zeros(600, VISIBLE),))  # other examples: the chains do not begin at them
    assert torch.equal(step.chains, expected)


def test_machines_below_are_looked_through_and_left_alone():
    tree = Sequential([RBM(5, name="one"), RBM(3, name="two"), Dense(2, name="top")], input_shape=VISIBLE)
    module = build(tree, seed=0)
    before = {name: t.clone() for name, t in module.state_dict().items()}
    step = ContrastiveDivergence(module, TrainingConfig(optimizer="sgd", lr=0.5), 1, path="two")
    assert isinstance(step, Step)
    values = step((tensor(EXAMPLES),))
    changed = {name.split(".")[0] for name, t in module.state_dict().items() if not torch.equal(t, before[name])}
    assert changed == {"two"}
    fed = module.one.up(tensor(EXAMPLES)).detach()
    machine = build(Sequential([RBM(3, name="rbm")], input_shape=5)).rbm
    machine.load_state_dict({name.removeprefix("two."): t for name, t in module.state_dict().items() if "two" in name})
    back = machine.down(machine.up(fed)).detach()
    loss = -(fed * back.log() + (1 - fed) * (1 - back).log()).sum(1).mean()
    assert float(values["loss"]) == pytest.approx(float(loss), rel=1e-5)


def test_the_free_energy_gap_is_that_of_watched_examples():
    module = machine()
    step = ContrastiveDivergence(module, TrainingConfig(optimizer="sgd"), 1, watched=tensor(EXAMPLES))
    others = tensor(states(VISIBLE))
    with step.evaluating() as measure:
        values = measure((others,))
        again = measure((others,))
    energy = module.rbm.free_energy
    gap = float((energy(others).mean() - energy(tensor(EXAMPLES)).mean()).detach())
    assert float(values["free_energy_gap"]) == pytest.approx(gap, rel=1e-5)
    assert set(values) == {"loss", "pseudo_likelihood", "free_energy_gap"}
    with step.evaluating() as measure:
        assert measure((others,)) == values  # the same pixels are drawn after every epoch
    assert again["pseudo_likelihood"] != values["pseudo_likelihood"]


class Binary:
    """Random zeros and ones in batches."""

    examples, batch_size = 50, 8

    def __len__(self):
        return 7

    def epoch(self, number, start=0):
        draw = torch.Generator().manual_seed(number)
        whole = torch.bernoulli(torch.full((50, VISIBLE), 0.4), generator=draw)
        for step in range(start, 7):
            yield whole[8 * step : 8 * step + 8], None


def test_a_stopped_run_of_persistent_chains_ends_in_the_same_bits(tmp_path):
    config = TrainingConfig(epochs=4, optimizer="momentum", lr=0.1, batch_size=8, checkpoint_seconds=0.0)
    make = functools.partial(ContrastiveDivergence, persistent=True)
    whole = machine()
    run(whole, Binary(), Binary(), config, make_step=make)
    folder = RunFolder(tmp_path / "run")
    count = itertools.count()

    def stop(event):
        if type(event).__name__ == "Saved" and next(count) == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(machine(), Binary(), Binary(), config, make_step=make, run_folder=folder, listeners=[stop])
    again = machine(seed=9)
    run(again, Binary(), Binary(), config, make_step=make, run_folder=folder, resume=True)
    for name, expected in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], expected), name
