"""From status changes to deliveries: who is told of what, when, and never twice."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from dashboard.alerts import outbox
from dashboard.models import Alert, AlertChannel, AlertDelivery, AlertRule, Mute, TriageAct, TriageState
from dashboard.models.alerts import AlertQuerySet
from migrations_sync.models import (
    BlindSpot,
    Migration,
    QuarantinedRow,
    Source,
    StatusChange,
    SyncRun,
    WebhookDelivery,
)
from tests import factories
from tests.factories import T0

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _seeing(db):
    """A mirror whose last pass came through just now."""
    seen_at(T0)


def seen_at(at, **fields):
    source = Source.default()
    Source.objects.filter(pk=source.pk).update(
        **{"attempted_at": at, "succeeded_at": at, "swept_at": at, "failures": 0, **fields}
    )


def channel(name: str = "desk") -> AlertChannel:
    return AlertChannel.objects.get_or_create(name=name, kind="email", address="desk@example.com")[0]


def rule(kind: str = "status", *, to: tuple[AlertChannel, ...] | None = None, **fields) -> AlertRule:
    made = AlertRule.objects.create(name=fields.pop("name", kind), kind=kind, **fields)
    made.channels.set((channel(),) if to is None else to)
    return made


def run(finished: bool = True) -> SyncRun:
    return SyncRun.objects.create(
        source=Source.default(), mode="quick", started_at=T0, finished_at=T0 if finished else None
    )


def migration(status: str, **fields) -> Migration:
    return factories.migration(status=status, **{"created": T0 - 60 * MINUTE, "first_seen_at": T0, **fields})


def fails(failing: Migration | None = None, *, at=T0, to="FAILED", **fields) -> Migration:
    """A migration turns to ``to`` at ``at``; with ``company_id``, a new one of that company."""
    kind = {name: fields.pop(name) for name in ("run", "kind", "via") if name in fields}
    failing = failing or migration("WORKING", **fields)
    old = failing.status
    failing.status, failing.status_changed_at, failing.status_not_before = to, at, at - MINUTE
    failing.save()
    factories.change(failing, to, old=old, at=at, not_before=at - MINUTE, **kind)
    return failing


def told(now=T0) -> list[dict]:
    """The messages that a dispatch at ``now`` queues."""
    before = set(AlertDelivery.objects.values_list("pk", flat=True))
    if not Source.default().failures:
        seen_at(now)
    outbox.dispatch(now)
    return [d.message for d in AlertDelivery.objects.exclude(pk__in=before).order_by("pk")]


def ids(message: dict) -> list[str]:
    return [item["id"] for group in message["groups"] for item in group["items"]]


def test_a_failed_migration_is_told_once_with_as_of_and_link(settings):
    settings.PUBLIC_URL = "https://dashboard.example.com"
    rule(name="Failures")
    failed = fails()

    (message,) = told()
    assert message["title"] == "Failures: 1 migration"
    assert message["as_of"] == "2026-11-20T12:00:00Z"
    assert message["url"] == "https://dashboard.example.com/migrations/?status=FAILED&status=COMPLETED_WITH_FAILURES"
    (item,) = message["groups"][0]["items"]
    assert item["text"] == "Failed, was Working, 2026-11-20 11:59–12:00 UTC"
    assert item["url"] == f"https://dashboard.example.com/migrations/{failed.api_id}/"
    assert told(T0 + MINUTE) == []


def test_the_first_import_tells_nobody():
    rule()
    rule("unknown")
    rule("running", after_minutes=60)
    migration("FAILED")
    migration("NEVER_HEARD_OF")
    migration("WORKING")

    assert told(T0 + MINUTE) == []


def test_a_pass_is_one_message_by_company_and_says_how_many_more():
    rule(cap=3)
    first, second = run(), run()
    for company in ("b", "a", "b", "a", "b"):
        fails(company_id=company, run=first)
    fails(company_id="c", run=second)

    one, two = told()
    assert [(group["company"], len(group["items"])) for group in one["groups"]] == [("a", 2), ("b", 1)]
    assert (one["total"], one["more"]) == (5, 2)
    assert one["title"] == "status: 5 migrations"
    assert [group["company"] for group in two["groups"]] == ["c"]


def test_changes_of_a_pass_that_still_runs_wait_for_its_end_but_not_for_ever():
    rule()
    fails(run=run(finished=False))

    assert told(T0 + MINUTE) == []
    assert len(told(T0 + 3 * MINUTE)) == 1


def test_what_recovers_before_it_is_told_is_not_told():
    rule(after_minutes=10)
    lasting, passing = fails(), fails()

    assert told(T0 + 5 * MINUTE) == []
    fails(passing, to="COMPLETE", at=T0 + 6 * MINUTE)
    told(T0 + 7 * MINUTE)
    (message,) = told(T0 + 11 * MINUTE)
    assert ids(message) == [lasting.api_id]


def test_a_rule_waits_until_enough_are_bad_at_once():
    rule(at_least=3)
    fails()
    recovered = fails()
    assert told() == []
    fails(recovered, to="COMPLETE", at=T0 + MINUTE)
    fails(at=T0 + MINUTE)
    assert told(T0 + 2 * MINUTE) == []
    fails(at=T0 + 3 * MINUTE)
    (message,) = told(T0 + 3 * MINUTE)
    assert message["total"] == 3


def test_a_recovery_counts_only_after_it_has_lasted():
    rule(clear_minutes=10, tell_cleared=True)
    failed = fails()
    assert len(told()) == 1

    fails(failed, to="WORKING", at=T0 + MINUTE)
    assert told(T0 + MINUTE) == []
    fails(failed, at=T0 + 2 * MINUTE)
    assert told(T0 + 2 * MINUTE) == [], "it never was over, so it is not new"

    fails(failed, to="COMPLETE", at=T0 + 3 * MINUTE)
    assert told(T0 + 3 * MINUTE) == []
    (message,) = told(T0 + 14 * MINUTE)
    assert (message["event"], message["title"]) == ("cleared", "Over: status: 1 migration")
    assert told(T0 + 15 * MINUTE) == []


def test_a_digest_gathers_over_its_time():
    rule(digest_minutes=30)
    fails(run=run())
    assert told(T0 + MINUTE) == []
    fails(run=run(), at=T0 + 20 * MINUTE)
    assert told(T0 + 20 * MINUTE) == []
    (message,) = told(T0 + 32 * MINUTE)
    assert message["total"] == 2


def test_reminders_name_only_what_is_still_bad():
    rule(remind_minutes=60)
    still, over = fails(), fails()
    assert len(told()) == 1
    fails(over, to="COMPLETE", at=T0 + MINUTE)

    assert told(T0 + 59 * MINUTE) == []
    (reminder,) = told(T0 + 60 * MINUTE)
    assert (reminder["event"], ids(reminder)) == ("reminder", [still.api_id])
    assert told(T0 + 61 * MINUTE) == []
    assert len(told(T0 + 120 * MINUTE)) == 1
    fails(still, to="COMPLETE", at=T0 + 121 * MINUTE)
    assert told(T0 + 300 * MINUTE) == []


def test_what_somebody_acknowledged_is_not_told_or_reminded_of_until_something_happens_to_it():
    rule(remind_minutes=60)
    told_before, seen_first = fails(), fails()
    acknowledge(seen_first, T0)
    (message,) = told()
    assert ids(message) == [told_before.api_id]
    acknowledge(told_before, T0 + MINUTE)
    assert told(T0 + 61 * MINUTE) == []

    fails(told_before, to="COMPLETED_WITH_FAILURES", at=T0 + 70 * MINUTE)
    (reminder,) = told(T0 + 71 * MINUTE)
    assert (reminder["event"], ids(reminder)) == ("reminder", [told_before.api_id])


def acknowledge(migration: Migration, at) -> None:
    act = TriageAct.objects.create(migration=migration, kind="acknowledge", who="ann", at=at, status=migration.status)
    TriageState.objects.create(migration=migration, quiet=act, quiet_through=migration.status_changed_at)


def test_the_reason_that_a_webhook_gave_is_told():
    rule()
    failed = fails()
    for n, reason in enumerate(("", "first", "the mailbox\nis full <b>")):
        WebhookDelivery.objects.create(
            source=Source.default(), message_id=str(n), api_id=failed.api_id, error_message=reason, body="{}",
            received_at=T0 + n * MINUTE,
        )  # fmt: skip

    (message,) = told()
    assert message["groups"][0]["items"][0]["reason"] == "the mailbox is full <b>"


def test_running_long_is_told_when_the_mirror_has_watched_that_long():
    rule("running", after_minutes=60)
    slow = migration("WORKING")
    migration("PENDING_USER_INPUT")
    blind = BlindSpot.objects.create(
        source=Source.default(), cause="unreachable", started_at=T0 + 10 * MINUTE, ended_at=T0 + 40 * MINUTE
    )

    assert told(T0 + 61 * MINUTE) == [], "half an hour of it was not seen"
    (message,) = told(T0 + 91 * MINUTE)
    assert ids(message) == [slow.api_id]
    assert message["groups"][0]["items"][0]["text"] == "Working since 2026-11-20 12:00 UTC"
    assert told(T0 + 100 * MINUTE) == []
    assert blind.ended_at


def test_waiting_long_begins_anew_when_the_status_comes_back():
    rule("waiting", after_minutes=60)
    waiting = migration("PENDING_USER_INPUT")
    assert len(told(T0 + 60 * MINUTE)) == 1
    fails(waiting, to="WORKING", at=T0 + 61 * MINUTE)
    fails(waiting, to="PENDING_USER_INPUT", at=T0 + 62 * MINUTE)

    assert told(T0 + 100 * MINUTE) == []
    assert len(told(T0 + 122 * MINUTE)) == 1


def test_gone_unknown_and_company_rules_tell_their_own():
    rule("gone")
    rule("unknown")
    rule("company", company_id="acme")
    gone = fails(kind="gone", to="WORKING")
    Migration.objects.filter(pk=gone.pk).update(gone_at=T0)
    odd = fails(to="<script>", company_id="acme")

    messages = {message["kind"]: message for message in told()}
    assert ids(messages["gone"]) == [gone.api_id]
    assert messages["gone"]["groups"][0]["items"][0]["text"].startswith("gone, 2026")
    assert ids(messages["unknown"]) == [odd.api_id]
    assert ids(messages["company"]) == [odd.api_id]
    assert not Alert.objects.open().filter(rule__kind="company").exists()


def go_blind(cause: str = "unreachable", detail: str = "refused"):
    BlindSpot.objects.create(source=Source.default(), cause=cause, detail=detail, started_at=T0)
    seen_at(T0, failures=3)


def test_while_blind_one_message_says_so_and_all_else_waits():
    rule()
    rule("mirror", tell_cleared=True)
    go_blind(detail="GET /migrations?page=1: no answer")
    failed = fails()

    (message,) = told(T0 + 10 * MINUTE)
    assert message["kind"] == "mirror"
    assert "GET /migrations?page=1: no answer" in message["title"]
    assert message["as_of"] == "2026-11-20T12:00:00Z"
    assert told(T0 + 60 * MINUTE) == []

    BlindSpot.objects.update(ended_at=T0 + 60 * MINUTE)
    seen_at(T0 + 61 * MINUTE)
    waited, over = sorted(told(T0 + 61 * MINUTE), key=lambda message: message["event"], reverse=True)
    assert ids(waited) == [failed.api_id]
    assert over["event"] == "cleared"


def test_a_refused_key_is_not_also_told_as_blindness():
    night = channel("night")
    rule("mirror", to=(channel(), night))
    rule("refused", to=(channel(),))
    go_blind("refused", "401: the key is not accepted")

    told(T0 + 10 * MINUTE)
    sent = set(AlertDelivery.objects.values_list("rule__kind", "channel__name"))
    assert sent == {("refused", "desk"), ("mirror", "night")}


def test_unreadable_rows_are_told_and_cleared_by_the_next_sweep():
    rule("quarantine", at_least=2, tell_cleared=True)

    def unreadable(digest):
        QuarantinedRow.objects.create(
            source=Source.default(), digest=digest, raw="{}", reason="no id", first_seen_at=T0, last_seen_at=T0
        )

    unreadable("a")
    outbox.dispatch(T0)
    assert not AlertDelivery.objects.exists()
    unreadable("b")
    outbox.dispatch(T0)
    assert AlertDelivery.objects.get().message["title"] == "quarantine: 2 rows of the API can't be read"
    (message,) = told(T0 + 60 * MINUTE)
    assert message["event"] == "cleared"


def mute(**fields) -> Mute:
    return Mute.objects.create(starts_at=T0 - MINUTE, ends_at=T0 + 30 * MINUTE, reason="planned", **fields)


@pytest.mark.parametrize("of", ["everything", "rule", "company"])
def test_a_mute_keeps_peace_and_what_is_still_bad_is_told_after_it(of):
    made = rule()
    mute(**{"everything": {}, "rule": {"rule": made}, "company": {"company_id": "company-1"}}[of])
    still, over = fails(), fails()

    assert told(T0 + MINUTE) == []
    fails(over, to="COMPLETE", at=T0 + 2 * MINUTE)
    assert told(T0 + 2 * MINUTE) == []
    (message,) = told(T0 + 31 * MINUTE)
    assert ids(message) == [still.api_id]


def test_news_of_a_muted_time_is_dropped():
    mute(rule=rule("company", company_id="company-1"))
    fails()

    assert told(T0) == []
    assert told(T0 + 31 * MINUTE) == []


def test_a_rule_without_a_channel_keeps_its_alerts_for_the_page_and_floods_nobody_later():
    silent = rule(to=())
    fails()
    assert told() == []
    assert Alert.objects.open().count() == 1
    silent.channels.add(channel())
    assert told(T0 + MINUTE) == []


def test_what_the_api_or_a_person_wrote_cannot_add_lines_or_carry_a_secret():
    rule("mirror")
    go_blind(detail="Bearer anon_0123456789abcdef\r\nBcc: everybody@example.com")

    (message,) = told(T0 + 10 * MINUTE)
    assert "0123456789" not in str(message)
    assert "\n" not in message["title"]
    assert "\r" not in message["detail"]


def test_a_dispatch_that_dies_halfway_loses_nothing(monkeypatch):
    rule()
    failed = fails()
    real = AlertQuerySet.bulk_create

    def die(*args, **kwargs):
        real(*args, **kwargs)
        raise SystemExit("killed")

    monkeypatch.setattr(AlertQuerySet, "bulk_create", die)
    with pytest.raises(SystemExit):
        outbox.dispatch(T0)
    monkeypatch.undo()
    assert not Alert.objects.exists()

    def die_telling(*args, **kwargs):
        raise SystemExit("killed")

    monkeypatch.setattr(outbox, "_queue", die_telling)
    with pytest.raises(SystemExit):
        outbox.dispatch(T0)
    monkeypatch.undo()

    (message,) = told()
    assert ids(message) == [failed.api_id]


@pytest.mark.django_db(transaction=True)
def test_dispatchers_at_once_tell_each_change_once():
    rule(remind_minutes=60, cap=200)
    seen_at(T0)
    everybody = {fails(run=run()).api_id for _ in range(60)}
    failures: list[BaseException] = []

    def work(now) -> None:
        try:
            for _ in range(3):
                outbox.dispatch(now)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    def at_once(now):
        threads = [threading.Thread(target=work, args=(now,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures

    at_once(T0)
    named = [i for d in AlertDelivery.objects.filter(event="fired") for i in ids(d.message)]
    assert sorted(named) == sorted(everybody)
    assert not StatusChange.objects.filter(announced_at__isnull=True).exists()
    seen_at(T0 + 61 * MINUTE)
    at_once(T0 + 61 * MINUTE)
    assert AlertDelivery.objects.filter(event="reminder").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_change_that_another_dispatcher_has_claimed_is_left_to_it():
    """The claim is taken between our reading and our writing, which threads alone rarely hit."""
    made = rule()
    seen_at(T0)
    fails()
    moment = outbox.Moment.read(T0)
    real = outbox._claim

    def late(free, rows, **mark):
        with transaction.atomic():
            StatusChange.objects.update(announced_at=T0)
        real(free, rows, **mark)

    outbox._claim = late
    try:
        assert outbox.take_changes([made], moment) == 1
    finally:
        outbox._claim = real
    assert not Alert.objects.exists()


def test_old_alerts_and_deliveries_are_forgotten_but_not_what_still_matters():
    rule()
    open_one, over = fails(), fails()
    told()
    fails(over, to="COMPLETE", at=T0 + MINUTE)
    told(T0 + MINUTE)
    AlertDelivery.objects.update(created_at=T0, state="sent")
    waiting = AlertDelivery.objects.create(channel=channel(), event="test", message={}, created_at=T0)

    outbox.prune(T0 + 10 * MINUTE)
    assert list(Alert.objects.values_list("migration__api_id", flat=True)) == [open_one.api_id]
    assert AlertDelivery.objects.get() == waiting
