from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from dashboard import triage
from dashboard.models import AuditEntry, TriageAct, TriageState
from migrations_sync.models import Migration, Source
from tests.factories import change, migration

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HOUR = timedelta(hours=1)


@pytest.fixture
def request_of_ann(rf):
    request = rf.post("/")
    request.user = User.objects.create_user("ann")
    return request


def failed(api_id: str) -> Migration:
    return migration(api_id, status="FAILED", status_changed_at=NOW - HOUR, status_not_before=NOW - 2 * HOUR)


def asking(now=None) -> set[str]:
    wanting = Migration.objects.needs_attention().exclude(triage.quiet(now or timezone.now()))
    return set(wanting.values_list("api_id", flat=True))


def happens(to: Migration, status: str) -> None:
    """``to`` is seen in ``status`` from now on."""
    now = timezone.now()
    change(to, status, old=to.status, at=now, not_before=now - timedelta(minutes=1))
    Migration.objects.filter(pk=to.pk).update(status=status, status_changed_at=now, status_not_before=now - HOUR)


def test_an_acknowledged_migration_asks_for_nobody_until_it_goes_bad_again(request_of_ann):
    one, _other = failed("one"), failed("other")

    triage.acknowledge(request_of_ann, [one], "the customer starts again")
    assert asking() == {"other"}

    happens(one, "WORKING")
    happens(one, "FAILED")
    assert asking() == {"one", "other"}


def test_an_acknowledged_migration_that_goes_away_asks_again(request_of_ann):
    waiting = migration("one", status="PENDING_USER_INPUT", status_changed_at=NOW - HOUR)
    triage.acknowledge(request_of_ann, [waiting], "called them")
    assert asking() == set()

    Migration.objects.filter(pk=waiting.pk).update(gone_at=timezone.now(), gone_not_before=NOW)
    assert asking() == {"one"}


def test_a_snoozed_migration_comes_back_at_its_time_or_when_something_happens(request_of_ann):
    triage.snooze(request_of_ann, [failed("timed")], until=NOW + HOUR)
    eventful = failed("eventful")
    triage.snooze(request_of_ann, [eventful])

    assert asking(NOW) == set()
    assert asking(NOW + HOUR) == {"timed"}
    happens(eventful, "COMPLETED_WITH_FAILURES")
    assert asking(NOW) == {"eventful"}


def test_raising_it_again_ends_an_acknowledgement(request_of_ann):
    one = failed("one")
    triage.acknowledge(request_of_ann, [one], "seen")

    triage.reopen(request_of_ann, [one])

    assert asking() == {"one"}


def test_assigning_leaves_the_acknowledgement_alone_and_the_other_way_round(request_of_ann):
    one, ann = failed("one"), request_of_ann.user
    triage.assign(request_of_ann, [one], ann)
    triage.acknowledge(request_of_ann, [one], "seen")
    triage.assign(request_of_ann, [one], ann)

    state = TriageState.objects.get(migration=one)
    assert state.assignee == ann
    assert state.quiet.text == "seen"
    assert triage.is_quiet(state, one, NOW)

    triage.release(request_of_ann, [one])
    state.refresh_from_db()
    assert state.assignee is None
    assert state.quiet.text == "seen"


def test_each_act_says_who_did_it_and_which_change_they_answered(request_of_ann):
    one = failed("one")
    change(one, "WORKING", old="NOT_STARTED", at=NOW - 2 * HOUR, not_before=NOW - 2 * HOUR)
    answered = change(one, "FAILED", old="WORKING", at=NOW - HOUR, not_before=NOW - 2 * HOUR)

    triage.acknowledge(request_of_ann, [one], "seen")

    act = TriageAct.objects.get()
    assert (act.who, act.text, act.status, act.change) == ("ann", "seen", "FAILED", answered)
    assert AuditEntry.objects.values_list("who", "act", "migration", "detail").get() == (
        "ann", "triage.acknowledge", "one", "seen",
    )  # fmt: skip


def test_many_are_done_at_once_and_open_pages_learn_of_it(request_of_ann, django_assert_max_num_queries):
    many = [failed(f"m{n}") for n in range(30)]
    before = Source.default().version

    with django_assert_max_num_queries(12):
        assert triage.acknowledge(request_of_ann, many, "vendor outage") == 30

    assert asking() == set()
    assert Source.default().version > before
    assert AuditEntry.objects.get().target == "30 migrations"


def test_nothing_to_do_leaves_no_trace(request_of_ann):
    assert triage.acknowledge(request_of_ann, [], "none") == 0
    assert not AuditEntry.objects.exists()


def test_an_act_is_never_changed(request_of_ann):
    triage.note(request_of_ann, [failed("one")], "first")
    act = TriageAct.objects.get()
    act.text = "second"

    with pytest.raises(TypeError, match="only ever added"):
        act.save()
