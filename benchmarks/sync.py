"""What a pass costs, beside the least that it could cost and beside other ways to do it.

A: a first mirror without latency. B: with 50 ms. C: again, nothing changed. D: again, 0.1 % changed. E: growth.
F: quick syncs. S: SQLite. W: a full sweep by several workers.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import mirrors, peers, servers
from benchmarks.options import Options
from benchmarks.process import Measured, measure, python
from benchmarks.report import Report, cpu, goal, median, peak, seconds, times

FLOOR_COLUMNS = "status, created, company_id, created_by_user_id"
_TEXT_COLUMNS = (
    "status, to_char(created AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), company_id, created_by_user_id"
)
Runs = dict[str, list[Measured]]


@dataclass(frozen=True, slots=True)
class World:
    """What all works share. ``template``: the name of a database with an empty mirror."""

    server: servers.Postgres
    template: str
    options: Options
    report: Report

    @property
    def rows(self) -> int:
        return 5_000 if self.options.small else 100_000

    def contender(self, name: str, *argv: str, api: servers.Api, database: str, in_flight: int = 4) -> Measured:
        """One process of ``contenders``, in the peers' environment or, for Django's ways, in the product's."""
        module = ("-m", f"benchmarks.contenders.{name}", *argv)
        return measure(
            python(*module) if name == "naive" else peers.python(*module),
            {
                "BENCH_URL": api.url,
                "BENCH_KEY": servers.KEY,
                "BENCH_DATABASE": database,
                "BENCH_IN_FLIGHT": str(in_flight),
            },
        )

    def floor(self, indexes: str, api: servers.Api, *, in_flight: int = 4) -> Measured:
        with self.server.database("floor") as database:
            run = self.contender("floor_postgres", indexes, api=api, database=database, in_flight=in_flight)
            mirrors.check(api, database, "migration", "id", _TEXT_COLUMNS)
            return run

    def naive(self, how: str, api: servers.Api) -> Measured:
        with self.server.database("naive") as database:
            run = self.contender("naive", how, api=api, database=database)
            mirrors.check(api, database, "migration", "id", _TEXT_COLUMNS)
            return run

    def dlt(self, how: str, api: servers.Api, *, in_flight: int = 4) -> Measured:
        with self.server.database("dlt") as database:
            run = self.contender("dlt_rest", how, api=api, database=database, in_flight=in_flight)
            created = _TEXT_COLUMNS.replace("created AT", "created::timestamptz AT")
            mirrors.check(api, database, "peer.migrations", "id", created)
            return run

    def network(self, api: servers.Api, *, in_flight: int = 4) -> Measured:
        run = self.contender("network", api=api, database="", in_flight=in_flight)
        assert run.said["rows"] == api.count
        return run

    def first(self, api: servers.Api, *, in_flight: int = 4) -> Measured:
        with self.server.database("product", self.template) as database:
            return mirrors.sync(api, database, in_flight=in_flight)


def run(options: Options, report: Report) -> None:
    works = {"A": first, "B": latency, "C": again, "E": growth, "F": quick, "S": sqlite, "W": workers}
    if options.small:
        report.say("Goals are for 100,000 rows and more: here, starting a process is most of what is measured.")
    with servers.postgresql() as server, mirrors.template(server) as template:
        report.say(f"PostgreSQL {server.version()}. Page size 100; wall seconds of the whole process, checked.")
        world = World(server, template, options, report)
        for letter, work in works.items():
            if options.wants(letter):
                work(world)


def _interleaved(repeat: int, contenders: dict[str, Callable[[], Measured]]) -> Runs:
    """Each of them ``repeat`` times, in turn, so that all share the machine's moods."""
    runs: Runs = defaultdict(list)
    for _ in range(repeat):
        for name, run in contenders.items():
            runs[name].append(run())
    return runs


def first(world: World) -> None:
    """A: a first mirror, no latency, 4 in flight."""
    product = "product"
    with servers.simulator(world.rows) as api, servers.simulator(500 if world.options.small else 2_000) as few:
        contenders: dict[str, Callable[[], Measured]] = {
            "floor, bare table": lambda: world.floor("none", api),
            "floor, four indexes kept up": lambda: world.floor("kept", api),
            "floor, four indexes built late": lambda: world.floor("late", api),
            product: lambda: world.first(api),
        }
        if world.options.peers:
            contenders |= {
                "dlt, Arrow": lambda: world.dlt("arrow", api),
                "dlt, workers": lambda: world.dlt("workers", api),
                "dlt, as it comes": lambda: world.dlt("plain", api),
            }
        runs = _interleaved(world.options.repeat, contenders)
        runs["Django, bulk_create a page"] = [world.naive("pages", api)]
        rows = [
            [name, seconds(r), times(median(r) / median(runs[product])), cpu(r), peak(r)] for name, r in runs.items()
        ]
        slow = world.naive("rows", few)
        scaled = slow.seconds * world.rows / few.count
        rows.append([
            f"Django, update_or_create a row ({few.count:,} rows, scaled)", f"{scaled:.0f}",
            times(scaled / median(runs[product])), "", f"{slow.peak_mb:.0f}",
        ])  # fmt: skip
    world.report.table(f"A. First mirror of {world.rows:,}, no latency", HEAD, rows)
    ours = median(runs[product])
    goals = [f"{goal(ours / median(runs['floor, four indexes kept up']), at_most=1.3)} the floor with indexes"]
    if world.options.peers:
        goals.append(f"{goal(median(runs['dlt, as it comes']) / ours, at_least=2.5)} faster than dlt as it comes")
        tuned = min(median(runs["dlt, Arrow"]), median(runs["dlt, workers"]))
        goals.append(f"{goal(tuned / ours, at_least=1)} dlt tuned")
    world.report.say("; ".join(goals))


