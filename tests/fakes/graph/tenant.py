"""A tenant as Microsoft Graph shows it, that a script can change: libraries, items, permissions, groups, accounts.

Written from the public documentation of the API (learn.microsoft.com/graph/api) and the behaviour that its users
report: a feed of latest states, folders that do not re-emit what lies in them, tombstones without names.
"""

import base64
import hashlib
import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]


@dataclass
class Node:
    """One driveItem."""

    id: str
    name: str
    parent: str | None
    folder: bool = False
    content: bytes = b""
    permissions: list[Json] = field(default_factory=list)
    """Its own; those above it count as well unless `unique`."""
    unique: bool = False
    facets: Json = field(default_factory=dict)
    changed: int = 0
    edition: int = 1
    deleted: bool = False
    deleted_with: str | None = None
    """The folder or file whose deletion took it along."""
    shared_changed: bool = False
    modified: datetime = datetime(2026, 5, 4, 10, tzinfo=UTC)


class Drive:
    """One document library."""

    def __init__(self, drive_id: str, name: str, web_url: str) -> None:
        self.id, self.name, self.web_url = drive_id, name, web_url
        self.nodes = dict[str, Node]()
        self.sequence = 0
        self._numbers = itertools.count(1)
        self.root = self._add(Node(f"{drive_id}-root", "root", None, folder=True))
        self.root.permissions = [user("owner-1", roles=["owner"])]

    # --- what a script does

    def write(self, path: str, content: bytes) -> Node:
        """Create or edit a file, and the folders above it."""
        node = self.find(path)
        if node is None:
            folder, _, name = path.rpartition("/")
            parent = self.folder(folder)
            node = self._add(Node(self._id(), name, parent.id, content=content))
        else:
            node.content, node.edition = content, node.edition + 1
        node.modified += timedelta(seconds=1)
        return self._touch(node)

    def folder(self, path: str) -> Node:
        """The folder at a path, made where it is missing."""
        node = self.root
        for name in filter(None, path.split("/")):
            node = self._child(node, name) or self._add(Node(self._id(), name, node.id, folder=True))
        return node

    def rename(self, old: str, new: str) -> Node:
        """Rename or move a file or folder; what lies in it is not touched."""
        node, (folder, _, name) = self.at(old), new.rpartition("/")
        node.parent, node.name = self.folder(folder).id, name
        return self._touch(node)

    def remove(self, path: str, *, silently: bool = False) -> Node:
        """Delete a file, or a folder with all in it: the feed shows one tombstone, or none at all."""
        node = self.at(path)
        for inside in [node, *self._below(node)]:
            inside.deleted, inside.deleted_with = True, node.id
        return node if silently else self._touch(node)

    def restore(self, node: Node) -> None:
        """Bring a deleted file or folder back, with its id."""
        for inside in self.nodes.values():
            if inside.deleted and inside.deleted_with == node.id:
                inside.deleted = False
                self._touch(inside)

    def grant(self, path: str, *permissions: Json, unique: bool = False) -> Node:
        """Replace an item's own permissions; `unique`: it no longer inherits."""
        node = self.at(path) if path else self.root
        node.permissions, node.unique, node.shared_changed = list(permissions), unique, True
        return self._touch(node)

    def touch(self, path: str) -> Node:
        """Change nothing that we read: the item shows up in the feed again."""
        return self._touch(self.at(path))

    # --- what is there

    def find(self, path: str) -> Node | None:
        node: Node | None = self.root
        for name in filter(None, path.split("/")):
            node = self._child(node, name) if node is not None else None
        return node

    def at(self, path: str) -> Node:
        node = self.find(path)
        if node is None:
            raise KeyError(path)
        return node

    def tree(self) -> dict[str, bytes]:
        """{path below the root: bytes} of every live file."""
        return {self.path(n): n.content for n in self.live() if not n.folder and not n.facets}

    def path(self, node: Node) -> str:
        names = list[str]()
        while node.parent is not None:
            names.append(node.name)
            node = self.nodes[node.parent]
        return "/".join(reversed(names))

    def live(self) -> list[Node]:
        """Parents before children."""
        return [self.root, *self._below(self.root)]

    def effective(self, node: Node) -> list[Json]:
        """All permissions that hold for an item, inherited ones marked."""
        own, above = [dict(p) for p in node.permissions], node
        while above.parent is not None and not above.unique:
            above = self.nodes[above.parent]
            own += [{**p, "inheritedFrom": {}} for p in above.permissions]
        return [{"id": f"p{n}", **p} for n, p in enumerate(own)]

    def _child(self, node: Node, name: str) -> Node | None:
        return next(
            (n for n in self.nodes.values()
             if n.parent == node.id and not n.deleted and n.name.casefold() == name.casefold()), None,
        )  # fmt: skip

    def _below(self, node: Node) -> Iterator[Node]:
        for child in [n for n in self.nodes.values() if n.parent == node.id and not n.deleted]:
            yield child
            if child.folder:
                yield from self._below(child)

    def fill(self, folder: str, number: int, content: bytes = b"text") -> None:
        """Many files in one folder, quickly."""
        parent = self.folder(folder)
        for n in range(number):
            self._add(Node(self._id(), f"{n}.md", parent.id, content=content))

    def _id(self) -> str:
        return f"01{self.id[-4:].upper()}{next(self._numbers):08d}"

    def _add(self, node: Node) -> Node:
        self.nodes[node.id] = node
        return self._touch(node)

    def _touch(self, node: Node) -> Node:
        self.sequence += 1
        node.changed = self.sequence
        return node


