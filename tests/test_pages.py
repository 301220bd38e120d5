from datetime import UTC, datetime

import pytest

from migrations_sync.client.pages import REPEATED_END, SHORT_OF_TOTAL, Horizon, Page, until_the_end
from migrations_sync.exceptions import InvalidPage, NotFoundError

pytestmark = pytest.mark.once

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EMPTY: tuple[str, ...] = ()


def page(number, ids, *, total=None, has_more=None):
    return Page(number, [{"id": api_id} for api_id in ids], NOW, "data", total, has_more, 100)


class Reader:
    """Runs pages of ids through ``until_the_end``, and says what came out, what was asked and what was noted."""

    def __init__(self, *pages, first=1, max_pages=100, still_served=lambda: None, **signs):
        self.asked = 0
        self.notes = []
        self.read = []
        self.run = until_the_end(
            self._results(pages, first, signs),
            first=first,
            max_pages=max_pages,
            still_served=still_served,
            note=self.notes.append,
        )

    def _results(self, pages, first, signs):
        for number, content in enumerate(pages, first):
            self.asked += 1
            yield content if isinstance(content, Exception | Page) else page(number, content, **signs)

    def all(self):
        self.read.extend("".join(row["id"] for row in read.rows) for read in self.run)
        return self.read


def test_an_empty_page_is_the_end():
    assert Reader("ab", "cd", EMPTY, "never").all() == ["ab", "cd"]


def test_an_empty_first_page_is_an_empty_list():
    assert Reader(EMPTY, "never").all() == []


def test_a_short_page_is_not_the_end():
    assert Reader("abc", "d", "efg", EMPTY).all() == ["abc", "d", "efg"]


def test_an_explicit_sign_is_the_end_even_against_a_larger_total():
    reader = Reader(page(1, "ab", has_more=True), page(2, "cd", has_more=False, total=500), "never")

    assert reader.all() == ["ab", "cd"]
    assert reader.asked == 2


def test_a_404_behind_a_good_page_is_the_end_while_the_list_is_served():
    assert Reader("ab", "cd", NotFoundError("404")).all() == ["ab", "cd"]


def test_a_404_is_no_end_when_the_whole_list_has_gone():
    def not_served():
        raise NotFoundError("GET /migrations?page=1: 404")

    reader = Reader("ab", NotFoundError("404"), still_served=not_served)

    with pytest.raises(NotFoundError, match="page=1"):
        reader.all()
    assert reader.read == ["ab"]


def test_a_404_for_the_first_page_is_an_error():
    with pytest.raises(NotFoundError):
        Reader(NotFoundError("GET /migrations?page=1: 404")).all()


def test_one_repeated_page_is_no_end_when_other_rows_follow():
    reader = Reader("ab", "ab", "cd", EMPTY)

    assert reader.all() == ["ab", "ab", "cd"]
    assert reader.notes == []


def test_a_page_repeated_in_another_order_is_a_repeat():
    assert Reader("abc", "d", "d", EMPTY).all() == ["abc", "d"]
    with pytest.raises(InvalidPage):
        Reader("abc", "cab", "bca").all()


def test_a_short_last_page_that_comes_for_every_later_number_is_the_end_and_is_noted():
    reader = Reader("abc", "def", "g", "g", "g", "never")

    assert reader.all() == ["abc", "def", "g"]
    assert reader.asked == 5
    assert reader.notes == [REPEATED_END]


def test_a_full_page_that_comes_again_and_again_is_a_stuck_server():
    reader = Reader("abc", "def", "def", "def")

    with pytest.raises(InvalidPage, match=r"page=4: pages 3 and 4 repeat page 2"):
        reader.all()


def test_a_first_page_that_comes_again_and_again_is_an_ignored_page_number():
    with pytest.raises(InvalidPage, match="ignore the page number"):
        Reader("a", "a", "a").all()


def test_a_repeated_page_is_the_end_when_all_of_the_total_has_come():
    reader = Reader("abc", "abc", "abc", total=3)

    assert reader.all() == ["abc"]
    assert reader.notes == [REPEATED_END]


def test_a_repeated_short_page_is_no_end_when_a_sign_says_more():
    with pytest.raises(InvalidPage):
        Reader("abc", "d", "d", "d", has_more=True).all()


def test_pages_of_unreadable_rows_are_told_apart():
    pages = [Page(n, [None, n, {"id": None, "n": n}], NOW, "array", None, None, 100) for n in (1, 2, 3)]

    assert list(until_the_end([*pages, page(4, EMPTY)], first=1, max_pages=9, still_served=int, note=print)) == pages


def test_a_list_without_end_is_given_up_by_name():
    reader = Reader(*("abcdefgh"), max_pages=5)

    with pytest.raises(InvalidPage, match=r"page=5: the list has not ended after 5 pages"):
        reader.all()
    assert reader.asked == 5


def test_a_list_far_short_of_its_total_is_noted():
    assert Reader("ab", "cd", EMPTY, total=4).all()
    reader = Reader("ab", "cd", EMPTY, total=7)
    reader.all()
    assert reader.notes == [SHORT_OF_TOTAL]


def test_reading_may_start_at_a_later_page():
    reader = Reader("ef", EMPTY, first=3, total=6)

    assert reader.all() == ["ef"]
    assert reader.notes == []


def learned(*pages):
    horizon = Horizon(1, 1000)
    for each in pages:
        horizon.learn(each.number, each)
    return horizon


def furthest(horizon):
    return max((number for number in range(1, 1001) if horizon.allows(number)), default=0)


def test_before_the_first_page_nothing_else_is_worth_asking():
    assert furthest(learned()) == 1


def test_after_a_page_without_signs_everything_is_worth_asking():
    assert furthest(learned(page(1, "abc"))) == 1000


def test_a_total_bounds_what_is_worth_asking():
    assert furthest(learned(page(1, "abc", total=10))) == 4


def test_nothing_behind_an_explicit_or_empty_end_is_worth_asking():
    assert furthest(learned(page(1, "abc"), page(7, "ab", has_more=False))) == 7
    assert furthest(learned(page(1, "abc"), page(9, EMPTY), page(8, EMPTY))) == 8


def test_a_short_page_holds_reading_ahead_until_a_page_behind_it_comes():
    first, short, behind = page(1, "abc"), page(4, "d"), page(5, "efg")

    assert furthest(learned(first, short)) == 4
    assert furthest(learned(first, short, behind)) == 1000


def test_short_pages_say_nothing_once_one_was_not_the_last():
    assert furthest(learned(page(1, "abc"), page(2, "d"), page(3, "ef"), page(4, "g"))) == 1000


def test_the_short_page_again_does_not_lift_the_doubt():
    assert furthest(learned(page(1, "abc"), page(4, "d"), page(5, "d"))) == 4
