"""How small the methods' own numbers may be, so that a number that cannot work is refused before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping

from foveal.errors import ConfigurationError

LEAST: dict[str, float] = {
    **dict.fromkeys(("hidden", "hidden1", "hidden2", "latent", "code", "units", "dimensions", "objects", "seeds"), 1),
    **dict.fromkeys(("draws", "lines", "test_lines", "validation_lines", "scenes", "test_scenes", "samples"), 1),
    "each": 2,
    "size": 16,
}
"""By the name of a setting, for every system that has one of that name."""
OF_SYSTEM: dict[str, dict[str, float]] = {
    "dbn": {"labels": 20},
    "rbm": {"labels": 20},
    "transfer": {"labels": 10},
    "conv1d": {"train": 84, "test": 84},  # two of each class and level of noise
}
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
        least = OF_SYSTEM.get(system, {}).get(name, LEAST.get(name, 0))
        several = name == "limit" and 0 < value < SOME
        if value < least or several:
            raise ConfigurationError(
                f"{name} is too small for {system}",
                where="--set",
                given=f"{name}={value}",
                expected=f"0 for all, or {SOME} or more" if name == "limit" else f"{least:g} or more",
                mend=f"--set {name}={SOME if several else least:g}",
            )