class Tenant:
    """Everything that one fake Graph knows; `lock` is held while a request is answered."""

    def __init__(self, site: str = "https://contoso.sharepoint.com/sites/contracts") -> None:
        self.site, self.site_id = site, "contoso.sharepoint.com,11111111-2222,33333333-4444"
        self.drives = dict[str, Drive]()
        self.groups = dict[str, list[Json]]()
        """{group id: its direct members}, each an account or {"@odata.type": "#microsoft.graph.group", "id": …}."""
        self.owners = dict[str, list[Json]]()
        """{group id: its owners}; the members, where it is not named here."""
        self.site_groups = dict[int, list[str]]()
        """{number of a group of the site: login names of its members}."""
        self.accounts = dict[str, Json]()
        self.lock = threading.RLock()
        self.status = dict[str, int]()
        """{"site" or a drive id: the status that it answers with}."""

    def drive(self, name: str = "Documents") -> Drive:
        """The library of that name, made where it is missing."""
        found = next((d for d in self.drives.values() if d.name == name), None)
        if found is None:
            number = len(self.drives) + 1
            found = Drive(f"b!drive{number:04d}", name, f"{self.site}/{name.replace(' ', '%20')}")
            self.drives[found.id] = found
        return found

    def account(self, account_id: str, *, guest: bool = False, enabled: bool = True) -> Json:
        """A member or guest of the tenant."""
        account = {
            "@odata.type": "#microsoft.graph.user", "id": account_id, "userType": "Guest" if guest else "Member",
            "userPrincipalName": f"{account_id}@contoso.com", "accountEnabled": enabled,
        }  # fmt: skip
        self.accounts[account_id] = account
        return account

    def transitive(self, group_id: str) -> list[Json]:
        """Everyone and every group in a group, and in those."""
        found, waiting = dict[str, Json](), [group_id]
        while waiting:
            for member in self.groups.get(waiting.pop(), []):
                if member["id"] not in found:
                    found[member["id"]] = member
                    waiting.append(member["id"])
        return list(found.values())


def show(drive: Drive, node: Node, *, prefer: str = "", sparse: bool = False) -> Json:
    """A driveItem as JSON; `sparse`: as the feed shows it, which leaves some things out."""
    if node.deleted:
        return {
            "id": node.id, "deleted": {"state": "deleted"}, "size": 0,
            "parentReference": {"driveId": drive.id, "id": drive.root.id},
            **({"folder": {}} if node.folder else {"file": {}}),
        }  # fmt: skip
    shown: Json = {
        "id": node.id, "name": node.name, "eTag": f'"{{{node.id}}},{node.changed}"',
        "lastModifiedDateTime": node.modified.isoformat().replace("+00:00", "Z"), "size": len(node.content),
        "webUrl": f"{drive.web_url}/{drive.path(node)}", "parentReference": {"driveId": drive.id, "id": node.parent},
    }  # fmt: skip
    if node.parent is None:
        shown |= {"root": {}, "parentReference": {"driveId": drive.id}}
    if node.folder:
        shown["folder"] = {"childCount": 0}
    elif "remoteItem" not in node.facets:
        shown["file"] = {"mimeType": "application/octet-stream", "hashes": {"quickXorHash": _hash(node.content)}}
    if not sparse:
        shown["cTag"] = f'"c:{{{node.id}}},{node.edition}"'
    if "hierarchicalsharing" in prefer and (node.parent is None or node.unique or node.permissions):
        shown["shared"] = {"scope": "users"} if node.permissions else {}
    if "deltashowsharingchanges" in prefer and node.shared_changed and not node.folder:
        shown["@microsoft.graph.sharedChanged"] = "True"
    return shown | node.facets


def _hash(content: bytes) -> str:
    return base64.b64encode(hashlib.sha1(content).digest()).decode()  # as long as a quickXorHash, and as opaque


def user(user_id: str, *, roles: list[str] | None = None, **more: Any) -> Json:
    """A permission granted to one account."""
    return {"roles": roles or ["read"], "grantedToV2": {"user": {"id": user_id, "displayName": user_id}}, **more}


def group(group_id: str, **more: Any) -> Json:
    """A permission granted to a group of the directory."""
    return {"roles": ["read"], "grantedToV2": {"group": {"id": group_id, "displayName": group_id}}, **more}


def site_group(number: int, **more: Any) -> Json:
    """A permission granted to a group of the site itself."""
    named = {"id": str(number), "displayName": f"Group {number}", "loginName": f"Group {number}"}
    return {"roles": ["read"], "grantedToV2": {"siteGroup": named}, **more}


def claim(login: str, **more: Any) -> Json:
    """A permission granted to a SharePoint login name."""
    return {"roles": ["read"], "grantedToV2": {"siteUser": {"id": "9", "loginName": login}}, **more}


def link(scope: str, *accounts: str, **more: Any) -> Json:
    """A sharing link."""
    to = [{"user": {"id": account}} for account in accounts]
    return {"roles": ["read"], "link": {"scope": scope, "type": "view"}, "grantedToIdentitiesV2": to, **more}
