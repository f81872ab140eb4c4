"""One seed for a script: ``foveal.random.set_seed(0)``, where TensorFlow's users write ``tf.random.set_seed(0)``."""

from __future__ import annotations

from foveal.errors import ConfigurationError

__all__ = [
    "get_seed",
    "set_seed",
]

_seed = 0


def set_seed(seed: int) -> None:
    """Let every model that is made from now on, and its training, draw its random numbers from ``seed``.

    A model made with a seed of its own (``Model(network, seed=3)``) keeps that. NumPy's and Python's generators are not
    touched.

    Raises:
        ConfigurationError: no whole number from 0 to 2⁶³ − 1.

    Example:
        >>> set_seed(7); get_seed()
        7
        >>> set_seed(0)
    """
    global _seed
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise ConfigurationError(
            "this is not a seed", where="random.set_seed", given=repr(seed), expected="0 to 2⁶³ − 1", fix="set_seed(0)"
        )
    _seed = seed


def get_seed() -> int:
    """The seed in force; 0 unless one was set."""
    return _seed
