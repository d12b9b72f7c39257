"""What a person sees of an outcome on a terminal: tables, a pass, an answer. JSON is printed as it is."""

import json
import sys
from typing import Any

import click


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def say(line: str) -> None:
    """A line of progress, beside the output."""
    click.echo(f"… {line}", err=True)


def show_table(title: str, rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in rows[0] if rows else ():
        table.add_column(name, justify="right" if isinstance(rows[0][name], int) else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def show_pass(outcome: dict[str, Any]) -> None:
    sources = outcome["sources"].items()
    show_table("sources", [{"source": name, **{k: v for k, v in of.items() if k != "notes"}} for name, of in sources])
    for note in outcome["notes"]:
        click.echo(note)
    rows = []
    for asset, counters in outcome["assets"].items():
        rows.append({"asset": asset, **{name.removeprefix("rows_"): value for name, value in counters.items()}})
    show_table("assets", rows)
    bad = [check for check in outcome["checks"] if not check["passed"]]
    if bad:
        show_table("checks that did not pass", bad)
    for error in outcome["errors"]:
        click.echo(f"rag: {error}", err=True)
    runs = f"{len(outcome['runs'])} runs" if outcome["runs"] else "nothing to do, no run started"
    click.echo(f"{'ok' if outcome['ok'] else 'not ok'}: {runs}, {outcome['seconds']} s")


def show_answer(answer: dict[str, Any]) -> None:
    click.secho(answer["question"], bold=True)
    for result in answer["results"]:
        heading = " › ".join(result["heading_path"])
        click.secho(f"{result['rank']:>2}. {result['source']}/{result['path']}", fg="cyan", nl=False)
        click.echo(f"  {heading}  ({result['score']:.2f})")
        click.echo("    " + " ".join(result["text"].split())[:240])
    for report in answer["reports"]:
        click.secho(f" ·  {report['title']}", fg="green")
        click.echo("    " + report["summary"][:240])
    click.echo(f"{len(answer['results'])} results, {answer['seconds']:.2f} s")
