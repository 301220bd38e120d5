import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

# The line to plant, and the contract that must refuse it.
PLANTS = {
    "migrations_sync/tasks.py": ("import dashboard.urls", "dashboard uses migrations_sync, never back"),
    "migrations_sync/statuses.py": ("import migrations_sync.models", "inside migrations_sync"),
    "dashboard/urls.py": ("import migrations_sync.sync", "pages read the mirror, not the API"),
    "migrations_sync/records.py": ("import django", "the client side knows no Django"),
    "migrations_sync/models/mirror.py": ("import requests", "the engine and the models know no HTTP"),
    "migrations_sync/simulator/__init__.py": (
        "import migrations_sync.records",
        "the simulator shares nothing with the client",
    ),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINT_IMPORTS, "--no-cache"], cwd=folder, capture_output=True, text=True)


def test_every_import_goes_the_allowed_way():
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout


def test_each_contract_refuses_an_import_that_breaks_it(tmp_path):
    for name in ("dashboard", "migrations_sync"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, (line, _) in PLANTS.items():
        with (tmp_path / file).open("a") as module:
            module.write(f"\n{line}\n")

    broken = lint(tmp_path).stdout

    for _, contract in PLANTS.values():
        assert f"{contract} BROKEN" in broken, broken
