"""What ``make run`` settles for an operator: an environment that is complete, and kept in the data folder.

Whatever the environment says already is left as it is.
"""

import os
import socket
from base64 import b64encode
from collections.abc import MutableMapping
from pathlib import Path
from secrets import token_bytes, token_urlsafe

from dashboard import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
# How the command learns what was settled: the address of the simulator to start, and whether to start a broker.
SIMULATOR_PORT, BROKER = "DEMO_SIMULATOR_PORT", "DEMO_BROKER"


def prepare(environ: MutableMapping[str, str]) -> None:
    """Fill ``environ``. It must be done before Django reads its settings from it."""
    folder = Path(environ.get("DATA_DIR") or BASE_DIR / "var")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    given = {name.removesuffix("_FILE") for name, value in environ.items() if value}
    simulated = "MIGRATIONS_API_KEY" not in given
    defaults = {"DATA_DIR": str(folder), "INSECURE_HTTP": "1", "SECRET_KEY": kept_secret(folder / "secret_key")}
    if "REDIS_URL" not in given:
        defaults |= {"REDIS_URL": embedded.url(folder, database=int(simulated)), BROKER: "embedded"}
    if simulated:
        defaults |= _simulated(folder)
    for name in defaults.keys() - given:
        environ[name] = defaults[name]


def _simulated(folder: Path) -> dict[str, str]:
    """Talk to a simulator, and keep its mirror and its queue apart from those of the real API."""
    port = free_port()
    return {
        SIMULATOR_PORT: str(port),
        "MIGRATIONS_API_URL": f"http://127.0.0.1:{port}/api/v1",
        "MIGRATIONS_API_KEY": f"anon_{token_urlsafe(24)}",
        "DATABASE_URL": f"sqlite:///{folder / 'simulated.sqlite3'}",
        "MIGRATIONS_WEBHOOK_SECRET": kept(folder / "webhook_secret", "whsec_" + b64encode(token_bytes(24)).decode()),
        "SYNC_INTERVAL": "10",
    }


def kept_secret(path: Path, strength: int = 48) -> str:
    """A random secret of ``strength`` bytes, made at the first call and the same ever after."""
    return kept(path, token_urlsafe(strength))


def kept(path: Path, first: str) -> str:
    """What the file says, which only this user can read; ``first``, and kept there, when there is none."""
    if not path.exists():
        with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(first)
    return path.read_text()


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        # As servers do: connections that are only fading away are in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
