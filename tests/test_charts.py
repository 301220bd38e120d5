from xml.etree import ElementTree

import pytest

from dashboard import charts
from dashboard.charts import Bar, Column

pytestmark = pytest.mark.once
ORDER = ("COMPLETE", "FAILED")
NAMES = {"COMPLETE": "complete", "FAILED": "failed"}


def column(day: int = 1, **values: int) -> Column:
    hrefs = {key: f"/migrations/?status={key}&created_after=2026-11-{day:02}" for key in values}
    return Column(str(day), f"2026-11-{day:02}", values, hrefs)


@pytest.mark.parametrize(
    ("largest", "top", "step"),
    [
        (0, 1, 1),
        (1, 1, 1),
        (3, 3, 1),
        (4, 4, 1),
        (5, 6, 2),
        (47, 60, 20),
        (80, 80, 20),
        (81, 100, 50),
        (999, 1000, 500),
    ],
)
def test_the_axis_ends_at_a_round_number_with_at_most_four_steps(largest, top, step):
    assert charts.ceiling(largest) == (top, step)
    assert top >= largest
    assert top // step <= 4


def test_heights_are_in_the_ratio_of_the_numbers_and_problems_stand_on_top():
    chart = charts.stack([column(COMPLETE=60, FAILED=20)], ORDER, NAMES, width=360, height=200)
    complete, failed = chart.segments

    assert (complete.height + charts.GAP) / (failed.height + charts.GAP) == pytest.approx(3)
    assert failed.y < complete.y
    assert failed.y + failed.height + charts.GAP == pytest.approx(complete.y)
    assert complete.y + complete.height + charts.GAP == pytest.approx(200 - charts.BOTTOM)


def test_one_among_a_thousand_is_still_drawn_and_nothing_leaves_the_picture():
    columns = [column(day, COMPLETE=1000 * day, FAILED=1) for day in range(1, 31)]
    chart = charts.stack(columns, ORDER, NAMES, width=920, height=240)

    assert len(chart.segments) == 60
    assert min(s.height for s in chart.segments) >= 0.75
    assert min(s.y for s in chart.segments) >= charts.TOP - 1e-9
    assert max(s.x + s.width for s in chart.segments) <= 920 - charts.RIGHT
    assert max(s.y + s.height for s in chart.segments) <= 240 - charts.BOTTOM


def test_a_day_without_migrations_has_no_mark_but_keeps_its_place():
    chart = charts.stack([column(1, FAILED=2), column(2), column(3, FAILED=2)], ORDER, NAMES, width=360, height=200)
    first, last = chart.segments

    assert last.x - first.x == pytest.approx(2 * (360 - charts.RIGHT) / 3)
    assert [tick.label for tick in chart.ticks] == ["1", "2", "3"]


def test_of_thirty_days_every_second_is_labelled_and_today_always():
    chart = charts.stack([column(day) for day in range(1, 31)], ORDER, NAMES, width=920, height=240)

    assert [tick.label for tick in chart.ticks] == [str(day) for day in range(2, 31, 2)]


def test_every_mark_leads_to_the_list_behind_it_and_says_its_number():
    chart = charts.stack([column(23, FAILED=4)], ORDER, NAMES, width=360, height=200)
    root = ElementTree.fromstring(charts.draw(chart, "chart"))  # noqa: S314 (our own markup)
    (link,) = root.iter("a")
    (mark,) = link.iter("path")

    assert link.get("href") == "/migrations/?status=FAILED&created_after=2026-11-23"
    assert root.find("g").get("data-status") == "FAILED"
    assert mark.findtext("title") == "2026-11-23: 4 failed"


def test_what_the_api_invents_can_not_leave_its_attribute():
    evil = '"><script>alert(1)</script>'
    chart = charts.stack(
        [Column("1", "day", {evil: 1}, {evil: "/migrations/?status=" + evil})], [evil], {evil: evil},
        width=360, height=200,
    )  # fmt: skip
    markup = charts.draw(chart, "chart")

    assert "<script" not in markup
    (group,) = ElementTree.fromstring(markup).iter("g")  # noqa: S314 (our own markup)
    assert group.get("data-status") == evil
    assert "style" not in markup


def test_a_strip_keeps_the_newest_bar_at_the_right_end():
    chart = charts.strip([Bar(1.0, "good", "/syncs/1/", "one"), Bar(0.0, "bad", "/syncs/2/", "two")])
    old, new = chart.segments

    assert new.x + new.width + charts.GAP == pytest.approx(600)
    assert old.height == 40
    assert new.height == 4
    assert new.key == "bad"


def test_shares_fill_the_bar_in_the_given_order():
    chart = charts.shares({"FAILED": 1, "COMPLETE": 3}, ORDER, NAMES, {})
    complete, failed = chart.segments

    assert (complete.key, complete.x) == ("COMPLETE", 0)
    assert failed.x == pytest.approx(450)
    assert failed.x + failed.width + charts.GAP == pytest.approx(600)


def test_nothing_at_all_is_an_empty_picture_not_an_error():
    assert charts.stack([], ORDER, NAMES, width=360, height=200).segments == []
    assert charts.shares({}, ORDER, NAMES, {}).segments == []
    assert charts.strip([]).segments == []
