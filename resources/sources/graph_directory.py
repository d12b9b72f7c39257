"""Who is in a group, who is a guest, whose account is disabled: the tenant's directory through Graph."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from resources.sources.base import DISABLED, GUESTS, Group
from resources.sources.graph_http import Graph, Part

_OWNERS = "_o"
_SELECT = "$select=id,userPrincipalName,displayName&$top=999"


def expand(graph: Graph, principals: Collection[str]) -> list[Group]:
    """The transitive members of the groups among these principals, and the groups GUESTS and DISABLED.

    A group that cannot be read has no members. Raises SourceError where the directory does not answer at all.
    """
    wanted = sorted({p for p in principals if p.startswith("group:")})
    groups = [
        Group(p, (), "a group of the site itself, whose members Graph does not tell") for p in wanted if _local(p)
    ]
    wanted = [p for p in wanted if not _local(p)]
    parts = graph.batch([_path(p) for p in wanted])
    groups += [_group(graph, principal, part) for principal, part in zip(wanted, parts, strict=True)]
    return [*groups, *_accounts(graph)]


def _local(principal: str) -> bool:
    return principal.startswith("group:site")


def _path(principal: str) -> str:
    group = principal.removeprefix("group:")
    if group.endswith(_OWNERS):
        return f"/groups/{quote(group.removesuffix(_OWNERS), safe='')}/owners?{_SELECT}"
    return f"/groups/{quote(group, safe='')}/transitiveMembers?{_SELECT}"


def _group(graph: Graph, principal: str, part: Part) -> Group:
    if part.status != 200:
        return Group(principal, (), f"the directory answers {part.status}")
    members = list(part.body.get("value", ()))
    if following := part.body.get("@odata.nextLink"):
        members += list(graph.pages(following))
    return Group(principal, _members(members))


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


def _accounts(graph: Graph) -> list[Group]:
    """Guests and disabled accounts, in one question."""
    wanted = quote("userType eq 'Guest' or accountEnabled eq false")
    url = f"/users?$filter={wanted}&$select=id,userPrincipalName,userType,accountEnabled&$count=true&$top=999"
    users = list(graph.pages(url, {"ConsistencyLevel": "eventual"}))
    return [
        Group(GUESTS, _members(user for user in users if user.get("userType") == "Guest")),
        Group(DISABLED, _members(user for user in users if user.get("accountEnabled") is False)),
    ]
