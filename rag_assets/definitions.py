"""Everything that Dagster loads: the only place where the parts are put together.

Loading opens nothing: no store, no model, no source. `build_defs` is what tests and other projects call.
"""

from pathlib import Path
from warnings import filterwarnings

import dagster as dg

filterwarnings("ignore", category=dg.BetaWarning)  # backfill_policy, of which every asset here makes use

from rag_assets.checks.quality import quality_checks  # noqa: E402
from rag_assets.chunks import chunks_asset  # noqa: E402
from rag_assets.communities import communities_asset  # noqa: E402
from rag_assets.community_reports import community_reports_asset  # noqa: E402
from rag_assets.documents import documents_asset  # noqa: E402
from rag_assets.embeddings import embeddings_asset  # noqa: E402
from rag_assets.entity_graph import entity_graph_asset  # noqa: E402
from rag_assets.extractions import extractions_asset  # noqa: E402
from rag_assets.index_resource import IndexResource  # noqa: E402
from rag_assets.jobs import jobs  # noqa: E402
from rag_assets.schedules import schedules  # noqa: E402
from rag_assets.sources import source_specs  # noqa: E402
from resources.graph.resource import GraphResource  # noqa: E402
from resources.index import prepare_environment  # noqa: E402
from resources.settings import Settings, find_settings, load_settings  # noqa: E402
from sensors import all_sensors  # noqa: E402


def build_defs(settings: Settings) -> dg.Definitions:
    """The asset graph for these settings."""
    defined = jobs()
    return dg.Definitions(
        assets=[
            *source_specs(settings),
            documents_asset(settings),
            chunks_asset(settings),
            embeddings_asset(settings),
            extractions_asset(settings),
            entity_graph_asset(settings),
            communities_asset(settings),
            community_reports_asset(settings),
        ],
        asset_checks=quality_checks(),
        jobs=defined,
        sensors=all_sensors(settings, defined),
        schedules=schedules(settings),
        resources={
            "index": IndexResource(settings_file=str(settings.file)),
            "graph": GraphResource(settings_file=str(settings.file)),
        },
        executor=dg.in_process_executor,
    )


def load(file: Path | None = None) -> dg.Definitions:
    prepare_environment()
    return build_defs(load_settings(file or find_settings()))


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster`, the webserver and the daemon find."""
    return load()
