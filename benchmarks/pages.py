"""What a page costs at any size, beside the least that it could cost and beside other ways to show it.

P: pages. Q: their statements. T: many readers at once. X: exports. For each database.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from redis import Redis

from benchmarks import addresses, mirrors, servers, stands, statements, timing, web
from benchmarks.addresses import Page
from benchmarks.contenders import floor
from benchmarks.options import Options
from benchmarks.report import Report, goal, times
from benchmarks.stands import Stand
from benchmarks.timing import Contender, Samples

W, L, D, PRODUCT = "W", "L", "D", "product"
TABLES2, LAZY, ADMIN = "tables2", "lazy", "admin"
FLOORS, PEERS = (W, L, D), (TABLES2, LAZY, ADMIN)
KINDS = ("PostgreSQL", "SQLite")
FLOOR_KB = 34  # a page of 50 rows by W, as the goal has it
BY_D = (
    "list", "deep", "status, common", "status, rare", "company, top", "company, tail", "company and status", "user",
    "range", "company's page",
)  # fmt: skip
SEARCHES = ("search, prefix", "search, exact")
Running = dict[str, Contender]
Taken = dict[str, dict[str, Samples]]  # by page and contender


@dataclass(slots=True)
class World:
    options: Options
    report: Report
    redis: str
    # By kind of database and number of rows.
    taken: dict[tuple[str, int], Taken] = field(default_factory=dict)
    exports: dict[tuple[str, int], dict[str, "Export"]] = field(default_factory=dict)

    @property
    def sizes(self) -> tuple[int, ...]:
        return (1_000, 5_000) if self.options.small else (10_000, 100_000, 1_000_000)

    @property
    def rounds(self) -> int:
        return 2 if self.options.small else 12

    @property
    def budget(self) -> float:
        return 0.2 if self.options.small else 1.5

    def product(self, stand: Stand, **more: str) -> dict[str, str]:
        """As production runs it, with what it logs and a Redis."""
        return stand.environment(REDIS_URL=self.redis, LOG_LEVEL="INFO", **more)


def run(options: Options, report: Report) -> None:
    with (
        servers.postgresql() as server,
        mirrors.template(server) as template,
        TemporaryDirectory() as folder,
        servers.redis() as url,
    ):
        empty = Path(folder) / "empty.sqlite3"
        mirrors.migrate(f"sqlite:///{empty}")
        mirrors.collect()
        report.say(
            f"PostgreSQL {server.version()}. W, L and D are the floors: bare WSGI, Django with session and user "
            "cached, Django with both in the database. One sync worker of gunicorn each, one connection, logged in, "
            "50 rows a page, everything cached; milliseconds until the last byte, median. Every answer was checked."
        )
        if options.small:
            report.say("Goals are for 1,000,000 rows: here most of them have nothing to show.")
        world = World(options, report, url)
        for rows in world.sizes:
            with stands.filled(server, (template, empty), rows) as filled:
                for stand in filled:
                    with Redis.from_url(url) as cache:
                        cache.flushdb()  # what it keeps is of another mirror
                    _measure(world, stand)


def _measure(world: World, stand: Stand) -> None:
    """Every work wanted over ``stand``; what spans the sizes is told with the last one."""
    works = {"P": pages, "Q": weigh, "T": many_readers, "X": exports}
    wanted = [letter for letter in works if world.options.wants(letter)]
    with started(world, stand) as running:
        for letter in wanted:
            works[letter](world, stand, running)
    if stand.rows == world.sizes[-1]:
        if "P" in wanted:
            tell_pages(world, stand.kind)
        if "X" in wanted:
            tell_exports(world, stand.kind)


@contextmanager
def started(world: World, stand: Stand) -> Iterator[Running]:
    """All contenders, each behind one sync worker; peers only at the largest size, where the difference is."""
    with ExitStack() as stack:

        def serve(application: str, environment: dict[str, str], session: str = stand.other_session) -> web.Server:
            return stack.enter_context(web.gunicorn(application, environment, session, *web.ONE_SYNC_WORKER))

        def floor(module: str, **more: str) -> Contender:
            return Contender(serve(APPLICATION.format(module), stand.environment(**more)), "floor", ours=True)

        running = {
            W: floor("floor_wsgi"),
            L: floor("floor_django", BENCH_LEAN="1"),
            D: floor("floor_django"),
            PRODUCT: Contender(serve("dashboard.wsgi", world.product(stand), stand.session), "product", ours=True),
        }
        if world.options.peers and stand.rows == world.sizes[-1]:
            textbook = serve(APPLICATION.format("textbook"), stand.environment())
            running |= {name: Contender(textbook, name, ours=False) for name in PEERS}
        yield running


APPLICATION = "benchmarks.contenders.{}:application"
DRAINED = f"COPY ({floor.EXPORT}) TO STDOUT (FORMAT csv, HEADER)"


# --- P --------------------------------------------------------------------------------------------


def pages(world: World, stand: Stand, running: Running) -> None:
    """Every page by everybody."""
    how = {"rounds": world.rounds, "budget": world.budget}
    found: Taken = {}
    for page in addresses.of(stand, few=world.options.small):
        found[page.name] = timing.sample(page, running, **how)
    same = {name: running[name].server for name in (*FLOORS, PRODUCT)}
    found["304"] = timing.sample_not_modified("/migrations/", same, **how)
    if stand.rows == world.sizes[-1]:
        for name, path in (addresses.product_only(stand) | addresses.own_admin(stand)).items():
            page = Page(name, {"product": path}, words=(addresses.LISTED.get(name, ""),))
            found[name] = timing.sample(page, {PRODUCT: running[PRODUCT]}, **how)
    world.taken[stand.kind, stand.rows] = found


def tell_pages(world: World, kind: str) -> None:
    least, most = world.sizes[0], world.sizes[-1]
    sizes = [f"{rows:,}" for rows in world.sizes]
    at_most = world.taken[kind, most]
    rows = []
    for name in world.taken[kind, least]:
        by_size = [world.taken[kind, size][name] for size in world.sizes]
        rows.append([
            name,
            *(" / ".join(f"{taken[who].p50:.2f}" for taken in by_size) for who in (*FLOORS, PRODUCT)),
            times(at_most[name][PRODUCT].p50 / at_most[name][D].p50),
            times(at_most[name][PRODUCT].p50 / at_most[name][W].p50),
            times(_growth(world, kind, name)),
        ])  # fmt: skip
    head = ("page", *FLOORS, PRODUCT, "of D", "of W", "growth, corrected by W's")
    world.report.table(f"P. Pages on {kind}: ms at {' / '.join(sizes)} rows", head, rows)
    _tell_peers(world, kind, at_most)
    alone = [(name, taken[PRODUCT]) for name, taken in at_most.items() if set(taken) == {PRODUCT}]
    world.report.table(
        f"P. The product's other pages on {kind}, {most:,} rows", ("page", "ms", "p95"),
        [[name, f"{taken.p50:.2f}", f"{taken.p95:.2f}"] for name, taken in alone],
    )  # fmt: skip
    _tell_goals(world, kind, at_most)


def _filled(world: World, kind: str, name: str) -> int:
    """The smallest size at which the page is as full as at the largest."""
    full = world.taken[kind, world.sizes[-1]][name][W].answer.body.count(b"<tr data-")
    return next(s for s in world.sizes if world.taken[kind, s][name][W].answer.body.count(b"<tr data-") == full)


def _growth(world: World, kind: str, name: str) -> float:
    small, large = world.taken[kind, _filled(world, kind, name)][name], world.taken[kind, world.sizes[-1]][name]
    return (large[PRODUCT].p50 / small[PRODUCT].p50) / (large[W].p50 / small[W].p50)


def _tell_peers(world: World, kind: str, at_most: Taken) -> None:
    rows = [
        [
            name, f"{taken[PRODUCT].p50:.2f}",
            *(f"{taken[peer].p50:.1f}, {times(taken[peer].p50 / taken[PRODUCT].p50)}" if peer in taken else "–"
              for peer in PEERS),
        ]
        for name, taken in at_most.items()
        if TABLES2 in taken
    ]  # fmt: skip
    if rows:
        world.report.table(
            f"P. Beside peers on {kind}, {world.sizes[-1]:,} rows: ms", ("page", PRODUCT, *PEERS), rows
        )


def _tell_goals(world: World, kind: str, at_most: Taken) -> None:
    say = world.report.say

    def against(who: str, name: str) -> float:
        return at_most[name][PRODUCT].p50 / at_most[name][who].p50

    def faster(who: str, name: str) -> float:
        return at_most[name][who].p50 / at_most[name][PRODUCT].p50

    def worst(names: tuple[str, ...], who: str) -> str:
        name = max((n for n in names if n in at_most), key=lambda n: against(who, n))
        return f"{name} {goal(against(who, name), at_most=1.25)} D"

    grown = max(world.taken[kind, world.sizes[0]], key=lambda name: _growth(world, kind, name))
    say(f"**{kind}.** Goal 1, growth: most by {grown}, {goal(_growth(world, kind, grown), at_most=1.2)}")
    say(f"Goal 2, lists: most by {worst(BY_D, D)}")
    say(f"Goal 3, depth: {goal(at_most['deep'][PRODUCT].p50 / at_most['list'][PRODUCT].p50, at_most=1.1)} page 1")
    if TABLES2 in at_most["list"]:
        say(
            f"Goal 3, depth: {goal(faster(ADMIN, 'deep'), at_least=120)} admin, "
            f"{goal(faster(TABLES2, 'deep'), at_least=35)} tables2, {goal(faster(LAZY, 'deep'), at_least=20)} lazy"
        )
        say(
            f"Goal 4, list: {goal(faster(ADMIN, 'list'), at_least=100)} admin, "
            f"{goal(faster(TABLES2, 'list'), at_least=25)} tables2, {goal(faster(LAZY, 'list'), at_least=11)} lazy"
        )
    if SEARCHES[0] in at_most:
        say(f"Goal 5, search: most by {worst(SEARCHES, D)}")
        if TABLES2 in at_most["list"]:
            slow = min(SEARCHES, key=lambda name: faster(ADMIN, name))
            admin, lazy = (450, 90) if kind == KINDS[0] else (850, 300)
            say(
                f"Goal 5, search: {goal(faster(ADMIN, slow), at_least=admin)} admin, "
                f"{goal(min(faster(LAZY, name) for name in SEARCHES), at_least=lazy)} lazy"
            )
    grouped = (
        f"; {goal(faster(TABLES2, 'overview'), at_least=50)} a live GROUP BY" if TABLES2 in at_most["list"] else ""
    )
    say(f"Goal 6, {worst(('overview',), D)}{grouped}")
    unchanged = at_most["304"][PRODUCT]
    say(f"Goal 7, 304: {goal(against(L, '304'), at_most=1.3)} L; p95 {unchanged.p95:.2f} ms (goal 2)")
    weight, least = (len(at_most["list"][who].answer.body) / 1024 for who in (PRODUCT, W))
    say(f"Goal 10, weight of the list: {goal(weight / FLOOR_KB, at_most=1.4)} {FLOOR_KB} KB; W's here {least:.0f} KB")


# --- Q --------------------------------------------------------------------------------------------


def weigh(world: World, stand: Stand, _: Running) -> None:
    if stand.rows != world.sizes[-1]:
        return
    named = {page.name: page.paths["product"] for page in addresses.of(stand, few=world.options.small)}
    named |= addresses.product_only(stand)
    found = statements.of(named, world.product(stand) | {"LOG_LEVEL": "WARNING"}, stand.session)
    rows = [
        [name, str(f.warm), str(f.cold), *([str(f.buffers), f"{f.ms:.2f}"] if f.buffers is not None else ["", ""])]
        for name, f in found.items()
    ]
    head = ("page", "statements", "after a change", "most shared buffers", "ms in PostgreSQL")
    world.report.table(f"Q. Statements on {stand.kind}, {stand.rows:,} rows", head, rows)
    most = max(found, key=lambda name: found[name].warm)
    line = f"Goal 8: most statements, session and user included, {found[most].warm} by {most} (goal 5)"
    if stand.kind == KINDS[0]:
        heavy = max(found, key=lambda name: found[name].buffers or 0)
        slow = max(found, key=lambda name: found[name].ms or 0)
        line += (
            f"; most buffers {found[heavy].buffers} by {heavy} (goal 120); most time in PostgreSQL "
            f"{found[slow].ms:.2f} ms by {slow} (goal 0.5)"
        )
    world.report.say(line)


# --- T --------------------------------------------------------------------------------------------


def many_readers(world: World, stand: Stand, running: Running) -> None:
    if stand.rows != world.sizes[-1]:
        return
    seconds = 1.0 if world.options.small else 4.0
    paths = {D: "/migrations/", PRODUCT: "/migrations/", ADMIN: addresses.ADMIN}
    pace = {
        name: web.answers_a_second(running[name].server, path, seconds=seconds)
        for name, path in paths.items()
        if name in running
    }
    known = {
        name: web.answers_a_second(running[name].server, "/migrations/", connections=1, seconds=seconds, known=True)
        for name in (L, PRODUCT)
    }
    rows = [[name, f"{found:.0f}"] for name, found in pace.items()]
    rows += [[f"{name}, 304 on one connection", f"{found:.0f}"] for name, found in known.items()]
    world.report.table(
        f"T. Answers a second on 8 connections, {stand.kind}, {stand.rows:,} rows", ("who", "1/s"), rows
    )
    told = f"{goal(pace[PRODUCT] / pace[D], at_least=0.8)} D's"
    if ADMIN in pace:
        told += f", {goal(pace[PRODUCT] / pace[ADMIN], at_least=100)} admin's"
    world.report.say(
        f"Goal 9: {told}. Goal 7: {known[PRODUCT]:.0f} times 304 a second (goal 1,200; L {known[L]:.0f})"
    )


# --- X --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Export:
    """``first``: ms until the first byte. ``grown``: MB that the worker's peak memory was above its start."""

    first: float
    seconds: float
    rows: int
    megabytes: float
    peak: float

    @property
    def pace(self) -> float:
        return self.rows / self.seconds


