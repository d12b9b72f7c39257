"""The command `rag`: arguments and printing only; what it does stands in the modules that it calls."""

import codecs
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from rag_assets.exits import OneLineErrors, command
from rag_assets.printing import print_json, say, show_answer, show_pass, show_table
from resources.errors import SettingsError

MODES = ("hybrid", "local", "global", "dense", "fulltext")


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The GraphRAG index of a company's documents: what Dagster has no command for."""


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@command(json_flag=False)
def init(folder: Path) -> None:
    """Write a commented rag.yaml and the Dagster home; never overwrites."""
    from rag_assets.home import ensure_home
    from rag_assets.template import write_settings
    from resources.settings import load_settings

    file = write_settings(folder)
    home = ensure_home(load_settings(file))
    click.echo(f"{file} written; runs are recorded in {home}.\nNext: name your folders in it, then `rag index`.")


@main.command()
@click.option("--source", "sources", multiple=True, help="Only this source; may be given several times.")
@click.option("--full", is_flag=True, help="Compare everything, without change hints.")
@command()
def index(sources: tuple[str, ...], full: bool, as_json: bool) -> int:
    """One pass of the whole chain: discover, ingest, graph, reports. No run where nothing changed."""
    from rag_assets.indexing import index_once

    parts = _index()
    _known_sources(parts.settings.sources, sources)
    quiet = as_json or not sys.stderr.isatty()
    outcome = index_once(parts, None, sources, full=full, say=lambda line: None if quiet else say(line))
    if as_json:
        print_json(outcome.as_dict())
    else:
        show_pass(outcome.as_dict())
    return 0 if outcome.ok else 1


