"""What a person sees of an asset in the UI beside its counters: plots, the backlog, what was set aside."""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from typing import Any

import dagster as dg

from knowledge.plot import bars
from resources.index import Index

PARTS = 8
"""Bars of a histogram."""


def bar_plot(rows: Sequence[tuple[str, float]]) -> dg.MarkdownMetadataValue:
    """Bars as an image in markdown, which is how the UI shows plots."""
    if not rows:
        return dg.MetadataValue.md("*nothing yet*")
    image = b64encode(bars(rows).encode()).decode()
    return dg.MetadataValue.md(f"![{len(rows)} bars](data:image/svg+xml;base64,{image})")


def backlog(index: Index) -> dict[str, Any]:
    """Changes that wait, and what was set aside: how many, and where."""
    waiting = {partition: documents for partition, (documents, _) in index.catalog.items.waiting().items()}
    letters = Counter((letter.partition, letter.stage) for letter in index.catalog.letters.find())
    found: dict[str, Any] = {"changes_waiting": sum(waiting.values()), "dead_letters": letters.total()}
    if waiting:
        found["backlog"] = bar_plot(sorted(waiting.items()))
    if letters:
        found["set_aside"] = bar_plot([(" · ".join(place), count) for place, count in sorted(letters.items())])
    return found


def chunk_lengths(index: Index) -> dict[str, Any]:
    """How many chunks have how many tokens."""
    table, most = index.tables.chunks, index.chunk_limits.max_tokens
    edges = [round(most * n / PARTS) for n in range(PARTS)]
    rows = []
    for low, high in zip(edges, [*edges[1:], None], strict=True):
        where = f"tokens > {low}" + (f" and tokens <= {high}" if high is not None else "")
        rows.append((f"{low + 1} to {high or most} tokens", table.count(where)))
    return {"lengths": bar_plot(rows)}
