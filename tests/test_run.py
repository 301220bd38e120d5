"""``make run`` in a fresh checkout, as somebody who has just cloned it sees it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard import demo
from tests.visitor import Visitor, eventually

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent
OPEN = "status=NOT_READY&status=NOT_STARTED&status=WORKING&status=PENDING_USER_INPUT"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the repository holds, and nothing else."""
    folder = tmp_path_factory.mktemp("run") / "checkout"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    # What `make` has installed here already need not be installed there again.
    if (Path(sys.prefix) / "made").exists():
        (folder / ".venv").symlink_to(sys.prefix)
    return folder


class MakeRun:
    """A running ``make run`` and what it prints."""

    def __init__(self, checkout: Path, port: int) -> None:
        self.checkout = checkout
        self.address = f"http://127.0.0.1:{port}"
        inherited = {name: value for name, value in os.environ.items() if name in ("HOME", "PATH", "LANG", "CI")}
        self.process = subprocess.Popen(
            ["make", "run", f"PORT={port}"],
            cwd=checkout,
            env=inherited,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.printed = ""

    def read_until(self, text: str) -> str:
        for line in self.process.stdout:
            self.printed += line
            if text in line:
                return self.printed
        raise AssertionError(f"ended without {text!r}:\n{self.printed}")

    def visit(self) -> Visitor:
        name, password = (re.search(rf"{words} +(\S+)", self.printed)[1] for words in ("sign in as", "password"))
        return Visitor(self.address, name, password)

    def press_ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)
        self.printed += self.process.communicate(timeout=90)[0]

    def processes(self) -> list[int]:
        """Every process that works in the checkout, ``make`` aside."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                working = (entry / "cwd").readlink()
            except OSError:
                continue  # ended meanwhile, or somebody else's
            if working == self.checkout and int(entry.name) != self.process.pid:
                found.append(int(entry.name))
        return found

    def supervisor(self) -> int:
        """The process that `make` started; it started all the others."""
        (only,) = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(only)


@pytest.fixture
def make_run(checkout: Path) -> Iterator[type[MakeRun]]:
    """Starts ``make run`` on a port; whatever happens, nothing of it outlives the test."""
    started = []

    def start(port: int) -> MakeRun:
        started.append(MakeRun(checkout, port))
        return started[-1]

    yield start
    for run in started:
        if run.process.poll() is None:
            run.press_ctrl_c()
        run.process.stdout.close()


@pytest.mark.skipif(
    sys.platform != "linux", reason="looks for processes in /proc, and only Linux ends them with make"
)
def test_make_run_shows_a_moving_mirror_survives_a_kill_and_ends_with_ctrl_c(make_run):
    port = demo.free_port()
    first = make_run(port)
    assert "Reading the whole list for the first time" in first.read_until("Running.")
    visitor = first.visit()
    seen = visitor.statuses(OPEN)
    assert len(seen) > 50
    assert eventually(
        lambda: [key for key, new in visitor.statuses("sort=-changed").items() if seen.get(key, new) != new]
    )

    os.kill(first.supervisor(), signal.SIGKILL)
    second = make_run(port)
    assert "first time" not in second.read_until("Running.")
    assert first.process.wait(10) != 0

    again = second.visit().statuses(OPEN)
    assert len(seen.keys() & again.keys()) > len(seen) * 0.8
    assert second.printed.partition("Migrations Dashboard")[2].startswith(f"  {second.address}/\n")
    assert len(second.processes()) > 5

    second.press_ctrl_c()
    assert "Traceback" not in second.printed
    assert second.processes() == []


def test_a_taken_port_is_one_line_that_names_it(make_run):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        run = make_run(port)
        printed, _ = run.process.communicate(timeout=60)

    assert run.process.returncode == 2
    (line,) = [line for line in printed.splitlines() if not line.startswith("make")]
    assert f"PORT={port} is taken" in line
