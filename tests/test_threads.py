"""Threads wait with a short spin, so that training beside other busy programs does not stand still."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="GNU's OpenMP library tells what it was set to"
)


def spins(script: str, **environment: str) -> set[str]:
    """What each copy of GNU's OpenMP library in the process says of itself when it is loaded."""
    kept = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**kept, "OMP_DISPLAY_ENV": "VERBOSE", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(re.findall(r"GOMP_SPINCOUNT = '(\d+)'", run.stderr))


def test_torch_is_loaded_with_a_short_spin() -> None:
    assert spins("import foveal, torch") == {"20000"}


def test_who_has_chosen_keeps_the_choice() -> None:
    assert spins("import foveal, torch", GOMP_SPINCOUNT="7") == {"7"}
    assert spins("import foveal, torch", OMP_WAIT_POLICY="passive") == {"0"}
