"""Style sheets and scripts: under hashed names where they have been collected, under plain ones elsewhere."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """A checkout in which nobody ran ``collectstatic``, or not lately, must still show its pages.

    WhiteNoise finds the plain names in the source tree (``WHITENOISE_USE_FINDERS``).
    """

    # A module that imports another must get the same hashed file as the page did, or there are two of it.
    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        known = self.hash_key(self.clean_name(name)) in self.hashed_files
        return str(super().stored_name(name)) if known else name


def collect_if_changed() -> None:
    """Run ``collectstatic``, which takes seconds, unless it has been done for just these files."""
    stamp, now = Path(settings.STATIC_ROOT) / ".collected", _fingerprint()
    if not stamp.exists() or stamp.read_text() != now:
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(now)


def _fingerprint() -> str:
    """Changes when a source file does: by name, size or time."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(None):
            source = Path(storage.path(name)).stat()
            digest.update(f"{name} {source.st_size} {source.st_mtime_ns}\n".encode())
    return digest.hexdigest()
