"""Entities and relationships as a reduce of mentions and statements that no order can change."""

import random

import pytest

from knowledge.acronyms import merge
from knowledge.mention import Extraction, Mention, Statement
from knowledge.names import canonical, entity_id
from knowledge.resolution import (
    MOST_ALIASES,
    MentionRow,
    StatementRow,
    reduce_mentions,
    reduce_statements,
    relationship_id,
    resolve,
    resolve_document,
)


def mention(chunk, surface, label="ORG", origin="extractor", description="", document=None, name=None):
    name = name or canonical(surface)
    return MentionRow(chunk, document or f"d-{chunk}", entity_id(name), name, surface, label, origin, description)


def statement(chunk, a, b, predicate="co-occurs", weight=1.0, description=""):
    return StatementRow(chunk, f"d-{chunk}", entity_id(a), entity_id(b), predicate, weight, description)


def only(rows):
    (entity,) = reduce_mentions(rows).values()
    return entity


def test_name_and_type_are_chosen_by_vote():
    rows = [mention("1", "ACME"), mention("2", "Acme", "PERSON"), mention("3", "Acme"), mention("4", "The Acme")]
    entity = only(rows)
    assert (entity.name, entity.canonical, entity.type) == ("Acme", "acme", "ORG")
    assert entity.aliases == ("ACME", "The Acme")


def test_a_title_types_an_entity_only_where_nothing_better_is_known():
    titles = [mention(str(i), "Acme", "TITLE", "title") for i in range(5)]
    assert only(titles).type == "TITLE"
    assert only([*titles, mention("8", "Acme", "NAME")]).type == "NAME"
    assert only([*titles, mention("8", "Acme", "NAME"), mention("9", "Acme", "GPE")]).type == "GPE"


def test_counts_are_chunks_and_documents_however_many_rows_a_chunk_has():
    rows = [mention("1", "Acme", document="a"), mention("1", "ACME", document="a"), mention("2", "Acme", document="a")]
    assert (only(rows).mention_count, only(rows).document_count) == (2, 1)


def test_the_description_comes_from_the_entitys_own_document():
    rows = [
        mention("1", "Acme", description="Acme is a maker of long and well described things."),
        mention("2", "Acme", description="Acme is a maker of long and well described things."),
        mention("3", "Acme", "TITLE", "title", "Acme is a company."),
    ]
    assert only(rows).description == "Acme is a company."
    assert only(rows[:2]).description.startswith("Acme is a maker")


def test_aliases_are_bounded():
    rows = [mention(str(i), "A" + "c" * i, name="acme") for i in range(1, 40)]
    assert len(only(rows).aliases) == MOST_ALIASES


def company(seed):
    rng = random.Random(seed)
    surfaces = ["Acme", "ACME", "The Acme", "Nordwind AS", "nordwind as", "Oslo", "HX-200"]
    labels = ["ORG", "GPE", "TITLE", "NAME"]
    mentions = [
        mention(
            f"c{rng.randrange(30)}",
            rng.choice(surfaces),
            rng.choice(labels),
            rng.choice(["title", "extractor", "lookup"]),
            rng.choice(["", "It is a thing.", "It is a town."]),
        )
        for _ in range(200)
    ]
    statements = [
        statement(
            f"c{rng.randrange(30)}",
            *rng.sample(["acme", "nordwind as", "oslo", "hx 200"], 2),
            rng.choice(["co-occurs", "owns"]),
            rng.choice([1.0, 0.533, 0.1, 0.001]),
            rng.choice(["", "Acme owns Oslo", "Nordwind AS owns Acme"]),
        )
        for _ in range(200)
    ]
    return mentions, statements


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_rows_does_not_matter(seed):
    mentions, statements = company(seed)
    entities, relationships = reduce_mentions(mentions), reduce_statements(statements)
    for turn in range(5):
        rng = random.Random(turn)
        assert reduce_mentions(rng.sample(mentions, len(mentions))) == entities
        assert reduce_statements(rng.sample(statements, len(statements))) == relationships


def test_the_ids_of_chunks_and_documents_decide_nothing():
    mentions, statements = company(1)
    renamed = [m._replace(chunk_id=f"z{m.chunk_id[::-1]}-", document_id=f"y{m.document_id[::-1]}-") for m in mentions]
    assert reduce_mentions(renamed) == reduce_mentions(mentions)
    moved = [s._replace(chunk_id=f"z{s.chunk_id[::-1]}-") for s in statements]
    assert reduce_statements(moved) == reduce_statements(statements)


def test_a_pair_is_one_relationship_in_either_direction():
    rows = [statement("1", "acme", "oslo", "owns"), statement("2", "oslo", "acme", "owns", 0.5)]
    (one,) = reduce_statements(rows).values()
    assert one.source_id < one.target_id
    assert one.id == relationship_id(entity_id("oslo"), entity_id("acme"), "owns")
    assert (one.weight, one.support_count) == (1.5, 2)


def test_what_lost_its_last_support_is_gone_and_the_rest_is_as_if_it_had_never_been():
    mentions, statements = company(2)
    left = [m for m in mentions if m.chunk_id != "c3" and m.name != "oslo"]
    assert entity_id("oslo") not in reduce_mentions(left)
    said = [s for s in statements if entity_id("oslo") not in (s.source_id, s.target_id)]
    assert all(entity_id("oslo") not in (r.source_id, r.target_id) for r in reduce_statements(said).values())


def test_a_changed_row_changes_the_fingerprint_of_its_entity_alone():
    before = reduce_mentions([mention("1", "Acme"), mention("2", "Oslo", "GPE")])
    after = reduce_mentions([mention("1", "Acme"), mention("2", "Oslo", "GPE"), mention("3", "Oslo", "GPE")])
    changed = [i for i in before if before[i].fingerprint != after[i].fingerprint]
    assert changed == [entity_id("oslo")]


def test_an_acronym_stands_for_its_long_form_in_its_document():
    resolved = resolve_document(["gdp", "global data platform", "kafka"], {"gdp": "global data platform"})
    found = Extraction(
        (
            Mention("global data platform", "Global Data Platform", "ORG", ((0, 20),), "extractor"),
            Mention("gdp", "GDP", "NAME", ((22, 25), (40, 43)), "title"),
            Mention("kafka", "Kafka", "PRODUCT", ((50, 55),), "extractor"),
        ),
        (
            Statement("gdp", "global data platform", "co-occurs", 1.0),
            Statement("gdp", "kafka", "depends on", 1.0, "GDP depends on Kafka"),
            Statement("global data platform", "kafka", "depends on", 0.5),
        ),
    )
    platform, kafka = resolve(found, resolved).mentions
    assert platform == Mention(
        "global data platform", "Global Data Platform", "ORG", ((0, 20), (22, 25), (40, 43)), "title"
    )
    assert kafka == found.mentions[2]
    assert resolve(found, resolved).statements == (
        Statement("global data platform", "kafka", "depends on", 1.5, "GDP depends on Kafka"),
    )


def test_a_document_that_defines_an_acronym_twice_leaves_it_alone():
    one, other = {"gdp": "global data platform"}, {"gdp": "gross domestic product", "heg": "helios energy gmbh"}
    assert merge([one, other]) == merge([other, one]) == {"heg": "helios energy gmbh"}
