"""The tenant's directory and its site groups as the fake shows them: groups, members, accounts, their delta feeds."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.graph.tenant import Json, Tenant


class Unknown(Exception):
    """There is no such thing; the answer is 404."""


class Expired(Exception):
    """A delta link that is too old; the answer is 410."""


@dataclass
class Directory:
    """Answers for one tenant; `page_size` entries at once."""

    tenant: Tenant
    url: Callable[[], str]
    page_size: int
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _states: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, path: str, query: dict[str, str]) -> Json | None:
        """The body for a path below the endpoint; None: not ours."""
        match path.strip("/").split("/"):
            case [("groups" | "users") as kind, "delta"]:
                return self._delta(kind, query)
            case ["groups", group_id, ("transitiveMembers" | "owners") as what]:
                if group_id not in self.tenant.groups:
                    raise Unknown(group_id)
                found = self.tenant.transitive(group_id) if what == "transitiveMembers" else self._owners(group_id)
                return self._page(found, path, query)
            case ["users"]:
                accounts = self.tenant.accounts.values()
                return self._page(
                    [a for a in accounts if a["userType"] == "Guest" or not a["accountEnabled"]], path, query
                )
            case ["users", name]:
                return self._account(name)
        return None

    def site_group(self, path: str) -> Json | None:
        """The body for a path of SharePoint's own interface; None: not ours."""
        prefix = f"{urlsplit(self.tenant.site).path}/_api/web/sitegroups"
        if path == prefix:
            return {"value": [{"Id": number} for number in self.tenant.site_groups]}
        if path.startswith(f"{prefix}/getbyid(") and path.endswith(")/users"):
            number = int(path.removeprefix(f"{prefix}/getbyid(").removesuffix(")/users"))
            if number not in self.tenant.site_groups:
                raise Unknown(str(number))
            return {"value": [{"LoginName": login} for login in self.tenant.site_groups[number]]}
        return None

    def forget(self) -> None:
        """Every delta link that was given is too old."""
        self._states.clear()

    def _owners(self, group_id: str) -> list[Json]:
        return list(self.tenant.owners.get(group_id, self.tenant.groups[group_id]))

    def _account(self, name: str) -> Json:
        for account in self.tenant.accounts.values():
            if name.lower() in (account["id"].lower(), account["userPrincipalName"].lower()):
                return account
        raise Unknown(name)

    def _page(self, values: list[Json], path: str, query: dict[str, str]) -> Json:
        at = int(query.get("$skiptoken", "0"))
        page: Json = {"value": values[at : at + self.page_size]}
        if at + self.page_size < len(values):
            page["@odata.nextLink"] = f"{self.url()}{path}?$skiptoken={at + self.page_size}"
        return page

    def _state(self, kind: str) -> dict[str, Any]:
        if kind == "users":
            return {i: (a["userType"], a["accountEnabled"]) for i, a in self.tenant.accounts.items()}
        return {i: sorted(m["id"] for m in members) for i, members in self.tenant.groups.items()}

    def _delta(self, kind: str, query: dict[str, str]) -> Json:
        """What differs from the state that the link stands for."""
        token, now = query.get("$deltatoken"), self._state(kind)
        if token != "latest" and token is not None and token not in self._states:
            raise Expired(token)
        before = now if token == "latest" else self._states.get(token or "", {})
        changed: list[Json] = [{"id": i} for i in now if before.get(i) != now[i]]
        changed += [{"id": i, "@removed": {"reason": "deleted"}} for i in before if i not in now]
        link = f"d{next(self._numbers)}"
        self._states[link] = now
        return {"value": changed, "@odata.deltaLink": f"{self.url()}/{kind}/delta?$deltatoken={link}"}
