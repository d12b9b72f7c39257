"""The quality checks."""

import dagster as dg


def quality_checks() -> list[dg.AssetChecksDefinition]:
    return []
