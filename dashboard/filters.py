"""What a list of migrations can be narrowed by, read strictly from an address: what can't be used is an error,
never silently all migrations.

``read`` gives a ``Choice``; ``listing`` turns its criteria into branches that an index serves each.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from django import forms
from django.db import connection
from django.db.models import Q
from django.http import QueryDict

from dashboard import times
from dashboard.paging import Cursor, Listing, Order
from dashboard.preferences import PAGE_SIZES
from dashboard.written import Values
from migrations_sync import statuses
from migrations_sync.models import Migration, Source
from migrations_sync.querysets import MigrationQuerySet

ORDERS = {
    "created": ("created", "id"),
    "status": ("status", "created", "id"),
    "company": ("company_id", "created", "id"),
    "user": ("created_by_user_id", "created", "id"),
    "changed": ("changed_at", "id"),
}
NEWEST_FIRST = "-created"
PREFIX_FROM = 4  # characters; a shorter beginning of an id says nothing and finds too much
PAGING = ("after", "before")
# What lists of one shape differ in.
_TEXTS = ("company", "user", "q")
_MOMENTS = ("created_after", "created_before", "changed_after")
NOT_KEPT = (*PAGING, "_export")  # what a link to the same list leaves out


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which migrations. Empty: all. Times are UTC; ``longer`` is how long they have been in their status."""

    statuses: tuple[str, ...] = ()
    company: str = ""
    user: str = ""
    q: str = ""
    created_after: datetime | None = None
    created_before: datetime | None = None
    changed_after: datetime | None = None
    longer: timedelta | None = None
    attention: bool = False
    unknown: bool = False
    no_company: bool = False
    gone: bool | None = None

    @property
    def apart_from_status(self) -> bool:
        """Whether something beside the status narrows the list."""
        dates = (self.created_after, self.created_before, self.changed_after, self.longer)
        criteria = (self.company, self.no_company, self.user, self.q, *dates)
        return any(criteria) or self.gone is not None


