"""Saved views: lists under a name, for oneself or for everybody, and what the table opens with."""

import re
from html import escape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dashboard import roles
from dashboard.listing import VIEWS
from dashboard.models import AuditEntry, SavedView
from tests import factories
from tests.reading import text

pytestmark = pytest.mark.django_db
BUILT_IN = len(VIEWS)
FAILED = "company=acme&status=FAILED"


def somebody(name: str, role: str = "viewer") -> Client:
    user = User.objects.create_user(name)
    roles.assign(user, role)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def robin() -> Client:
    factories.migration("one", status="FAILED", company_id="acme")
    return somebody("robin")


def save(client: Client, name: str = "Acme", query: str = FAILED, **more: Any) -> Any:
    return client.post("/views/", {"name": name, "query": query, **more})


def names(client: Client) -> list[str]:
    """The saved views in the navigation of the table."""
    page = client.get("/migrations/?sort=created").content.decode()
    views = page.split('<ul class="views">')[1].split("</ul>")[0]
    return re.findall(r"<li><a [^>]*>([^<]+)</a>", views)[BUILT_IN:]


def test_a_list_gets_a_name_and_stands_beside_the_built_in_views(robin: Client) -> None:
    form = robin.get("/views/", {"save": FAILED}).content.decode()
    answer = save(robin)

    assert "Save “Failed, company acme”" in form
    assert answer["Location"] == f"/migrations/?{FAILED}"
    assert names(robin) == ["Acme"]
    opened = robin.get(answer["Location"]).content.decode()
    assert f'<a href="{escape(answer["Location"])}" aria-current="true">Acme</a>' in opened


def test_the_same_name_again_replaces_ones_own(robin: Client) -> None:
    save(robin)
    save(robin, query="status=WORKING")

    assert [view.query for view in SavedView.objects.all()] == ["status=WORKING"]


def test_a_personal_view_is_seen_by_its_owner_alone(robin: Client) -> None:
    save(robin)
    other = somebody("kim", "admin")

    assert names(other) == []
    view = SavedView.objects.get()
    assert other.post(f"/views/{view.pk}/", {"do": "remove"}).status_code == 404


def test_sharing_takes_the_role_of_a_triager_and_is_written_down(robin: Client) -> None:
    triager = somebody("kim", "triager")

    assert save(robin, shared="on").status_code == 403
    assert "Everybody sees it" not in robin.get("/views/", {"save": FAILED}).content.decode()
    assert save(triager, shared="on").status_code == 302
    assert names(robin) == ["Acme"]
    assert AuditEntry.objects.get(act="view.shared").detail == FAILED
    view = SavedView.objects.get()
    assert robin.post(f"/views/{view.pk}/", {"do": "remove"}).status_code == 403
    assert somebody("lee", "triager").post(f"/views/{view.pk}/", {"do": "remove"}).status_code == 302
    assert names(robin) == []


def test_the_bare_address_opens_ones_own_default_before_the_shared_one(robin: Client) -> None:
    save(somebody("kim", "triager"), "For all", "status=WORKING", shared="on", default="on")
    shared = robin.get("/migrations/")
    save(robin, default="on")
    own = robin.get("/migrations/")

    assert (shared.status_code, shared["Location"]) == (302, "/migrations/?status=WORKING")
    assert own["Location"] == f"/migrations/?{FAILED}"


def test_there_is_one_default_of_each_kind(robin: Client) -> None:
    save(robin, "A", default="on")
    save(robin, "B", "status=WORKING", default="on")
    first = SavedView.objects.get(name="A")

    assert list(SavedView.objects.filter(default=True).values_list("name", flat=True)) == ["B"]
    robin.post(f"/views/{first.pk}/", {"do": "default"})
    assert list(SavedView.objects.filter(default=True).values_list("name", flat=True)) == ["A"]
    robin.post(f"/views/{first.pk}/", {"do": "plain"})
    assert robin.get("/migrations/").status_code == 200


def test_an_address_always_beats_the_default_and_everything_stays_in_reach(robin: Client) -> None:
    save(robin, query="status=WORKING", default="on")

    everything = robin.get("/migrations/?sort=-created")
    page = everything.content.decode()

    assert 'data-migration-id="one"' in page
    assert '<a href="/migrations/?sort=-created" aria-current="true">All</a>' in page
    assert '<input type="hidden" name="sort" value="-created">' in page
    narrowed = robin.get("/migrations/?status=WORKING").content.decode()
    assert 'href="/migrations/?sort=-created"' in narrowed  # what clears the filters
    assert 'href="/migrations/"' not in narrowed.split("<main")[1]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 61}, "at most 60 characters"),
        ({"query": "status=NEVER_HEARD_OF"}, "can't be read any more"),
        ({"query": "stauts=FAILED"}, "can't be read any more"),
    ],
)
def test_what_can_not_be_saved_is_said(robin: Client, fields: dict[str, str], complaint: str) -> None:
    answer = save(robin, **{"name": "A", "query": FAILED, **fields})

    assert answer.status_code == 400
    assert complaint in text(answer)
    assert not SavedView.objects.exists()


def test_a_list_of_everything_can_be_saved_too(robin: Client) -> None:
    save(robin, "All of it", "", default="on")

    assert robin.get("/migrations/")["Location"] == "/migrations/?sort=-created"


def test_the_saved_views_cost_no_query_while_nothing_changes(robin: Client, django_assert_num_queries: Any) -> None:
    save(robin)
    robin.get("/migrations/?sort=created")
    with django_assert_num_queries(2):  # the reader and the mirror, page
        robin.get("/migrations/?sort=created")
