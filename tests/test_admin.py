"""The admin of the mirror: look, don't touch, and at the cost of a page whatever the size of the table."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db
MODELS = [model for model in admin.site._registry if model._meta.app_label == "migrations_sync"]


@pytest.fixture
def looker(client: Client, admin_user: Any) -> Client:
    client.force_login(admin_user)
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_list_opens_and_nothing_can_be_added(looker: Client, model: Any):
    base = f"/admin/migrations_sync/{model._meta.model_name}/"

    assert looker.get(base).status_code == 200
    assert looker.get(base + "add/").status_code == 403


def test_a_migration_is_found_by_a_whole_value_and_cannot_be_changed(looker: Client):
    wanted = factories.migration("m-1", company_id="company-9")
    factories.migration("m-2")
    base = "/admin/migrations_sync/migration/"

    found = looker.get(base, {"q": "company-9"}).content.decode()
    assert ("m-1" in found, "m-2" in found) == (True, False)
    assert looker.get(base, {"q": "a\0b"}).status_code == 200
    assert looker.post(f"{base}{wanted.pk}/change/", {"status": "FAILED"}).status_code == 403
    assert looker.post(f"{base}{wanted.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_list_costs_the_same_for_3_rows_and_for_60(looker: Client, django_assert_max_num_queries: Any):
    for _ in range(3):
        factories.migration()
    with django_assert_max_num_queries(8) as few:
        looker.get("/admin/migrations_sync/migration/")
    for _ in range(57):
        factories.migration()
    with django_assert_max_num_queries(len(few)) as queries:
        looker.get("/admin/migrations_sync/migration/")

    assert not [q for q in queries if "COUNT(" in q["sql"] and "LIMIT 10000" not in q["sql"]]
