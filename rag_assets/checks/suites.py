"""The one factory of the asset checks: rows of an asset against Great Expectations suites.

Belongs here: how a check runs and what it reports. Does not: what is read (scope), what is expected of whom (quality).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import dagster as dg

from rag_assets.checks import library
from rag_assets.checks.scope import Scope, scope_of
from rag_assets.index_resource import IndexResource
from resources.index import Index

Columns = Mapping[str, Sequence[Any]]
"""Values by column name, of equal length; `id` names the row. Ids, numbers and verdicts, never text of documents."""
Rows = Iterator[tuple[str, Columns]]
"""Some rows of a kind at a time: what is held at once is bounded."""
Expectations = Mapping[str, Sequence[Any]]
"""Great Expectations by the kind of row that has to meet them. An empty value (None) meets everything."""

AT_ONCE = 20_000
"""Rows validated together."""
NAMED = 20
"""Most ids that a failure names."""


@dataclass(slots=True)
class Failure:
    """Rows that do not meet an expectation: how many, and the first of their ids."""

    kind: str
    expectation: str
    allowed: Mapping[str, Any]
    count: int = 0
    rows: list[str] = field(default_factory=list)

    def add(self, count: int, ids: Iterable[str]) -> None:
        self.count += count
        self.rows = [*self.rows, *ids][:NAMED]

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "expectation": self.expectation, **self.allowed, "count": self.count, "rows": self.rows,
        }  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """What came of a validation: rows by kind, and the failures by kind, expectation and column."""

    rows: Counter[str] = field(default_factory=Counter)
    failures: dict[tuple[str, ...], Failure] = field(default_factory=dict)

    @property
    def failed(self) -> list[Failure]:
        return list(self.failures.values())

    def says(self) -> str:
        """One sentence for a person."""
        if not self.failures:
            checked = ", ".join(f"{count:,} {kind}" for kind, count in self.rows.items()) or "no rows"
            return f"As expected: {checked}."
        found = (f"{f.count:,} {f.kind}: {f.allowed.get('column', f.expectation)}" for f in self.failed)
        return "Not as expected: " + "; ".join(found) + "."


def suite_check(
    asset: str,
    rows: Callable[[Index, Scope], Rows],
    expectations: Callable[[Index], Expectations],
    *,
    description: str,
    blocking: bool,
    reads: Sequence[str] = (),
    warns: Collection[str] = (),
) -> dg.AssetChecksDefinition:
    """The check `<asset>_suite`: it passes when the rows of its scope meet every expectation.

    `expectations` is a function, because importing Great Expectations takes seconds: with nothing to check it stays
    away. `reads`: the stages whose touched units are looked at, the asset's own if none is named. Failures in the
    kinds of `warns` alone are a warning. A run whose check is `blocking` ends where one is an error.
    """
    stages = tuple(reads) or (asset,)

    @dg.asset_check(asset=asset, name=f"{asset}_suite", blocking=blocking, description=description)
    def check(context: dg.AssetCheckExecutionContext, index: IndexResource) -> dg.AssetCheckResult:
        parts = index.opened
        scope = scope_of(context, parts, asset, stages)
        if scope.nothing:
            return dg.AssetCheckResult(
                passed=True, description="Nothing touched.", metadata={"rows": 0, "scope": scope.says, "failed": []}
            )
        outcome = validate(rows(parts, scope), lambda: expectations(parts))
        if outcome.failures:
            # once more: another run may stand between its rows and its books; what is wrong stays wrong
            outcome = validate(rows(parts, scope), lambda: expectations(parts))
        mild = outcome.failures and all(failure.kind in warns for failure in outcome.failed)
        return dg.AssetCheckResult(
            passed=not outcome.failures,
            severity=dg.AssetCheckSeverity.WARN if mild else dg.AssetCheckSeverity.ERROR,
            description=outcome.says(),
            metadata={
                "rows": outcome.rows.total(),
                "rows_by_kind": dg.MetadataValue.json(dict(outcome.rows)),
                "scope": scope.says,
                "failed": dg.MetadataValue.json([failure.as_dict() for failure in outcome.failed]),
            },
        )

    return check


def validate(rows: Rows, expectations: Callable[[], Expectations]) -> Outcome:
    """Hold rows against their kinds' expectations, some thousands at a time."""
    outcome, waiting, wanted = Outcome(), dict[str, list[Columns]](), dict[str, Sequence[Any]]()

    def flush(kind: str) -> None:
        if not wanted:
            library.load()
            wanted.update(expectations())
        _evaluate(kind, waiting.pop(kind), wanted[kind], outcome)

    for kind, columns in rows:
        count = len(columns["id"])
        if count:
            waiting.setdefault(kind, []).append(columns)
            outcome.rows[kind] += count
            if sum(len(part["id"]) for part in waiting[kind]) >= AT_ONCE:
                flush(kind)
    for kind in list(waiting):
        flush(kind)
    return outcome


def _evaluate(kind: str, parts: Sequence[Columns], wanted: Sequence[Any], outcome: Outcome) -> None:
    import pandas as pd

    gx = library.load()
    frame = pd.concat([pd.DataFrame(dict(part)) for part in parts], ignore_index=True)
    batch = frames().get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(name=kind, expectations=list(wanted))
    if batch.validate(suite, result_format="BOOLEAN_ONLY").success:
        return
    for result in batch.validate(suite, result_format=_NAMING).results:
        config = result.expectation_config
        if "unexpected_count" not in result.result:
            raise RuntimeError(f"{config.type} of {kind} could not be evaluated: {result.exception_info}")
        if not result.success:
            allowed = {k: v for k, v in config.kwargs.items() if k != "batch_id"}
            key = (kind, config.type, str(allowed.get("column")))
            failure = outcome.failures.setdefault(key, Failure(kind, config.type, allowed))
            named = result.result["partial_unexpected_index_list"]
            failure.add(result.result["unexpected_count"], [str(row["id"]) for row in named])


_NAMING = {
    "result_format": "SUMMARY",
    "unexpected_index_column_names": ["id"],
    "partial_unexpected_count": NAMED,
    "include_unexpected_rows": False,
}
"""Asked for only where an expectation is not met: finding the rows costs twice the answer."""


@cache
def frames() -> Any:
    """Where Great Expectations takes data frames from: made once a process, a context takes longer than a suite."""
    context = library.load().get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return (
        context.data_sources.add_pandas("rows").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
    )
