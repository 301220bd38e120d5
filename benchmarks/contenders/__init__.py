"""One process each: what is measured. ``task`` says what the benchmark wants of it."""

import os
from typing import NamedTuple

PAGE_SIZE = 100


class Task(NamedTuple):
    url: str
    key: str
    database: str
    in_flight: int


def task() -> Task:
    get = os.environ.get
    return Task(
        get("BENCH_URL", ""), get("BENCH_KEY", ""), get("BENCH_DATABASE", ""), int(get("BENCH_IN_FLIGHT", "4"))
    )
