import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_sync.client.envelope import ROWS, read_list, read_one

pytestmark = pytest.mark.once

A, B = {"id": "a"}, {"id": "b"}
SIGNS = ["pagination", "total", "count", "has_more", "has_next", "next", "next_page", "pages", "total_pages"]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ROWS, *SIGNS, "id"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("answer", "shape", "total", "has_more"),
    [
        ([A, B], "array", None, None),
        ({"object": "list", "data": [A, B]}, "data", None, None),
        ({"object": "list", "data": [A, B], "has_more": True}, "data", None, True),
        ({"object": "list", "data": [A, B], "has_more": False}, "data", None, False),
        ({"items": [A, B], "total": 5, "page": 2, "page_size": 2, "pages": 3}, "items", 5, True),
        ({"items": [A, B], "total": 4, "page": 2, "size": 2, "pages": 2}, "items", 4, False),
        ({"items": [A, B], "total": 5, "page": 2, "page_size": 2}, "items", 5, None),
        ({"migrations": [A, B]}, "migrations", None, None),
        ({"results": [A, B], "count": 9, "next": "https://host/migrations?page=3"}, "results", 9, True),
        ({"results": [A, B], "count": 4, "next": None}, "results", 4, False),
        ({"data": [A, B], "pagination": {"page": 2, "total": 5, "total_pages": 3}}, "data", 5, True),
        ({"data": [A, B], "pagination": {"total_count": 5, "next_page": None}}, "data", 5, False),
        ({"data": [A, B], "pagination": {"has_next": True}}, "data", None, True),
    ],
)
def test_every_usual_shape_of_a_list_is_read(answer, shape, total, has_more):
    assert read_list(answer, 2) == ([A, B], shape, total, has_more)


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (None, "null instead of a list"),
        ("[]", "a text instead of a list"),
        (7, "a number instead of a list"),
        (True, "a boolean instead of a list"),
        ({}, "no list"),
        ({"detail": "Not authenticated"}, "no list"),
        ({"error": {"message": "later"}}, "no list"),
        ({"data": None}, "no list"),
        ({"data": {"id": "a"}}, "no list"),
        ({"data": {"items": [A]}}, "no list"),
        ({"unknown": [A]}, "no list"),
        ({"data": [A], "items": [B]}, "several lists"),
        ({"object": "list", "data": [], "has_more": True}, "empty page that says more pages follow"),
        ({"items": [], "pages": 3}, "empty page that says more pages follow"),
    ],
)
def test_anything_else_is_refused_instead_of_being_taken_for_an_empty_list(answer, what):
    with pytest.raises(ValueError, match=what):
        read_list(answer, 2)


@pytest.mark.parametrize("total", [1, -1, True, "5", 5.0, None, 10**30])
def test_a_nonsensical_total_is_no_total(total):
    assert read_list({"items": [A, B], "total": total}, 1).total is None


@pytest.mark.parametrize(
    "sign", [{"has_more": "false"}, {"has_more": 0}, {"pages": 0}, {"pages": "2"}, {"pages": True}]
)
def test_a_nonsensical_sign_says_nothing_about_more_pages(sign):
    assert read_list({"data": [A]} | sign, 1).has_more is None


def test_an_explicit_flag_outweighs_the_other_signs():
    assert (
        read_list({"data": [A], "has_more": False, "next": "/?page=2", "pages": 9, "total": 900}, 1).has_more is False
    )


@pytest.mark.parametrize("answer", [A, {"data": A}, {"migration": A}, {"object": "migration", **A}])
def test_one_migration_is_read_bare_and_in_an_envelope(answer):
    assert read_one(answer, "a")["id"] == "a"


@pytest.mark.parametrize("answer", [B, {"data": B}, [A], None, {}, "a", {"data": [A]}, {"id": None}])
def test_an_answer_without_the_migration_that_was_asked_for_is_refused(answer):
    with pytest.raises(ValueError, match="migration"):
        read_one(answer, "a")


@given(json_values)
def test_no_json_value_is_an_error_of_another_kind(answer):
    with contextlib.suppress(ValueError):
        listing = read_list(answer, 2)
        assert listing.rows or listing.has_more is not True
    with contextlib.suppress(ValueError):
        assert read_one(answer, "a")["id"] == "a"
