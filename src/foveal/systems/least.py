"""How small the methods' own numbers may be, so that a number that cannot work is refused before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping

from foveal.errors import ConfigurationError

LEAST: dict[str, dict[str, float]] = {
    "dbn": {"labels": 20, "hidden1": 1, "hidden2": 1, "draws": 1},
    "rbm": {"labels": 20, "hidden": 1},
    "transfer": {"labels": 10, "draws": 1},
    "conv1d": {"train": 84, "test": 84},  # two of each class and level of noise
}
"""By system and setting; what is not here, its family refuses with words of its own."""
SOME = 20  # a limit of fewer examples leaves nothing to validate or to compare


def check_least(system: str, settings: Mapping[str, object]) -> None:
    """Refuse numbers that are too small.

    Raises:
        ConfigurationError: with the setting, the least that it may be, and a repair.

    Example:
        >>> check_least("rbm", {"hidden": 0})
        Traceback (most recent call last):
        ...
        foveal.errors.ConfigurationError: --set: hidden is too small for rbm
          given     hidden=0
          expected  1 or more
          to mend   --set hidden=1
    """
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        least = LEAST.get(system, {}).get(name, -math.inf)
        few = name == "limit" and value != 0 and value < SOME
        if value < least or few:
            raise ConfigurationError(
                f"{name} is too small for {system}",
                where="--set",
                given=f"{name}={value}",
                expected=f"0 for all, or {SOME} or more" if name == "limit" else f"{least:g} or more",
                mend=f"--set {name}={SOME if few else least:g}",
            )
