"""Where a run ran: versions, processor, threads, seed."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from foveal.training.config import TrainingConfig


def environment(config: TrainingConfig) -> dict[str, Any]:
    """Versions and machine, as the report shows them."""
    import torch

    from foveal.training.precision import chosen_device

    device = chosen_device(config.device)
    versions = {name: metadata.version(name) for name in ("foveal", "torch", "numpy")}
    processor = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "python": platform.python_version(),
        **versions,
        "system": f"{platform.system()} {platform.machine()}",
        "device": f"{device.type}: {processor}",
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count() or 1,
        "seed": config.seed,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
