"""Samples of one page from several contenders in turn, so that all share the machine's moods; each one checked."""

import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.addresses import Page
from benchmarks.web import Answer, Server

AT_ONCE = 5  # samples of one contender before the next one's turn
LEAST = 3


@dataclass(frozen=True, slots=True)
class Samples:
    """Milliseconds, in order of size; ``answer``: the last one."""

    ms: list[float]
    answer: Answer

    @property
    def p50(self) -> float:
        return statistics.median(self.ms)

    @property
    def p95(self) -> float:
        return self.ms[min(len(self.ms) - 1, int(len(self.ms) * 0.95))]


@dataclass(frozen=True, slots=True)
class Contender:
    """``key``: of its path in a ``Page``. ``ours``: lists rows by the interface's markup, in order."""

    server: Server
    key: str
    ours: bool

    def asks(self, page: Page) -> str:
        return page.paths.get(self.key, "")


def check(page: Page, answer: Answer, *, ours: bool) -> None:
    """Raise ``AssertionError`` unless the answer is a page with the expected ids."""
    assert answer.status == 200, (page, answer.status)
    text = answer.text
    if page.ids and ours:
        listed = re.findall(r'<tr data-migration-id="([^"]*)"', text)
        assert listed == list(page.ids), (page, listed)
    else:
        assert all(found in text for found in page.ids), page
    plain = text.replace("\u202f", ",") if ours else text
    words = page.words if ours else [word.replace(",", "") for word in page.words]
    assert all(word in plain for word in words), (page, text[:2000])


def sample(page: Page, contenders: dict[str, Contender], *, rounds: int, budget: float) -> dict[str, Samples]:
    """``budget``: seconds after which a contender is asked no more, if it was asked often enough."""
    requests = {name: c.server.request(c.asks(page)) for name, c in contenders.items() if c.asks(page)}

    def ask(name: str) -> Answer:
        return contenders[name].server.send(requests[name])

    def checked(name: str, answer: Answer) -> bool:
        check(page, answer, ours=contenders[name].ours)
        return True

    return _in_turn(list(requests), ask, checked, rounds=rounds, budget=budget)


def sample_not_modified(path: str, servers: dict[str, Server], *, rounds: int, budget: float) -> dict[str, Samples]:
    """Asked with the ``ETag`` of the page; an answer that is no 304, as when a minute ends, does not count."""
    known: dict[str, str] = {}

    def ask(name: str) -> Answer:
        return servers[name].get(path, If_None_Match=known.get(name, ""))

    def checked(name: str, answer: Answer) -> bool:
        known[name] = answer.header("ETag")
        return answer.status == 304

    return _in_turn(list(servers), ask, checked, rounds=rounds, budget=budget)


def _in_turn(
    names: list[str],
    ask: Callable[[str], Answer],
    counts: Callable[[str, Answer], bool],
    *,
    rounds: int,
    budget: float,
) -> dict[str, Samples]:
    taken: dict[str, list[float]] = {name: [] for name in names}
    last = {}
    for name in names:  # what is made once
        for _ in range(2):
            counts(name, ask(name))
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            for _ in range(AT_ONCE):
                if len(taken[name]) >= LEAST and sum(taken[name]) > budget * 1000:
                    break
                began = time.perf_counter()
                answer = ask(name)
                ms = (time.perf_counter() - began) * 1000
                if counts(name, answer):
                    taken[name].append(ms)
                    last[name] = answer
    return {name: Samples(sorted(ms), last[name]) for name, ms in taken.items()}
