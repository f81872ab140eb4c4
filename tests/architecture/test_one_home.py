"""What every training needs is put together in one place: which device, which batches, which model is opened how."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "foveal"
HOMES = {
    r"\b(?:Resident|Tensor)Batches\(": {"training/batching.py", "data/batches/in_memory.py", "data/batches/lines.py"},
    r"\bchosen_device\(": {
        "training/batching.py", "training/runner.py", "training/lr_finder.py", "training/precision.py",
        "runs/run.py", "runs/environment.py",
    },
    r"\bmodelfile\.load\(": {"inference/opened_model.py", "systems/classification/classifier.py"},  # training goes on
}  # fmt: skip


@pytest.mark.parametrize("pattern", HOMES)
def test_what_every_training_needs_has_one_home(pattern: str) -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if name in HOMES[pattern]:
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            code = line.strip()
            written = code.startswith((">>>", "...", "def ", "class ", '"', "#")) or "``" in code
            assert written or not re.search(pattern, code), f"{name}: {code}"
