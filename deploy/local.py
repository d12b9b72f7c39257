"""Serves the Dagster UI on this machine: code location, webserver and daemon, three processes that stop together.

    make ui                      # http://127.0.0.1:3000, RAG_UI_PORT chooses another port
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

BIN = Path(sys.executable).parent
HOST = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def wait_for(port: int, process: subprocess.Popen[bytes], what: str) -> None:
    deadline = time.monotonic() + 120
    while not answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come up; its messages stand above.")
        time.sleep(0.2)


def main() -> None:
    from rag_assets.home import ensure_home
    from resources.index import prepare_environment
    from resources.settings import load_settings

    prepare_environment()
    home = ensure_home(load_settings())
    port, code_port = int(os.environ.get("RAG_UI_PORT", "3000")), free_port()
    workspace = home / "workspace.yaml"
    workspace.write_text(
        "# Written by `make ui`.\nload_from:\n  - grpc_server:\n"
        f"      host: {HOST}\n      port: {code_port}\n      location_name: rag_assets\n",
        encoding="utf-8",
    )
    running: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> subprocess.Popen[bytes]:
        # Each in a session of its own: a Ctrl-C reaches us alone, and we stop them in order.
        process = subprocess.Popen([str(BIN / command[0]), *command[1:]], start_new_session=True)
        running.append(process)
        return process

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        module = ("--module-name", "rag_assets.definitions", "--location-name", "rag_assets")
        code = start("dagster", "api", "grpc", "--host", HOST, "--port", str(code_port), *module)
        wait_for(code_port, code, "the code location")
        web = start("dagster-webserver", "--host", HOST, "--port", str(port), "--workspace", str(workspace))
        start("dagster-daemon", "run", "--workspace", str(workspace))
        wait_for(port, web, "the webserver")
        print(f"\nDagster UI: http://{HOST}:{port}   (Ctrl-C stops everything)\n", flush=True)
        while all(process.poll() is None for process in running):
            time.sleep(0.5)
        raise SystemExit("one of the three processes ended; the others are stopped. Its messages stand above.")
    finally:
        for process in reversed(running):
            stop_group(process)


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """A process and the runs that it started: asked to end, made to after ten seconds."""
    for sent, seconds in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, sent)
            process.wait(seconds)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    main()
