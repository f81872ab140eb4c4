"""The small form of ``make kill``: some of the points, and Python's own calls instead of the kernel's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_saving_survives_kills_signals_and_broken_disks() -> None:
    script = Path(__file__).with_name("kill_points.py")
    done = subprocess.run(
        [sys.executable, str(script), "--inside", "--every", "48", "classifier"],
        capture_output=True, text=True, check=False, timeout=590, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    table = [line.split() for line in done.stdout.splitlines() if line.startswith("classifier")]
    assert len(table) == 5, done.stderr
    assert sum(int(row[2]) for row in table) >= 5, "too few points to say anything"
    assert [row[4:] for row in table] == [["0"] * 4] * 5, done.stderr
    assert done.returncode == 0
