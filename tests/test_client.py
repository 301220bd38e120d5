import pytest

from migrations_sync.exceptions import NotFoundError
from tests.api_server import KEY, rows

pytestmark = pytest.mark.once


def ids(pages):
    return [row["id"] for page in pages for row in page.rows]


def test_the_list_is_read_page_by_page_in_order(api, api_client):
    api.rows = rows(95)

    pages = list(api_client.iter_pages())

    assert ids(pages) == [row["id"] for row in api.rows]
    assert [page.number for page in pages] == list(range(1, 11))
    assert [page.asked for page in pages] == [10] * 10


def test_every_request_is_signed_and_asks_as_documented(api, api_client):
    api.rows = rows(1)

    api_client.get_page(1)
    api_client.get_migration("m-000001")

    listed, one = api.requests
    assert listed.target == "/api/v1/migrations?page=1&page_size=10"
    assert one.target == "/api/v1/migrations/m-000001"
    for request in api.requests:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        assert request.headers["Accept"] == "application/json"
        assert request.headers["User-Agent"] == "migrations-dashboard"


def test_a_migration_is_asked_for_by_id(api, api_client):
    api.rows = rows(3)

    assert api_client.get_migration("m-000002").row == api.rows[1]
    with pytest.raises(NotFoundError, match=r"^GET /migrations/m-000009: 404$"):
        api_client.get_migration("m-000009")
