"""A process that keeps libraries and models loaded, and works off one run after the other.

The launcher gives it runs through a pipe. A fresh process for each run spends five times as long on imports as on the
work that a small change asks for.
"""

import resource
import signal
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from multiprocessing.connection import Connection
from typing import cast


def serve(connection: Connection) -> None:
    """Load what runs need, say so, then execute what comes; ends when it is told to, or when the launcher is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a run sets a handler of its own, for as long as it runs
    try:
        load()
        connection.send(most_bytes())
        while (arguments := connection.recv()) is not None:
            execute(arguments)
            # Dagster gives SIGTERM the handler of SIGINT, and leaves it there: this process would outlive its stop
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            connection.send(most_bytes())
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def load() -> None:
    """The definitions, the models of the settings, and the libraries of tables and checks."""
    from knowledge.mention import Passage
    from rag_assets.checks import suites
    from rag_assets.definitions import load as definitions
    from resources import lance
    from resources.index import Index

    lance.load()
    definitions().get_repository_def()
    _dagster()
    suites.frames()
    index = Index.load()
    try:
        index.embedder.encode(["A word."])
        index.extractor.extract([Passage("Title", (), "A word of Ada Lovelace.")])
    finally:
        index.close()


def execute(arguments: str) -> None:
    """What `dagster api execute_run` does, in this process; how the run fared stands in its events."""
    sys.argv = ["dagster", "api", "execute_run", arguments]
    try:
        _dagster()()
    except SystemExit as end:
        if end.code:
            print(f"dagster api execute_run ended with {end.code}", file=sys.stderr)


def _dagster() -> Callable[[], None]:
    """The command `dagster`."""
    (command,) = entry_points(group="console_scripts", name="dagster")
    return cast(Callable[[], None], command.load())


def most_bytes() -> int:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
