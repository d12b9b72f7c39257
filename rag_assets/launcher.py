"""The run launcher of one machine: gives a run to a process that has everything loaded.

`dagster.yaml` names it. The daemon, which launches, keeps the processes: from its start on as `python -m
rag_assets.daemon run`, as `dagster-daemon run` from its first run on. A run goes the usual way, through the server of
the code location, while no process is free, and where code or settings changed since it was started.
"""

import json
import os
import signal
from collections.abc import Mapping
from typing import Any

import dagster as dg

from rag_assets.warm import POOL
from resources.catalog.processes import Process

MODULE = "rag_assets.definitions"
TAG = "rag/process"
"""Which process works on a run, so that every process of this machine can stop it."""


class WarmRunLauncher(dg.DefaultRunLauncher):
    """Settings: `processes`, how many are kept at most; `runs`, after how many one is renewed."""

    def __init__(self, inst_data: Any = None, processes: int = 2, runs: int = 200) -> None:
        super().__init__(inst_data)
        POOL.most, POOL.runs = processes, runs

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {
            "processes": dg.Field(int, default_value=2, is_required=False),
            "runs": dg.Field(int, default_value=200, is_required=False),
        }

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> "WarmRunLauncher":
        return cls(inst_data, **config_value)

    def launch_run(self, context: Any) -> None:
        """Start a run: warm where that can be, else as the default launcher does."""
        if not self._launch_warm(context.dagster_run):
            super().launch_run(context)
        POOL.fill()

    def _launch_warm(self, run: Any) -> bool:
        process = POOL.take() if _module(run) == MODULE else None
        if process is None:
            return False
        self._instance.add_run_tags(run.run_id, {TAG: json.dumps(process.identity)})
        if process.execute(run, lambda code: self._lost(run.run_id, code)):
            return True
        self._instance.add_run_tags(run.run_id, {TAG: ""})
        return False

    def _lost(self, run_id: str, code: int) -> None:
        """Called from the thread that listens to the process."""
        run = self._instance.get_run_by_id(run_id) if self.has_instance else None
        if run is not None and not run.is_finished:
            self._instance.report_run_failed(run, f"The process of this run is gone (exit code {code}).")

    def terminate(self, run_id: str) -> bool:
        """Ask a run to stop; False where nothing of it is alive."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or not run.tags.get(TAG):
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        process = Process(**json.loads(run.tags[TAG]))
        self._instance.report_run_canceling(run)
        if not process.lives:
            self._instance.report_run_canceled(run)
            return False
        os.kill(process.pid, signal.SIGINT)
        return True

    def dispose(self) -> None:
        POOL.close()
        super().dispose()


def _module(run: Any) -> str | None:
    origin = run.job_code_origin
    return getattr(origin.repository_origin.code_pointer, "module", None) if origin else None
