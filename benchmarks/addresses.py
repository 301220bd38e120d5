"""The pages that are measured: one question each, how every contender is asked it, and the ids that must come."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from benchmarks.stands import Stand

SIZE = 50
TABLE = "migrations_sync_migration"
NEWEST = "ORDER BY created DESC, id DESC"
EXPORT = "/migrations/?_export=csv"


@dataclass(frozen=True, slots=True)
class Page:
    """``paths`` by contender. ``ids``: every migration that the page lists, in order. ``words``: what it says."""

    name: str
    paths: dict[str, str]
    ids: Sequence[str] = ()
    words: Sequence[str] = ()


@dataclass(slots=True)
class _Maker:
    stand: Stand
    pages: list[Page] = field(default_factory=list)

    def ids(self, rest: str, limit: int | str = SIZE) -> list[str]:
        return [row[0] for row in self.stand.ask(f"SELECT api_id FROM {TABLE} {rest} LIMIT {limit}")]

    def one(self, sql: str) -> list[str]:
        return [str(value) for value in self.stand.ask(sql)[0]]

    def add(self, name: str, where: str = "", *, admin: dict[str, str] | None = None, **given: str) -> None:
        """A list of the newest, narrowed."""
        query = f"?{urlencode(given)}" if given else ""
        paths = {"product": f"/migrations/{query}", "floor": f"/migrations/{query}", "tables2": f"/tables2/{query}"}
        paths |= {"lazy": f"/lazy/{query}", "admin": f"{ADMIN}?{urlencode(given if admin is None else admin)}"}
        self.pages.append(Page(name, paths, self.ids(f"{where} {NEWEST}")))


ADMIN = "/admin/textbook/migration/"


def of(stand: Stand, *, few: bool) -> list[Page]:
    """The pages over the migrations of ``stand``; ``few`` of them for a quick look."""
    make = _Maker(stand)
    make.add("list")
    _deep(make)
    make.add("status, rare", "WHERE status = 'NOT_READY'", status="NOT_READY", admin={"status__exact": "NOT_READY"})
    _overview(make)
    if few:
        return make.pages
    make.add("status, common", "WHERE status = 'COMPLETE'", status="COMPLETE", admin={"status__exact": "COMPLETE"})
    _companies(make)
    _users(make)
    _searches(make)
    _range(make)
    return make.pages


# What the answer must hold where a page could be right and empty.
LISTED = dict.fromkeys(("needs attention", "by company", "attention"), "data-migration-id")


def product_only(stand: Stand) -> dict[str, str]:
    """Pages that no floor and no peer has; by name."""
    make = _Maker(stand)
    top = _of_many(make, "company_id", most=True)
    return {
        "needs attention": "/migrations/?attention=1",
        "needs attention, one company": f"/migrations/?attention=1&company={top}",
        "running long": "/migrations/?status=WORKING&longer=1min&sort=changed",
        "by company": "/migrations/?sort=company",
        "attention": "/attention/",
        "attention, one reason": "/attention/?reason=failed",
        "companies": "/companies/",
        "changes": "/changes/",
        "syncs": "/syncs/",
    }


def own_admin(stand: Stand) -> dict[str, str]:
    """The product's own administration of what it mirrors."""
    make = _Maker(stand)
    (api_id,) = make.ids(NEWEST, 1)
    path = "/admin/migrations_sync/migration/"
    return {
        "administration, list": path,
        "administration, page 100": f"{path}?p=100",
        "administration, an id": f"{path}?q={api_id}",
        "administration, a company": f"{path}?q={_of_many(make, 'company_id', most=False)}",
    }


def _deep(make: _Maker) -> None:
    """In the middle of the list."""
    skipped = make.stand.rows // 2
    skipped -= skipped % SIZE
    created, key = make.one(f"SELECT created, id FROM {TABLE} {NEWEST} LIMIT 1 OFFSET {skipped - 1}")
    moment = datetime.fromisoformat(created)
    iso = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
    word = base64.urlsafe_b64encode(json.dumps([skipped, iso, int(key)]).encode()).decode().rstrip("=")
    number = skipped // SIZE + 1
    paths = {
        "product": f"/migrations/?after={word}",
        "floor": f"/migrations/?{urlencode({'after': f'{created}~{key}'})}",
        "tables2": f"/tables2/?page={number}",
        "lazy": f"/lazy/?page={number}",
        "admin": f"{ADMIN}?p={number}",
    }
    make.pages.append(Page("deep", paths, make.ids(NEWEST, f"{SIZE} OFFSET {skipped}")))


def _of_many(make: _Maker, column: str, *, most: bool) -> str:
    """The value that most migrations have, or one of those that just fill a page."""
    enough = f"HAVING COUNT(*) > {SIZE}"
    order = "DESC" if most else "ASC"
    sql = (
        f"SELECT {column} FROM {TABLE} WHERE {column} IS NOT NULL "
        f"GROUP BY {column} {'' if most else enough} ORDER BY COUNT(*) {order}, {column} LIMIT 1"
    )
    return make.one(sql)[0]


def _companies(make: _Maker) -> None:
    top, tail = (_of_many(make, "company_id", most=most) for most in (True, False))
    for name, company in ("company, top", top), ("company, tail", tail):
        make.add(name, f"WHERE company_id = '{company}'", company=company, admin={"company_id": company})
    make.add(
        "company and status", f"WHERE company_id = '{top}' AND status = 'FAILED'",
        company=top, status="FAILED", admin={"company_id": top, "status__exact": "FAILED"},
    )  # fmt: skip
    path = f"/companies/{top}/"
    last = make.ids(f"WHERE company_id = '{top}' {NEWEST}", 20)
    make.pages.append(Page("company's page", {"product": path, "floor": path}, last))


def _users(make: _Maker) -> None:
    user = _of_many(make, "created_by_user_id", most=False)
    make.add("user", f"WHERE created_by_user_id = '{user}'", user=user, admin={"created_by_user_id": user})


def _searches(make: _Maker) -> None:
    key, api_id = make.one(f"SELECT id, api_id FROM {TABLE} {NEWEST} LIMIT 1 OFFSET {make.stand.rows // 3}")
    make.add("search, prefix", f"WHERE api_id LIKE '{api_id[:8]}%'", q=api_id[:8])
    make.add("search, exact", f"WHERE api_id = '{api_id}'", q=api_id)
    path = f"/migrations/{api_id}/"
    paths = {"product": path, "floor": path, "tables2": f"/tables2/{api_id}/", "admin": f"{ADMIN}{key}/change/"}
    make.pages.append(Page("detail", paths, words=[api_id]))


def _range(make: _Maker) -> None:
    """A working day that is over."""
    (newest,) = make.one(f"SELECT MAX(created) FROM {TABLE}")
    day = datetime.fromisoformat(newest).date() - timedelta(days=7)
    while day.weekday() > 4:
        day -= timedelta(days=1)
    first, last = day.isoformat(), (day + timedelta(days=1)).isoformat()
    make.add(
        "range", f"WHERE created >= '{first}' AND created < '{last}'",
        created_after=first, created_before=last, admin={"created__gte": first, "created__lt": last},
    )  # fmt: skip


def _overview(make: _Maker) -> None:
    """Its count of the completed ones must come; peers write numbers without a space."""
    (n,) = make.one(f"SELECT COUNT(*) FROM {TABLE} WHERE status = 'COMPLETE'")
    path = {"product": "/", "floor": "/", "tables2": "/tables2/overview/"}
    make.pages.append(Page("overview", path, words=[f"{int(n):,}"]))
