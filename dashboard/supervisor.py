"""Runs the parts of the product as child processes that start in order and end together."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_PR_SET_PDEATHSIG = 1
_PATIENCE = 15  # seconds to end, then it is killed
_LOOK = 0.1  # seconds between two looks at the parts


def end_with_parent(with_signal: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to signal this process when its parent dies, by whatever death. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)


@contextmanager
def only_one(path: Path) -> Iterator[int]:
    """Hold the lock in this file. Parts that inherit it hold it too, so it is free once all have ended.

    Waits for the parts of a supervisor that was killed; raises ``AlreadyRunning`` when it lives.
    """
    with path.open("a+") as file:
        deadline = time.monotonic() + 2 * _PATIENCE
        while not _locked(file):
            file.seek(0)
            holder = int(file.read() or 0)
            if _lives(holder) or time.monotonic() > deadline:
                raise AlreadyRunning(holder)
            time.sleep(_LOOK)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file.fileno()


class AlreadyRunning(Exception):
    """Another process holds the lock; its number is the only argument."""


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return process > 0


class PartEnded(Exception):
    """A part ended although nobody asked it to, or did not get ready."""

    def __init__(self, part: "Part", what: str) -> None:
        super().__init__(f"The {part.name} {what}. The end of {part.log}:\n{part.last_lines()}")


@dataclass(frozen=True)
class Part:
    """One running part and where its words go."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_lines(self, count: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def stop(self) -> None:
        """Ask it to end; when it does not, end it and all that it started."""
        self.process.terminate()
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """A context: leaving it stops every part, the newest first, so that none misses what it leans on.

    ``keep_open``: a file descriptor that every part inherits.
    """

    def __init__(self, logs: Path, *, keep_open: int | None = None) -> None:
        self.logs = logs
        self.keep_open = () if keep_open is None else (keep_open,)
        self.parts: list[Part] = []
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(self, name: str, argv: Sequence[str]) -> Part:
        """Start a part whose words go to a log of its own, begun anew."""
        log = self.logs / f"{name}.log"
        with log.open("wb") as output:
            part = Part(name, self._spawn(argv, output), log)
        self.parts.append(part)
        return part

    def run(self, argv: Sequence[str], **environ: str) -> int:
        """Run a command on this terminal while the parts go on; its exit status.

        ``environ`` is added to its environment. Raises ``PartEnded``.
        """
        process = self._spawn(argv, environ=environ)
        try:
            while (status := process.poll()) is None:
                self._look()
            return status
        finally:
            process.terminate()
            process.wait()

    def wait_for(self, part: Part, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Return once ``ready()``. Raises ``PartEnded`` when a part ends before that, or it takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                raise PartEnded(part, f"is not ready after {seconds:.0f} s")
            self._look()

    def attend(self) -> None:
        """Never return. Raises ``PartEnded``."""
        while True:
            self._look()

    def _look(self) -> None:
        for part in self.parts:
            if (status := part.process.poll()) is not None:
                raise PartEnded(part, f"ended with status {status}")
        time.sleep(_LOOK)

    def _spawn(
        self, argv: Sequence[str], output: IO[bytes] | None = None, environ: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """A child in a session of its own: Ctrl-C in the terminal reaches the supervisor alone."""
        return subprocess.Popen(  # noqa: S603  (command lines of our own)
            argv,
            env=os.environ | (environ or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=end_with_parent,
            pass_fds=self.keep_open,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for part in reversed(self.parts):
            part.stop()
