"""The least a page can cost: keyset SQL by hand and one join of f-strings. ``ask`` runs a statement and fetches all.

Same rows in the same order as the product's pages, counters and a version in tables of their own, ``ETag`` and 304.
"""

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

Ask = Callable[..., list[tuple[Any, ...]]]
Page = tuple[int, str, str]  # status, ETag, HTML

SIZE = 50
COLUMNS = "id, api_id, status, company_id, created_by_user_id, created, changed_at"
NEWEST = "ORDER BY created DESC, id DESC LIMIT"
# What the product's file holds, without its guard against formulas and its words on freshness.
EXPORT = (
    "SELECT api_id, status, company_id, created_by_user_id, created, status_changed_at, changed_at, checked_at, "
    "status_not_before, gone_at FROM migrations_sync_migration ORDER BY created DESC, id DESC"
)
ICONS = {
    "COMPLETE": "check", "COMPLETED_WITH_FAILURES": "warning", "FAILED": "cross", "LOGIN_ABANDONED": "leave",
    "NOT_READY": "hourglass", "NOT_STARTED": "circle", "PENDING_USER_INPUT": "person", "WORKING": "gear",
}  # fmt: skip
LABELS = {code: code.replace("_", " ").capitalize() for code in ICONS}


def page(path: str, query: Mapping[str, str], known: str, ask: Ask) -> Page:
    """``known``: the ``ETag`` that the reader has."""
    ((version,),) = ask("SELECT version FROM floor_version")
    etag = f'"{version} {path} {sorted(query.items())}"'.replace(" ", "-")
    if known == etag:
        return 304, etag, ""
    where, _, name = path.strip("/").partition("/")
    if where == "migrations":
        body = _detail(name, ask) if name else _list(query, ask)
    else:
        body = _company(name, ask) if where == "companies" else _overview(ask)
    return (200 if body else 404), etag, _frame(body)


def _list(query: Mapping[str, str], ask: Ask) -> str:
    conditions, values = _narrowed(query)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    counts = _counts(query, ask)
    rows = ask(f"SELECT {COLUMNS} FROM floor_migration {where} {NEWEST} {SIZE + 1}", values)
    more = ""
    if len(rows) > SIZE:
        after = f"{rows[SIZE - 1][5]}~{rows[SIZE - 1][0]}"
        more = f'<a rel="next" href="?after={quote(after)}">Next</a>'
    return f"{_chips(counts)}{_table(rows[:SIZE])}{more}"


def _narrowed(query: Mapping[str, str]) -> tuple[list[str], list[Any]]:
    conditions, values = [], list[Any]()
    plain = {"status": "status = %s", "company": "company_id = %s", "user": "created_by_user_id = %s"}
    ranged = {"created_after": "created >= %s", "created_before": "created < %s"}
    for name, condition in (plain | ranged).items():
        if name in query:
            conditions.append(condition)
            values.append(query[name])
    if "q" in query:
        conditions.append("api_id >= %s AND api_id < %s")
        values += [query["q"], query["q"] + "\U0010ffff"]
    if "after" in query:
        created, _, key = query["after"].rpartition("~")
        conditions.append("(created, id) < (%s, %s)")
        values += [created, int(key)]
    return conditions, values


def _counts(query: Mapping[str, str], ask: Ask) -> list[tuple[Any, ...]]:
    """By status, from what is kept; ``[]`` where counters can't tell."""
    if "user" in query or "q" in query:
        return []
    if "created_after" in query:
        days = [query["created_after"][:10], query["created_before"][:10]]
        sql = "SELECT status, SUM(n) FROM floor_day WHERE day >= %s AND day < %s GROUP BY status"
        return ask(sql, days)
    return ask("SELECT status, n FROM floor_count WHERE company_id = %s", [query.get("company", "")])


def _detail(api_id: str, ask: Ask) -> str:
    rows = ask(f"SELECT {COLUMNS} FROM floor_migration WHERE api_id = %s", [api_id])
    return _table(rows) if rows else ""


def _company(name: str, ask: Ask) -> str:
    counts = ask("SELECT status, n FROM floor_count WHERE company_id = %s", [name])
    rows = ask(f"SELECT {COLUMNS} FROM floor_migration WHERE company_id = %s {NEWEST} 20", [name])
    return _chips(counts) + _table(rows)


def _overview(ask: Ask) -> str:
    counts = ask("SELECT status, n FROM floor_count WHERE company_id = ''")
    days = ask("SELECT day, status, n FROM floor_day ORDER BY day DESC, status LIMIT 240")
    bars = "".join(f'<rect data-day="{day}" class="{status}" height="{n}"/>' for day, status, n in days)
    return f"{_chips(counts)}<svg>{bars}</svg>"


def _chips(counts: Iterable[tuple[Any, ...]]) -> str:
    chips = (f'<a href="?status={code}">{LABELS[code]} {number(n)}</a>' for code, n in counts)
    return f"<nav>{''.join(chips)}</nav>"


def number(n: int) -> str:
    """As the product says it."""
    return f"{n:,}".replace(",", "\u202f")


def _table(rows: Iterable[tuple[Any, ...]]) -> str:
    """The interface's markup: an icon, a link each for migration, company and user, two times."""
    return "".join((
        "<table><thead><tr><th>Status<th>Migration<th>Company<th>Created by<th>Created<th>Changed</thead><tbody>",
        *(
            f'<tr data-migration-id="{escape(api_id)}" data-status="{status}">'
            f'<td><span class="status" data-status="{status}"><svg aria-hidden="true" width="15" height="15">'
            f'<use href="/static/icons.0123456789ab.svg#{ICONS[status]}"/></svg>{LABELS[status]}</span></td>'
            f'<th scope="row"><a class="id" href="/migrations/{escape(api_id)}/">{escape(api_id)}</a></th>'
            f'<td><a href="/migrations/?company={quote(company or "")}">{escape(company or "none")}</a></td>'
            f'<td><a href="/migrations/?user={quote(user or "")}">{escape(user or "none")}</a></td>'
            f'<td><time datetime="{created}">{str(created)[:16]} UTC</time></td>'
            f'<td><time datetime="{changed}">{str(changed)[:16]} UTC</time></td></tr>'
            for _, api_id, status, company, user, created, changed in rows
        ),
        "</tbody></table>",
    ))  # fmt: skip


def _frame(body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Migrations</title>'
        '<link rel="stylesheet" href="/static/base.css"></head><body><header><a href="/">Overview</a>'
        f'<a href="/migrations/">Migrations</a></header><main><h1>Migrations</h1>{body}</main></body></html>'
    )
