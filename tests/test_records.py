import contextlib
import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_sync import records
from migrations_sync.exceptions import InvalidRecord
from migrations_sync.records import identify, oddities, parse

pytestmark = pytest.mark.once

DOCUMENTED_ROW = {
    "object": "migration",
    "id": "0d1c9f3e-7a52-4d6c-9a3b-5f1e2d3c4b5a",
    "created": "2025-12-02T23:51:49.807119",
    "status": "WORKING",
    "created_by_user_id": "9876543210fedcba",
    "company_id": "abcdef1234567890",
}


def row(**changes: object) -> dict[str, object]:
    return {**DOCUMENTED_ROW, **changes}


def row_without(name: str) -> dict[str, object]:
    return {key: value for key, value in DOCUMENTED_ROW.items() if key != name}


def fingerprint(value: object) -> int:
    return identify(value)[1]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=64)


almost_anything = st.none() | st.just("") | st.text(max_size=80) | texts | st.integers()


almost_rows = st.fixed_dictionaries(
    {
        "object": st.just("migration") | almost_anything,
        "created": st.just("2025-12-02T23:51:49") | almost_anything,
        **dict.fromkeys(("id", "status", "created_by_user_id", "company_id"), texts | almost_anything),
    }
)


@given(almost_rows)
def test_the_short_way_to_read_a_plain_row_says_what_the_long_one_says(value: dict[str, object]):
    try:
        short = records._parse_plain(value, 7)
    except InvalidRecord as error:
        with pytest.raises(InvalidRecord, match=re.escape(str(error))):
            records._parse_any(value, 7)
    else:
        assert short is None or short == records._parse_any(value, 7)


def test_a_documented_row_becomes_a_record_with_real_types():
    record = parse(DOCUMENTED_ROW)

    assert record.id == "0d1c9f3e-7a52-4d6c-9a3b-5f1e2d3c4b5a"
    assert record.created == datetime(2025, 12, 2, 23, 51, 49, 807119, tzinfo=UTC)
    assert record.created_raw == "2025-12-02T23:51:49.807119"
    assert record.status == "WORKING"
    assert record.company_id == "abcdef1234567890"
    assert record.created_by_user_id == "9876543210fedcba"
    assert record.payload == ""
    assert (record.id, record.fingerprint) == identify(DOCUMENTED_ROW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-12-02T23:51:49.807119", datetime(2025, 12, 2, 23, 51, 49, 807119, UTC)),
        ("2023-11-07T05:31:56Z", datetime(2023, 11, 7, 5, 31, 56, 0, UTC)),
        ("2023-11-07t05:31:56z", datetime(2023, 11, 7, 5, 31, 56, 0, UTC)),
        ("2023-11-09T12:00:00.000Z", datetime(2023, 11, 9, 12, 0, 0, 0, UTC)),
        ("2023-11-09 12:00:00.5", datetime(2023, 11, 9, 12, 0, 0, 500000, UTC)),
        ("2025-01-01T12:00:01.000000+00:00", datetime(2025, 1, 1, 12, 0, 1, 0, UTC)),
        ("2025-01-01T00:30:00+05:30", datetime(2024, 12, 31, 19, 0, 0, 0, UTC)),
        ("2025-01-01T00:30:00-0800", datetime(2025, 1, 1, 8, 30, 0, 0, UTC)),
        ("2025-01-01T12:00:00.123456789Z", datetime(2025, 1, 1, 12, 0, 0, 123456, UTC)),
        ("2025-01-01T12:00", datetime(2025, 1, 1, 12, 0, 0, 0, UTC)),
        ("2999-12-31T23:59:59", datetime(2999, 12, 31, 23, 59, 59, 0, UTC)),
    ],
)
def test_a_time_is_read_in_every_form_the_vendor_shows_and_is_utc_without_an_offset(text, expected):
    record = parse(row(created=text))

    assert record.created == expected
    assert record.created.utcoffset().total_seconds() == 0
    assert record.created_raw == text


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2025-13-01T00:00:00",
        "2025-02-29T00:00:00",
        "2025-12-02",
        "20251202T235149",
        "2025-W49-2T23:51:49",
        "2025-12-02x23:51:49",
        "2025-12-02T23",
        "2025-12-02T25:00:00",
        " 2025-12-02T23:51:49",
        "２０２５-12-02T23:51:49",
        "1764719509",
        "0001-01-01T00:00:00+12:00",
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T23:59:59",
    ],
)
def test_a_time_that_would_be_a_guess_is_refused_by_name_and_value(text):
    with pytest.raises(InvalidRecord) as refused:
        parse(row(created=text))

    assert "created" in str(refused.value)
    assert ascii(text) in str(refused.value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "a boolean"),
        (1764719509, "a number"),
        (1.5, "a number"),
        (None, "null"),
        ([], "a list"),
        ("", "empty"),
    ],
)
@pytest.mark.parametrize("name", ["id", "created", "status"])
def test_a_field_the_mirror_lives_by_must_be_a_text(name, value, kind):
    with pytest.raises(InvalidRecord, match=f"^{name} is {kind}$"):
        parse(row(**{name: value}))


