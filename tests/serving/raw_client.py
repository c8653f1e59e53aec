"""A client that sends exactly the bytes it is told, as slowly as it likes."""

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class RawAnswer:
    """An answer as it came over the wire; status 0 when the connection just ended."""

    status: int
    headers: dict[str, str]
    body: bytes


def connect(address: str) -> socket.socket:
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)


def read_answer(connection: socket.socket) -> RawAnswer:
    """Read to the end of the connection."""
    received = bytearray()
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionError:
            break
        if not piece:
            break
        received += piece
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    status = int(first.split(" ")[1]) if first.startswith("HTTP/") else 0
    return RawAnswer(status, headers, body)


def send(address: str, content: bytes) -> RawAnswer:
    with connect(address) as connection:
        connection.sendall(content)
        return read_answer(connection)
