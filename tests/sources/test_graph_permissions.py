"""From SharePoint's permissions to principals."""

from datetime import UTC, datetime
from typing import Any

import pytest

from resources.sources.graph_permissions import access
from resources.sources.throttle import LONGEST_WAIT, retry_after
from tests.fakes.graph.tenant import claim, group, link, user

NOW = datetime(2026, 5, 4, tzinfo=UTC)
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("permission", "read"),
    [
        (user("anna"), ["user:anna"]),
        (user("anna", roles=["write"]), ["user:anna"]),
        (user("anna", roles=["owner"]), ["user:anna"]),
        (user("anna", roles=["sp.full control"]), ["user:anna"]),
        (user("anna", roles=["sp.limited access"]), []),
        (user("anna", roles=["sp.limited access", "read"]), ["user:anna"]),
        (user("anna", roles=["something new"]), []),
        ({"roles": [], "grantedToV2": {"user": {"id": "anna"}}}, []),
        ({"grantedToV2": {"user": {"id": "anna"}}}, []),
        (group("legal"), ["group:legal"]),
        ({"roles": ["read"], "grantedTo": {"user": {"id": "anna"}}}, ["user:anna"]),
        ({"roles": ["read"], "grantedToV2": {"user": {"displayName": "Anna"}}}, []),
        ({"roles": ["read"], "grantedToV2": {"application": {"id": "app"}}}, []),
        ({"roles": ["read"], "grantedToV2": {"device": {"id": "d"}}}, []),
        ({"roles": ["read"], "invitation": {"email": "someone@example.com"}}, []),
        (claim("i:0#.f|membership|Anna@Contoso.com"), ["user:anna@contoso.com"]),
        (claim("c:0-.f|rolemanager|spo-grid-all-users/11112222"), ["organization"]),
        (claim("c:0(.s|true"), ["everyone"]),
        (claim(f"c:0o.c|federateddirectoryclaimprovider|{GUID}"), [f"group:{GUID}"]),
        (claim(f"c:0o.c|federateddirectoryclaimprovider|{GUID}_o"), [f"group:{GUID}_o"]),
        (claim(f"c:0t.c|tenant|{GUID}"), [f"group:{GUID}"]),
        (claim("c:0t.c|tenant|everyone"), []),
        (claim("c:0!.s|windows"), []),
        ({"roles": ["read"], "grantedToV2": {"siteGroup": {"id": "5", "displayName": "Members"}}}, ["group:site-5"]),
        (link("anonymous"), ["everyone"]),
        (link("anonymous", hasPassword=True), []),
        (link("organization"), ["organization"]),
        (link("users", "anna", "bert"), ["user:anna", "user:bert"]),
        (link("users"), []),
        (link("existingAccess"), []),
        (link("galaxy", "anna"), []),
        (link("anonymous", link={"scope": "anonymous", "type": "createOnly"}), []),
        (link("anonymous", link="broken"), []),
        (user("anna", expirationDateTime="2026-05-03T23:59:59Z"), []),
        (user("anna", expirationDateTime="whenever"), []),
        ({"roles": "read", "grantedToV2": []}, []),
        ({}, []),
    ],
)
def test_a_permission_lets_in_whom_it_names_and_nobody_else(permission: dict[str, Any], read: list[str]) -> None:
    assert access([permission], NOW, "site").read == tuple(read)


def test_several_permissions_add_up_and_the_first_to_run_out_is_remembered() -> None:
    found = access(
        [
            user("anna"), user("anna", roles=["owner"], inheritedFrom={}), user("bert", roles=["sp.limited access"]),
            link("anonymous", expirationDateTime="2026-06-01T00:00:00Z"),
            user("cleo", expirationDateTime="2026-05-20T00:00:00Z"),
            user("dora", expirationDateTime="2026-05-01T00:00:00Z"),
        ],
        NOW,
        "site",
    )  # fmt: skip
    assert found.read == ("everyone", "user:anna", "user:cleo")
    assert found.expires == "2026-05-20T00:00:00Z"


def test_an_account_with_a_name_is_found_by_both() -> None:
    named = {"roles": ["read"], "grantedToV2": {"user": {"id": "1", "userPrincipalName": "Anna@contoso.com"},
             "siteUser": {"loginName": "i:0#.f|membership|anna@contoso.com"}}}  # fmt: skip
    assert access([named], NOW, "site").read == ("user:1", "user:anna@contoso.com")


@pytest.mark.parametrize(
    ("header", "attempt", "seconds"),
    [
        ("7", 0, 7.0), ("0", 3, 0.0), (" 12 ", 0, 12.0), ("999999", 0, LONGEST_WAIT), (None, 0, 1.0), (None, 3, 8.0),
        (None, 9, 60.0), ("soon", 1, 2.0), ("-5", 1, 2.0), ("nan", 1, 2.0), ("inf", 1, 2.0),
        ("Thu, 01 Jan 1970 00:01:30 GMT", 0, 90.0), ("Thu, 01 Jan 1960 00:00:00 GMT", 0, 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 0, LONGEST_WAIT),
    ],
)  # fmt: skip
def test_the_time_to_wait_is_what_the_answer_says_or_grows(header: str | None, attempt: int, seconds: float) -> None:
    assert retry_after(header, attempt, clock=lambda: 0.0) == seconds