@pytest.mark.parametrize("name", ["id", "created", "status"])
def test_a_missing_field_the_mirror_lives_by_is_named(name):
    with pytest.raises(InvalidRecord, match=f"^{name} is missing$"):
        parse(row_without(name))


@pytest.mark.parametrize(
    ("name", "longest"), [("id", 255), ("status", 64), ("company_id", 255), ("created_by_user_id", 255)]
)
def test_a_value_is_kept_up_to_its_longest_length_and_refused_beyond(name, longest):
    assert getattr(parse(row(**{name: "ü" * longest})), name) == "ü" * longest
    with pytest.raises(InvalidRecord, match=f"^{name} is longer than {longest} characters: .{{1,80}}$"):
        parse(row(**{name: "ü" * (longest + 1)}))


@pytest.mark.parametrize("name", ["id", "status", "company_id", "created_by_user_id"])
@pytest.mark.parametrize("value", ["a\0b", "a\ud800b"])
def test_a_text_no_database_can_hold_is_refused_and_shown_harmlessly(name, value):
    with pytest.raises(InvalidRecord) as refused:
        parse(row(**{name: value}))

    assert name in str(refused.value)
    assert str(refused.value).isascii()
    assert "\0" not in str(refused.value)


@pytest.mark.parametrize("name", ["company_id", "created_by_user_id"])
def test_no_company_and_no_user_may_be_said_by_null_by_nothing_and_by_leaving_out(name):
    for value in (row(**{name: None}), row(**{name: ""}), row_without(name)):
        assert getattr(parse(value), name) is None


@pytest.mark.parametrize("name", ["company_id", "created_by_user_id"])
def test_a_company_or_user_that_is_no_text_is_refused(name):
    with pytest.raises(InvalidRecord, match=f"^{name} is a number, not a text$"):
        parse(row(**{name: 7}))


@pytest.mark.parametrize("value", [None, [], "id", 7, True])
def test_a_row_that_is_no_object_is_refused(value):
    for read in (identify, parse):
        with pytest.raises(InvalidRecord, match="not an object"):
            read(value)


def test_the_payload_holds_what_the_fields_do_not_say_and_only_then():
    assert parse(row(company_id=None)).payload == ""
    for odd in (row(progress=0.5), row(company_id=""), row(object="job"), row_without("company_id")):
        assert json.loads(parse(odd).payload) == odd


def test_the_payload_is_ascii_so_that_no_database_refuses_it():
    payload = parse(row(note="naïve \0 \ud800")).payload

    assert payload.isascii()
    assert "\0" not in payload


def test_the_fingerprint_is_the_same_in_every_process_and_for_every_order_of_the_fields():
    assert fingerprint(DOCUMENTED_ROW) == -6585364417160966336
    assert fingerprint(dict(reversed(DOCUMENTED_ROW.items()))) == fingerprint(DOCUMENTED_ROW)
    extended = row(progress={"b": 1, "a": 2})
    assert fingerprint(row(progress={"a": 2, "b": 1})) == fingerprint(extended)


def test_the_fingerprint_tells_rows_apart_that_join_to_the_same_text():
    rows = [
        DOCUMENTED_ROW,
        row(company_id=None),
        row(company_id=""),
        row(company_id="null"),
        row_without("company_id"),
        row(status="WORKING\0x", created_by_user_id="y"),
        row(status="WORKING", created_by_user_id="x\0y"),
        row(status=1),
        row(status="1"),
        row(extra=None),
    ]
    assert len({fingerprint(each) for each in rows}) == len(rows)


@given(texts, texts, st.none() | texts)
def test_a_documented_row_can_be_written_down_again_from_its_record(status, user, company):
    record = parse(row(status=status, created_by_user_id=user, company_id=company))

    assert (record.status, record.created_by_user_id, record.company_id) == (status, user, company)
    assert -(2**63) <= record.fingerprint < 2**63
    assert record.fingerprint == fingerprint(row(status=status, created_by_user_id=user, company_id=company))


@given(json_values)
def test_no_json_value_raises_anything_but_invalid_record(value):
    for read in (identify, parse, oddities):
        with contextlib.suppress(InvalidRecord):
            read(value)


@given(st.dictionaries(st.sampled_from([*DOCUMENTED_ROW, "extra"]), json_values))
def test_no_value_in_any_field_raises_anything_but_invalid_record(changes):
    changed = row(**changes)
    try:
        record = parse(changed)
    except InvalidRecord:
        return
    assert record.created.tzinfo is UTC
    assert record.fingerprint == fingerprint(changed)
    assert all(len(oddity) < 120 for oddity in oddities(changed))


def test_a_documented_row_has_no_oddities():
    assert oddities(DOCUMENTED_ROW) == ()
    assert oddities(row(company_id=None)) == ()


def test_oddities_name_what_differs_from_the_documentation():
    odd = {**row_without("company_id"), "object": "job", "created_by_user_id": None, "progress": 0.5}

    assert oddities(odd) == (
        "company_id is missing",
        "created_by_user_id is null",
        "object is 'job'",
        "undocumented field 'progress'",
    )
    assert oddities(row(company_id="")) == ("company_id is empty",)


def test_a_row_with_endless_new_fields_has_a_bounded_number_of_oddities():
    assert len(oddities(row(**{f"field{n}": n for n in range(1000)}))) == 20
