"""Web servers as processes of their own, and a reader that costs next to nothing: bytes out, bytes in."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from benchmarks.process import ROOT, base, python

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # what they log is made, but not read
PATIENCE = 120  # seconds for one answer
ONE_SYNC_WORKER = ("--workers", "1", "--worker-class", "sync", "--timeout", "600", "--no-control-socket")
_TOKEN = "x" * 32  # of the forms on the pages: browsers have it from their first page


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    head: bytes
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def header(self, name: str) -> str:
        found = re.search(rf"^{name}: *(.*?)\r?$", self.head.decode("latin-1"), re.I | re.M)
        return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Server:
    """A running gunicorn. ``session``: what its readers are signed in by."""

    port: int
    process: int
    session: str

    def request(self, path: str, **headers: str) -> bytes:
        """As bytes; HTTP/1.0, so that the answer's end is the connection's, with every worker class."""
        lines = [f"GET {path} HTTP/1.0", "Host: 127.0.0.1", f"Cookie: sessionid={self.session}; csrftoken={_TOKEN}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def get(self, path: str, **headers: str) -> Answer:
        return self.send(self.request(path, **headers))

    def send(self, request: bytes) -> Answer:
        head, _, body = b"".join(self.pieces(request)).partition(b"\r\n\r\n")
        return Answer(int(head[9:12] or 0), head, body)

    def pieces(self, request: bytes) -> Iterator[bytes]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            while piece := connection.recv(262_144):
                yield piece

    def workers(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()]

    def peak_mb(self) -> float:
        """Of its largest worker since ``forget_peak``."""
        return max(_memory(pid, "VmHWM") for pid in self.workers())

    def forget_peak(self) -> None:
        for pid in self.workers():
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def _memory(pid: int, name: str) -> float:
    found = re.search(rf"{name}:\s*(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


@contextmanager
def gunicorn(
    application: str, environment: Mapping[str, str], session: str, *options: str, port: int = 0
) -> Iterator[Server]:
    """``application`` behind gunicorn with ``options``."""
    port = port or free_port()
    argv = python("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "error", *options, application)
    process = subprocess.Popen(argv, env=base() | dict(environment), cwd=ROOT, **QUIET)
    try:
        _wait(process, port)
        yield Server(port, process.pid, session)
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port}")


def answers_a_second(
    server: Server, path: str, *, connections: int = 8, seconds: float = 4, known: bool = False
) -> float:
    """As readers on so many connections at once get them, in a process of their own; ``known``: they ask for 304."""
    said = _reader("revalidate" if known else "ask", server, path, connections, seconds).communicate()[0]
    return float(said)


@contextmanager
def exporting(server: Server, path: str) -> Iterator[None]:
    """Meanwhile a process of its own reads the file at ``path``, again and again."""
    reader = _reader("drain", server, path, 1, 0)
    try:
        assert reader.stdout is not None
        reader.stdout.readline()  # its first bytes have come
        yield
        assert reader.poll() is None, "the export ended with an error"
    finally:
        reader.terminate()
        reader.communicate()


def _reader(how: str, server: Server, path: str, connections: int, seconds: float) -> "subprocess.Popen[str]":
    argv = python("-m", "benchmarks.web", how, str(server.port), server.session, path, str(connections), str(seconds))
    return subprocess.Popen(argv, env=base(), cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _ask(server: Server, path: str, connections: int, seconds: float, *, known: bool) -> None:
    began = time.monotonic()
    counts = [0] * connections

    def read(place: int) -> None:
        request, wanted = server.request(path), 304 if known else 200
        while time.monotonic() < began + seconds:
            answer = server.send(request)
            counts[place] += answer.status == wanted
            if known and answer.status != wanted:
                request = server.request(path, If_None_Match=answer.header("ETag"))

    readers = [Thread(target=read, args=(place,)) for place in range(connections)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    print(sum(counts) / (time.monotonic() - began))


def _drain(server: Server, path: str) -> None:
    while True:
        for piece in server.pieces(server.request(path)):
            if piece.startswith(b"HTTP"):
                assert b" 200 " in piece[:16], piece[:200]
                print("reading", flush=True)


if __name__ == "__main__":
    how, port, session, path, connections, seconds = sys.argv[1:]
    asked = Server(int(port), 0, session)
    if how == "drain":
        _drain(asked, path)
    else:
        _ask(asked, path, int(connections), float(seconds), known=how == "revalidate")
