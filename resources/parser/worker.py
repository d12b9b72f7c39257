"""The worker process: reads one file after the other in a place where it may hang, crash or run out of memory.

It speaks frames on its standard input and output: eight bytes of length, then JSON. It ends when its parent does: on
the end of its input, or as soon as it has another parent (a forked brother may hold the pipe open).
"""

import json
import os
import resource
import select
import signal
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from resources.parser.extract import read_any
from resources.parser.outcome import ParseLimits, RefusalError

WATCH_SECONDS = 1.0


def main(limits: ParseLimits) -> None:
    """Serve requests `{"path", "name"}` with drafts or refusals until the parent goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what a Ctrl-C means
    replies = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not end up between the frames
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    memory = limits.memory_bytes if most == resource.RLIM_INFINITY else min(limits.memory_bytes, most)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests: SimpleQueue[dict[str, Any]] = SimpleQueue()
    Thread(target=_listen, args=(requests, os.getppid()), daemon=True).start()
    import kreuzberg  # noqa: F401  loaded before the first file's clock starts

    send(replies, {"ready": os.getpid()})
    while True:
        request = requests.get()
        send(replies, _answer(Path(request["path"]), request["name"], limits))


def send(pipe: int, message: dict[str, Any]) -> None:
    """Write one frame to a file descriptor."""
    body = json.dumps(message).encode("ascii")
    data = memoryview(len(body).to_bytes(8, "big") + body)
    while data:
        data = data[os.write(pipe, data) :]


def _answer(path: Path, name: str, limits: ParseLimits) -> dict[str, Any]:
    try:
        return {"draft": asdict(read_any(path, name, limits)), "size": _address_space()}
    except RefusalError as refusal:
        return {"rejected": asdict(refusal.rejected), "size": _address_space()}
    except MemoryError:
        return {"rejected": {"reason": "memory", "message": ""}, "size": limits.memory_bytes}
    except RecursionError:
        return {"rejected": {"reason": "too_deep", "message": "too_deep: the file is nested too deeply"}, "size": 0}
    except OSError as error:
        message = f"unopened: {error.strerror or type(error).__name__}"
        return {"rejected": {"reason": "unopened", "message": message}, "size": 0}


def _address_space() -> int:
    """Bytes of address space in use; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0


def _listen(requests: "SimpleQueue[dict[str, Any]]", parent: int) -> None:
    while os.getppid() == parent:
        if select.select([0], [], [], WATCH_SECONDS)[0]:
            head = _read(8)
            requests.put(json.loads(_read(int.from_bytes(head, "big"))))
    os._exit(0)


def _read(count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = os.read(0, count - len(data))
        if not piece:
            os._exit(0)
        data += piece
    return data


def serve(arguments: str) -> None:
    """Entry of the process: `arguments` is the JSON of the limits."""
    main(ParseLimits(**json.loads(arguments)))
