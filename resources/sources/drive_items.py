"""What one driveItem of a delta page says, and whether its content is another than the known one's."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any
from urllib.parse import quote

from knowledge.fingerprint import fingerprint
from resources.sources.base import Item

_SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Drive:
    """A document library."""

    id: str
    name: str
    web_url: str
    site: str
    """Tells the groups of this library's site from those of others."""

    @property
    def path(self) -> str:
        """Its path in the API."""
        return f"/drives/{quote(self.id, safe='!')}"

    def item(self, raw: str) -> str:
        """The path of one of its items in the API."""
        return f"{self.path}/items/{quote(raw, safe='!')}"

    def native(self, raw: str) -> str:
        """The id of one of its items, told from those of other libraries."""
        return f"{_tag(self.id)}-{raw}"

    @staticmethod
    def raw(native: str) -> str:
        """The inverse of `native`."""
        return native.partition("-")[2]


@cache
def _tag(drive: str) -> str:
    return fingerprint(drive)[:8]


class Kind(StrEnum):
    """What an item is to us."""

    DELETED = "deleted"
    ROOT = "root"
    FOLDER = "folder"
    PACKAGE = "package"
    DOCUMENT = "document"
    MALWARE = "malware"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Seen:
    """One driveItem, without what we do not use."""

    id: str
    kind: Kind
    name: str
    parent: str | None
    version: str
    size: int
    modified_at: str | None
    provider_hash: str | None


def read_page(values: Iterable[Mapping[str, Any]]) -> list[Seen]:
    """The items of a page; of several with one id the last one counts."""
    last = dict[str, Seen]()
    for value in values:
        seen = _read(value)
        last.pop(seen.id, None)
        last[seen.id] = seen
    return list(last.values())


def _read(value: Mapping[str, Any]) -> Seen:
    hashes = (value.get("file") or {}).get("hashes") or {}
    kinds = [k for k in ("quickXorHash", "sha256Hash", "sha1Hash") if hashes.get(k)]
    return Seen(
        id=str(value["id"]),
        kind=_kind(value),
        name=unicodedata.normalize("NFC", str(value.get("name") or "")),
        parent=(value.get("parentReference") or {}).get("id"),
        version=_SEPARATOR.join(str(value.get(tag) or "") for tag in ("eTag", "cTag")),
        size=int(value.get("size") or 0),
        modified_at=_utc(value.get("lastModifiedDateTime")),
        provider_hash=f"{kinds[0]}:{hashes[kinds[0]]}" if kinds else None,
    )


def _kind(value: Mapping[str, Any]) -> Kind:
    # deleted first: what is gone still carries the facets of what it was
    if "deleted" in value or "@removed" in value:
        return Kind.DELETED
    if "root" in value:
        return Kind.ROOT
    if "malware" in value:
        return Kind.MALWARE
    if "remoteItem" in value:
        return Kind.OTHER
    if "package" in value:
        return Kind.PACKAGE
    if "folder" in value:
        return Kind.FOLDER
    return Kind.DOCUMENT if "file" in value else Kind.OTHER


def same_content(item: Item, version: str, size: int, provider_hash: str | None) -> bool:
    """Whether the bytes are those of the known item, by the best signal that both have.

    SharePoint leaves tags out of some answers, and counts the eTag up for a rename, too.
    """
    if item.provider_hash and provider_hash:
        return item.provider_hash == provider_hash and item.size == size
    (old_etag, _, old_ctag), (etag, _, ctag) = item.version.partition(_SEPARATOR), version.partition(_SEPARATOR)
    if old_ctag and ctag:
        return old_ctag == ctag
    return bool(old_etag and old_etag == etag) and item.size == size


def _utc(moment: Any) -> str | None:
    """2026-05-04T10:00:00.123Z as 2026-05-04T10:00:00Z."""
    if not isinstance(moment, str) or not moment.endswith("Z"):
        return moment if isinstance(moment, str) else None
    return moment[:-1].partition(".")[0] + "Z"
