"""Tables as they are printed and kept: Markdown, with the machine, the date and how busy it was."""

import os
import platform
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.options import Options
from benchmarks.process import Measured


class Report:
    """A context that prints what it is told, and writes it to a file at the end if one was named."""

    def __init__(self, output: Path | None, options: Options) -> None:
        self._output = output
        self._options = options
        self._lines: list[str] = []
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        how = "small, once each" if self._options.small else f"median of {self._options.repeat}"
        self.say(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_machine()}; {how}.")
        self.say(f"Load before: {_load()} (average runnable processes in 1, 5 and 15 minutes).")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        minutes = (time.monotonic() - self._began) / 60
        self.say(f"Load after: {_load()}. It took {minutes:.0f} minutes.")
        if self._output and error is None:
            self._output.write_text("\n".join(self._lines) + "\n")

    def say(self, line: str = "") -> None:
        print(line, flush=True)
        self._lines += [line, ""] if line and not line.startswith("|") else [line]

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.say()
        self.say(f"### {title}")
        self.say("| " + " | ".join(head) + " |")
        self.say("|" + "|".join("---" if place == 0 else "---:" for place in range(len(head))) + "|")
        for row in rows:
            self.say("| " + " | ".join(row) + " |")
        self.say()


def median(runs: Sequence[Measured]) -> float:
    return statistics.median(run.seconds for run in runs)


def seconds(runs: Sequence[Measured]) -> str:
    """The median, and where the runs lie."""
    if len(runs) == 1:
        return f"{runs[0].seconds:.2f}"
    return f"{median(runs):.2f} ({min(r.seconds for r in runs):.2f}–{max(r.seconds for r in runs):.2f})"


def cpu(runs: Sequence[Measured]) -> str:
    return f"{statistics.median(run.cpu for run in runs):.2f}"


def peak(runs: Sequence[Measured]) -> str:
    return f"{max(run.peak_mb for run in runs):.0f}"


def times(value: float) -> str:
    return f"{value:.2f} ×" if value < 10 else f"{value:.0f} ×"


def goal(value: float, *, at_most: float | None = None, at_least: float | None = None) -> str:
    """A ratio beside its goal, and whether it is met."""
    if at_most is not None:
        return f"{times(value)} (goal ≤ {at_most:g}: {'met' if value <= at_most else 'missed'})"
    assert at_least is not None
    return f"{times(value)} (goal ≥ {at_least:g}: {'met' if value >= at_least else 'missed'})"


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kind = f"{os.cpu_count()} processors, {memory:.0f} GB, {platform.system()} {platform.machine()}"
    return f"{kind}, Python {platform.python_version()}"


def _load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())
