"""A server of another age, as far as one gets with it: it agrees on a version of Bolt and says what it is."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.ports import HOST


@contextmanager
def old_server(bolt: tuple[int, int] | None, agent: str) -> Iterator[str]:
    """The URI of a server that speaks this version of Bolt, or none that the driver knows, and calls itself `agent`."""
    with socket.create_server((HOST, 0)) as listening:
        threading.Thread(target=_listen, args=(listening, bolt, agent), daemon=True).start()
        yield f"bolt://{HOST}:{listening.getsockname()[1]}"
        # else `accept` would hold the port until somebody calls
        listening.shutdown(socket.SHUT_RDWR)


def _listen(listening: socket.socket, bolt: tuple[int, int] | None, agent: str) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=_converse, args=(connection, bolt, agent), daemon=True).start()


def _converse(connection: socket.socket, bolt: tuple[int, int] | None, agent: str) -> None:
    with connection, connection.makefile("rb") as asked, suppress(OSError):
        asked.read(20)  # the magic number, and four versions that the driver proposes
        major, minor = bolt or (0, 0)
        connection.sendall(bytes([0, 0, minor, major]))
        # "\xb1\x70" is SUCCESS with a map: here {"server": agent, "connection_id": "old"}
        success = b"\xb1\x70\xa2" + _text("server") + _text(agent) + _text("connection_id") + _text("old")
        while bolt and (size := asked.read(2)):
            # a message is chunks, and ends with an empty one
            if not asked.read(int.from_bytes(size, "big")):
                connection.sendall(len(success).to_bytes(2, "big") + success + b"\0\0")


def _text(text: str) -> bytes:
    """A short text in PackStream."""
    assert len(text) < 16
    return bytes([0x80 + len(text)]) + text.encode()
