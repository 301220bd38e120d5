from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from migrations_sync import freshness
from migrations_sync.models import BlindSpot, Lease, Source
from tests.factories import T0

pytestmark = pytest.mark.django_db


def mirror(**fields: object) -> Source:
    source = Source.default()
    Source.objects.filter(pk=source.pk).update(**fields)
    source.refresh_from_db()
    return source


def level(now: datetime = T0) -> str:
    return freshness.read(now=now, interval=60)[1].level


def test_a_mirror_that_was_never_filled_is_neither_fresh_nor_trusted():
    found = freshness.read(now=T0, interval=60)[1]

    assert (found.level, found.as_of, found.trusted) == ("never", None, False)


@pytest.mark.parametrize(
    ("age", "expected"), [(120, "fresh"), (121, "late"), (300, "late"), (301, "stale"), (86_400, "stale")]
)
def test_age_in_sync_intervals_makes_the_level(age, expected):
    mirror(succeeded_at=T0 - timedelta(seconds=age))

    assert level() == expected


def test_three_failed_passes_in_a_row_are_blind_and_one_is_noise():
    mirror(
        succeeded_at=T0 - timedelta(seconds=90), failures=1, last_error="GET /migrations?page=1: 503 after 6 tries"
    )
    assert level() == "fresh"

    Source.objects.update(failures=3)
    found = freshness.read(now=T0, interval=60)[1]
    assert (found.level, found.trusted) == ("blind", False)
    assert found.cause == "GET /migrations?page=1: 503 after 6 tries"


def test_a_long_sweep_that_is_getting_on_is_late_not_stale():
    source = mirror(succeeded_at=T0 - timedelta(hours=1))
    Lease.objects.create(source=source, owner="worker-1", expires_at=T0 + timedelta(seconds=30))
    assert level() == "late"

    # Its holder died: the lease has lapsed.
    assert level(T0 + timedelta(seconds=31)) == "stale"


def test_an_open_blind_spot_says_since_when_and_why_and_a_closed_one_says_nothing():
    source = mirror(succeeded_at=T0 - timedelta(minutes=10), failures=4)
    spot = BlindSpot.objects.create(source=source, cause="refused", started_at=T0 - timedelta(minutes=9), detail="")
    found = freshness.read(now=T0, interval=60)[1]
    assert (found.since, found.cause) == (T0 - timedelta(minutes=9), "the API refused the key")

    spot.ended_at = T0
    spot.save()
    assert freshness.read(now=T0, interval=60)[1].since is None


def test_pages_get_source_and_freshness_in_one_statement_and_the_same_answer():
    source = mirror(succeeded_at=T0 - timedelta(minutes=10), failures=4)
    Lease.objects.create(source=source, owner="worker-1", expires_at=T0 + timedelta(seconds=30))
    BlindSpot.objects.create(source=source, cause="quota", detail="429 until 12:30", started_at=T0)

    with CaptureQueriesContext(connection) as queries:
        found_source, found = freshness.read(now=T0, interval=60)

    assert len(queries) == 1
    assert found_source == source
    assert found == freshness.of(source, now=T0, interval=60)
