"""The least that a client can do: sockets, requests made once, answers in order. No retry, no check, no TLS."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from benchmarks.contenders import PAGE_SIZE


def bodies(url: str, key: str, in_flight: int) -> Iterator[bytes]:
    """The bodies of pages 1, 2, … until one says that no more follow; ``in_flight`` asked for at any time."""
    parts = urlsplit(url)
    head = f" HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {key}\r\n\r\n"
    connections = []
    for _ in range(in_flight):
        connection = socket.create_connection((parts.hostname or "", parts.port or 80))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        connections.append(connection)

    def ask(page: int) -> None:
        target = f"GET {parts.path}/migrations?page={page}&page_size={PAGE_SIZE}"
        connections[page % in_flight].sendall((target + head).encode())

    for page in range(1, in_flight + 1):
        ask(page)
    page, body = 1, b""
    while not body.endswith(b'"has_more":false}'):
        body = _answer(connections[page % in_flight])
        ask(page + in_flight)
        yield body
        page += 1


def _answer(connection: socket.socket) -> bytes:
    data = bytearray(connection.recv(1 << 16))
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += connection.recv(1 << 16)
    head = bytes(data[:end]).lower()
    length = int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
    missing = end + 4 + length - len(data)
    while missing > 0:
        part = connection.recv(missing)
        data += part
        missing -= len(part)
    return bytes(data[end + 4 :])
