"""Sensors: they discover, record and request, and nothing else. All are off until a person switches them on."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from resources.settings import Settings
from sensors.graph_refresh import graph_refresh_sensor
from sensors.run_failure import run_failure_sensor
from sensors.source_changes import source_changes_sensor


def all_sensors(settings: Settings, jobs: Sequence[Any]) -> list[dg.SensorDefinition]:
    """One sensor a source, one for the graph, one for failed runs; `jobs` are those that they ask for."""
    changes = [source_changes_sensor(settings, name) for name in settings.sources]
    return [*changes, graph_refresh_sensor(settings), run_failure_sensor(settings, jobs)]
