"""A share of the hostile corpus: every family, a trial in some sixty. ``make hostile`` tries all of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.harness import Case, trial

ROOT = Path(__file__).resolve().parents[2]


def test_a_share_of_the_corpus_ends_well(tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    command = [sys.executable, "-m", "tests.hostile.run", "--scale", "0.016", "--jobs", "1", "--json", str(out)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    rows = json.loads(out.read_text()) if out.exists() else []
    bad = [f"{row['family']}: {row['name']}: {row['faults']}\n{row['tail']}" for row in rows if row["faults"]]
    assert run.returncode == 0, "\n".join([*bad, run.stderr])
    assert {row["family"] for row in rows} == {
        "description", "text", "model", "run", "image", "table", "folder", "output", "option"
    }  # fmt: skip
    assert {row["status"] for row in rows} >= {0, 2}


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("raise ValueError('x')", "traceback"),
        ("import time; time.sleep(60)", "hangs"),
        ("raise SystemExit(3)", "exit status 3"),
        ("import os; os.abort()", "killed by signal 6"),
        ("print('\\x1b[2J')", "raw"),
        ("open('kept', 'w')", "kept was changed"),
        ("pass", "accepted"),
        ("import sys; sys.exit(2)", "without a word"),
    ],
)
def test_the_judge_sees_what_went_badly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, fault: str
) -> None:
    from tests.hostile import harness

    def command(arguments: list[str]) -> int:
        try:
            exec(script, {})
        except SystemExit as end:
            return int(str(end.code))
        return 0

    def make() -> list[str]:
        Path("kept").write_text("kept")
        return []

    monkeypatch.setattr(harness, "_command", command)
    monkeypatch.setattr(harness, "WALL_SECONDS", 3)
    verdict = trial(Case("test", "test", make, refused=True, intact=("kept",)), tmp_path / "folder")
    assert any(fault in each for each in verdict.faults), verdict