def exports(world: World, stand: Stand, running: Running) -> None:
    """Files of all rows. At the largest size also what a running one does to the list."""
    if stand.rows not in world.sizes[-2:]:
        return
    largest = stand.rows == world.sizes[-1]
    ids = [row[0] for row in stand.ask(f"SELECT api_id FROM {addresses.TABLE} {addresses.NEWEST}")]
    world.exports[stand.kind, stand.rows] = {
        name: min((_export(running[name], ids) for _ in range(1 if name == LAZY else 3)), key=lambda e: e.seconds)
        for name in (W, D, PRODUCT, LAZY)
        if name in running
    }
    if largest:
        _meanwhile(world, stand)
    if largest and stand.kind == KINDS[0]:
        began = time.perf_counter()
        with (
            psycopg.connect(stand.database) as connection,
            connection.cursor() as cursor,
            cursor.copy(DRAINED) as copy,
        ):
            for _ in copy:
                pass
        world.report.say(f"COPY drained in process: {len(ids) / (time.perf_counter() - began):,.0f} rows/s.")


def _export(contender: Contender, ids: list[str]) -> Export:
    server = contender.server
    path = "/export/" if contender.key == "lazy" else addresses.EXPORT
    server.get("/migrations/" if contender.ours else "/lazy/")
    server.forget_peak()
    pieces = []
    began = time.perf_counter()
    first = 0.0
    for piece in server.pieces(server.request(path)):
        first = first or time.perf_counter() - began
        pieces.append(piece)
    seconds = time.perf_counter() - began
    peak = server.peak_mb()
    body = b"".join(pieces).partition(b"\r\n\r\n")[2]
    found = [line.partition(b",")[0].decode() for line in body.splitlines()[1:]]
    assert found == ids, f"{contender.key}: the file does not hold the {len(ids)} rows in their order"
    return Export(first * 1000, seconds, len(ids), len(body) / 1e6, peak)