HEAD = ("contender", "s", "of the product", "its processor s", "peak MB")


def latency(world: World) -> None:
    """B: 50 ms before each answer, 8 in flight."""
    in_flight, ms = 8, 50.0
    with servers.simulator(world.rows, latency=ms) as api:
        contenders: dict[str, Callable[[], Measured]] = {
            "floor, four indexes kept up": lambda: world.floor("kept", api, in_flight=in_flight),
            "product": lambda: world.first(api, in_flight=in_flight),
        }
        if world.options.peers:
            contenders["dlt, Arrow, in flight too"] = lambda: world.dlt("arrow", api, in_flight=in_flight)
        runs = _interleaved(world.options.repeat, contenders)
        if world.options.peers:
            runs["dlt, as it comes"] = [world.dlt("plain", api)]
        held = api.act("stats")["max_in_flight"]
    ideal = world.rows / 100 * ms / 1000 / in_flight
    rows = [
        [name, seconds(r), times(median(r) / median(runs["product"])), cpu(r), peak(r)] for name, r in runs.items()
    ]
    rows.insert(
        0, ["ideal: pages × latency ÷ in flight", f"{ideal:.2f}", times(ideal / median(runs["product"])), "", ""]
    )
    world.report.table(f"B. First mirror of {world.rows:,}, 50 ms, {in_flight} in flight", HEAD, rows)
    goals = [f"{goal(median(runs['product']) / ideal, at_most=1.2)} the ideal"]
    if world.options.peers:
        goals.append(
            f"{goal(median(runs['dlt, as it comes']) / median(runs['product']), at_least=6)} faster than dlt"
        )
    world.report.say("; ".join(goals) + f". Most in flight at once, as the server saw it: {held}")


def again(world: World) -> None:
    """C and D: the mirror is there; nothing, and one in a thousand, has changed."""
    server = world.server
    with servers.simulator(world.rows) as api, server.database("product", world.template) as database:
        mirrors.sync(api, database)
        runs: Runs = defaultdict(list)
        rows_written, log = [], []
        for _ in range(world.options.repeat):
            runs["network and decoding, requests"].append(world.network(api))
            rows, bytes_ = mirrors.written(server, database), mirrors.wal(server)
            runs["product, nothing changed"].append(mirrors.sync(api, database))
            log.append(mirrors.wal(server) - bytes_)
            rows_written.append(mirrors.written(server, database) - rows)
            changed = api.act("change", fraction=0.001)["changed"]
            rows = mirrors.written(server, database)
            runs["product, 0.1 % changed"].append(run := mirrors.sync(api, database))
            assert mirrors.written(server, database) - rows == run.said["changed"] == len(changed)
    ours = median(runs["product, nothing changed"])
    table = [[name, seconds(r), times(median(r) / ours), cpu(r), peak(r)] for name, r in runs.items()]
    world.report.table(f"C, D. Again, {world.rows:,} rows", HEAD, table)
    assert set(rows_written) == {0}, rows_written
    world.report.say(
        f"{goal(ours / median(runs['network and decoding, requests']), at_most=1.3)} network and decoding; "
        f"{goal(median(runs['product, 0.1 % changed']) / ours, at_most=1.2)} nothing changed. Rows written when "
        f"nothing changed: 0 each time, by pg_stat_user_tables; write-ahead log of the whole server meanwhile: "
        f"{min(log) / 1e6:.2f} MB at least. When 0.1 % changed, just those rows were written."
    )


def growth(world: World) -> None:
    """E: ten times as many rows, and ten times again."""
    sizes = (1_000, 5_000) if world.options.small else (10_000, 100_000, 1_000_000)
    rows, pace, peaks = [], {}, []
    for size in sizes:
        with servers.simulator(size) as api, world.server.database("product", world.template) as database:
            base = measure(python("manage.py", "sync_migrations", "--help"), mirrors.environment(api, database))
            made, kept = mirrors.sync(api, database), mirrors.sync(api, database)
        pace[size] = tuple(size / (run.seconds - base.seconds) for run in (made, kept))
        peaks += [made.peak_mb, kept.peak_mb]
        rows.append([
            f"{size:,}", f"{made.seconds:.2f}", f"{pace[size][0]:,.0f}", f"{made.peak_mb:.0f}",
            f"{kept.seconds:.2f}", f"{pace[size][1]:,.0f}", f"{kept.peak_mb:.0f}",
        ])  # fmt: skip
    head = ("rows", "first, s", "rows/s after the start", "peak MB", "unchanged, s", "rows/s", "peak MB")
    world.report.table("E. Growth", head, rows)
    least, most = sizes[-2], sizes[-1]
    world.report.say(
        f"From {least:,} to {most:,} rows, the pace of a first mirror is "
        f"{goal(pace[most][0] / pace[least][0], at_least=0.9)}, of an unchanged one "
        f"{goal(pace[most][1] / pace[least][1], at_least=0.9)}; peaks within {max(peaks) - min(peaks):.0f} MB "
        f"(goal 30), at most {max(peaks):.0f} MB (goal 200)."
    )


