"""A report says in quoted sentences how the members of a community are related, and where that stands."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.communities import World, corpus, reports
from knowledge.communities import hierarchy
from knowledge.community import Community
from knowledge.fingerprint import fingerprint
from knowledge.prose import prose
from knowledge.quotes import MOST_CHARACTERS, PASSAGES_EACH, RELATIONSHIPS, pick_passages, wanted_support
from knowledge.report import Cited, Finding, Report, rough_tokens
from knowledge.reports import BUDGET, evidence_of, fingerprint_of, owners, write
from knowledge.resolution import Entity, Relationship

AURORA_PLAN = (
    "# Project Aurora\n\n"
    "| Role | Name |\n|---|---|\n| Lead of Project Aurora. | Jane Doe works there. |\n\n"
    "Project Aurora is a programme for solar storage. Jane Doe leads Project Aurora from the Hamburg office.\n\n"
    "## Jane Doe and Contoso\n\n"
    "Contoso supplies the **batteries** for Project Aurora. The weather was fine all week.\n"
)
CONTOSO_NOTE = (
    "Contoso supplies the batteries for Project Aurora. Jane Doe signed the Contoso contract in May 2024.\n"
    "- Contoso, Jane Doe, Project Aurora\n"
)


def entity(name: str, mentions: int = 2, description: str = "", aliases: tuple[str, ...] = ()) -> Entity:
    mark = fingerprint(name, str(mentions), description)
    return Entity(f"e-{name}", name, name.lower(), aliases, "ORG", description, mentions, mentions, mark)


def related(one: str, other: str, weight: float = 1.0, predicate: str = "co-occurs") -> Relationship:
    source, target = sorted((f"e-{one}", f"e-{other}"))
    mark = fingerprint(source, target, predicate, repr(weight))
    return Relationship(f"r-{source}-{target}-{predicate}", source, target, predicate, weight, "", 1, mark)


def passage(text: str, title: str | None = "Plan", chunk: str | None = None) -> Cited:
    mark = fingerprint(title or "", text)
    return Cited(chunk or f"chunk-{mark[:6]}", text, title, mark)


def community(members: list[Entity], level: int = 1) -> Community:
    return Community("c1", level, None, tuple(sorted(m.id for m in members)), "0" * 16)


def plain(text: str) -> str:
    return " ".join(prose(text).text.split())


AURORA, JANE, CONTOSO = entity("Project Aurora", 3), entity("Jane Doe"), entity("Contoso")
MEMBERS = [AURORA, JANE, CONTOSO]
EDGES = [
    related("Contoso", "Project Aurora", 2.0),
    related("Jane Doe", "Project Aurora", 1.5),
    related("Jane Doe", "Contoso", 1.0),
]
PASSAGES = [passage(AURORA_PLAN, "Aurora plan"), passage(CONTOSO_NOTE, "Contoso note")]


def example(**changes) -> Report:
    parts = {"members": MEMBERS, "relationships": EDGES, "passages": PASSAGES, "children": ()} | changes
    return write(community(parts["members"]), **parts)


def test_a_report_is_named_after_the_members_with_the_heaviest_relationships():
    assert example().title == "Project Aurora, Contoso and Jane Doe"


def test_the_strongest_relationships_are_stated_first_and_each_finding_cites_its_passages():
    first, second, third = example().findings
    assert first.summary == "Contoso supplies the batteries for Project Aurora."
    assert set(first.citations) == {p.chunk_id for p in PASSAGES}
    assert first.entities == (AURORA.id, CONTOSO.id)
    assert second.summary == "Jane Doe leads Project Aurora from the Hamburg office."
    assert second.citations == (PASSAGES[0].chunk_id,)
    assert third.summary == "Jane Doe signed the Contoso contract in May 2024."


def test_the_summary_is_made_of_findings():
    report = example()
    assert report.summary == " ".join(finding.summary for finding in report.findings)


def test_headings_table_rows_and_bare_lists_are_never_quoted():
    text = " ".join(finding.summary for finding in example().findings)
    assert "#" not in text
    assert "|" not in text
    assert "Lead of Project Aurora" not in text
    assert "Contoso, Jane Doe" not in text


def test_names_are_found_in_any_case_by_alias_and_only_as_whole_words():
    acme = entity("ACME Corporation", aliases=("ACME",))
    text = "We like acmes and janet doer very much. Last week ACME hired JANE DOE as its lawyer."
    report = example(
        members=[acme, JANE], relationships=[related("ACME Corporation", "Jane Doe")], passages=[passage(text)]
    )
    assert [finding.summary for finding in report.findings] == ["Last week ACME hired JANE DOE as its lawyer."]


def test_facts_that_differ_in_one_name_are_both_told():
    lines = "Contoso supplies the batteries for Project Aurora. Jane Doe supplies the batteries for Project Aurora."
    found = {finding.summary for finding in example(passages=[passage(lines)]).findings}
    assert found == set(lines.replace(". ", ".|").split("|"))


def test_nearly_the_same_sentence_is_told_once():
    lines = "Contoso supplies all the batteries for Project Aurora. Contoso supplies the batteries for Project Aurora."
    report = example(members=[AURORA, CONTOSO], relationships=EDGES[:1], passages=[passage(lines)])
    assert len([f for f in report.findings if f.weight]) == 1


def test_a_sentence_without_end_is_cut_and_what_stands_behind_the_cut_is_not_claimed():
    endless = "Contoso and Project Aurora " + "met again " * 60 + "with Jane Doe."
    (finding,) = example(passages=[passage(endless)]).findings
    assert len(finding.summary) <= MOST_CHARACTERS
    assert finding.summary.endswith("…")
    assert plain(endless).startswith(finding.summary[:-1])
    assert JANE.id not in finding.entities


def test_where_only_tables_speak_the_report_says_who_stands_together_and_where():
    table = "| Project Aurora | Contoso |\n|---|---|\n| Jane Doe | 12 |\n"
    report = example(passages=[passage(table, "Staff list", "chunk-t")])
    assert report.findings[0].summary == "Project Aurora and Contoso are named together in “Staff list”."
    assert {finding.citations for finding in report.findings} == {("chunk-t",)}


def test_a_relationship_that_no_passage_supports_is_not_claimed():
    report = example(passages=[passage("Nothing of note happened in the office today.")])
    assert (report.findings, report.summary) == ((), "")
    assert report.title


def test_a_community_without_inner_relationships_is_told_by_its_members():
    assert wanted_support(MEMBERS, []) == ((), (AURORA.id, CONTOSO.id, JANE.id))
    assert example(relationships=[]).findings


def test_a_parent_is_made_of_its_childrens_reports_and_of_what_crosses_them():
    fabrikam = entity("Fabrikam")
    child = replace(example(), community_id="left", fingerprint="f1")
    told = Finding("Fabrikam repairs wind turbines in Kiel.", ("chunk-k",), (fabrikam.id,), 1.0)
    other = Report("right", 1, "Fabrikam", told.summary, (told,), 3.0, 20, "f2")
    crossing = passage("Fabrikam sued Contoso over a late delivery.", "Court file", "chunk-x")
    parent = write(
        community([*MEMBERS, fabrikam], 0),
        [*MEMBERS, fabrikam],
        [related("Fabrikam", "Contoso")],
        [crossing],
        [child, other],
    )
    assert [f.summary for f in parent.findings] == [
        "Fabrikam sued Contoso over a late delivery.",
        "Contoso supplies the batteries for Project Aurora.",
        "Fabrikam repairs wind turbines in Kiel.",
        "Jane Doe leads Project Aurora from the Hamburg office.",
        "Jane Doe signed the Contoso contract in May 2024.",
    ]
    assert set(parent.citations) == {"chunk-x", "chunk-k", *child.citations}
    assert parent.rating >= max(child.rating, other.rating)


@settings(deadline=None)
@given(st.integers(0, 400))
def test_a_report_stays_within_its_budget(budget):
    report = example(budget_tokens=budget) if budget else example(budget_tokens=1)
    whole = [report.title, report.summary, *(finding.summary for finding in report.findings)]
    assert sum(map(rough_tokens, whole)) <= report.tokens
    assert report.tokens <= max(budget, rough_tokens(report.title))


def test_a_small_budget_keeps_the_strongest_finding():
    report = example(budget_tokens=45)
    assert [f.summary for f in report.findings] == ["Contoso supplies the batteries for Project Aurora."]


def test_a_counter_of_tokens_can_be_given():
    report = write(community(MEMBERS), MEMBERS, EDGES, PASSAGES, budget_tokens=200, count=len)
    assert len(report.title) + 2 * len(report.findings[0].summary) <= report.tokens <= 200


@pytest.mark.parametrize("text", ["", "three little words", "電池を供給する会社です。", "x" * 500])
def test_tokens_are_counted_in_any_script(text):
    assert rough_tokens(text) >= len(text.split())
    assert rough_tokens(text * 2) >= rough_tokens(text)


def test_sentences_in_scripts_without_blanks_are_quoted():
    one, other = entity("東京電力"), entity("日立製作所")
    text = "日立製作所 は 東京電力 に新しい蓄電池を納入した。天気は良かった。"
    report = example(members=[one, other], relationships=[related("東京電力", "日立製作所")], passages=[passage(text)])
    assert report.findings[0].summary == "日立製作所 は 東京電力 に新しい蓄電池を納入した。"


def test_the_order_of_everything_given_does_not_matter():
    draw, expected = random.Random(4), example()
    for _ in range(5):
        mixed = {"members": MEMBERS, "relationships": EDGES, "passages": PASSAGES}
        assert example(**{name: draw.sample(rows, len(rows)) for name, rows in mixed.items()}) == expected


def test_ids_of_chunks_decide_nothing():
    swapped = [replace(p, chunk_id=f"{9 - i}") for i, p in enumerate(PASSAGES)]
    new = {p.chunk_id: old.chunk_id for p, old in zip(swapped, PASSAGES, strict=True)}
    report, expected = example(passages=swapped), example()
    renamed = tuple(replace(f, citations=tuple(new[c] for c in f.citations)) for f in report.findings)
    assert replace(report, findings=renamed) == expected


def test_a_fingerprint_follows_members_edges_texts_and_children_and_nothing_else():
    child = example()
    base = (MEMBERS, EDGES, PASSAGES, [child])
    same = [
        (MEMBERS[::-1], EDGES[::-1], PASSAGES[::-1], [child]),
        (MEMBERS, EDGES, [replace(p, chunk_id="moved") for p in PASSAGES], [replace(child, community_id="other")]),
    ]
    other = [
        ([*MEMBERS[:2], entity("Contoso", 9)], EDGES, PASSAGES, [child]),
        (MEMBERS[:2], EDGES, PASSAGES, [child]),
        (MEMBERS, [related("Contoso", "Project Aurora", 2.5), *EDGES[1:]], PASSAGES, [child]),
        (MEMBERS, EDGES, PASSAGES[:1], [child]),
        (MEMBERS, EDGES, PASSAGES, [replace(child, fingerprint="new")]),
        (MEMBERS, EDGES, PASSAGES, []),
    ]
    assert {fingerprint_of(*parts) for parts in same} == {fingerprint_of(*base)}
    assert len({fingerprint_of(*parts) for parts in [base, *other]}) == len(other) + 1
    assert fingerprint_of(*base, budget_tokens=BUDGET + 1) != fingerprint_of(*base)


def test_the_evidence_follows_the_chunks_that_may_be_cited():
    moved = [replace(PASSAGES[0], chunk_id="moved"), PASSAGES[1]]
    assert evidence_of(moved) != evidence_of(PASSAGES)
    assert evidence_of([], [example(passages=moved)]) != evidence_of([], [example()])
    assert evidence_of(PASSAGES[::-1]) == evidence_of(PASSAGES)


def test_a_rating_grows_with_members_mentions_and_weight_and_stays_below_ten():
    small = example(members=MEMBERS[:2], relationships=EDGES[1:2])
    mentioned = example(members=[entity("Project Aurora", 30), JANE], relationships=EDGES[1:2])
    heavy = example(members=MEMBERS[:2], relationships=[related("Jane Doe", "Project Aurora", 40.0)])
    crowd = [entity(f"Name {i}", 500) for i in range(300)]
    huge = example(members=crowd, relationships=[related("Name 1", "Name 2", 1e6)], passages=[])
    assert 0 < small.rating < min(mentioned.rating, heavy.rating, example().rating)
    assert max(mentioned.rating, heavy.rating) < huge.rating <= 10


def test_a_title_names_nobody_twice_and_shortens_endless_names():
    twins = [entity("Aurora", 5), entity("AURORA", 4)._replace(id="e-2"), entity("x" * 500, 1)]
    assert example(members=twins, relationships=[], passages=[]).title == f"Aurora and {'x' * 79}…"


def test_a_finding_survives_the_way_through_json():
    finding = example().findings[0]
    assert Finding.of(finding.row()) == finding


def test_the_support_asked_for_is_bounded_and_the_strongest():
    members = [entity(f"Name {i:02}") for i in range(40)]
    edges = [related(f"Name {i:02}", f"Name {i + 1:02}", float(i)) for i in range(39)]
    wanted, entities = wanted_support(members, [*edges, related("Name 01", "Stranger", 99.0)])
    assert wanted == tuple(e.id for e in edges[::-1][:RELATIONSHIPS])
    assert entities == ()
    assert wanted_support(members, [], parent=True) == ((), ())


def test_few_chunks_are_picked_and_shared_ones_first():
    support = {
        "r1": [("m1", "c1"), ("m2", "c2"), ("m3", "c3")],
        "r2": [("m3", "c3"), ("m4", "c4"), ("m5", "c5")],
    }
    assert pick_passages(["r1", "r2", "unknown"], support) == ["c3", "c1", "c4"]
    many = {f"r{i}": [(f"m{i}{j}", f"c{i}-{j}") for j in range(50)] for i in range(RELATIONSHIPS)}
    assert len(pick_passages(list(many), many)) == RELATIONSHIPS * PASSAGES_EACH


def test_a_relationship_belongs_to_the_deepest_community_that_holds_both_ends():
    top = Community("top", 0, None, ("a", "b", "c"), "0")
    left, right = Community("left", 1, "top", ("a", "b"), "0"), Community("right", 1, "top", ("c",), "0")
    other = Community("other", 0, None, ("z",), "0")
    pairs = [("a", "b"), ("b", "c"), ("a", "z"), ("a", "nobody")]
    assert owners([right, other, left, top], pairs) == ["left", "top", None, None]


def test_in_a_whole_corpus_every_finding_stands_in_the_passages_it_cites():
    world = World.of(corpus(80))
    communities = hierarchy(world.network())
    found = reports(communities, world)
    assert set(found) == {c.id for c in communities}
    for report in found.values():
        assert report.findings
        assert report.tokens <= BUDGET
        for finding in report.findings:
            assert finding.citations
            for chunk in finding.citations:
                assert finding.summary in plain(world.passages[chunk].text)


def test_after_an_edit_only_reports_with_changed_members_edges_texts_or_children_differ():
    before, after = World.of(corpus(80)), World.of(corpus(80, {7: 1}))
    old_communities = hierarchy(before.network())
    new_communities = hierarchy(after.network(), old_communities)
    old, new = reports(old_communities, before), reports(new_communities, after)
    changed = {e for e in before.entities.keys() | after.entities if before.entities.get(e) != after.entities.get(e)}
    still = {(c.id, c.members) for c in old_communities}
    quiet = [c for c in new_communities if (c.id, c.members) in still and changed.isdisjoint(c.members)]
    assert quiet
    assert all(new[c.id] == old[c.id] for c in quiet)
    assert any(new[c.id].fingerprint != old[c.id].fingerprint for c in new_communities if c.id in old)
