"""Which class reads which kind of source: the one place to register a new one."""

from functools import cache

from resources.settings import FilesystemSettings, Settings, SharePointSettings, value_of
from resources.sources.base import Source
from resources.sources.filesystem import FilesystemSource


def open_source(name: str, settings: Settings) -> Source:
    """The source of this name, as the settings describe it."""
    chosen = settings.sources[name]
    if isinstance(chosen, FilesystemSettings):
        return FilesystemSource(
            name, settings.folder / chosen.path, include=chosen.include, exclude=chosen.exclude, read=chosen.read,
            hidden=chosen.hidden, settle_seconds=chosen.settle_seconds, rehash_days=chosen.rehash_days or None,
            batch_seconds=settings.changes.batch_seconds,
        )  # fmt: skip
    return _sharepoint(name, chosen, settings)


@cache
def _sharepoint(name: str, chosen: SharePointSettings, settings: Settings) -> Source:
    """One instance a process: it keeps its tokens, its connections and what it looked up of the site."""
    from resources.sources.sharepoint import SharePointSource

    def value(field: str) -> str | None:
        return value_of(getattr(chosen, field), f"sources.{name}.{field}")

    certificate = chosen.certificate_path
    return SharePointSource(
        name,
        value("site") or "",
        drives=chosen.drives,
        tenant_id=value("tenant_id"),
        client_id=value("client_id"),
        client_secret=value("client_secret"),
        certificate_path=None if certificate is None else settings.folder / certificate,
        managed_identity=chosen.managed_identity,
        access_token=value("access_token"),
        graph_url=chosen.graph_url,
        authority=chosen.authority,
        reconcile_hours=chosen.reconcile_hours,
    )
