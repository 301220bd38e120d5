"""Several requests in flight, their results in order, and never more of either than is bounded."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, Protocol, TypeVar

from migrations_sync.exceptions import APIConnectionError

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

# Results that are wanted soon, in flight or waiting, as a multiple of the requests in flight: the least window.
LEAST_WINDOW = 2
# Seconds that ``close`` waits for what is in flight, so that it is counted. Whatever takes longer goes on in a
# daemon thread until the transport's own bounds end it.
PARTING = 1.0


class Guide(Protocol[T_contra]):
    """Says what is worth fetching before everything in front of it has come. Called under a lock: be quick.

    ``learn`` gets each result as it comes, in any order, and ``None`` for a fetch that failed.
    """

    def allows(self, number: int) -> bool: ...
    def learn(self, number: int, result: T_contra | None) -> None: ...


class _Raised(NamedTuple):
    error: BaseException


class ReadAhead(Generic[T]):
    """Fetches numbers ``first``, ``first + 1``, … in ``workers`` threads and iterates over the results in order.

    The wanted number is always fetched; one further on only if the guide allows it and it lies in the window.
    An exception of ``fetch`` is raised at its number. It ends only by ``close``.
    """

    def __init__(
        self, fetch: Callable[[int], T], guide: Guide[T], *, first: int, workers: int, window: int = 0
    ) -> None:
        self._fetch = fetch
        self._guide = guide
        self._window = max(window, LEAST_WINDOW * workers)
        self._next = self._wanted = first
        self._results: dict[int, T | _Raised] = {}
        self._open = True
        lock = threading.RLock()  # the collector may close a forgotten iteration from any line of any thread
        self._room = threading.Condition(lock)  # a number may be worth starting
        self._arrived = threading.Condition(lock)  # the wanted result is there
        self._threads = [
            threading.Thread(target=self._work, name=f"api-{n + 1}", daemon=True) for n in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._arrived:
                while self._wanted not in self._results:
                    if not self._open:
                        raise APIConnectionError("the client was closed while its answers were read")
                    self._arrived.wait()
                result = self._results.pop(self._wanted)
            if isinstance(result, _Raised):
                raise result.error
            yield result
            with self._room:  # only now: whoever reads may have seen the end
                self._wanted += 1
                self._room.notify()

    def close(self) -> None:
        with self._room:
            self._open = False
            self._room.notify_all()
            self._arrived.notify_all()
        deadline = time.monotonic() + PARTING
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(deadline - time.monotonic(), 0.0))

    def _work(self) -> None:
        while (number := self._take()) is not None:
            try:
                result: T | _Raised = self._fetch(number)
            except BaseException as error:  # whatever it is belongs to whoever reads the results
                result = _Raised(error)
            with self._arrived:
                self._results[number] = result
                self._guide.learn(number, None if isinstance(result, _Raised) else result)
                self._arrived.notify()

    def _take(self) -> int | None:
        with self._room:
            while self._open and not self._is_worth_starting():
                self._room.wait()
            if not self._open:
                return None
            self._next += 1
            if self._is_worth_starting():
                self._room.notify()  # each that finds work wakes the next, so nobody wakes in vain
            return self._next - 1

    def _is_worth_starting(self) -> bool:
        return self._next == self._wanted or (
            self._next < self._wanted + self._window and self._guide.allows(self._next)
        )
