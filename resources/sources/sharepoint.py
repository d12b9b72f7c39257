"""Documents in the libraries of a SharePoint site, through Microsoft Graph.

One scope a library, followed by its delta feed. The source only reads; what it needs of the tenant, `probe` says.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from knowledge.fingerprint import fingerprint
from resources.errors import AccessDenied, FetchFailed, SettingsError, SourceError, SourceMissing
from resources.sources.base import Discovery, DocumentGone, DocumentRefused, Fetched, Item, Known, Membership, Probe
from resources.sources.drive_cursor import DriveCursor
from resources.sources.drive_items import Drive
from resources.sources.drive_readers import all_values
from resources.sources.drive_round import CLOSED, Round
from resources.sources.graph_auth import Credentials, require_safe, tokens_for, tokens_for_site
from resources.sources.graph_directory import Directory
from resources.sources.graph_http import Graph, Refused
from resources.sources.graph_permissions import access
from resources.sources.sharepoint_probe import Probing
from resources.sources.site_groups import SiteGroups

ASKS = 3
"""Times that a download which came out short is taken again."""
PROBE_SECONDS = 30


class SharePointSource:
    """The document libraries of one site.

    `drives`: display names or ids; none: every library. Every permission is read again at least once in
    `reconcile_hours` (0: never), whatever the feed says. `sleep`, `clock` and `now` are for tests.
    """

    def __init__(
        self,
        name: str,
        site: str,
        *,
        drives: Sequence[str] = (),
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        certificate_path: str | Path | None = None,
        managed_identity: bool = False,
        access_token: str | None = None,
        graph_url: str = "https://graph.microsoft.com/v1.0",
        authority: str = "https://login.microsoftonline.com",
        reconcile_hours: float = 24,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        parts = urlsplit(site)
        if not parts.hostname or parts.scheme not in ("https", "http"):
            raise SettingsError(f"sources.{name}.site is {site!r}; the address of a site is allowed, https://….")
        require_safe(name, "graph_url", graph_url)
        certificate = None if certificate_path is None else str(certificate_path)
        credentials = Credentials(
            tenant_id, client_id, client_secret, certificate, managed_identity, access_token, authority
        )
        self.name, self._site, self._wanted = name, site.rstrip("/"), tuple(drives)
        self._clock, self._now = clock, now
        self._graph = Graph(
            name, graph_url, tokens_for(name, credentials, graph_url), tenant_id or parts.hostname,
            sleep=sleep, clock=clock,
        )  # fmt: skip
        self._drives = dict[str, Drive]()
        self._tag, self._reconcile_hours = f"site{fingerprint(self._site)[:8]}", reconcile_hours
        of_site = tokens_for_site(name, credentials, self._site)
        rest = (
            None
            if of_site is None
            else Graph(name, f"{self._site}/_api", of_site, self._site, sleep=sleep, clock=clock)
        )
        self._site_groups = SiteGroups(rest, self._tag)
        self._directory = Directory(self._graph, self._site_groups)

    def close(self) -> None:
        self._graph.close()
        self._site_groups.close()

    def discover(self, deadline: float | None = None) -> Sequence[str]:
        """The ids of the libraries; raises AccessDenied where the site may not be read."""
        with self._until(deadline):
            return self._discover()

    def _discover(self) -> Sequence[str]:
        site = self._read_site()
        try:
            listed = list(self._graph.pages(f"/sites/{site}/drives"))
        except Refused as refused:
            raise self._closed(refused) from refused
        wanted = {wish.casefold() for wish in self._wanted}
        chosen = [d for d in listed if not wanted or {str(d.get("name")).casefold(), d["id"].casefold()} & wanted]
        if not chosen:
            names = ", ".join(sorted(str(d.get("name")) for d in listed)) or "none"
            wish = ", ".join(self._wanted) or "at all"
            raise AccessDenied(f"{self.name}: no library of {self._site} is named {wish}; it has: {names}.")
        self._drives = {
            d["id"]: Drive(
                d["id"], str(d.get("name") or d["id"]), str(d.get("webUrl") or self._site).rstrip("/"), self._tag
            )
            for d in chosen
        }
        return tuple(sorted(self._drives))

    def _read_site(self) -> str:
        parts = urlsplit(self._site)
        path = quote(unquote(parts.path))
        try:
            site = self._graph.get(f"/sites/{parts.hostname}:{path}" if path else f"/sites/{parts.hostname}")
        except Refused as refused:
            raise self._closed(refused) from refused
        return quote(str(site["id"]), safe=",!")

    def _drive(self, scope: str) -> Drive:
        if scope not in self._drives:
            self._discover()
        if scope not in self._drives:
            raise AccessDenied(
                f"{self.name}: the library {scope} is no longer among those of {self._site}; its documents are kept, "
                "and hidden until it is."
            )
        return self._drives[scope]

    def changes(
        self, scope: str, known: Known, *, full: bool = False, deadline: float | None = None, limit: int | None = None
    ) -> Discovery:
        """One look at a library's feed; `full` lists it from nothing. See `Source.changes`."""
        cursor = DriveCursor.load(known.cursor, self.name, afresh=full)
        drive = self._drive(scope)
        if full and not (cursor.listing and cursor.full):
            cursor.begin(f"{drive.path}/root/delta", sweep=bool(known.items()), full=True, resynced=False)
        return Round(
            self._graph, drive, known, cursor, deadline=deadline, limit=limit, clock=self._clock, now=self._now,
            reconcile_hours=self._reconcile_hours,
        ).run()  # fmt: skip

    def fetch(self, item: Item, into: Path, max_bytes: int) -> Fetched:
        """A copy in `into`, as long as Graph says that it is; see `Source.fetch`."""
        path = _path(item)
        ending = Path(item.path).suffix
        copy = into / f"{fingerprint(item.native_id)}{ending if ending.isascii() and len(ending) < 16 else ''}"
        size = item.size
        for _ in range(ASKS):
            if size > max_bytes:
                raise DocumentRefused(f"{self.name}: {item.path} has {size:,} bytes; at most {max_bytes:,} are read.")
            if size == 0:
                copy.write_bytes(b"")
                break
            if self._download(item, path, copy, max_bytes) >= size:
                break
            size = self._size_now(item, path)
            if copy.stat().st_size >= size:
                break
        else:
            raise FetchFailed(
                f"{self.name}: {item.path} came with {copy.stat().st_size:,} of {size:,} bytes {ASKS} times."
            )
        length = copy.stat().st_size
        if length > max_bytes:
            raise DocumentRefused(f"{self.name}: {item.path} has over {max_bytes:,} bytes; no more are read.")
        with copy.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Fetched(copy, sha256, length, replace(item, content_sha256=sha256))

    def _download(self, item: Item, path: str, copy: Path, max_bytes: int) -> int:
        try:
            with copy.open("wb") as file:
                return self._graph.download(f"{path}/content", file, max_bytes)
        except Refused as refused:
            if refused.status in (404, 410):
                raise DocumentGone(f"{self.name}: {item.path} is no longer there.") from refused
            if refused.status == 403:
                self._size_now(item, path)  # where even that is refused, the document is not what is protected
                raise DocumentRefused(
                    f"{self.name}: {item.path} may be listed, but not downloaded (rights management, or blocked)."
                ) from refused
            raise FetchFailed(f"{self.name}: {item.path} answers {refused.status}; it is tried again.") from refused
        except AccessDenied:
            raise
        except SourceError as error:
            raise FetchFailed(f"{item.path}: {error}") from error

    def _size_now(self, item: Item, path: str) -> int:
        try:
            return int(self._graph.get(path).get("size") or 0)
        except Refused as refused:
            if refused.status in (404, 410):
                raise DocumentGone(f"{self.name}: {item.path} is no longer there.") from refused
            raise FetchFailed(f"{self.name}: {item.path} answers {refused.status}; it is tried again.") from refused

    def verify(self, fetched: Fetched) -> None:
        """Nothing to check: the copy is ours."""

    def acl(self, items: Collection[Item]) -> Mapping[str, tuple[str, ...] | None]:
        """Who may read these items now; None where Graph does not say."""
        listed = list(items)
        parts = self._graph.batch([f"{_path(item)}/permissions" for item in listed])
        return {
            item.native_id: access(all_values(self._graph, part.body), self._now(), self._tag).read
            if part.status == 200
            else None
            for item, part in zip(listed, parts, strict=True)
        }

    def groups(
        self,
        principals: Collection[str],
        held: Mapping[str, Collection[str]],
        cursor: str | None = None,
        deadline: float | None = None,
    ) -> Membership:
        """The members of these groups, the tenant's guests, and its disabled accounts; see `Source.groups`."""
        with self._until(deadline):
            if cursor is None:
                return self._directory.read(principals)
            return self._directory.follow(principals, held, cursor)

    def probe(self) -> Sequence[Probe]:
        """Sign-in, site, libraries, changes, permissions, groups and accounts, each with what to grant."""
        with self._until(self._clock() + PROBE_SECONDS):
            probing = Probing(self._graph, self._directory, self._site_groups, self._libraries, self._site, self._now())
            return probing.run()

    def _libraries(self) -> Mapping[str, Drive]:
        self._discover()
        return self._drives

    @contextmanager
    def _until(self, deadline: float | None) -> Iterator[None]:
        with self._graph.until(deadline), self._site_groups.until(deadline):
            yield

    def _closed(self, refused: Refused) -> SourceError:
        why = CLOSED.get(refused.status)
        if why is None:
            return refused if refused.status >= 500 else SourceMissing(f"{refused} Check the site in rag.yaml.")
        return AccessDenied(
            f"{self.name}: the site {self._site} answers {refused.status}: {why}. Its documents are kept, and hidden "
            "until then."
        )


def _path(item: Item) -> str:
    """The path of an item in the API."""
    drive, _, raw = (item.fetch_ref or "").rpartition("/")
    return f"/drives/{quote(drive, safe='!')}/items/{quote(raw, safe='!')}"
