"""The sources as external assets: lineage starts where the documents come from."""

import dagster as dg

from resources.settings import FilesystemSettings, Settings


def source_specs(settings: Settings) -> list[dg.AssetSpec]:
    """One external asset a source, with its place and rights."""
    specs = []
    for name, source in settings.sources.items():
        place = str(settings.source_path(name)) if isinstance(source, FilesystemSettings) else str(source.site)
        specs.append(
            dg.AssetSpec(
                dg.AssetKey(["sources", name]),
                group_name="sources",
                owners=["team:data"],
                kinds={source.type},
                description=f"The documents of the source `{name}`.",
                metadata={
                    "place": place, "classification": source.classification, "shards": source.shards,
                    "read": ", ".join(source.read),
                },
            )
        )  # fmt: skip
    return specs
