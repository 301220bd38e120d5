"""What a page of a list holds, asked for in whichever way, is what the list holds."""

import random
from datetime import timedelta
from itertools import product

import pytest

from dashboard import filters, paging, rows
from dashboard.current import Kept
from dashboard.filters import Criteria
from dashboard.paging import Cursor, Order
from dashboard.tally import tally
from migrations_sync.models import Migration, Source
from migrations_sync.sync.counts import recount
from tests import factories
from tests.factories import T0

pytestmark = pytest.mark.django_db
STATUSES = ("FAILED", "WORKING", "COMPLETE", "NOT_STARTED", "BRAND_NEW")
SEEN = frozenset(STATUSES)


@pytest.fixture
def source(monkeypatch):
    """A mirror in which some lists of few turn out to be of many."""
    for module in ("paging", "tally"):
        monkeypatch.setattr(f"dashboard.{module}.FEW", 8)
    chance = random.Random(7)
    for number in range(60):
        factories.migration(
            f"{chance.choice(('abcd', 'abce', 'company-1'))}-{number}",
            status=chance.choice(STATUSES),
            company_id=chance.choice((None, "company-1", "company-2")),
            created_by_user_id=chance.choice((None, "user-1", "user-2", "company-1")),
            created=T0 + timedelta(hours=chance.randrange(40)),
            changed_at=T0 + timedelta(hours=41 + chance.randrange(9)),
            gone_at=T0 + timedelta(days=4) if chance.random() < 0.2 else None,
        )
    recount(Source.default())
    return Source.default()


def some(chance):
    """Criteria as an address can ask for them."""
    company = chance.choice(("", "", "company-1", "company-2", "nobody"))
    return Criteria(
        statuses=tuple(chance.sample(STATUSES, chance.choice((0, 0, 1, 2)))),
        company=company,
        user=chance.choice(("", "", "user-1", "user-2", "company-1")),
        q=chance.choice(("", "", "abc", "abcd", "abcd-1", "company-1", "user-1", "\ue000a", "%s")),
        created_after=chance.choice((None, None, T0 + timedelta(hours=5), T0 + timedelta(days=1))),
        created_before=chance.choice((None, None, T0 + timedelta(hours=30))),
        longer=chance.choice((None, None, timedelta(hours=1))),
        attention=chance.random() < 0.25,
        unknown=chance.random() < 0.15,
        no_company=not company and chance.random() < 0.2,
        gone=chance.choice((None, None, None, True, False)),
    )


@pytest.mark.parametrize("seed", range(4))
def test_pages_hold_just_the_rows_of_the_list_and_say_how_many_they_are(source, seed):
    chance, now = random.Random(seed), T0 + timedelta(days=5)
    orders = [Order(columns, descending) for columns, descending in product(filters.ORDERS.values(), (True, False))]
    kept = [(row.status, bool(row.gone_at), 1) for row in Migration.objects.all()]
    found = 0
    for _ in range(60):
        criteria, order = some(chance), chance.choice(orders)
        expected = set(filters.together(criteria, now, seen=SEEN, source=source).values_list("api_id", flat=True))
        listing = filters.listing(criteria, seen=SEEN, source=source, now=now)
        forwards, cursor = [], Cursor()
        while True:
            page = paging.page(listing, order, cursor, size=7, fields=rows.FIELDS)
            forwards += [row[1] for row in page.rows]
            if page.next is None:
                break
            cursor = page.next
        last = paging.page(listing, order, Cursor(backwards=True), size=7, fields=rows.FIELDS)
        counted = tally(criteria, [Kept(*row) for row in kept], source=source, now=now, by_status=page.by_status)

        assert (set(forwards), len(forwards)) == (expected, len(expected)), criteria
        assert [row[1] for row in last.rows] == forwards[-7:], criteria
        assert counted.total == len(expected) or (counted.more and counted.total < len(expected)), criteria
        found += len(expected)
    assert found > 50