@dataclass(frozen=True, slots=True)
class Choice:
    """What an address asks for. ``given``: its usable and unusable parameters as they came, without empty ones.

    ``export``: the format of a file, or empty for a page.
    While there are ``errors`` (a sentence or more by parameter) nothing may be listed.
    """

    criteria: Criteria
    sort: str
    order: Order
    per_page: int
    cursor: Cursor
    export: str
    given: list[tuple[str, str]]
    errors: dict[str, list[str]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    @property
    def relative(self) -> bool:
        """Whether the list changes with the clock alone."""
        return bool(self.criteria.longer) or any(
            times.is_relative(value) for name, value in self.given if name.startswith(("created_", "changed_"))
        )


class MomentField(forms.Field):
    """A time as ``dashboard.times`` reads it."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        super().__init__(required=False)

    def to_python(self, value: Any) -> Any:
        at = _or_error(times.moment, value, now=self.now)
        if at and at.year == MAXYEAR:  # the day after would be later than any time
            raise forms.ValidationError(f"Use a time before the year {MAXYEAR}.")
        return at


class LengthField(forms.Field):
    """A length of time as ``dashboard.times`` reads it."""

    def to_python(self, value: Any) -> Any:
        return _or_error(times.length, value)


def _or_error(read: Callable[..., Any], text: str | None, **given: Any) -> Any:
    try:
        return read(text, **given) if text and text.strip() else None
    except ValueError as error:
        raise forms.ValidationError(str(error)) from error


# Every parameter of a list; what the times and the statuses may be depends on the request.
FIELDS: dict[str, forms.Field | None] = {
    "company": forms.CharField(required=False, max_length=255),
    "user": forms.CharField(required=False, max_length=255),
    "q": forms.CharField(required=False, max_length=255),
    "longer": LengthField(required=False),
    "attention": forms.ChoiceField(required=False, choices=[("1", "yes")]),
    "no_company": forms.ChoiceField(required=False, choices=[("1", "yes")]),
    "unknown": forms.ChoiceField(required=False, choices=[("1", "yes")]),
    "gone": forms.ChoiceField(required=False, choices=[("1", "yes"), ("0", "no")]),
    "sort": forms.ChoiceField(
        required=False,
        choices=[(sign + name, name) for name in ORDERS for sign in ("", "-")],
        error_messages={"invalid_choice": f"Use one of {', '.join(ORDERS)}."},
    ),
    "per_page": forms.ChoiceField(
        required=False,
        choices=[(n, n) for n in PAGE_SIZES],
        error_messages={"invalid_choice": f"Use one of {', '.join(map(str, PAGE_SIZES))}."},
    ),
    "_export": forms.ChoiceField(
        required=False,
        choices=[("csv", "CSV"), ("json", "JSON")],
        error_messages={"invalid_choice": "Use csv or json."},
    ),
    "after": forms.CharField(required=False, max_length=1000),
    "before": forms.CharField(required=False, max_length=1000),
    "created_after": None,
    "created_before": None,
    "changed_after": None,
    "status": None,
}


@dataclass(slots=True)
class _Reading:
    """Reads what ``query`` holds, and only that: a form of all fields takes longer than the page's rows.

    ``seen``: every status that a migration ever had here, and the documented ones.
    """

    query: QueryDict
    seen: set[str]
    now: datetime
    data: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)

    def read(self) -> None:
        for name, known in FIELDS.items():
            if name in self.query:
                self._clean(name, known or self._field(name))
        first, last = self.data.get("created_after"), self.data.get("created_before")
        if first and last and first >= last:
            self.errors["created_before"] = ["This is not later than the beginning: nothing lies between."]
        if self.data.get("company") and self.data.get("no_company"):
            self.errors["no_company"] = ["There is a company to look for, too: no migration has one and none."]
        sort = self.data["sort"] = self.data.get("sort") or NEWEST_FIRST
        self.data["order"] = Order(ORDERS[sort.lstrip("-")], descending=sort.startswith("-"))
        self.data["cursor"] = Cursor()
        for name in PAGING:
            if word := self.data.get(name):
                self._read_cursor(name, word)

    def _field(self, name: str) -> forms.Field:
        if name == "status":
            return forms.MultipleChoiceField(required=False, choices=[(s, s) for s in self.seen])
        return MomentField(self.now)

    def _clean(self, name: str, known: forms.Field) -> None:
        value = self.query.getlist(name) if name == "status" else self.query[name]
        if name != "status" and len(set(self.query.getlist(name))) > 1:
            self.errors[name] = ["It is there more than once, and can only have one value."]
            return
        try:
            self.data[name] = known.clean(value)
        except forms.ValidationError as error:
            # A status that was mistyped is met with the nearest one there is.
            wrong = [status for status in self.query.getlist(name) if status not in self.seen]
            self.errors[name] = list(map(self._no_such_status, wrong)) if name == "status" else error.messages

    def _read_cursor(self, name: str, word: str) -> None:
        try:
            self.data["cursor"] = Cursor.decode(word, self.data["order"], backwards=name == "before")
        except ValueError as error:
            self.errors[name] = [str(error)]

    def _no_such_status(self, value: str) -> str:
        near = get_close_matches(value.upper(), self.seen, n=1)
        hint = f" Do you mean {near[0]}?" if near else ""
        return f"No migration here has ever been “{value[:64]}”.{hint}"


def read(query: QueryDict, *, seen: Iterable[str], now: datetime, per_page: int) -> Choice:
    """What ``query`` asks for. ``per_page``: where it does not say. ``seen``: every status that there ever was."""
    reading = _Reading(query, {*statuses.DOCUMENTED, *seen}, now)
    reading.read()
    data = reading.data
    return Choice(
        criteria=_criteria(data),
        sort=data["sort"],
        order=data["order"],
        per_page=int(data.get("per_page") or per_page),
        cursor=data["cursor"],
        export=data.get("_export", ""),
        given=[(n, v) for n in FIELDS if n not in NOT_KEPT for v in query.getlist(n) if v.strip()],
        errors=reading.errors,
        unknown=tuple(n for n in query if n not in FIELDS),
    )


def _criteria(data: dict[str, Any]) -> Criteria:
    return Criteria(
        statuses=tuple(dict.fromkeys(data.get("status", ()))),
        company=data.get("company", ""),
        user=data.get("user", ""),
        q=data.get("q", ""),
        created_after=data.get("created_after"),
        created_before=data.get("created_before"),
        changed_after=data.get("changed_after"),
        longer=data.get("longer"),
        attention=data.get("attention") == "1",
        unknown=data.get("unknown") == "1",
        no_company=data.get("no_company") == "1",
        gone={"1": True, "0": False}.get(data.get("gone", "")),
    )


def branches(criteria: Criteria, now: datetime, *, seen: Iterable[str], source: Source) -> list[MigrationQuerySet]:
    """Querysets without a common row that together are what ``criteria`` ask for, each served by one index.

    Several statuses are several branches: no database merges parts of an index by another column by itself.
    ``seen``: every status that a migration ever had here.
    """
    searched = _searched(_narrowed(criteria, now), criteria.q, source)
    if criteria.user or criteria.q:  # few rows, whatever their status
        return [rows.filter(condition) for rows in searched for condition in [_status_condition(criteria, seen)]]
    return [part for rows in searched for part in _by_status(rows, criteria, seen)]


def listing(criteria: Criteria, *, seen: Iterable[str], source: Source, now: datetime) -> Listing:
    """``branches`` to page through, written once for all criteria that differ in their values alone."""
    seen = frozenset(seen)

    def filled(stand_ins: Values) -> list[MigrationQuerySet]:
        return branches(*with_values(criteria, stand_ins, now), seen=seen, source=source)

    def every(stand_ins: Values) -> MigrationQuerySet:
        of_any_status = replace(criteria, statuses=(), attention=False, unknown=False)
        return together(*with_values(of_any_status, stand_ins, now), seen=seen, source=source)

    return Listing(
        shape(criteria, seen, source),
        values(criteria, now),
        filled,
        few=every if criteria.user or criteria.q else None,
        some=_status_condition(criteria, seen),
    )


def values(criteria: Criteria, now: datetime) -> dict[str, Any]:
    """What fills the statement that asks for ``criteria`` at ``now``."""
    given = {name: value for name in (*_TEXTS, *_MOMENTS) if (value := getattr(criteria, name))}
    if len(criteria.q) < PREFIX_FROM:  # looked up otherwise, so it belongs to the shape
        given.pop("q", None)
    if criteria.longer:
        given["since"] = now - criteria.longer
    return given


def with_values(criteria: Criteria, given: Values, now: datetime) -> tuple[Criteria, datetime]:
    """``criteria`` and ``now`` with others in place of their ``values``."""
    if criteria.longer:
        now = given["since"] + criteria.longer
    return replace(criteria, **{name: value for name, value in given.items() if name in (*_TEXTS, *_MOMENTS)}), now


def shape(criteria: Criteria, seen: Iterable[str], source: Source) -> Hashable:
    """All but the ``values`` and their names that the statement for ``criteria`` follows from."""
    short = criteria.q if len(criteria.q) < PREFIX_FROM else ""
    flags = (criteria.attention, criteria.unknown, criteria.no_company, criteria.gone)
    codes = wanted(criteria, seen)
    return short, flags, criteria.statuses, codes if codes is None else tuple(codes), source.pk


def together(criteria: Criteria, now: datetime, *, seen: Iterable[str], source: Source) -> MigrationQuerySet:
    """The same migrations as one queryset, for where their order does not matter."""
    rows = _narrowed(criteria, now).filter(_status_condition(criteria, seen))
    return rows.filter(_search_condition(criteria.q, source)) if criteria.q else rows


def _narrowed(criteria: Criteria, now: datetime) -> MigrationQuerySet:
    """Everything but the status and the search: conditions that hold for every branch."""
    exact = {
        "company_id": criteria.company,
        "created_by_user_id": criteria.user,
        "created__gte": criteria.created_after,
        "created__lt": criteria.created_before,
        "changed_at__gte": criteria.changed_after,
        "status_changed_at__lte": now - criteria.longer if criteria.longer else None,
    }
    rows = Migration.objects.filter(**{lookup: value for lookup, value in exact.items() if value})
    if criteria.no_company:
        rows = rows.filter(company_id__isnull=True)
    return rows if criteria.gone is None else rows.filter(gone_at__isnull=not criteria.gone)


def wanted(criteria: Criteria, seen: Iterable[str]) -> list[str] | None:
    """The statuses that ``criteria`` leave; ``None``: all."""
    if not (criteria.statuses or criteria.attention or criteria.unknown):
        return None
    return [
        code
        for code in sorted({*statuses.DOCUMENTED, *seen, *criteria.statuses})
        if (not criteria.statuses or code in criteria.statuses)
        and (not criteria.attention or statuses.get(code).attention)
        and (not criteria.unknown or not statuses.is_known(code))
    ]


def gone_while_open(criteria: Criteria) -> list[str]:
    """Statuses that ask for a person only because a migration went away in them."""
    if not criteria.attention or criteria.unknown or criteria.gone is False:
        return []
    return [c for c in statuses.OPEN if c in statuses.CALM and c in (criteria.statuses or statuses.OPEN)]


def _by_status(rows: MigrationQuerySet, criteria: Criteria, seen: Iterable[str]) -> list[MigrationQuerySet]:
    codes = wanted(criteria, seen)
    if codes is None:
        return [rows]
    lost = gone_while_open(criteria)
    if not lost or connection.vendor == "postgresql":  # which reads the few that are gone
        gone = [rows.gone().filter(status__in=lost)] if lost else []
    else:  # SQLite would read all of a company for them
        gone = [rows.gone().filter(status=code) for code in lost]
    return [rows.filter(status=code) for code in codes] + gone


def _status_condition(criteria: Criteria, seen: Iterable[str]) -> Q:
    codes = wanted(criteria, seen)
    if codes is None:
        return Q()
    # What holds for none is a condition, too, as those that it leaves out are counted all the same.
    condition = Q(status__in=codes) if codes else Q(pk__lt=0)
    lost = gone_while_open(criteria)
    return condition | Q(status__in=lost, gone_at__isnull=False) if lost else condition


def _searched(rows: MigrationQuerySet, q: str, source: Source) -> list[MigrationQuerySet]:
    """One branch for ids that are or begin with ``q``, one for its company, one for its user."""
    if not q:
        return [rows]
    by_id, company = _id_condition(q, source), Q(company_id=q)
    return [
        rows.filter(by_id),
        rows.filter(company).exclude(by_id),
        rows.filter(created_by_user_id=q).exclude(by_id | company),
    ]


def _search_condition(q: str, source: Source) -> Q:
    return _id_condition(q, source) | Q(company_id=q) | Q(created_by_user_id=q)


def _id_condition(q: str, source: Source) -> Q:
    if len(q) < PREFIX_FROM:
        return Q(source=source, api_id=q)
    return Q(source=source, api_id__gte=q, api_id__lt=q + "\U0010ffff")
