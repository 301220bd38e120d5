import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import paste

pytestmark = pytest.mark.once
UUID = "8f3a21c0-1b1e-4f5c-9d2e-7a6b5c4d3e2f"


def words(text: str) -> list[str]:
    return [word.text for word in paste.read(text).words]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (UUID, [UUID]),
        (f"  {UUID.upper()}.", [UUID]),
        (f"Hi, ({UUID}), thanks!", ["Hi", UUID, "thanks"]),
        (f"migration:{UUID}", [UUID]),
        (f"https://host/m/{UUID}?at=2026-11-25T10:16:05Z).", [UUID]),
        (f"see https://host/migrations/{UUID}/.", [UUID, "see"]),
        ("https://host/migrations/a%2Fb%20c/", ["a/b c"]),
        ("https://vendor.example/app/jobs/job_123456?tab=1#x", ["job_123456"]),
        (f"/m/{UUID}", [UUID]),
        ("user maria@example.com, company “acme-7”", ["user", "maria@example.com", "company", "acme-7"]),
        ("8f3a21c0…", ["8f3a21c0"]),
        ("http://[x one", ["one"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_what_is_pasted_is_taken_apart(text, expected):
    assert words(text) == expected


def test_a_line_is_kept_whole_beside_its_words():
    assert paste.read("legacy file 7\nacme").lines == ("legacy file 7", "acme")


@pytest.mark.parametrize("word", [UUID, "abcdef1234567890", "mig_000017", "gone-0001"])
def test_what_looks_like_an_id(word):
    assert paste.looks_like_an_id(word)


@pytest.mark.parametrize(
    "word",
    ["hello", "2026-11-25", "25.11.2026", "2026-11-25T10:00:00Z", "10:16:05", "12345678", "a1", "x9@mail.example"],
)
def test_what_does_not(word):
    assert not paste.looks_like_an_id(word)


def test_a_long_text_gives_its_ids_before_its_words():
    text = " ".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)} " for n in range(200)) + UUID

    found = paste.read(text)

    assert [word.text for word in found.words] == [UUID]


def test_more_than_can_be_looked_for_is_cut_and_says_so():
    found = paste.read(" ".join(f"migration-{n:04d}" for n in range(100)))

    assert len(found.words) == paste.MOST
    assert found.cut


@given(st.text(max_size=500))
def test_nothing_that_is_pasted_breaks_it(text):
    found = paste.read(text)

    assert all(0 < len(each) <= 255 and "\0" not in each for each in found.texts)
