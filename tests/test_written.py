"""Statements that are written once and filled with other values."""

from datetime import timedelta

import pytest
from django.db.models import QuerySet

from dashboard import written
from migrations_sync.models import Migration
from tests import factories
from tests.factories import T0

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(monkeypatch):
    """Lists by company, creation and number, and how often Django had to write that."""
    monkeypatch.setattr(written, "_statements", type(written._statements)())
    count = []

    def write(values: written.Values) -> list[QuerySet]:
        count.append(values)
        rows = Migration.objects.filter(company_id=values["company"], created__gte=values["since"])
        if "beyond" in values:
            rows = rows.filter(pk__gt=values["beyond"])
        rows = rows.filter(api_id__gte=values["q"], api_id__lt=values["q"] + "\U0010ffff") if "q" in values else rows
        return [rows.order_by("pk").values_list("api_id", "created")]

    def ask(**values):
        found = written.rows("a list", values, write, fields=("api_id", "created"))
        return [api_id for api_id, _ in found], len(count)

    return ask


def test_the_second_of_a_shape_is_not_written_and_finds_its_own(asked):
    factories.migration("a", company_id="1", created=T0)
    factories.migration("b", company_id="2", created=T0 - timedelta(days=1))

    assert asked(company="1", since=T0) == (["a"], 1)
    assert asked(company="2", since=T0) == ([], 1)
    assert asked(company="2", since=T0 - timedelta(days=1)) == (["b"], 1)


def test_other_values_are_another_shape(asked):
    first = factories.migration("aa", company_id="1", created=T0)
    factories.migration("ab", company_id="1", created=T0)

    assert asked(company="1", since=T0) == (["aa", "ab"], 1)
    assert asked(company="1", since=T0, beyond=first.pk) == (["ab"], 2)
    assert asked(company="1", since=T0, beyond=0) == (["aa", "ab"], 2)
    assert asked(company="1", since=T0, q="ab") == (["ab"], 3)
    assert asked(company="1", since=T0, q="aa") == (["aa"], 3)


@pytest.mark.parametrize("strange", ["' OR 1=1 --", "%s", "{}", "\ue000q\ue000", "\ue000", ""])
def test_a_value_is_only_ever_a_value(asked, strange):
    factories.migration("a", company_id="1", created=T0)
    factories.migration(f"{strange}b", company_id=strange, created=T0)
    asked(company="1", since=T0, q="a")

    assert asked(company=strange, since=T0, q=strange) == ([f"{strange}b"], 1)


def test_times_come_as_times_from_every_database():
    factories.migration("a", company_id="1", created=T0)

    for _ in range(2):
        ((_, created),) = written.rows(
            "times",
            {"company": "1"},
            lambda values: [Migration.objects.filter(company_id=values["company"]).values_list("api_id", "created")],
            fields=("api_id", "created"),
        )
        assert created == T0


def test_what_can_find_nothing_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert written.rows("nothing", {}, lambda _: [Migration.objects.filter(pk__in=[])]) == []
