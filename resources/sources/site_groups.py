"""Who is in a group of the site itself (Owners, Members, Visitors, own ones): SharePoint's REST interface.

Graph names these groups in permissions and does not tell their members. SharePoint does, to an app that signs in with
a certificate or a managed identity: https://learn.microsoft.com/sharepoint/dev/sp-add-ins/rest-reference (site groups).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from resources.errors import AccessDenied, SourceError
from resources.sources.base import Group
from resources.sources.graph_http import Busy, Graph, Refused
from resources.sources.graph_permissions import claim

NEEDS = "its members can be read by an app that signs in with certificate_path or managed_identity, and no other way"
ACCEPT = {"Accept": "application/json;odata=nometadata"}
_PREFIX = "group:site"


def is_site_group(principal: str) -> bool:
    """Whether a principal is a group of a site, not of the directory."""
    return principal.startswith(_PREFIX)


class SiteGroups:
    """The groups of one site; `tag` tells them from those of other sites. `rest`: None where we cannot sign in."""

    def __init__(self, rest: Graph | None, tag: str) -> None:
        self._rest, self._mine = rest, f"group:{tag}-"

    def close(self) -> None:
        if self._rest is not None:
            self._rest.close()

    @contextmanager
    def until(self, deadline: float | None) -> Iterator[None]:
        """Inside, no wait goes beyond this moment."""
        with nullcontext() if self._rest is None else self._rest.until(deadline):
            yield

    def read(self, principal: str) -> Group:
        """The members of a group, as principals; nobody, with the reason, where SharePoint does not tell them.

        Raises SourceError where it does not answer at all.
        """
        number = principal.removeprefix(self._mine)
        if not principal.startswith(self._mine) or not number.isdecimal():
            return Group(principal, (), "it belongs to another site")
        if self._rest is None:
            return Group(principal, (), NEEDS)
        try:
            users = list(self._users(f"/web/sitegroups/getbyid({number})/users?$select=LoginName"))
        except Busy:
            raise
        except (AccessDenied, Refused) as refused:
            return Group(principal, (), f"SharePoint does not tell its members ({refused})")
        found = {claim(str(user.get("LoginName") or "").lower()) for user in users}
        return Group(principal, tuple(sorted(member for member in found if member is not None)))

    def probe(self) -> str:
        """What can be read, in words; raises SourceError where nothing can."""
        if self._rest is None:
            raise SourceError(f"groups of the site itself let nobody in: {NEEDS}.")
        groups = list(self._users("/web/sitegroups?$select=Id"))
        return f"{len(groups)} groups of the site can be read"

    def _users(self, url: str) -> Iterator[Mapping[str, Any]]:
        assert self._rest is not None
        following: str | None = url
        while following is not None:
            page = self._rest.get(following, ACCEPT)
            yield from page.get("value", ())
            following = page.get("odata.nextLink")
