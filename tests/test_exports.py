"""Exports of the table: the rows that it shows, all of them, in its order, harmless to a spreadsheet."""

import csv
import io
import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dashboard.models import AuditEntry
from migrations_sync.models import Migration, Source
from tests import factories

pytestmark = pytest.mark.django_db
AS_OF = datetime(2026, 11, 25, 16, 44, 44, tzinfo=UTC)


@pytest.fixture
def person(client: Client) -> Client:
    client.force_login(User.objects.create_user("robin"))
    Source.default()
    Source.objects.update(succeeded_at=AS_OF, swept_at=AS_OF)
    return client


def content(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


def as_dicts(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(answer))))


def test_csv_holds_the_rows_of_the_table_in_its_order_under_the_api_s_names(person: Client) -> None:
    t = factories.T0
    factories.migration("b", created=t, status="FAILED", company_id="acme")
    factories.migration("a", created=t + timedelta(hours=1, microseconds=5), status="FAILED", company_id=None)
    factories.migration("c", created=t + timedelta(hours=2))

    answer = person.get("/migrations/?status=FAILED&_export=csv")
    rows = as_dicts(answer)

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="migrations-as-of-2026-11-25T16-44-44Z.csv"'
    assert [row["id"] for row in rows] == ["a", "b"]
    assert rows[0]["created"] == "2026-11-20 13:00:00.000005+00"
    assert rows[1]["created"] == "2026-11-20 12:00:00+00"
    assert (rows[0]["company_id"], rows[1]["company_id"]) == ("", "acme")
    assert rows[0]["checked_at"] == "2026-11-25 16:44:44+00"
    assert rows[0]["gone_at"] == ""
    assert list(rows[0]) == [
        "id", "status", "company_id", "created_by_user_id", "created", "status_changed_at", "changed_at",
        "checked_at", "status_not_before", "gone_at",
    ]  # fmt: skip


def test_json_is_an_array_of_objects_with_what_is_missing_as_null(person: Client) -> None:
    odd = 'x"\\\n\t=é\u2028\U0001f600'
    factories.migration("a", company_id=odd, created_by_user_id=None, created=factories.T0)
    factories.migration("b", company_id="=1+1", created=factories.T0 + timedelta(hours=1))

    answer = person.get("/migrations/?sort=created&_export=json")
    found = json.loads(content(answer))

    assert answer["Content-Type"] == "application/json"
    assert [row["id"] for row in found] == ["a", "b"]
    assert found[0]["company_id"] == odd
    assert found[0]["created_by_user_id"] is None
    assert found[1]["company_id"] == "=1+1"
    assert found[0]["created"] == "2026-11-20T12:00:00+00:00"
    assert found[0]["gone_at"] is None


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(person: Client, text: str) -> None:
    factories.migration(text, status=text, company_id=text, created_by_user_id=text)

    (row,) = csv.DictReader(io.StringIO(content(person.get("/migrations/?_export=csv")), newline=""))

    assert [row[name] for name in ("id", "status", "company_id", "created_by_user_id")] == [f"'{text}"] * 4


def test_quotes_commas_and_line_ends_survive(person: Client) -> None:
    text = 'a "b", c\r\nd;ü%s %% \\N'
    factories.migration("one", company_id=text)

    (row,) = csv.DictReader(io.StringIO(content(person.get("/migrations/?_export=csv")), newline=""))

    assert row["company_id"] == text


@pytest.mark.parametrize(
    "query", ["company=o%25s'", "attention=1", "q=o%25s'&status=FAILED", "longer=1h", "gone=0", "sort=company"]
)
def test_a_file_lists_what_the_page_lists(person: Client, query: str) -> None:
    factories.migration("a", status="FAILED", company_id="o%s'")
    factories.migration("b", status="WORKING", company_id="o%s'")
    factories.migration("c", status="ODD", company_id=None)

    page = person.get(f"/migrations/?{query}").content.decode()
    ids = [row["id"] for row in as_dicts(person.get(f"/migrations/?{query}&_export=csv"))]

    assert ids
    assert [part.partition('"')[0] for part in page.split('data-migration-id="')[1:]] == ids


def test_nothing_to_export_is_a_file_without_rows(person: Client) -> None:
    assert as_dicts(person.get("/migrations/?_export=csv")) == []
    assert content(person.get("/migrations/?_export=csv")).startswith("id,status,")
    assert json.loads(content(person.get("/migrations/?_export=json"))) == []


@pytest.mark.parametrize("query", ["_export=xlsx", "_export=csv&status=FALED", "_export=csv&created_after=soon"])
def test_what_can_not_be_read_is_a_page_that_says_so_never_a_file_of_everything(person: Client, query: str) -> None:
    factories.migration("a")

    answer = person.get(f"/migrations/?{query}")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")
    assert "could not be used" in answer.content.decode()
    assert "data-migration-id" not in answer.content.decode()


def test_an_export_is_written_down(person: Client) -> None:
    person.get("/migrations/?status=FAILED&company=acme&_export=csv")

    entry = AuditEntry.objects.get(act="export")
    assert (entry.who, entry.target, entry.detail) == ("robin", "csv", "Failed, company acme")


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_memory_does_not_grow_with_the_rows(person: Client, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.exports.BATCH", 50)
    monkeypatch.setattr("dashboard.exports.BLOCK", 4096)
    times = dict.fromkeys(("created", "first_seen_at", "status_changed_at", "status_not_before"), AS_OF)
    times |= {"changed_at": AS_OF, "checked_at": AS_OF}
    rows = [
        Migration(source=Source.default(), api_id=f"m{n:06d}" + "x" * 200, status="COMPLETE", fingerprint=n, **times)
        for n in range(2000)
    ]
    Migration.objects.bulk_create(rows)
    pieces = iter(person.get(f"/migrations/?_export={kind}").streaming_content)
    first = next(pieces)

    tracemalloc.start()
    size = len(first) + sum(len(piece) for piece in pieces)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert size > 600_000
    assert peak < 200_000
