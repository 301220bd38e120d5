"""The rows as the API sent them: made readable, and compared with each other. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

SHOWN = 20_000  # characters of one row; a page stays small whatever the API sends


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that a row had otherwise before; ``None``: not there."""

    field: str
    before: str | None
    after: str | None


def readable(raw: str) -> str:
    """``raw`` JSON text, indented, with letters beyond ASCII as themselves; cut where it is too long."""
    text = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    # A lone half of a character can be sent in JSON but not in a page.
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n… and {len(text) - SHOWN} characters more"


def differences(versions: Sequence[tuple[datetime, str]], last: str) -> list[tuple[datetime, list[Difference]]]:
    """What changed at each time, newest first. ``versions``: until when and what a row was, oldest first."""
    known = [json.loads(raw) for raw in (*(raw for _, raw in versions), last)]
    found = [(at, _between(*pair)) for (at, _), pair in zip(versions, pairwise(known), strict=True)]
    return found[::-1]


def _between(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    names = [*before, *(name for name in after if name not in before)]
    return [
        Difference(name, _text(before, name), _text(after, name))
        for name in names
        if before.get(name) != after.get(name) or (name in before) != (name in after)
    ]


def _text(row: dict[str, Any], name: str) -> str | None:
    if name not in row:
        return None
    text = json.dumps(row[name], ensure_ascii=False).encode("utf-8", "replace").decode()
    return text if len(text) <= 500 else f"{text[:500]}…"
