"""From SharePoint's permissions to principals: what is not understood admits nobody.

Source of the shapes: learn.microsoft.com/graph/api/resources/permission, and of the claims: SharePoint's login names.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

EVERYONE, ORGANIZATION = "everyone", "organization"

READING = frozenset(
    {
        "read", "write", "owner", "sp.owner", "sp.member", "sp.read", "sp.edit", "sp.contribute", "sp.design",
        "sp.full control",
    }
)  # fmt: skip
"""Roles that let their holder read. "sp.limited access" does not: it only opens the way to something below."""

_GUID = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_CLAIMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"c:0\(\.s\|true"), EVERYONE),
    (re.compile(r"c:0-\.f\|rolemanager\|spo-grid-all-users/.+"), ORGANIZATION),
    (re.compile(rf"c:0o\.c\|federateddirectoryclaimprovider\|{_GUID}(_o)?"), "group:"),
    (re.compile(rf"c:0t\.c\|tenant\|{_GUID}"), "group:"),
    (re.compile(r"i:0#\.f\|membership\|([^|]+)"), "user:"),
)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read an item, and until when that holds."""

    read: tuple[str, ...]
    expires: str | None = None
    """When the first of the grants runs out (ISO 8601, UTC): read the permissions again then."""


def access(permissions: Iterable[Mapping[str, Any]], now: datetime, site: str) -> Access:
    """The principals that these permissions of one item let read; never raises for what it does not know.

    `site` tells the groups of one site ("Members", number 5) from those of another.
    """
    read, expiries = set[str](), list[str]()
    for permission in permissions:
        principals = set(_principals(permission, site))
        end = permission.get("expirationDateTime")
        if principals and end:
            moment = _moment(end)
            if moment is None or moment <= now:
                continue
            expiries.append(str(end))
        read |= principals
    return Access(tuple(sorted(read)), min(expiries, default=None))


def expired(expires: str, now: datetime) -> bool:
    """Whether a moment that `Access.expires` named has come."""
    moment = _moment(expires)
    return moment is None or moment <= now


def _principals(permission: Mapping[str, Any], site: str) -> Iterator[str]:
    roles = permission.get("roles")
    if not isinstance(roles, list) or not any(str(role).lower() in READING for role in roles):
        return
    link = permission.get("link")
    if link is not None:
        scope = link.get("scope") if isinstance(link, dict) else None
        if permission.get("hasPassword") or not isinstance(link, dict) or link.get("type") == "createOnly":
            return  # whoever knows the password is nobody that we know
        if scope == "anonymous":
            yield EVERYONE
            return
        if scope == "organization":
            yield ORGANIZATION
            return
        if scope not in ("users", "existingAccess"):
            return
    several = permission.get("grantedToIdentitiesV2") or permission.get("grantedToIdentities") or []
    one = permission.get("grantedToV2") or permission.get("grantedTo")
    for identities in [*several, one] if isinstance(several, list) else [one]:
        if isinstance(identities, dict):
            yield from _identities(identities, site)


def _identities(identities: Mapping[str, Any], site: str) -> Iterator[str]:
    for kind in ("user", "group", "siteUser", "siteGroup"):
        identity = identities.get(kind)
        if not isinstance(identity, dict):
            continue
        if kind in ("user", "group") and identity.get("id"):
            yield f"{kind}:{identity['id']}"
        login = identity.get("loginName") or ""
        if kind == "user":
            login = login or f"i:0#.f|membership|{identity.get('userPrincipalName') or ''}"
        meaning = claim(str(login).lower())
        if meaning is not None:
            yield meaning
        elif kind == "siteGroup" and identity.get("id"):
            yield f"group:{site}-{identity['id']}"


def claim(login: str) -> str | None:
    """The principal behind a SharePoint login name in lower case; None: not one we know."""
    for pattern, meaning in _CLAIMS:
        found = pattern.fullmatch(login)
        if found is not None:
            return meaning + "".join(part or "" for part in found.groups())
    return None


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
