"""What a SharePoint source needs of its tenant, looked at one by one, each with what to grant."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from resources.errors import SettingsError, SourceError
from resources.sources.base import Probe
from resources.sources.drive_items import Drive
from resources.sources.drive_round import PREFER
from resources.sources.graph_directory import Directory
from resources.sources.graph_http import BATCH, Graph
from resources.sources.graph_permissions import access
from resources.sources.site_groups import SiteGroups, is_site_group

READ_SITE = "Grant the app Sites.Selected on the site (or Sites.Read.All)."
READ_PERMISSIONS = (
    "Grant the app Sites.FullControl.All, or fullcontrol on the site: with less, nobody may read with --as, and Graph "
    "does not tell when only a permission changes."
)
READ_DIRECTORY = "Grant the app GroupMember.Read.All and User.Read.All."
READ_SITE_GROUPS = (
    "Sign the app in with certificate_path or managed_identity, and grant it SharePoint's Sites.FullControl.All (or "
    "fullcontrol on the site)."
)


class Probing:
    """One look at what a source needs; `find` lists the libraries, by id."""

    def __init__(
        self,
        graph: Graph,
        directory: Directory,
        site_groups: SiteGroups,
        find: Callable[[], Mapping[str, Drive]],
        site: str,
        now: datetime,
    ) -> None:
        self._graph, self._directory, self._site_groups = graph, directory, site_groups
        self._find, self._site, self._now = find, site, now
        self._drives: list[Drive] = []
        self._of_site = False

    def run(self) -> Sequence[Probe]:
        """Sign-in and site, changes, permissions, directory; the site's own groups where they have rights."""
        found = [
            self._look("site", self._look_at_site, READ_SITE),
            self._look("changes", self._look_at_changes, READ_SITE),
            self._look("permissions", self._look_at_permissions, READ_PERMISSIONS),
            self._look("directory", self._look_at_directory, READ_DIRECTORY),
        ]
        if self._of_site:
            found.append(self._look("site groups", self._site_groups.probe, READ_SITE_GROUPS, vital=False))
        return found

    @staticmethod
    def _look(name: str, check: Callable[[], str], remedy: str, *, vital: bool = True) -> Probe:
        try:
            return Probe(name, True, check())
        except (SourceError, SettingsError) as error:
            return Probe(name, False, str(error), remedy, vital)

    def _look_at_site(self) -> str:
        self._drives = list(self._find().values())
        return f"{self._site} has " + ", ".join(sorted(drive.name for drive in self._drives))

    def _look_at_changes(self) -> str:
        if not self._drives:
            raise SourceError(f"{self._graph.source}: no library of {self._site} could be found.")
        for drive in self._drives:
            self._graph.get(f"{drive.path}/root/delta?token=latest", {"Prefer": PREFER})
        return f"the feeds of {len(self._drives)} libraries answer"

    def _look_at_permissions(self) -> str:
        asked = self._drives[:BATCH]
        parts = self._graph.batch([f"{drive.path}/root/permissions" for drive in asked])
        refused = [part.status for part in parts if part.status != 200]
        if refused or not parts:
            raise SourceError(
                f"{self._graph.source}: the permissions of a library answer {refused or 'nothing'}; nobody may read."
            )
        for drive, part in zip(asked, parts, strict=True):
            read = access(part.body.get("value", ()), self._now, drive.site).read
            self._of_site = self._of_site or any(is_site_group(principal) for principal in read)
        return f"the permissions of {len(parts)} libraries can be read"

    def _look_at_directory(self) -> str:
        self._directory.read(())
        return "groups and accounts can be read"
