"""What a person and the daemon do: write a file, carry a request out."""

from pathlib import Path

import dagster as dg

from rag_assets.definitions import build_defs
from resources.index import Index

SETTINGS = """\
sources:
  notes: {type: filesystem, path: notes}
embeddings: {model: hashing}
extraction: {method: patterns}
changes: {debounce_seconds: 0}
"""


def write(home: Path, name: str, text: str) -> None:
    (home / "notes" / name).write_text(text, encoding="utf-8")


def run(index: Index, instance: dg.DagsterInstance, request: dg.RunRequest, *, fail: bool = False) -> bool:
    """What the daemon does with a request."""
    job = build_defs(index.settings).resolve_job_def(request.job_name)
    tags = {**request.tags, "dagster/run_key": request.run_key}
    if fail:
        dag = instance.create_run_for_job(job, tags=tags)
        instance.report_run_failed(dag)
        return False
    return job.execute_in_process(instance=instance, tags=tags).success


def only(result: dg.SensorResult) -> dg.RunRequest:
    assert result.run_requests is not None, result.skip_reason
    (request,) = result.run_requests
    return request
