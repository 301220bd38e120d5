"""``POST /_control/<act>?<arguments>``: what a test or benchmark in another process may do to the simulator.

============ ========================================== =====================================================
act          arguments (default)                        answers
============ ========================================== =====================================================
change       n or fraction, status (another), open (0)  ``{"changed": [ids]}``; drawn at random, among the
                                                        open ones with open=1
create       n (1), status (NOT_STARTED)                ``{"created": [ids]}``
delete       n (1) or id                                ``{"deleted": [ids]}``
restore      id                                         ``{"restored": [id]}``
fail         status, count (all), retry_after           ``{}``
work         none; ends ``fail``                        ``{}``
stats                                                   rows, connections, max_in_flight, requests by kind
reset                                                   ``{}``; the counters of ``stats`` start again
checksum                                                ``rows`` and ``checksum``, see ``rows.checksum``
============ ========================================== =====================================================
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from .api import problem
from .population import OPEN
from .protocol import Answer

if TYPE_CHECKING:
    from .server import Simulator

Arguments = dict[str, str]


class Control:
    """Translates the acts above into calls of a ``Simulator``."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator
        self._acts: dict[str, Callable[[Arguments], object]] = {
            "change": self._change,
            "create": self._create,
            "delete": self._delete,
            "restore": self._restore,
            "fail": self._fail,
            "work": self._work,
            "stats": self._stats,
            "reset": self._reset,
            "checksum": self._checksum,
        }

    def __call__(self, act: str, arguments: Arguments) -> Answer:
        if act not in self._acts:
            return problem(404, f"no such act: {act}")
        try:
            return Answer(200, json.dumps(self._acts[act](arguments)).encode("ascii"))
        except (ValueError, KeyError) as error:
            return problem(422, f"{act}: {error!r}")

    def _change(self, arguments: Arguments) -> object:
        rows = len(self._simulator)
        count = int(arguments["n"]) if "n" in arguments else round(float(arguments["fraction"]) * rows)
        among = OPEN if arguments.get("open") == "1" else None
        return {"changed": self._simulator.change(count, status=arguments.get("status"), among=among)}

    def _create(self, arguments: Arguments) -> object:
        status = arguments.get("status", "NOT_STARTED")
        return {"created": self._simulator.create(int(arguments.get("n", 1)), status=status)}

    def _delete(self, arguments: Arguments) -> object:
        ids = [arguments["id"]] if "id" in arguments else self._simulator.draw(int(arguments.get("n", 1)))
        for migration_id in ids:
            self._simulator.delete(migration_id)
        return {"deleted": ids}

    def _restore(self, arguments: Arguments) -> object:
        self._simulator.restore(arguments["id"])
        return {"restored": [arguments["id"]]}

    def _fail(self, arguments: Arguments) -> object:
        count, wait = arguments.get("count"), arguments.get("retry_after")
        self._simulator.fail_with(
            int(arguments["status"]),
            None if count is None else int(count),
            retry_after=None if wait is None else int(wait),
        )
        return {}

    def _work(self, arguments: Arguments) -> object:
        self._simulator.work()
        return {}

    def _stats(self, arguments: Arguments) -> object:
        traffic = self._simulator.traffic
        return {
            "rows": len(self._simulator),
            "connections": traffic.connections,
            "max_in_flight": traffic.max_in_flight,
            "requests": dict(traffic.requests),
        }

    def _reset(self, arguments: Arguments) -> object:
        self._simulator.traffic.reset()
        return {}

    def _checksum(self, arguments: Arguments) -> object:
        return {"rows": len(self._simulator), "checksum": self._simulator.checksum()}
