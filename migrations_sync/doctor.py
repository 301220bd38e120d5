"""Finds out what is wrong with the mirror and says what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from migrations_sync import freshness
from migrations_sync.conf import client_from_settings
from migrations_sync.exceptions import APIError
from migrations_sync.models import Drift, Lease, QuarantinedRow, Source, StatusCount, SyncRun
from migrations_sync.sync import one
from migrations_sync.tasks import app

Level = Literal["ok", "look", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``look``: worth a person's eye. ``wrong``: does not work. ``todo``: the next step."""

    level: Level
    what: str
    todo: str = ""


def examine() -> Iterator[Finding]:
    """Look at the database, the broker, the API and the mirror, in that order.

    Asks the API for one migration. Stops early only if there is no database to look at.
    """
    try:
        yield _schema()
    except DatabaseError as error:
        yield Finding("wrong", f"database: {_one_line(error)}", "check DATABASE_URL and that the server runs")
        return
    yield _broker()
    yield _api()
    source = Source.default()
    yield _freshness(source)
    yield _lease(source)
    yield from _mirror(source)
    if not settings.MIGRATIONS_WEBHOOK_SECRET:
        yield Finding("look", "webhooks are off: no failure reasons", "set MIGRATIONS_WEBHOOK_SECRET")


def _schema() -> Finding:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Finding(
            "wrong", f"database: {len(missing)} schema changes are missing", "run: python manage.py migrate"
        )
    return Finding("ok", f"database: {connection.vendor}, schema up to date")


def _broker() -> Finding:
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0)
    except Exception as error:
        return Finding("wrong", f"broker: {_one_line(error)}", "check REDIS_URL and that Redis runs")
    return Finding("ok", "broker: answers")


def _api() -> Finding:
    try:
        with client_from_settings() as client:
            page = client.get_page(1)
    except APIError as error:
        return Finding("wrong", f"API: {error}", "check MIGRATIONS_API_URL, MIGRATIONS_API_KEY and the network")
    return Finding("ok", f"API: answers with {len(page.rows)} rows a page")


def _freshness(source: Source) -> Finding:
    state = freshness.of(source, now=timezone.now(), interval=settings.SYNC_INTERVAL)
    as_of = f"{state.as_of:%Y-%m-%d %H:%M:%S} UTC" if state.as_of else "never"
    told = f"mirror: {state.level}, as of {as_of}"
    if state.trusted:
        return Finding("ok", told)
    if state.cause:
        return Finding("wrong", f"{told}: {state.cause}", "the newest run on /syncs/ has the details")
    return Finding("wrong", told, "check that exactly one beat and at least one worker run, or sync by hand")


def _lease(source: Source) -> Finding:
    lease = Lease.objects.filter(source=source).exclude(owner="").select_related("run").first()
    if lease is None:
        return Finding("ok", "lease: free")
    if lease.expires_at and lease.expires_at < timezone.now():
        return Finding("look", f"lease: {lease.owner} died holding it", "nothing: the next sync takes it over")
    return Finding("ok", f"lease: held by {lease.owner} for run {lease.run_id}")


def _mirror(source: Source) -> Iterator[Finding]:
    last = SyncRun.objects.filter(source=source).exclude(outcome="running").first()
    if last and last.outcome == "partial":
        yield Finding("look", f"last run {last.pk}: partial: {last.error}", f"look at /syncs/{last.pk}/")
    if rejected := QuarantinedRow.objects.filter(source=source).count():
        yield Finding("look", f"quarantine: {rejected} rows can't be read", "look at the quarantine on /syncs/")
    if drifts := Drift.objects.filter(source=source).count():
        yield Finding("look", f"contract: {drifts} differences from the documentation", "look at them on /syncs/")
    if hints := one.waiting(source):
        yield Finding("look", f"webhooks: {hints} migrations wait to be looked up", "nothing, if the number falls")
    held = sum(StatusCount.objects.filter(source=source).values_list("n", flat=True))
    yield Finding("ok", f"mirror: {held} migrations")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
