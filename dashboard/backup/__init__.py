"""Copies of everything the product knows, and the way back.

Three forms, told apart by their first bytes: a copy of the SQLite file, an archive of ``pg_dump``, and a portable
stream that any database can take. Sessions are left out: after a restore everybody signs in again.
"""

from pathlib import Path

from django.db import connection, transaction
from django.db.models import F

from dashboard.backup import native, portable
from migrations_sync.models import Lease, Migration, Source

_FORMS = {b"SQLite format 3\0": "sqlite", b"PGDMP": "postgresql", b"\x1f\x8b": "portable"}
# Browsers hold answers by version: one restored must never come to a version that they have seen.
_FAR = 1_000_000_000


class BackupError(Exception):
    """It can't be done; the message says what to do instead."""


def backup(path: Path, *, anywhere: bool = False) -> str:
    """Write a backup to ``path``, readable by its owner only, and return its form.

    ``anywhere``: the portable form even where the database has a way of its own. Safe while everything runs.

    Raises:
        BackupError: the database's own tool failed, or ``path`` can't be written.
    """
    form = "portable" if anywhere or not native.can_dump() else connection.vendor
    part = path.with_name(f"{path.name}.part")
    try:
        part.touch(mode=0o600)
        part.chmod(0o600)
        native.dump(part) if form != "portable" else portable.dump(part)
        part.replace(path)
    except (native.ToolFailed, OSError) as error:
        part.unlink(missing_ok=True)
        raise BackupError(str(error)) from error
    return form


def form_of(path: Path) -> str:
    """The form of the backup in ``path``. Raises ``BackupError`` for a file that is none."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror}") from error
    for magic, form in _FORMS.items():
        if head.startswith(magic):
            return form
    raise BackupError(f"{path} is no backup of this product.")


def restore(path: Path, *, replace: bool = False) -> str:
    """Put the database back to what ``path`` holds, and return the form it had. Stop the worker and beat first.

    Raises:
        BackupError: there is data already and ``replace`` is not given, or ``path`` does not fit.
    """
    form = form_of(path)
    if form not in ("portable", connection.vendor):
        raise BackupError(f"{path} was made from {form}: use DATABASE_URL of such a database, or backup --portable.")
    if not replace and _holds_data():
        raise BackupError("There are migrations in this database already: give --replace to lose them.")
    try:
        native.load(path) if form != "portable" else portable.load(path)
    except (native.ToolFailed, portable.DoesNotFit, OSError) as error:
        raise BackupError(str(error)) from error
    return form


def _holds_data() -> bool:
    return Migration._meta.db_table in connection.introspection.table_names() and Migration.objects.exists()


@transaction.atomic
def settle() -> None:
    """Leave behind what was true only for the process that the backup was taken from."""
    Lease.objects.update(owner="", expires_at=None)
    Source.objects.update(version=F("version") + _FAR)
