"""What is expected of the documents: the rows that the catalog asks for, each with text or with a reason.

Belongs here: rows and expectations of `documents_suite`. Does not: reading text (a filter finds what has none).
"""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from typing import Any

from rag_assets.checks.scope import DOCUMENTS, Scope, ingest_partitions
from rag_assets.checks.suites import Expectations, Rows
from rag_assets.stage import batches
from rag_assets.work import source_of
from resources.catalog.items import Document
from resources.index import Index
from resources.tables import is_in

STAGE = "documents"
STATUSES = ("ok", "failed", "quarantined")
MOST_FAILED = 0.2
"""Share of a source's documents that may fail before the check warns."""
BLANK = r"NOT regexp_like(text, '\S')"


def rows(index: Index, scope: Scope) -> Rows:
    """Kind `documents`: copies too many or too few, status, what is missing; kind `sources`: the share that failed."""
    units, items = scope.units(STAGE), index.catalog.items
    partitions = ingest_partitions(index, scope)
    if units is None:
        for partition in partitions:
            waiting = set(items.pending(partition))
            have = index.tables.documents.read(is_in("partition", [partition]), ("id",))["id"].to_pylist()
            live = _live(items.documents(partition=partition))
            for batch in batches(sorted({*live, *have}), DOCUMENTS):
                yield STAGE, _documents(index, batch, live, waiting)
    else:
        waiting = {document for partition in partitions for document in items.pending(partition)}
        for batch in batches(units, DOCUMENTS):
            yield STAGE, _documents(index, batch, _live(items.documents(ids=batch)), waiting)
    yield "sources", _sources(index, sorted({source_of(partition) for partition in partitions}))


def _live(items: Iterable[Document]) -> set[str]:
    return {item.id for item in items if item.state != "gone"}


def _documents(index: Index, ids: Sequence[str], live: Set[str], waiting: Set[str]) -> dict[str, list[Any]]:
    table = index.tables.documents
    found = table.by("id", ids, ("id", "status")).to_pylist()
    copies = Counter(row["id"] for row in found)
    status = {row["id"]: row["status"] for row in found}
    among = is_in("id", ids)
    blank = set(table.read(f"{among} AND status = 'ok' AND {BLANK}", ("id",))["id"].to_pylist())
    silent = set(table.read(f"{among} AND status != 'ok' AND reason IS NULL", ("id",))["id"].to_pylist())
    # what waits for its run, or could not be fetched yet, has the row that it had, or none
    letters = index.catalog.letters.find(STAGE, set(ids))
    passed_over = waiting | {letter.unit for letter in letters if not copies[letter.unit]}
    return {
        "id": list(ids),
        "copies_too_many": [0 if d in passed_over else copies[d] - (d in live) for d in ids],
        "status": [status.get(d) for d in ids],
        "without_text": [d in blank for d in ids],
        "without_reason": [d in silent for d in ids],
    }


def _sources(index: Index, sources: Sequence[str]) -> dict[str, list[Any]]:
    table = index.tables.documents
    counts = [(s, table.count(is_in("source", [s])), table.count(f"{is_in('source', [s])} AND status = 'failed'"))
              for s in sources]  # fmt: skip
    present = [(source, failed / count) for source, count, failed in counts if count]
    return {"id": [source for source, _ in present], "failed_share": [share for _, share in present]}


def expectations(index: Index) -> Expectations:
    import great_expectations.expectations as gxe

    return {
        STAGE: [
            gxe.ExpectColumnValuesToBeInSet(column="copies_too_many", value_set=[0]),
            gxe.ExpectColumnValuesToBeInSet(column="status", value_set=list(STATUSES)),
            gxe.ExpectColumnValuesToBeInSet(column="without_text", value_set=[False]),
            gxe.ExpectColumnValuesToBeInSet(column="without_reason", value_set=[False]),
        ],
        "sources": [gxe.ExpectColumnValuesToBeBetween(column="failed_share", min_value=0, max_value=MOST_FAILED)],
    }
