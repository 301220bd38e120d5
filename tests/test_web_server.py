"""Clients that are slow, speak no HTTP, or spell headers otherwise, against the web server as it runs."""

import contextlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from dashboard.demo import answers, free_port
from dashboard.supervisor import Supervisor

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parent.parent

# The server as it is, but less patient.
SERVER = "import dashboard.worker; dashboard.worker.ARRIVES_WITHIN = 1.0;from gunicorn.app.wsgiapp import run; run()"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder, port = tmp_path_factory.mktemp("web"), free_port()
    values = {
        "SECRET_KEY": "x" * 50, "INSECURE_HTTP": "1", "DATA_DIR": str(folder), "PORT": str(port),
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}", "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "WEB_WORKERS": "2", "WEB_THREADS": "1", "TRUSTED_PROXY_ADDRESSES": "127.0.0.1",
        "TRUSTED_PROXY_HEADER": "X-Forwarded-User",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch, Supervisor(folder / "log") as parts:
        for name, value in values.items():
            patch.setenv(name, value)
        patch.chdir(ROOT)
        parts.run([sys.executable, "manage.py", "migrate", "--verbosity=0"])
        command = [sys.executable, "-c", SERVER, "--config", "python:dashboard.server", "dashboard.wsgi"]
        parts.wait_for(parts.start("web", command), lambda: answers("127.0.0.1", port))
        yield port


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\nusername=",
    ],
    ids=["headers", "body"],
)
def test_clients_that_never_finish_a_request_do_not_keep_others_out(port, begun):
    with contextlib.ExitStack() as open_ones:
        for _ in range(4):  # of two threads
            slow = open_ones.enter_context(socket.create_connection(("127.0.0.1", port)))
            slow.sendall(begun)

        assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=30).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [b"", b"\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n", b"A" * 100_000, b"GET /\x00 HTTP/1.1\r\n\r\n"],
)
def test_what_is_no_http_ends_in_no_server_error(port, sent):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(sent)
        client.settimeout(30)
        with contextlib.suppress(OSError):  # it may have hung up by then
            client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert b" 50" not in client.recv(1000).partition(b"\r\n")[0]
    assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=30).status_code == 200


@pytest.mark.parametrize(("name", "status"), [("X-Forwarded-User", 200), ("X_Forwarded_User", 302)])
def test_the_proxy_s_header_cannot_be_spelled_another_way(port, name, status):
    """A client's underscores would reach the application under the name that its proxy strips."""
    address = f"http://127.0.0.1:{port}/live/"

    assert requests.get(address, headers={name: "ann"}, allow_redirects=False, timeout=30).status_code == status


def test_pages_are_timed_whichever_process_answers_and_whichever_is_asked(port):
    def counted() -> float:
        text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
        families = {family.name: family for family in text_string_to_metric_families(text)}
        samples = families["migrations_page_seconds"].samples
        return sum(s.value for s in samples if s.name.endswith("_count") and s.labels["page"] == "readyz")

    before = counted()
    for _ in range(20):
        requests.get(f"http://127.0.0.1:{port}/readyz?user=somebody", timeout=30)

    assert [counted() for _ in range(6)] == [before + 20] * 6
