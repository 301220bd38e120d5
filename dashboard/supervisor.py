"""Runs the parts of the product as child processes that start in order and end together."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_PR_SET_PDEATHSIG = 1


def end_with_parent(with_signal: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to signal this process when its parent dies, by whatever death. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)


@dataclass(frozen=True)
class Part:
    """One running part and where its words go."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_lines(self, count: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def stop(self, patience: float) -> None:
        """Ask it to end; after ``patience`` seconds, end it and all that it started."""
        self.process.terminate()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """A context: leaving it stops every part, the newest first, so that none misses what it leans on."""

    def __init__(self, logs: Path, environ: Mapping[str, str], *, patience: float = 15) -> None:
        self.logs = logs
        self.environ = environ
        self.patience = patience
        self.parts: list[Part] = []

    def start(self, name: str, argv: Sequence[str], *, keep_open: Sequence[int] = ()) -> Part:
        """Start a part in a session of its own: Ctrl-C in the terminal reaches the supervisor alone."""
        log = self.logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  (our own command lines)
                argv,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,
                pass_fds=keep_open,
            )
        part = Part(name, process, log)
        self.parts.append(part)
        return part

    def fallen(self) -> Part | None:
        """A part that has ended although nobody asked it to."""
        return next((part for part in self.parts if part.process.poll() is not None), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for part in reversed(self.parts):
            part.stop(self.patience)
