"""gunicorn's threads, none of which a client can hold by sending or reading slowly."""

import contextlib
import socket
import struct
import threading
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

ARRIVES_WITHIN = 10.0  # seconds for a whole request, its body included
READS_ON_WITHIN = 30  # seconds that a reader of an answer, such as an export, may pause


class PatientWorker(ThreadWorker):
    """Stops listening to a request that is still arriving when its time is over; answers are not cut short by that.

    gunicorn itself waits for ever for the rest of a request that has begun, one thread for each.
    """

    def init_process(self) -> None:
        self._arriving: dict[socket.socket, float] = {}
        threading.Thread(target=self._watch, daemon=True).start()
        super().init_process()

    def handle(self, conn: Any) -> Any:
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", READS_ON_WITHIN, 0))
        self._arriving[conn.sock] = time.monotonic() + ARRIVES_WITHIN
        try:
            return super().handle(conn)
        finally:
            self._arriving.pop(conn.sock, None)

    def _watch(self) -> None:
        while True:
            time.sleep(min(1.0, ARRIVES_WITHIN / 2))
            now = time.monotonic()
            for sock, deadline in list(self._arriving.items()):
                if now > deadline:
                    self._arriving.pop(sock, None)
                    with contextlib.suppress(OSError):  # it ended by itself
                        sock.shutdown(socket.SHUT_RD)
