"""Who is in a group, who is a guest, whose account is disabled: the tenant's directory through Graph.

Source of the shapes: learn.microsoft.com/graph/api/group-list-transitivemembers and group-delta.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from resources.errors import SourceError
from resources.sources.base import DISABLED, GUESTS, Group, Membership
from resources.sources.graph_http import Graph, Part, Refused
from resources.sources.site_groups import SiteGroups, is_site_group

_OWNERS = "_o"
_SELECT = "$select=id,userPrincipalName,displayName&$top=999"
_FROM_NOW = {
    "groups": "/groups/delta?$select=members,owners&$deltatoken=latest",
    "users": "/users/delta?$select=userType,accountEnabled&$deltatoken=latest",
}


class Directory:
    """The directory of one tenant, and the groups of one site."""

    def __init__(self, graph: Graph, site: SiteGroups) -> None:
        self._graph, self._site = graph, site

    def read(self, principals: Collection[str]) -> Membership:
        """The transitive members of the groups among these principals, and the groups GUESTS and DISABLED.

        A group that cannot be read has no members. Raises SourceError where the directory does not answer at all.
        """
        links = self._from_now()  # before the members are read: what changes meanwhile is told afterwards
        groups = [*self._expand(_groups(principals), _users(principals)), *self._accounts()]
        return Membership(tuple(groups), json.dumps(links) if links else None)

    def follow(self, principals: Collection[str], held: Mapping[str, Collection[str]], cursor: str) -> Membership:
        """What changed since the cursor, and what is not held yet; everything where the directory forgot our place."""
        try:
            stored = json.loads(cursor)
            changed, groups_link = self._changed(stored["groups"])
            accounts, users_link = self._changed(stored["users"])
        except (Refused, ValueError, KeyError, TypeError):
            return self.read(principals)
        known = _groups(held)
        stale = {p for p in known if not is_site_group(p) and not changed.isdisjoint({_raw(p), *_inner(held[p])})}
        groups = self._expand(stale | (_groups(principals) - known), _users(principals) - held.keys())
        groups += self._accounts() if accounts else []
        return Membership(tuple(groups), json.dumps({"groups": groups_link, "users": users_link}), whole=False)

    def _from_now(self) -> dict[str, str] | None:
        """Where the feeds of groups and users stand; None where the directory has none for us."""
        try:
            return {name: self._changed(url)[1] for name, url in _FROM_NOW.items()}
        except Refused:
            return None

    def _changed(self, url: str) -> tuple[set[str], str]:
        """(ids that a feed names since this link, the link to go on with)."""
        found = set[str]()
        while True:
            page = self._graph.get(url)
            found |= {str(value["id"]) for value in page.get("value", ()) if value.get("id")}
            if isinstance(delta := page.get("@odata.deltaLink"), str):
                return found, delta
            following = page.get("@odata.nextLink")
            if not isinstance(following, str) or following == url:
                raise SourceError(f"{self._graph.source}: the directory ended a page without a link to the next one.")
            url = following

    def _expand(self, wanted: Collection[str], names: Collection[str]) -> list[Group]:
        found = [self._site.read(p) for p in sorted(wanted) if is_site_group(p)]
        inside = {member for group in found for member in group.members}
        asked = sorted(p for p in {*wanted, *_groups(inside)} if not is_site_group(p))
        parts = self._graph.batch([_path(p) for p in asked])
        found += [self._group(principal, part) for principal, part in zip(asked, parts, strict=True)]
        return found + self._same_people({*names, *_users(inside)})

    def _group(self, principal: str, part: Part) -> Group:
        if part.status != 200:
            return Group(principal, (), f"the directory answers {part.status}")
        members = list(part.body.get("value", ()))
        if following := part.body.get("@odata.nextLink"):
            members += list(self._graph.pages(following))
        return Group(principal, _members(members))

    def _same_people(self, users: Collection[str]) -> list[Group]:
        """Permissions name people by their id or their principal name: each of them under both names."""
        asked, found = sorted(users), list[Group]()
        parts = self._graph.batch(
            [f"/users/{quote(p.partition(':')[2], safe='@')}?$select=id,userPrincipalName" for p in asked]
        )
        for user, part in zip(asked, parts, strict=True):
            if part.status == 404:
                found.append(Group(user, ()))
            name = str(part.body.get("userPrincipalName") or "").lower()
            if part.status == 200 and part.body.get("id") and name:
                both = f"user:{part.body['id']}", f"user:{name}"
                found += [Group(both[0], (both[1],)), Group(both[1], (both[0],))]
        return found

    def _accounts(self) -> list[Group]:
        """Guests and disabled accounts, in one question."""
        wanted = quote("userType eq 'Guest' or accountEnabled eq false")
        url = f"/users?$filter={wanted}&$select=id,userPrincipalName,userType,accountEnabled&$count=true&$top=999"
        users = list(self._graph.pages(url, {"ConsistencyLevel": "eventual"}))
        return [
            Group(GUESTS, _members(user for user in users if user.get("userType") == "Guest")),
            Group(DISABLED, _members(user for user in users if user.get("accountEnabled") is False)),
        ]


def _groups(principals: Iterable[str]) -> set[str]:
    return {p for p in principals if p.startswith("group:")}


def _users(principals: Iterable[str]) -> set[str]:
    return {p for p in principals if p.startswith("user:")}


def _raw(principal: str) -> str:
    return principal.partition(":")[2].removesuffix(_OWNERS)


def _inner(members: Iterable[str]) -> set[str]:
    return {_raw(member) for member in members if member.startswith("group:")}


def _path(principal: str) -> str:
    what = "owners" if principal.endswith(_OWNERS) else "transitiveMembers"
    return f"/groups/{quote(_raw(principal), safe='')}/{what}?{_SELECT}"


def _members(entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    found = set[str]()
    for entry in entries:
        if "@removed" in entry or not entry.get("id"):
            continue
        kind = str(entry.get("@odata.type", "#microsoft.graph.user")).rpartition(".")[2]
        if kind in ("user", "group"):
            found.add(f"{kind}:{entry['id']}")
        if kind == "user" and entry.get("userPrincipalName"):
            found.add(f"user:{str(entry['userPrincipalName']).lower()}")
    return tuple(sorted(found))