def _meanwhile(world: World, stand: Stand) -> None:
    """The list, with the product's own server settings, at rest and while files of everything are read."""
    port = web.free_port()
    with TemporaryDirectory() as folder:
        environment = world.product(stand, PORT=str(port), DATA_DIR=folder)
        own = ("--config", "python:dashboard.server")
        with web.gunicorn("dashboard.wsgi", environment, stand.session, *own, port=port) as server:
            page = Page("list", {"product": "/migrations/"}, words=["data-migration-id"])
            one = {PRODUCT: Contender(server, "product", ours=True)}
            how = {"rounds": 4 if world.options.small else 60, "budget": 10.0}
            idle = timing.sample(page, one, **how)[PRODUCT]
            with web.exporting(server, addresses.EXPORT):
                busy = timing.sample(page, one, **how)[PRODUCT]
    world.report.say(
        f"Goal 13, {stand.kind}: p95 of the list {idle.p95:.1f} ms at rest, {busy.p95:.1f} ms while an export of "
        f"{stand.rows:,} rows runs: {goal(busy.p95 / idle.p95, at_most=2)} (p50 {idle.p50:.1f}, {busy.p50:.1f})"
    )


def tell_exports(world: World, kind: str) -> None:
    fewer, most = world.sizes[-2:]
    rows = [
        [f"{size:,}", name, f"{e.first:.1f}", f"{e.seconds:.2f}", f"{e.pace:,.0f}", f"{e.megabytes / e.seconds:.0f}",
         f"{e.peak:.0f}"]
        for size in (fewer, most)
        for name, e in world.exports[kind, size].items()
    ]  # fmt: skip
    head = ("rows", "who", "first byte, ms", "s", "rows/s", "MB/s", "peak MB of the worker")
    world.report.table(f"X. Export on {kind}", head, rows)
    few, all_ = world.exports[kind, fewer][PRODUCT], world.exports[kind, most]
    ours = all_[PRODUCT]
    grown = f"peak memory {ours.peak - few.peak:+.1f} MB from {fewer:,} to {most:,} rows (goal 4)"
    if kind == KINDS[0]:
        told = (
            f"Goal 11: {goal(ours.pace / all_[W].pace, at_least=0.9)} W; first byte {ours.first:.0f} ms (goal 50), "
        )
        told += f"{goal(ours.first / few.first, at_most=1.2)} that of {fewer:,}"
        if LAZY in all_:
            told += f"; {goal(ours.pace / all_[LAZY].pace, at_least=25)} an iterator"
    else:
        told = f"Goal 12: {goal(ours.pace / all_[D].pace, at_least=1)} D"
    world.report.say(f"{told}; {grown}")
