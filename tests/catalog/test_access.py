"""Who may read: hidden scopes, and what a principal counts as."""

from resources.sources.base import DISABLED, GUESTS, Group


def test_a_user_counts_as_every_group_that_holds_them_also_through_other_groups(catalog):
    catalog.access.replace_groups(
        "site", [Group("group:team", ("user:mary",)), Group("group:staff", ("group:team",)), Group("group:other", ())]
    )
    assert catalog.access.asking(["user:mary"]) == {
        "user:mary", "group:team", "group:staff", "organization", "everyone",
    }  # fmt: skip


def test_users_are_part_of_the_organization_and_groups_and_guests_are_not(catalog):
    catalog.access.replace_groups("site", [Group(GUESTS, ("user:guest",))])
    assert "organization" in catalog.access.asking(["user:x"])
    assert "organization" not in catalog.access.asking(["user:guest"])
    assert "organization" not in catalog.access.asking(["group:x"])


def test_a_disabled_account_may_read_nothing(catalog):
    catalog.access.replace_groups("site", [Group(DISABLED, ("user:gone",))])
    assert catalog.access.asking(["user:gone"]) == frozenset()
    assert catalog.access.asking(["user:gone", "user:here"]) == {"user:here", "organization", "everyone"}


def test_who_left_a_group_counts_as_it_no_more(catalog):
    catalog.access.replace_groups("site", [Group("group:team", ("user:mary",))])
    catalog.access.replace_groups("site", [Group("group:team", ())])
    assert "group:team" not in catalog.access.asking(["user:mary"])


def test_groups_are_due_when_they_were_never_read_and_after_so_many_minutes(catalog):
    assert catalog.access.groups_due("site", 60)
    catalog.access.replace_groups("site", [])
    assert not catalog.access.groups_due("site", 60)
    assert catalog.access.groups_due("site", 0)
