import os
import signal
import subprocess
import sys

import pytest

from dashboard import supervisor
from dashboard.supervisor import AlreadyRunning, PartEnded, Supervisor, only_one
from tests.visitor import eventually

pytestmark = pytest.mark.once

SLEEP = ["sleep", "60"]


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_part_that_ends_by_itself_is_told_with_the_end_of_its_log_and_takes_all_along(tmp_path):
    with Supervisor(tmp_path) as parts:
        other = parts.start("other", SLEEP)
        parts.start("worker", ["sh", "-c", "echo out of paper; exit 3"])
        with pytest.raises(PartEnded) as told:
            parts.attend()

    assert "The worker ended with status 3" in str(told.value)
    assert "out of paper" in str(told.value)
    assert not lives(other.process.pid)


def test_parts_end_in_the_reverse_order_of_their_start(tmp_path):
    log = tmp_path / "order"
    script = 'trap "echo $0 >> ' + str(log) + '; exit 0" TERM; echo ready; while :; do sleep 0.05; done'
    with Supervisor(tmp_path / "log") as parts:
        for name in ("broker", "worker", "web"):
            part = parts.start(name, ["sh", "-c", script, name])
            parts.wait_for(part, lambda part=part: "ready" in part.last_lines())

    assert log.read_text().split() == ["web", "worker", "broker"]


def test_a_part_that_does_not_end_is_killed_with_all_that_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "_PATIENCE", 0.2)
    with Supervisor(tmp_path) as parts:
        part = parts.start("stubborn", ["sh", "-c", 'trap "" TERM; sleep 60 & echo $!; wait; sleep 60'])
        parts.wait_for(part, lambda: part.last_lines().strip().isdigit())

    child = int(part.last_lines())
    assert eventually(lambda: not lives(child), 5)


def test_a_part_that_does_not_get_ready_is_told(tmp_path):
    with pytest.raises(PartEnded, match="web is not ready after 0 s"), Supervisor(tmp_path) as parts:
        parts.wait_for(parts.start("web", SLEEP), lambda: False, seconds=0)


def test_a_command_in_the_foreground_sees_its_environment_and_gives_its_status(tmp_path):
    with Supervisor(tmp_path) as parts:
        assert parts.run(["sh", "-c", "exit $WANTED"], WANTED="4") == 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_parts_end_when_their_supervisor_is_killed(tmp_path):
    script = (
        "import time; from pathlib import Path; from dashboard.supervisor import Supervisor\n"
        f"part = Supervisor(Path({str(tmp_path)!r})).start('part', ['sleep', '60'])\n"
        "print(part.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    with parent.stdout:
        part = int(parent.stdout.readline())
    assert lives(part)

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    assert eventually(lambda: not lives(part), 5)


def test_only_one_of_two_runs_and_a_dead_ones_parts_are_waited_for(tmp_path):
    lock = tmp_path / "lock"
    with only_one(lock), pytest.raises(AlreadyRunning, match=str(os.getpid())), only_one(lock):
        pass

    # A part that outlives its killed supervisor by a little: it holds the lock that the supervisor took.
    dead = subprocess.Popen(["true"])
    dead.wait()
    with only_one(lock) as held:
        left = subprocess.Popen(["sleep", "0.5"], pass_fds=[held])
    lock.write_text(str(dead.pid))
    with only_one(lock):
        assert left.wait(0.2) == 0
