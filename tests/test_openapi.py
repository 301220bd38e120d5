"""The description of the API, held against the service as it runs."""

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from dashboard import filters
from dashboard.api import openapi, tokens
from migrations_sync.models import Source, StatusCount
from tests import factories
from tests.api_server import KEY
from tests.people import person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

SEEN = ("FAILED", "WORKING", "COMPLETE", "NOT_HEARD_OF")
LEAN = settings(
    max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def service(live_server, settings, api):
    """The address of the running service over a small mirror, and the headers of a caller who may read it all."""
    settings.API_RATE_LIMIT = 10**9
    settings.MIGRATIONS_API_URL, settings.MIGRATIONS_API_KEY = api.url, KEY
    for number, status in enumerate(SEEN):
        StatusCount.objects.create(source=Source.default(), status=status, n=1)
        one = factories.migration(f"m-{number}", status=status)
        factories.change(one, status, old="", at=one.status_changed_at, not_before=one.status_not_before)
    _, text = tokens.make(person("viewer"), name="tests", scopes=["migrations", "users"], days=1)
    return live_server.url, {"Authorization": f"Bearer {text}"}


def test_the_service_serves_the_description(service):
    url, headers = service

    assert requests.get(f"{url}/api/openapi.json", headers=headers, timeout=10).json() == openapi.document(url, SEEN)


def test_the_description_names_the_parameters_of_the_table():
    (listing,) = openapi.document("", SEEN)["paths"]["/api/migrations/"].values()

    assert {parameter["name"] for parameter in listing["parameters"]} == set(openapi.PARAMETERS)
    assert set(openapi.PARAMETERS) == {name for name in filters.FIELDS if not name.startswith("_")}


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("name", ["listMigrations", "getMigration"])
def test_whatever_is_asked_is_answered_as_described(service, name, mode):
    """Status, content type, headers and body of every answer are among those described; nothing wrong is let pass."""
    url, headers = service
    operation = schemathesis.openapi.from_dict(openapi.document(url, SEEN)).find_operation_by_id(name)
    seen: set[int] = set()

    @LEAN
    @given(operation.as_strategy(mode))
    def ask(case):
        if mode is GenerationMode.POSITIVE:  # what one parameter's schema can't say
            for name in ("after", "before", "created_before"):
                case.query.pop(name, None)
        answer = case.call_and_validate(base_url=url, headers=headers, timeout=20)
        seen.add(answer.status_code)

    ask()

    assert seen <= ({200, 404, 429} if mode is GenerationMode.POSITIVE else {200, 400, 401, 404, 405, 429})


@pytest.mark.parametrize("api_id", ["m-0", "m-3"])
def test_a_migration_that_is_there_is_answered_as_described(service, api_id):
    url, headers = service
    operation = schemathesis.openapi.from_dict(openapi.document(url, SEEN)).find_operation_by_id("getMigration")

    case = operation.Case(path_parameters={"id": api_id})

    assert case.call_and_validate(base_url=url, headers=headers, timeout=20).json()["history"]
