"""What all tests share: the folder of shared facts and data beside the repository, and one torch thread a worker."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ["TERM"] = "xterm-256color"
for _name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "PYTHONIOENCODING"):
    os.environ.pop(_name, None)  # what is printed must not depend on who runs the tests, and where

# A shell that starts a command in the background lets it ignore Ctrl-C, and every child would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples on every run: a failure in CI is a failure at home. No deadline: tests never time.
settings.register_profile(
    "foveal", deadline=None, derandomize=True, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("foveal")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ``shared`` beside the repository: facts, lectures, MNIST and photographs."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    assert folder.is_dir(), f"{folder} is missing: the facts and data to test against lie beside the repository"
    return folder
