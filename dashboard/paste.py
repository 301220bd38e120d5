"""Finds what may be an id, a company or a user in what somebody pasted: a word, a link, a whole ticket. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

MOST = 60  # candidates; a ticket with more is cut, and says so
LONGEST = 255
# Our own links, whatever the host is called at the moment.
_OURS = re.compile(r"^/(?:m|migrations|api/migrations)/(?P<id>.+)$")
_LINK = re.compile(r"https?://[^\s<>\"'`]+|/(?:m|migrations)/[^\s<>\"'`]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_BETWEEN = re.compile(r"[\s,;|<>()\[\]{}\"'`“”„«»]+")
_AROUND = ".:!?#*…"
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[T ].*)?|[\d:.]+Z?")


@dataclass(frozen=True, slots=True)
class Candidate:
    """``id_like``: so much like an id that it is worth asking the API for it, if nothing here is called so."""

    text: str
    id_like: bool


@dataclass(frozen=True, slots=True)
class Pasted:
    """``lines``: each as a whole, for ids and names with spaces in them. ``words``: in their order, each once."""

    lines: tuple[str, ...]
    words: tuple[Candidate, ...]
    cut: bool

    @property
    def texts(self) -> list[str]:
        return list(dict.fromkeys((*self.lines, *(word.text for word in self.words))))


def read(text: str) -> Pasted:
    """What to look for; nothing in it is longer than an id or holds a NUL."""
    lines = [line.strip() for line in text.replace("\0", " ").splitlines()]
    words = dict.fromkeys(word for word in _words(" \n".join(lines)) if 1 < len(word) <= LONGEST)
    found = [Candidate(word, looks_like_an_id(word)) for word in words]
    if len(found) > MOST:  # in a long text, names and numbers come before plain words
        found = [word for word in found if word.id_like or "@" in word.text or any(c.isdigit() for c in word.text)]
    whole = dict.fromkeys(line for line in lines if 0 < len(line) <= LONGEST)
    return Pasted(tuple(whole)[:MOST], tuple(found[:MOST]), cut=len(found) > MOST)


def looks_like_an_id(word: str) -> bool:
    """A UUID, or letters and digits together that are no date, no time and no e-mail address."""
    if _UUID.fullmatch(word):
        return True
    mixed = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
    return mixed and len(word) >= 8 and "@" not in word and not _DATE.fullmatch(word)


def _words(text: str) -> Iterator[str]:
    """Ids in links first, then what stands between spaces and brackets; a UUID is found inside anything."""
    for link in _LINK.findall(text):
        yield _from_link(link)
    for word in _BETWEEN.split(_LINK.sub(" ", text)):
        inside = _UUID.findall(word)
        yield from (found.lower() for found in inside)
        if not inside:
            yield word.strip(_AROUND)


def _from_link(link: str) -> str:
    """The id that a link ends with, without what the sentence around it left."""
    try:
        path = urlsplit(link.rstrip(".,;:)]>")).path
    except ValueError:  # brackets that hold no address
        return ""
    ours = _OURS.match(path)
    name = ours["id"] if ours else path.rstrip("/").rpartition("/")[2]
    return unquote(name).rstrip("/")
