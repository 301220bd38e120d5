from datetime import timedelta

import pytest

from dashboard.alerts import rules
from dashboard.models import AlertRule
from migrations_sync.models import StatusChange
from tests.factories import T0

pytestmark = pytest.mark.once

MINUTE = timedelta(minutes=1)


def rule(kind: str, **fields: object) -> AlertRule:
    return AlertRule(name=kind, kind=kind, **fields)


def change(new: str, kind: str = "status") -> StatusChange:
    return StatusChange(kind=kind, new=new, observed_at=T0, not_before=T0)


@pytest.mark.parametrize(
    ("asked", "happened", "told"),
    [
        (rule("status"), change("FAILED"), True),
        (rule("status"), change("FAILED", "first_seen"), True),
        (rule("status"), change("COMPLETE"), False),
        (rule("status", statuses=["COMPLETE"]), change("COMPLETE"), True),
        (rule("status", statuses=["FAILED"]), change("FAILED", "gone"), False),
        (rule("status", company_id="other"), change("FAILED"), False),
        (rule("unknown"), change("working"), True),
        (rule("unknown"), change("WORKING"), False),
        (rule("gone"), change("FAILED", "gone"), True),
        (rule("gone"), change("FAILED"), False),
        (rule("company", company_id="company-1"), change("NOT_READY", "returned"), True),
        (rule("company", company_id="company-2"), change("NOT_READY"), False),
        (rule("running"), change("WORKING"), False),
    ],
)
def test_a_rule_wants_what_its_kind_says(asked, happened, told):
    assert rules.wants(asked, happened, "company-1") is told


def test_a_migration_without_company_is_of_no_company():
    assert not rules.wants(rule("company", company_id="c"), change("FAILED"), None)


def test_time_that_was_not_seen_does_not_count_as_waiting():
    hour = timedelta(hours=1)
    blind = [(T0 - 30 * MINUTE, T0 - 10 * MINUTE), (T0 - 90 * MINUTE, T0 - 80 * MINUTE)]

    assert rules.lasted_until(T0, hour, []) == T0 - hour
    assert rules.lasted_until(T0, 10 * MINUTE, blind) == T0 - 10 * MINUTE
    assert rules.lasted_until(T0, 11 * MINUTE, blind) == T0 - 31 * MINUTE
    assert rules.lasted_until(T0, hour, blind) == T0 - hour - 20 * MINUTE
    assert rules.lasted_until(T0, hour + MINUTE, blind) == T0 - hour - 31 * MINUTE
    assert rules.lasted_until(T0, hour, [(T0 - 5 * MINUTE, T0 + hour)]) == T0 - hour - 5 * MINUTE
