"""Great Expectations: how it is imported."""

from typing import Any

from resources.late import put_off

STATISTICS, CHARTS = "scipy.stats", "altair"


def load() -> Any:
    """The library. It imports statistics and charts for expectations of distributions, a quarter of the import's time.

    No suite here has one.
    """
    put_off(STATISTICS)
    put_off(CHARTS)
    import great_expectations

    return great_expectations
