"""One contender is one process: its wall time from start to end, its processor time, its peak memory."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Measured:
    """``said``: the JSON object on the last line of its output. ``cpu``: seconds, without any server's."""

    seconds: float
    cpu: float
    peak_mb: float
    said: dict[str, Any]


def measure(argv: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run it to its end.

    Raises:
        RuntimeError: it failed; the message ends with its last words.
    """
    with tempfile.NamedTemporaryFile("r") as took:
        launch = [sys.executable, "-S", str(ROOT / "benchmarks" / "launch.py"), took.name, *argv]
        done = subprocess.run(launch, env=base() | dict(environment), capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            last = f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
            raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}:\n{last}")
        seconds, cpu, peak = map(float, took.read().split())
    lines = done.stdout.strip().splitlines()
    summary = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return Measured(seconds, cpu, peak, summary)


def base() -> dict[str, str]:
    """The environment without whatever the shell configures of the product."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"PYTHONPATH": str(ROOT)}


def python(*argv: str) -> list[str]:
    """With the interpreter, and so the packages, of the product."""
    return [sys.executable, *argv]
