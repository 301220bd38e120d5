"""How many statements the product's pages take, and what they read of PostgreSQL's buffers."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.process import ROOT, base, python


@dataclass(frozen=True, slots=True)
class Weight:
    """``warm``: statements while the mirror stands still; ``cold``: right after it changed, with an empty cache.

    ``buffers``: the most shared ones that one statement reads; ``ms``: what all take; ``None`` on SQLite.
    """

    warm: int
    cold: int
    buffers: int | None = None
    ms: float | None = None


def of(named: Mapping[str, str], environment: Mapping[str, str], session: str) -> dict[str, Weight]:
    """By the names of the addresses."""
    argv = python("-W", "ignore", "-m", "benchmarks.contenders.statements", session)
    asked = json.dumps(list(named.values()))
    run = subprocess.run(
        argv, env=base() | dict(environment), cwd=ROOT, input=asked, check=True, stdout=subprocess.PIPE, text=True
    )
    found = json.loads(run.stdout.splitlines()[-1])
    return {name: Weight(**found[path]) for name, path in named.items()}
