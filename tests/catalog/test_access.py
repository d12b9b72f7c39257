"""Who may read: hidden scopes, and what a principal counts as."""

from resources.sources.base import DISABLED, GUESTS, Group, Membership


def test_a_user_counts_as_every_group_that_holds_them_also_through_other_groups(catalog):
    catalog.access.store_groups(
        "site",
        Membership(
            (Group("group:team", ("user:mary",)), Group("group:staff", ("group:team",)), Group("group:other", ()))
        ),
    )
    assert catalog.access.asking(["user:mary"]) == {
        "user:mary", "group:team", "group:staff", "organization", "everyone",
    }  # fmt: skip


def test_users_are_part_of_the_organization_and_groups_and_guests_are_not(catalog):
    catalog.access.store_groups("site", Membership((Group(GUESTS, ("user:guest",)),)))
    assert "organization" in catalog.access.asking(["user:x"])
    assert "organization" not in catalog.access.asking(["user:guest"])
    assert "organization" not in catalog.access.asking(["group:x"])


def test_a_disabled_account_may_read_nothing(catalog):
    catalog.access.store_groups("site", Membership((Group(DISABLED, ("user:gone",)),)))
    assert catalog.access.asking(["user:gone"]) == frozenset()
    assert catalog.access.asking(["user:gone", "user:here"]) == {"user:here", "organization", "everyone"}


def test_who_left_a_group_counts_as_it_no_more(catalog):
    catalog.access.store_groups("site", Membership((Group("group:team", ("user:mary",)),)))
    catalog.access.store_groups("site", Membership((Group("group:team", ()),)))
    assert "group:team" not in catalog.access.asking(["user:mary"])


def test_groups_are_due_when_they_were_never_read_and_after_so_many_minutes(catalog):
    assert catalog.access.groups_due("site", 60)
    catalog.access.store_groups("site", Membership(()))
    assert not catalog.access.groups_due("site", 60)
    assert catalog.access.groups_due("site", 0)


def test_one_person_is_known_by_both_names_and_whatever_the_case(catalog):
    both = (Group("user:anna@contoso.com", ("user:1",)), Group("user:1", ("user:anna@contoso.com",)))
    catalog.access.store_groups("site", Membership((*both, Group("group:5", ("user:anna@contoso.com",)))))
    assert "group:5" in catalog.access.asking(["user:1"])
    assert "user:1" in catalog.access.asking(["user:Anna@Contoso.com"])


def test_a_group_of_a_site_may_hold_the_whole_organization(catalog):
    held = (Group("group:visitors", ("organization",)), Group(GUESTS, ("user:guest",)))
    catalog.access.store_groups("site", Membership(held))
    assert "group:visitors" in catalog.access.asking(["user:x"])
    assert "group:visitors" not in catalog.access.asking(["user:guest"])


def test_what_did_not_change_of_the_groups_stays(catalog):
    first = Membership((Group("group:a", ("user:1",)), Group("group:b", ("user:2",))), cursor="one")
    catalog.access.store_groups("site", first)
    catalog.access.store_groups("site", Membership((Group("group:b", ()),), cursor="two", whole=False))
    assert catalog.access.held_groups("site") == ({"group:a": ["user:1"], "group:b": []}, "two")
    catalog.access.forget("site")
    assert catalog.access.held_groups("site") == ({}, None)