@main.command()
@click.argument("question", required=False)
@click.option("--batch", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A JSON question a line.")
@click.option("-k", "k", type=click.IntRange(1, 1000), default=8, show_default=True, help="Most results.")
@click.option("--mode", type=click.Choice(MODES), default="hybrid", show_default=True)
@click.option("--as", "principals", multiple=True, help="Only what this principal may read; several are a union.")
@click.option("--source", "sources", multiple=True, help="Only documents of this source.")
@command()
def search(
    question: str | None,
    batch: Path | None,
    k: int,
    mode: Any,
    principals: tuple[str, ...],
    sources: tuple[str, ...],
    as_json: bool,
) -> int:
    """Answer a question with the passages that answer it, best first."""
    from resources.retrieval import Question, Retrieval

    if (question is None) == (batch is None):
        raise SettingsError("give either a question or --batch FILE.")
    parts = _index()
    _known_sources(parts.settings.sources, sources)
    questions = _questions(batch) if batch else [Question(None, question or "")]
    answers = Retrieval.of(parts).search(questions, k, mode, principals or None, sources or None)
    for answer in answers:
        if batch or as_json:
            click.echo(json.dumps(answer, ensure_ascii=False))
        else:
            show_answer(answer)
    return 0


@main.command()
@command()
def status(as_json: bool) -> None:
    """Rows per table, documents per source, what waits, and how far each stage is."""
    from rag_assets.status import status as read

    found = read(_index())
    if as_json:
        print_json(found)
        return
    show_table("table", [{"table": name, "rows": rows} for name, rows in found["tables"].items()])
    show_table("source", [{"source": name, **counts} for name, counts in found["sources"].items()])
    generations = ", ".join(f"{name} {value}" for name, value in found["generations"].items())
    click.echo(f"generations: {generations}; graph store: {found['graph_store']}")


@main.command()
@command()
def failed(as_json: bool) -> None:
    """What was set aside, with stage, error and number of tries."""
    from rag_assets.status import failed as read

    found = read(_index())
    if as_json:
        print_json(found)
    elif found:
        show_table("set aside", [{n: row[n] for n in ("source", "path", "stage", "error", "tries")} for row in found])
    else:
        click.echo("Nothing is set aside.")


@main.command()
@click.argument("ids", nargs=-1)
@command()
def retry(ids: tuple[str, ...], as_json: bool) -> None:
    """Put back what was set aside: all of it, or these documents. The next pass tries it again."""
    from rag_assets.status import retry as put_back

    parts = _index()
    known = {name for letter in parts.catalog.letters.find() for name in (letter.document_id, letter.unit)}
    for one in ids:
        if one not in known:
            raise SettingsError(f"{one} is not among what was set aside; `rag failed --json` lists the ids.")
    count = put_back(parts, ids)
    if as_json:
        print_json({"put_back": count})
    else:
        click.echo(f"{count} put back; `rag index` tries them again.")


@main.group()
def approve() -> None:
    """Let through what waits for a person."""


@approve.command()
@click.argument("source")
@command()
def deletes(source: str, as_json: bool) -> None:
    """Let the held deletions of a source through."""
    parts = _index()
    _known_sources([*parts.settings.sources, *parts.catalog.items.counts()], [source])
    count = parts.catalog.items.approve_deletes(source)
    if as_json:
        print_json({"source": source, "approved": count})
    else:
        click.echo(f"{source}: {count} deletions let through; `rag index` carries them out.")


@main.command()
@click.argument("source")
@command()
def forget(source: str, as_json: bool) -> int:
    """Remove every document of a source that left rag.yaml."""
    from rag_assets.forget import forget_source
    from rag_assets.home import open_instance

    parts = _index()
    if source in parts.settings.sources:
        raise SettingsError(f"{source} still stands in {parts.settings.file}; remove it there first.")
    _known_sources(parts.catalog.items.counts(), [source])
    with open_instance(parts.settings) as instance:
        outcome = forget_source(parts, instance, source)
    if as_json:
        print_json({"source": source, "removed": outcome.sources[source].applied.removed, "ok": outcome.ok})
    else:
        click.echo(f"{source}: {outcome.sources[source].applied.removed} documents removed.")
    return 0 if outcome.ok else 1


@main.command()
@command()
def doctor(as_json: bool) -> int:
    """Each part: healthy, degraded or unhealthy, with a remedy."""
    from rag_assets.doctor import examine

    findings = [finding.as_dict() for finding in examine(_index())]
    if as_json:
        print_json(findings)
    else:
        show_table("health", findings)
    return 1 if any(finding["health"] == "unhealthy" for finding in findings) else 0


@main.group()
def rebuild() -> None:
    """Make again what can be made from the tables."""


@rebuild.command()
@click.option("--moved", is_flag=True, help="Drop nothing: write what is missing or different, while the old serves.")
@click.option("--tidy", is_flag=True, help="Afterwards remove from each server what lives on another one now.")
@command()
def graph(moved: bool, tidy: bool, as_json: bool) -> None:
    """Drop and rebuild the graph store from the tables, then prove that they agree."""
    import os

    from rag_assets.rebuild import rebuild_graph, tidy_graph

    parts, holder = _index(), f"rag rebuild graph (pid {os.getpid()})"
    rows = rebuild_graph(parts, holder, moved=moved or tidy)
    removed = tidy_graph(parts, holder) if tidy else 0
    if as_json:
        print_json(
            {"ok": True, "rows": rows, "rows_written": parts.graph.traffic.rows_written, "rows_removed": removed}
        )
    else:
        show_table("graph store", [{"kind": kind, "rows": count} for kind, count in rows.items()])


def _index() -> Any:
    from resources.index import Index

    return Index.load()


def _known_sources(known: Iterable[str], named: Iterable[str]) -> None:
    for name in named:
        if name not in known:
            raise SettingsError(f"{name} is no source; known are {', '.join(dict.fromkeys(known)) or 'none'}.")


def _questions(file: Path) -> list[Any]:
    from resources.retrieval import Question

    questions = []
    for number, line in enumerate(file.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        if line.strip():
            try:
                row = json.loads(line.decode("utf-8"))
                if not isinstance(row["question"], str):
                    raise TypeError
                questions.append(Question(row["id"], row["question"]))
            except (ValueError, KeyError, TypeError) as error:
                wanted = '{"id": ..., "question": ...}'
                raise SettingsError(f"{file}:{number}: is not {wanted} ({type(error).__name__}).") from error
    return questions
