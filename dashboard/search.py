"""Looks up what was pasted: migrations, companies, users, tickets. A few statements, each served by an index."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from django.db.models import Exists, Q

from dashboard import filters, tickets
from dashboard.models import TriageAct
from dashboard.paste import Pasted
from migrations_sync.models import CompanyCount, Migration, Source

MOST = 100  # migrations that a beginning of an id may mean
USERS = 20  # candidates that are looked up as users: each is a look into an index
# In a text, a shorter beginning of an id is more likely something else.
IN_TEXT_FROM = 8


@dataclass(frozen=True, slots=True)
class Found:
    """``ids``: for each text the ids that it is or begins, in the order of the text. ``cut``: more begin so.

    ``missing``: texts that look like ids and are not known here.
    """

    ids: dict[str, list[str]] = field(default_factory=dict)
    companies: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    cut: bool = False

    @property
    def hits(self) -> int:
        return len({i for ids in self.ids.values() for i in ids}) + len((*self.companies, *self.users, *self.tickets))


def look_up(pasted: Pasted, source: Source) -> Found:
    """At most five statements, whatever was pasted."""
    texts = pasted.texts
    if not texts:
        return Found()
    exact = set(Migration.objects.filter(source=source, api_id__in=texts).values_list("api_id", flat=True))
    ids: dict[str, list[str]] = {text: [text] for text in texts if text in exact}
    # The words of a line that is an id are not looked at one by one.
    inside = {word for line in pasted.lines if line in exact for word in line.split() if word != line}
    open_words = [word for word in pasted.words if word.text not in exact and word.text not in inside]
    companies = _in_order(
        texts, CompanyCount.objects.filter(source=source, company_id__in=texts).values_list("company_id", flat=True)
    )
    users = _users(sorted((text for text in texts if text not in exact), key=_unlike_a_user)[:USERS])
    begun, cut = _beginnings(pasted, [w.text for w in open_words if w.text not in {*companies, *users}], source)
    ids |= begun
    known = {*ids, *companies, *users}
    return Found(
        ids={text: ids[text] for text in texts if text in ids},
        companies=companies,
        users=users,
        tickets=_tickets(texts),
        missing=[word.text for word in open_words if word.id_like and word.text not in known],
        cut=cut,
    )


def _in_order(texts: Sequence[str], found: Iterable[str]) -> list[str]:
    there = set(found)
    return [text for text in texts if text in there]


def _unlike_a_user(text: str) -> bool:
    """Sentences and plain words come last: a long ticket has many."""
    return " " in text or not any(c == "@" or c.isdigit() for c in text)


def _users(texts: Sequence[str]) -> list[str]:
    """Those of ``texts`` that created a migration. One statement with a look into the index for each."""
    asked = {f"user_{n}": Exists(Migration.objects.filter(created_by_user_id=text)) for n, text in enumerate(texts)}
    there = Source.objects.annotate(**asked).values(*asked).first() if texts else None
    return [text for n, text in enumerate(texts) if there and there[f"user_{n}"]]


def _beginnings(pasted: Pasted, words: Sequence[str], source: Source) -> tuple[dict[str, list[str]], bool]:
    """The ids that begin with each of ``words``, where it is long enough to mean one."""
    alone = len(pasted.words) == 1
    long_enough = [
        word
        for word in words
        if len(word) >= (filters.PREFIX_FROM if alone else IN_TEXT_FROM) and (alone or any(c.isdigit() for c in word))
    ]
    if not long_enough:
        return {}, False
    ranges = reduce(or_, (Q(api_id__gte=word, api_id__lt=word + "\U0010ffff") for word in long_enough))
    rows = Migration.objects.filter(ranges, source=source).order_by("api_id").values_list("api_id", flat=True)
    there = list(rows[: MOST + 1])
    begun = {word: [api_id for api_id in there[:MOST] if api_id.startswith(word)] for word in long_enough}
    return {word: ids for word, ids in begun.items() if ids}, len(there) > MOST


def _tickets(texts: Sequence[str]) -> list[str]:
    """Tickets that somebody tied to a migration, as they are stored."""
    keys = []
    for text in texts:
        try:
            keys.append(tickets.read(text).key)
        except ValueError:
            continue
    tied = TriageAct.objects.filter(kind=TriageAct.Kind.TICKET, text__in=keys).order_by().distinct()
    return _in_order(list(dict.fromkeys(keys)), tied.values_list("text", flat=True))


def compact(pasted: Pasted, found: Found) -> str:
    """What of a long text led somewhere, or might: short enough for an address that can be shared."""
    worth = {*found.ids, *found.companies, *found.users, *found.tickets, *found.missing}
    return "\n".join(text for text in pasted.texts if text in worth)
