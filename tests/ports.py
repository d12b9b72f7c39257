"""Ports of the loopback interface for servers that a test starts."""

import random
import socket
from pathlib import Path

HOST = "127.0.0.1"
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """A port that nobody listens on and that no outgoing connection is given: free when a server starts again."""
    given_out = int(EPHEMERAL.read_text(encoding="ascii").split()[0])
    while True:
        with socket.socket() as probe:
            try:
                probe.bind((HOST, random.randrange(max(1024, given_out - 20_000), given_out)))
            except OSError:
                continue
            return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
