from datetime import timedelta

import pytest

from dashboard import durations
from migrations_sync.models import Source, StatusChange
from tests import factories
from tests.factories import T0

MINUTE = timedelta(minutes=1)


def minutes(*numbers: int) -> list[timedelta]:
    return [n * MINUTE for n in numbers]


def stay(status: str, company: str | None, length: timedelta) -> durations.Stay:
    return status, company, T0, T0 + length


@pytest.mark.parametrize(("share", "expected"), [(0.5, 10), (0.9, 18), (0.95, 19), (1, 20)])
def test_a_percentile_is_a_length_that_was_seen(share, expected):
    assert durations.at(minutes(*range(1, 21)), share) == expected * MINUTE


def test_one_stay_is_its_own_median():
    assert durations.at(minutes(7), 0.5) == 7 * MINUTE


def test_too_few_stays_say_nothing_about_what_is_usual():
    book = durations.summarise([stay("WORKING", "a", MINUTE)] * (durations.ENOUGH - 1))

    assert book.usual("WORKING") is None


def test_a_companys_own_stays_count_before_those_of_all():
    slow = [stay("WORKING", "slow", 60 * MINUTE)] * 20
    book = durations.summarise(slow + [stay("WORKING", None, MINUTE)] * 80 + [stay("WORKING", "few", MINUTE)])

    own, others = book.usual("WORKING", "slow"), book.usual("WORKING", "few")
    assert own
    assert others
    assert (own.n, own.median, own.company_id) == (20, 60 * MINUTE, "slow")
    assert (others.n, others.median, others.company_id) == (101, MINUTE, None)


@pytest.mark.django_db
class TestStays:
    """Which stays of the history count."""

    @pytest.fixture
    def one(self):
        return factories.migration(company_id="a", status="COMPLETE")

    def change(self, one, old, new, after, vague=timedelta(seconds=30), kind="status"):
        at = T0 + after
        return factories.change(one, new, old=old, at=at, not_before=at - vague, kind=kind)

    def found(self):
        return [(status, company, end - begin) for status, company, begin, end in durations.stays(Source.default())]

    def test_from_one_change_to_the_next(self, one):
        self.change(one, "NOT_STARTED", "WORKING", 0 * MINUTE)
        self.change(one, "WORKING", "PENDING_USER_INPUT", 5 * MINUTE)
        self.change(one, "PENDING_USER_INPUT", "COMPLETE", 12 * MINUTE)

        assert sorted(self.found()) == [("PENDING_USER_INPUT", "a", 7 * MINUTE), ("WORKING", "a", 5 * MINUTE)]

    def test_what_the_first_sweep_found_began_unseen(self, one):
        self.change(one, "WORKING", "COMPLETE", 5 * MINUTE)

        assert self.found() == []

    def test_a_new_migration_counts_from_when_it_was_first_seen(self, one):
        self.change(one, "", "NOT_STARTED", 0 * MINUTE, kind=StatusChange.Kind.FIRST_SEEN)
        self.change(one, "NOT_STARTED", "WORKING", 4 * MINUTE)

        assert self.found() == [("NOT_STARTED", "a", 4 * MINUTE)]

    @pytest.mark.parametrize("blind", ["begin", "end"])
    def test_a_stay_across_a_blind_spot_has_no_known_length(self, one, blind):
        hour = 60 * MINUTE
        self.change(one, "NOT_STARTED", "WORKING", 0 * MINUTE, vague=hour if blind == "begin" else MINUTE)
        self.change(one, "WORKING", "COMPLETE", 90 * MINUTE, vague=hour if blind == "end" else MINUTE)

        assert self.found() == []

    def test_going_and_coming_back_does_not_end_a_stay(self, one):
        self.change(one, "NOT_STARTED", "WORKING", 0 * MINUTE)
        self.change(one, "WORKING", "WORKING", 2 * MINUTE, kind=StatusChange.Kind.GONE)
        self.change(one, "WORKING", "WORKING", 4 * MINUTE, kind=StatusChange.Kind.RETURNED)
        self.change(one, "WORKING", "COMPLETE", 9 * MINUTE)

        assert self.found() == [("WORKING", "a", 9 * MINUTE)]

    def test_only_the_newest_changes_are_looked_at(self, one, monkeypatch):
        monkeypatch.setattr(durations, "NEWEST", 2)
        for number in range(10):
            self.change(one, f"S{number}", f"S{number + 1}", number * MINUTE)

        assert sorted(status for status, *_ in self.found()) == ["S8", "S9"]
