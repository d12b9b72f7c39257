"""Which class reads which kind of source: the one place to register a new one."""

from resources.errors import SettingsError
from resources.settings import FilesystemSettings, Settings
from resources.sources.base import Source
from resources.sources.filesystem import FilesystemSource


def open_source(name: str, settings: Settings) -> Source:
    """The source of this name, as the settings describe it."""
    chosen = settings.sources[name]
    if isinstance(chosen, FilesystemSettings):
        return FilesystemSource(
            name, settings.folder / chosen.path, include=chosen.include, exclude=chosen.exclude, read=chosen.read
        )
    raise SettingsError(f"sources.{name}.type is {chosen.type}; this release reads: filesystem.")
