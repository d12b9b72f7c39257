"""Serves the Dagster UI on this machine: code location, webserver and daemon, three processes that stop together.

    make ui                                  # http://127.0.0.1:3000, RAG_UI_PORT chooses another port
    make ui RAG_CONFIG=/data/rag.yaml        # the index of these settings

Without RAG_CONFIG: the settings of the working directory; while they have no index, that of `make demo`.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

BIN = Path(sys.executable).parent
HOST = "127.0.0.1"
SECONDS = 240
"""How long each process may take to come up."""


def choose_settings() -> Path:
    """RAG_CONFIG, else the settings found as always, or the demo's where those have no index and the demo has."""
    from resources.settings import REPOSITORY, find_settings, load_settings

    file, demo = find_settings(), REPOSITORY / "var" / "demo" / "rag.yaml"
    if os.environ.get("RAG_CONFIG") or not demo.is_file():
        return file
    settings = load_settings(file)
    made = "://" in settings.catalog or (settings.folder / settings.catalog).exists()
    return file if made else demo


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def wait_for(port: int, process: subprocess.Popen[bytes], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come up; its messages stand above.")
        time.sleep(0.2)


def main() -> None:
    from rag_assets.home import ensure_home
    from resources.errors import RagError
    from resources.index import prepare_environment
    from resources.settings import load_settings

    prepare_environment()
    try:
        file = choose_settings()
        home = ensure_home(load_settings(file))
    except RagError as error:
        raise SystemExit(f"make ui: {error}") from error
    os.environ["RAG_CONFIG"] = str(file)
    port, code_port = int(os.environ.get("RAG_UI_PORT") or "3000"), free_port()
    if answers(port):
        raise SystemExit(f"make ui: port {port} is taken; choose another: make ui RAG_UI_PORT={port + 1}")
    print(f"Serving the index of {file}; runs are recorded in {home}.", flush=True)
    workspace = home / "workspace.yaml"
    workspace.write_text(
        "# Written by `make ui`.\nload_from:\n  - grpc_server:\n"
        f"      host: {HOST}\n      port: {code_port}\n      location_name: rag_assets\n",
        encoding="utf-8",
    )
    serve(port, code_port, workspace)


def serve(port: int, code_port: int, workspace: Path) -> None:
    """Start the three, and stop them when a signal comes or one of them ends."""
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
        start("python", "-m", "rag_assets.daemon", "run", "--workspace", str(workspace))
        wait_for(port, web, "the webserver")
        print(f"\nDagster UI: http://{HOST}:{port}/asset-groups   (Ctrl-C stops everything)\n", flush=True)
        while all(process.poll() is None for process in running):
            time.sleep(0.5)
        raise SystemExit("one of the three processes ended; the others are stopped. Its messages stand above.")
    finally:
        # a second Ctrl-C must not leave any of them behind
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stop_groups(running)


def stop_groups(processes: list[subprocess.Popen[bytes]], seconds: float = 10) -> None:
    """The processes and the runs that they started, last first: asked to end, made to after `seconds`."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        for process in reversed(processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, sent)
        deadline = time.monotonic() + seconds
        while any(group_lives(process) for process in processes) and time.monotonic() < deadline:
            time.sleep(0.1)


def group_lives(process: subprocess.Popen[bytes]) -> bool:
    process.poll()  # reaps it: a zombie would keep its group alive
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