def quick(world: World) -> None:
    """F: 50 new and 200 of 300 open ones changed, in a small and in a large mirror."""
    sizes = (5_000, 20_000) if world.options.small else (100_000, 1_000_000)
    rows, runs = [], []
    for size in sizes:
        with servers.simulator(size) as api, world.server.database("product", world.template) as database:
            full = mirrors.sync(api, database)
            api.act("change", n=200, open=1)
            api.act("create", n=50)
            run = mirrors.sync(api, database, "--quick")  # its check proves that all 250 were caught
            after = mirrors.sync(api, database, "--quick")
        runs.append(run)
        rows.append([
            f"{size:,}", f"{run.seconds:.2f}", str(run.said["requests"]), str(run.said["created"]),
            str(run.said["changed"]), str(after.said["requests"]), f"{full.seconds:.2f}",
        ])  # fmt: skip
    head = ("rows", "quick, s", "requests", "new", "changed", "requests of the next", "full sweep, s")
    world.report.table("F. Quick sync, 50 new and 200 of 300 open changed", head, rows)
    small, large = runs
    world.report.say(
        f"Time at the larger size {goal(large.seconds / small.seconds, at_most=1.2)}; requests at most "
        f"{max(run.said['requests'] for run in runs)} (goal 400). Every change was caught: the mirror equals the API."
    )


def sqlite(world: World) -> None:
    """S: the same on SQLite."""
    with servers.simulator(world.rows) as api, tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.sqlite3"
        mirrors.migrate(f"sqlite:///{empty}")
        runs: Runs = defaultdict(list)
        for turn in range(world.options.repeat):
            floor, ours = Path(folder) / f"floor{turn}.sqlite3", Path(folder) / f"product{turn}.sqlite3"
            ours.write_bytes(empty.read_bytes())
            runs["floor, executemany upsert"].append(world.contender("floor_sqlite", api=api, database=str(floor)))
            mirrors.check(api, f"sqlite:///{floor}", "migration", "id", FLOOR_COLUMNS)
            runs["product"].append(mirrors.sync(api, f"sqlite:///{ours}"))
            runs["floor, again"].append(world.contender("floor_sqlite", api=api, database=str(floor)))
            runs["product, again"].append(mirrors.sync(api, f"sqlite:///{ours}"))
    rows = [
        [name, seconds(r), times(median(r) / median(runs["product"])), cpu(r), peak(r)] for name, r in runs.items()
    ]
    world.report.table(f"S. SQLite, {world.rows:,} rows", HEAD, rows)
    ratio = median(runs["product"]) / median(runs["floor, executemany upsert"])
    world.report.say(f"{goal(ratio, at_most=2)} the executemany upsert")


def workers(world: World) -> None:
    """W: 50 ms, 4 in flight for each worker; one worker, and two, of which the second waits for tasks from Redis."""
    count, ms, in_flight = 2 * world.rows, 50.0, 4
    with servers.simulator(count, latency=ms) as api, servers.redis() as url:
        alone, together = "one worker", "two workers"
        runs: Runs = defaultdict(list)
        helped = []
        for _ in range(world.options.repeat):
            for name, split in ((alone, "off"), (together, "on")):
                how: dict[str, Any] = {"in_flight": in_flight, "REDIS_URL": url, "SYNC_SPLIT": split}
                with world.server.database("product", world.template) as database:
                    with mirrors.worker(api, database, **how):
                        for what in ("first mirror", "again"):
                            runs[f"{name}, {what}"].append(mirrors.sync(api, database, **how))
                    plans = world.server.ask("SELECT plan FROM migrations_sync_syncrun ORDER BY id", database)
                helped += [plan["reasons"][-1] for (plan,) in plans if name == together]
    ideal = count / 100 * ms / 1000 / in_flight
    rows = [
        [name, seconds(r), times(ideal / (1 + (together in name)) / median(r)), cpu(r), peak(r)]
        for name, r in runs.items()
    ]
    head = ("contender", "s", "ideal of it", "processor s of who began", "peak MB")
    world.report.table(
        f"W. Full sweep of {count:,} by several workers, 50 ms, {in_flight} in flight each", head, rows
    )
    goals = []
    for what in ("first mirror", "again"):
        ratio = median(runs[f"{alone}, {what}"]) / median(runs[f"{together}, {what}"])
        goals.append(f"{what} {goal(ratio, at_least=1.8)} one worker")
    world.report.say("; ".join(goals) + f". Of the parts: {'; '.join(helped)}.")
