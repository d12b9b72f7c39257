"""`python -m rag_assets.daemon run …`: the `dagster-daemon` that has a warm run process from its start on."""

from importlib.metadata import entry_points

import dagster as dg

from rag_assets.launcher import WarmRunLauncher
from rag_assets.warm import POOL


def main() -> None:
    with dg.DagsterInstance.get() as instance:
        launcher = instance.run_launcher  # brings the settings of dagster.yaml
    if isinstance(launcher, WarmRunLauncher):
        POOL.open()
    (daemon,) = entry_points(group="console_scripts", name="dagster-daemon")
    daemon.load()()


if __name__ == "__main__":
    main()
