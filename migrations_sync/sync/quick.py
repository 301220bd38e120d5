"""A quick sync: asks only what can have changed since the last pass."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Mod

from migrations_sync import statuses
from migrations_sync.exceptions import NotFoundError
from migrations_sync.models import Migration, Source, StatusChange, StatusCount, SyncRun
from migrations_sync.sync.api import Api
from migrations_sync.sync.lease import HeldLease
from migrations_sync.sync.order import OrderObserver
from migrations_sync.sync.write import Counts, Writer

BUDGET = 320  # requests by id for open migrations in one quick sync; beyond it they take turns
RECHECKS = 50  # finished ones looked at again in one quick sync
YOUNG = timedelta(hours=1)  # changed so lately: asked every time
RANKED_PAGES = 100  # pages from the newest end whose rows are looked for by page
# Ages at which a finished migration is looked at again: each about twice the one before.
RECHECK_AGES = tuple(timedelta(minutes=5 * 2**step) for step in range(12))  # 5 minutes to 7 days


@dataclass(slots=True)
class Plan:
    """What a quick sync is going to ask, and why.

    ``pages``: numbers of pages worth reading whole, beside the newest. ``by_page``: API ids expected on them.
    ``by_id``: API ids to ask one by one. ``turns``: open migrations are asked in so many turns (1: all now).
    """

    newest: bool
    pages: list[int] = field(default_factory=list)
    by_page: set[str] = field(default_factory=set)
    by_id: list[str] = field(default_factory=list)
    open: int = 0
    open_codes: list[str] = field(default_factory=list)
    rechecks: int = 0
    turns: int = 1
    full_pages: int = 0

    @property
    def requests(self) -> int:
        """How many are expected. The first page is always read: a pass that asked nothing would know nothing."""
        return 1 + len(self.pages) + len(self.by_id)

    @property
    def as_dear_as_a_sweep(self) -> bool:
        return self.requests >= self.full_pages

    def told(self) -> dict[str, Any]:
        """For the run's page: what and why, in numbers and words."""
        reasons = [
            f"{self.open} open migrations" + (f", a {self.turns}th of the older ones" if self.turns > 1 else "")
        ]
        reasons.append(f"{self.rechecks} finished ones due to be looked at again")
        reasons.append(
            "the list is newest first, so new ones are on its first pages"
            if self.newest
            else "the list was not seen to be newest first, so new ones wait for the next full sweep"
        )
        return {
            "requests": self.requests,
            "newest": self.newest,
            "pages": len(self.pages),
            "by_page": len(self.by_page),
            "by_id": len(self.by_id),
            "open": self.open,
            "rechecks": self.rechecks,
            "turns": self.turns,
            "full_sweep_pages": self.full_pages,
            "reasons": reasons,
        }


def plan(source: Source, *, now: datetime, interval: int, since: datetime | None) -> Plan:
    """Work out the cheapest way to ask for whatever may have changed.

    ``since``: when the pass before this one began; re-checks that fell due after it are due now.
    Costs the database what is open and due, not what is mirrored.
    """
    rows = source.page_rows or 100
    held = dict(StatusCount.objects.filter(source=source, gone=False).values_list("status", "n"))
    made = Plan(
        newest=source.list_order == Source.Order.NEWEST_FIRST, full_pages=math.ceil(sum(held.values()) / rows)
    )
    # By name, because no index finds those that are none of the finished ones.
    made.open_codes = [code for code, n in held.items() if n and code not in statuses.FINISHED]
    made.open = sum(held[code] for code in made.open_codes)
    due = dict(_open(source, made, now=now, interval=interval))
    rechecks = dict(_due_again(source, now=now, since=since))
    made.rechecks = len(rechecks)
    due |= rechecks
    by_page = _pages_of(source, due, rows=rows) if made.newest else {}
    for page, ids in sorted(by_page.items()):
        if page == 1 or len(ids) > 1:  # page 1 is read anyway; a page for one row is no saving
            made.by_page.update(ids)
            if page > 1:
                made.pages.append(page)
    made.by_id = [api_id for api_id in due.values() if api_id not in made.by_page]
    return made


