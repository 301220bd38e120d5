"""Events as the vendor's sender, Svix, delivers them: signed, tried again, in no promised order.

Sources: the vendor's "Webhooks" page for events and envelope; docs.svix.com, "Verifying payloads manually",
for the signature.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import random
import time
from urllib.parse import urlsplit

from .rows import Row, stamp

EVENTS = {
    "WORKING": "migration.started",
    "COMPLETE": "migration.completed",
    "COMPLETED_WITH_FAILURES": "migration.completed",
    "FAILED": "migration.failed",
}
REASONS = (
    "The login was rejected by the payroll provider",
    "The payroll provider asked for a code that nobody entered in time",
    "The account lacks the permission to read reports",
    "The payroll provider did not answer",
)
TRIES = (0.0, 5.0, 300.0)  # seconds before each
_TIMEOUT = 15.0
_AT_ONCE = 8


def event_for(row: Row, old: str | None, *, at: float, rng: random.Random) -> Row | None:
    """The event that a change makes, if any; ``error_message`` comes with a failure only."""
    kind = "migration.created" if old is None else EVENTS.get(row["status"])
    if kind is None or row["status"] == old:
        return None
    data: Row = {"migration_id": row["id"], "object": row}
    if kind == "migration.failed":
        data["error_message"] = rng.choice(REASONS)
    name = f"evt_{rng.getrandbits(128):032x}"
    return {"id": name, "object": "event", "created": stamp(at), "type": kind, "data": data}


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The ``svix-signature`` of a message; ``secret`` is ``whsec_`` and base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")


def check(url: str, secret: str) -> None:
    """Raises ``ValueError`` when a ``Sender`` could not use these; the message does not show the secret."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the webhook address {url!r} is no http or https URL")
    try:
        sign(secret, "", 0, b"")
    except ValueError:
        raise ValueError("the webhook secret is not whsec_ and base64") from None


class Sender:
    """Delivers events to one URL; belongs to one event loop. A message tried again keeps its id."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = urlsplit(url)
        self._secret = secret
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, event: Row) -> None:
        """Deliver in the background; call it in the event loop."""
        task = asyncio.get_running_loop().create_task(self._deliver(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, event: Row) -> None:
        body = json.dumps(event, separators=(",", ":")).encode("ascii")
        message_id = "msg_" + event["id"].removeprefix("evt_")
        for pause in TRIES:
            await asyncio.sleep(pause)
            async with self._free:
                if await self._post(message_id, body):
                    return

    async def _post(self, message_id: str, body: bytes) -> bool:
        """Whether the receiver took it: a 2xx in time."""
        try:
            async with asyncio.timeout(_TIMEOUT):
                status = await self._exchange(self._request(message_id, body))
        except (OSError, ValueError, IndexError):  # TimeoutError is an OSError; the others: not HTTP
            return False
        return 200 <= status < 300

    def _request(self, message_id: str, body: bytes) -> bytes:
        timestamp = int(time.time())
        path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        head = (
            f"POST {path} HTTP/1.1",
            f"host: {self._url.netloc}",
            "accept: */*",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "user-agent: Svix-Webhooks/1.66.0 (simulator)",
            f"svix-id: {message_id}",
            f"svix-timestamp: {timestamp}",
            f"svix-signature: {sign(self._secret, message_id, timestamp, body)}",
            "connection: close",
        )
        return "\r\n".join(head).encode("ascii") + b"\r\n\r\n" + body

    async def _exchange(self, request: bytes) -> int:
        secure = self._url.scheme == "https"
        port = self._url.port or (443 if secure else 80)
        reader, writer = await asyncio.open_connection(self._url.hostname, port, ssl=secure)
        try:
            writer.write(request)
            return int((await reader.readline()).split()[1])
        finally:
            writer.close()
