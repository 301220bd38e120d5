"""Production's three processes, started as the README says, on PostgreSQL and Redis."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from dashboard.demo import answers, free_port
from dashboard.supervisor import Supervisor
from migrations_sync.simulator import Simulator
from tests.visitor import Visitor, eventually

pytestmark = pytest.mark.postgresql

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]


@pytest.fixture
def database_url() -> Iterator[str]:
    """An empty database of its own on the server that the tests use."""
    server = urlsplit(os.environ["DATABASE_URL"])
    name = f"{os.environ['TEST_DATABASE_NAME']}_processes"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        admin.execute(drop)
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield server._replace(path=f"/{name}").geturl()
        admin.execute(drop)


@pytest.fixture
def environment(database_url, redis_url, tmp_path, monkeypatch) -> Iterator[Simulator]:
    """Production's environment, and the API that it points at."""
    with Simulator(150, page_size_max=50, key="anon_key_of_the_test") as api:
        values = {
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",
            "SECRET_KEY": "of-the-test-" + "0" * 50,
            "INSECURE_HTTP": "1",
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "MIGRATIONS_API_URL": api.url,
            "MIGRATIONS_API_KEY": "anon_key_of_the_test",
            "SYNC_INTERVAL": "2",
            "PORT": str(free_port()),
            "DJANGO_SUPERUSER_PASSWORD": "of the test only",
        }
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(ROOT)
        yield api


def test_gunicorn_worker_and_beat_keep_a_mirror_and_end_when_told_to(environment, tmp_path):
    subprocess.run([*MANAGE, "migrate", "--verbosity=0"], check=True)
    subprocess.run([*MANAGE, "createsuperuser", "--noinput", "--username=ann", "--email=ann@example.com"], check=True)
    port = int(os.environ["PORT"])
    with Supervisor(tmp_path / "log") as parts:
        web = parts.start("web", [BIN / "gunicorn", "--config", "python:dashboard.server", "dashboard.wsgi"])
        parts.start("worker", [BIN / "celery", "-A", "dashboard", "worker", "--concurrency", "2"])
        parts.start("beat", [BIN / "celery", "-A", "dashboard", "beat", "--pidfile="])
        parts.wait_for(web, lambda: answers("127.0.0.1", port))
        visitor = Visitor(f"http://127.0.0.1:{port}", "ann", os.environ["DJANGO_SUPERUSER_PASSWORD"])

        assert eventually(lambda: len(visitor.statuses()) == 150)
        assert visitor.statuses() == {row["id"]: row["status"] for row in environment.rows()}

        (changed,) = environment.change(1, status="REVISED", among=("NOT_STARTED", "WORKING", "PENDING_USER_INPUT"))
        assert eventually(lambda: visitor.statuses("sort=-changed").get(changed) == "REVISED")

    assert {part.name: part.process.returncode for part in parts.parts} == {"web": 0, "worker": 0, "beat": 0}