def _open(source: Source, made: Plan, *, now: datetime, interval: int) -> Iterator[tuple[int, str]]:
    """All open migrations while they fit the budget; else the young, and the older in turns."""
    rows = Migration.objects.filter(source=source, status__in=made.open_codes).present()
    if made.open <= BUDGET:
        yield from rows.values_list("pk", "api_id")
        return
    young = Q(status_changed_at__gt=now - YOUNG, status_not_before__gt=now - 2 * YOUNG)
    recent = dict(rows.filter(young).values_list("pk", "api_id")[: BUDGET * 4])
    yield from recent.items()
    made.turns = max(2, math.ceil((made.open - len(recent)) / max(BUDGET - len(recent), BUDGET // 4)))
    turn = int(now.timestamp() // interval) % made.turns
    older = rows.exclude(young).annotate(turn=Mod("pk", made.turns)).filter(turn=turn)
    yield from older.values_list("pk", "api_id")


def _due_again(source: Source, *, now: datetime, since: datetime | None) -> Iterator[tuple[int, str]]:
    """Finished migrations whose age passed one of ``RECHECK_AGES`` since the last pass.

    The age of what the first sweep found is counted from its creation: we did not see it finish.
    """
    if since is None or since >= now or source.baseline_at is None:
        return
    finished = Migration.objects.filter(source=source, status__in=statuses.FINISHED).present()
    for rows, clock in (
        (finished.filter(changed_at__gt=source.baseline_at), "changed_at"),
        (finished.filter(changed_at__lte=source.baseline_at), "created"),
    ):
        due = Q()
        for age in RECHECK_AGES:
            due |= Q(**{f"{clock}__gt": since - age, f"{clock}__lte": now - age})
        yield from rows.filter(due).values_list("pk", "api_id")[: RECHECKS // 2]


def _pages_of(source: Source, due: dict[int, str], *, rows: int) -> dict[int, list[str]]:
    """The page on which each is to be expected, as far as the newest pages go."""
    newest = Migration.objects.filter(source=source).present().order_by("-created", "-id")
    by_page: dict[int, list[str]] = defaultdict(list)
    for place, number in enumerate(newest.values_list("pk", flat=True)[: rows * RANKED_PAGES].iterator()):
        if number in due:
            by_page[place // rows + 1].append(due[number])
    return by_page


def quick(
    source: Source,
    api: Api,
    run: SyncRun,
    lease: HeldLease,
    made: Plan,
    *,
    progress: Callable[[SyncRun], None] = lambda run: None,
) -> str:
    """Carry out the plan. Returns why the run is only partial, or an empty text.

    Raises:
        APIError: something could not be asked; what was answered until then is written.
        LeaseLost: another pass has taken over.
    """
    writer = Writer(source, StatusChange.Via.QUICK, run, lease)
    total = Counts()
    order = OrderObserver()
    met: set[str] = set()
    try:
        total += _first_pages(writer, api, run, order, met, until_nothing_new=made.newest)
        for number in made.pages:
            page = api.get_page(number)
            run.pages += 1
            counts, _ = writer.write([writer.receive(page.rows, page.received_at, number)])
            total += counts
            met.update(_ids(page.rows))
            lease.renew_if_due()
        progress(run)
        # Rows move while we read: whoever was not on the page where they were expected is asked by id.
        rest = [*made.by_id, *sorted(made.by_page - met)]
        total += _by_id(writer, api, run, rest)
    finally:
        run.seen, run.seen_twice = writer.seen.count, writer.seen.twice
        run.created, run.changed, run.returned = total.created, total.changed, total.returned
        run.unchanged, run.rejected = run.seen - run.created - run.changed, total.rejected
        run.requests, run.retries, run.waited = api.stats.requests, api.stats.retries, api.stats.waited
        run.list_order = order.order
        writer.drifts.save(source, run.started_at)
    return ""


def _first_pages(
    writer: Writer, api: Api, run: SyncRun, order: OrderObserver, met: set[str], *, until_nothing_new: bool
) -> Counts:
    """Read the first page, and where the newest come first, on until a page brings nothing new."""
    total = Counts()
    number = 0
    while True:
        number += 1
        try:
            page = api.get_page(number)
        except NotFoundError:
            if number == 1:
                raise
            return total  # the list ended with the page before
        run.pages += 1
        order.look(page.rows)
        met.update(_ids(page.rows))
        counts, _ = writer.write([writer.receive(page.rows, page.received_at, number)])
        total += counts
        if not counts.created or not until_nothing_new:
            return total


def _by_id(writer: Writer, api: Api, run: SyncRun, api_ids: list[str]) -> Counts:
    rows = []
    for _, answer in api.get_migrations(api_ids):
        if isinstance(answer, NotFoundError):
            # One refusal proves nothing: only a sweep that does not meet it either makes a migration gone.
            run.missing += 1
        else:
            rows.append(writer.receive([answer.row], answer.received_at))
        if writer.lease:
            writer.lease.renew_if_due()
    counts, _ = writer.write(rows)
    return counts


def _ids(rows: Iterable[object]) -> Iterator[str]:
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("id"), str):
            yield row["id"]
