"""How the product's processes start with an environment that is right, and refuse one that is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PRODUCTION = {
    "SECRET_KEY": "Qn3xv9TzB1mWcY7uKp4LrE8sHd2GfAj6-of-the-test-only-9sKx",
    "ALLOWED_HOSTS": "migrations.example.com",
    "DATABASE_URL": "postgres://dashboard:password@127.0.0.1:5432/dashboard",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "MIGRATIONS_API_KEY": "anon_key_of_the_test",
}
PROCESSES = {
    "web": [BIN / "gunicorn", "--config", "python:dashboard.server", "dashboard.wsgi"],
    "worker": [BIN / "celery", "-A", "dashboard", "worker"],
    "beat": [BIN / "celery", "-A", "dashboard", "beat"],
    "command": [sys.executable, "manage.py", "sync_migrations"],
}


def run(argv: list[object], **environ: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], **PRODUCTION, **environ}
    return subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_wrong_value_stops_each_process_with_one_line_that_names_it(name):
    refused = run(PROCESSES[name], SYNC_INTERVAL="often")

    assert refused.returncode != 0
    (line,) = filter(None, (refused.stdout + refused.stderr).splitlines())
    assert "SYNC_INTERVAL='often'" in line


def test_production_passes_the_deployment_check():
    checked = run([sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"])

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXY_HEADER", "X-Forwarded-User"),  # without the proxy's address
        ("OIDC_ISSUER", "https://sso.example.com"),  # without the client's id
        ("SYNC_SPLIT", "on"),  # on SQLite
    ],
)
def test_half_of_what_belongs_together_is_named(name, value):
    refused = run([sys.executable, "manage.py", "check"], DATABASE_URL="sqlite:///:memory:", **{name: value})

    (line,) = filter(None, (refused.stdout + refused.stderr).splitlines())
    assert name in line


def python(code: str) -> str:
    """What the code prints in a process of its own, once Django is set up."""
    done = run(
        [sys.executable, "-c", f"import django; django.setup(); {code}"], DJANGO_SETTINGS_MODULE="dashboard.settings"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_pass_in_the_foreground_imports_nothing_that_only_workers_and_pages_need():
    command = "import sys; from migrations_sync.management.commands import sync_migrations"

    assert python(f"{command}; print({{'celery', 'kombu', 'django_tables2'}} & set(sys.modules))") == "set()"


def test_whoever_imports_the_tasks_sends_them_to_the_configured_broker():
    sent_to = python("from migrations_sync.tasks import sync; print(sync.app.main, sync.app.conf.broker_url)")

    assert sent_to == f"dashboard {PRODUCTION['REDIS_URL']}"
