"""Beat starts whatever it finds on the disk."""

from pathlib import Path

import pytest

from dashboard.beat import Scheduler
from dashboard.celery import app

pytestmark = pytest.mark.once


def sent_by_beat(path: Path) -> set[str]:
    """The names of what beat sends that begins with the file at ``path``, and writes it when it ends."""
    scheduler = Scheduler(app=app, schedule_filename=str(path))
    names = set(scheduler.schedule)
    scheduler.close()
    return names


@pytest.mark.parametrize("left", [0, 40])
def test_a_file_that_a_power_cut_has_damaged_is_begun_anew(tmp_path: Path, left: int) -> None:
    before = sent_by_beat(tmp_path / "beat")
    files = {path: path.stat().st_size for path in tmp_path.iterdir()}
    for path, size in files.items():
        if size > 200:  # the values; any index beside them stays whole
            path.write_bytes(path.read_bytes()[:left])

    assert "sync" in before
    assert sent_by_beat(tmp_path / "beat") == before
    assert {path.stat().st_size for path in tmp_path.iterdir()} == set(files.values())
