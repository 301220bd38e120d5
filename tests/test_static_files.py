import pytest

from dashboard import static_files
from dashboard.static_files import StaticFilesStorage, collect_if_changed

pytestmark = pytest.mark.once


@pytest.fixture
def source(settings, tmp_path):
    """A source tree with one style sheet, and nowhere collected yet."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "page.css").write_text("body { color: black }")
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [source]
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "dashboard.static_files.StaticFilesStorage"}}
    return source


def test_a_checkout_that_was_never_collected_links_to_plain_names(source):
    assert StaticFilesStorage().url("page.css") == "/static/page.css"


def test_a_collected_file_is_linked_by_its_hash_and_a_newer_one_plainly(source):
    collect_if_changed()
    (source / "new.css").write_text("")

    storage = StaticFilesStorage()

    assert storage.url("page.css").startswith("/static/page.")
    assert storage.url("page.css") != "/static/page.css"
    assert storage.url("new.css") == "/static/new.css"


def test_files_are_collected_again_only_after_one_changed(source, settings, monkeypatch):
    collected = []
    settings.STATIC_ROOT.mkdir()
    monkeypatch.setattr(static_files, "call_command", lambda name, **options: collected.append(name))

    collect_if_changed()
    collect_if_changed()
    assert len(collected) == 1

    (source / "page.css").write_text("body { color: navy }")
    collect_if_changed()
    assert len(collected) == 2
