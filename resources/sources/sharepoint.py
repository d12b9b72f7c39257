"""Documents in the libraries of a SharePoint site, through Microsoft Graph.

One scope a library, followed by its delta feed. The source only reads; what it needs of the tenant, `probe` says.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from knowledge.fingerprint import fingerprint
from resources.errors import AccessDenied, FetchFailed, SettingsError, SourceError, SourceMissing
from resources.sources.base import Discovery, DocumentGone, DocumentRefused, Fetched, Group, Item, Known, Probe
from resources.sources.drive_cursor import DriveCursor
from resources.sources.drive_items import Drive
from resources.sources.drive_readers import all_values
from resources.sources.drive_round import CLOSED, PREFER, Round
from resources.sources.graph_auth import Credentials, require_safe, tokens_for
from resources.sources.graph_directory import expand
from resources.sources.graph_http import BATCH, Graph, Refused
from resources.sources.graph_permissions import access

ASKS = 3
"""Times that a download which came out short is taken again."""


class SharePointSource:
    """The document libraries of one site.

    `drives`: display names or ids; none: every library. `sleep`, `clock` and `now` are for tests.
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

    def close(self) -> None:
        self._graph.close()

    def discover(self) -> Sequence[str]:
        """The ids of the libraries; raises AccessDenied where the site may not be read."""
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
        tag = f"site{fingerprint(self._site)[:8]}"
        self._drives = {
            d["id"]: Drive(d["id"], str(d.get("name") or d["id"]), str(d.get("webUrl") or self._site).rstrip("/"), tag)
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
            self.discover()
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
            self._graph, drive, known, cursor, deadline=deadline, limit=limit, clock=self._clock, now=self._now
        ).run()

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
        listed, tag = list(items), f"site{fingerprint(self._site)[:8]}"
        parts = self._graph.batch([f"{_path(item)}/permissions" for item in listed])
        return {
            item.native_id: access(all_values(self._graph, part.body), self._now(), tag).read
            if part.status == 200
            else None
            for item, part in zip(listed, parts, strict=True)
        }

    def groups(self, principals: Collection[str]) -> Sequence[Group]:
        """The members of these groups, the tenant's guests, and its disabled accounts."""
        return expand(self._graph, principals)

    def probe(self) -> Sequence[Probe]:
        """Sign-in, site, libraries, changes, permissions and directory, each with what to grant."""
        found = list[Probe]()
        for name, check, remedy in (
            ("site", self._probe_site, "Grant the app Sites.Selected on the site (or Sites.Read.All)."),
            ("changes", self._probe_changes, "Grant the app Sites.Selected on the site (or Sites.Read.All)."),
            (
                "permissions",
                self._probe_permissions,
                "Grant the app Sites.FullControl.All, or fullcontrol on the site.",
            ),
            ("directory", self._probe_directory, "Grant the app GroupMember.Read.All and User.Read.All."),
        ):
            try:
                with self._graph.until(self._clock() + 10):
                    found.append(Probe(name, True, check()))
            except (SourceError, SettingsError) as error:
                found.append(Probe(name, False, str(error), remedy))
        return found

    def _probe_site(self) -> str:
        self.discover()
        return f"{self._site} has " + ", ".join(sorted(drive.name for drive in self._drives.values()))

    def _probe_changes(self) -> str:
        if not self._drives:
            raise SourceError(f"{self.name}: no library of {self._site} could be found.")
        for drive in self._drives.values():
            self._graph.get(f"{drive.path}/root/delta?token=latest", {"Prefer": PREFER})
        return f"the feeds of {len(self._drives)} libraries answer"

    def _probe_permissions(self) -> str:
        parts = self._graph.batch([f"{d.path}/root/permissions" for d in list(self._drives.values())[:BATCH]])
        refused = [part.status for part in parts if part.status != 200]
        if refused or not parts:
            raise SourceError(
                f"{self.name}: the permissions of a library answer {refused or 'nothing'}; nobody may read."
            )
        return f"the permissions of {len(parts)} libraries can be read"

    def _probe_directory(self) -> str:
        expand(self._graph, ())
        return "groups and accounts can be read"

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
