"""Mentions and statements of one passage, from spans, patterns, title and headings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.extraction import Passage, acronyms, assemble, readable
from knowledge.predicates import CO_OCCURS, MOST_WORDS, predicate
from knowledge.prose import prose
from knowledge.sentences import sentences
from knowledge.statements import FULL_WEIGHT
from knowledge.vocabulary import ABBREVIATIONS


def spans_of(text, *names):
    return [(text.index(n), text.index(n) + len(n), "ORG") for n in names]


def found(text, *names, title=None, headings=(), language="en"):
    passage = Passage(title, headings, text, language)
    return {m.name: m for m in assemble(passage, spans_of(text, *names)).mentions}


def pairs(text, *names):
    statements = assemble(Passage(None, (), text), spans_of(text, *names)).statements
    return {(s.source, s.target): s.predicate for s in statements}


MARKDOWN = """# Aurora Plan

> **Helios Energy** runs the [Aurora Plan](https://aurora.example/Some/Path) with
> `Kafka`, see *Nordwind*.

- Contract INV-2024-0113 covers the
  HX-200 pumps.

| Owner | Site |
|-------|------|
| Bob Kern | São Paulo |

```
Hidden Code here
```
"""


def test_spans_are_exact_in_markdown():
    mentions = found(MARKDOWN, "Helios Energy", "Kafka", "Nordwind", "Bob Kern", "São Paulo", title="Aurora Plan")
    for mention in mentions.values():
        assert mention.spans
        assert {MARKDOWN[s:e] for s, e in mention.spans} == {mention.surface}
    assert set(mentions) == {
        "aurora plan",
        "helios energy",
        "kafka",
        "nordwind",
        "inv 2024 0113",
        "hx 200",
        "bob kern",
        "sao paulo",
    }


def test_a_model_reads_clean_text_without_the_heading_it_knows():
    clean = readable(Passage("Aurora Plan", (), MARKDOWN)).text
    assert clean == (
        "Helios Energy runs the Aurora Plan with Kafka, see Nordwind.\n"
        "Contract INV-2024-0113 covers the HX-200 pumps.\n"
        "Owner, Site\nBob Kern, São Paulo\n"
    )


def test_a_plain_paragraph_is_read_as_it_stands():
    text = "The 3 * 4 grid_of 5*3 cells was built by O'Neil & Sons (1990). 1990. It is snake_case."
    assert prose(text).text.rstrip("\n") == text


@given(st.text(alphabet="aB*_`#|[]()<>\\~-+.!1 \n\t>é", max_size=80))
def test_every_kept_piece_of_clean_text_is_the_source_at_its_place(text):
    clean = prose(text, {"a b"})
    for here, there, length in clean.pieces:
        assert clean.text[here : here + length] == text[there : there + length]
        assert clean.source(here, here + length) == (there, there + length)
        assert clean.locate(there, there + length) == (here, here + length)


@given(st.text(alphabet="aB. !?\n\"')J", max_size=80))
def test_sentences_cover_everything_but_blanks(text):
    bounds = sentences(text)
    assert "".join(text[s:e] for s, e in bounds).replace(" ", "").replace("\n", "") == "".join(text.split())
    assert list(bounds) == sorted(bounds)


@given(st.text("ab é", max_size=150), st.integers(118, 124), st.text("ab\n", max_size=150))
def test_a_word_that_nobody_writes_is_left_out_wherever_it_stands(before, size, after):
    text = f"{before} {'x' * size} {after}"
    assert ("x" * size in prose(text).text) == (size <= 120)


@pytest.mark.parametrize("word", sorted(ABBREVIATIONS))
def test_no_abbreviation_ends_a_sentence(word):
    text = f"We met {word}. Kern (and {word}. Bo) there."
    assert sentences(text) == ((0, len(text)),)


def test_initials_and_abbreviations_end_no_sentence():
    text = 'Dr. J. Kern of Acme Inc. in the U.S. Army met "Bo Li." Then they left. See no. 5!'
    assert [text[s:e] for s, e in sentences(text)] == [
        'Dr. J. Kern of Acme Inc. in the U.S. Army met "Bo Li."',
        "Then they left.",
        "See no. 5!",
    ]


@pytest.mark.parametrize(
    ("text", "name", "type_"),
    [
        ("Pay INV-2024-0113 now.", "inv 2024 0113", "IDENTIFIER"),
        ("It meets ISO 9001:2015.", "iso 9001 2015", "IDENTIFIER"),
        ("It meets ISO/IEC 27001 fully.", "iso iec 27001", "IDENTIFIER"),
        ("HTTP is RFC 2616.", "rfc 2616", "IDENTIFIER"),
        ("The pump HX-200 leaks.", "hx 200", "IDENTIFIER"),
        ("An RTX4090 card.", "rtx4090", "IDENTIFIER"),
        ("Under contract no. 4711-22, we pay.", "contract 4711 22", "IDENTIFIER"),
        ("Our PO 4500012345 is late.", "po 4500012345", "IDENTIFIER"),
        ("Ask jane.doe@acme-corp.com!", "acme corp com", "DOMAIN"),
    ],
)
def test_identifiers_and_mail_domains_are_names(text, name, type_):
    assert {(m.name, m.type) for m in found(text).values()} == {(name, type_)}


@pytest.mark.parametrize(
    "text",
    [
        "In 2024 we paid 4,500.00 for 12 units on 2024-05-01.",
        "See https://acme.example/INV-2024-0113 for Q3 and FY2024.",
        "Write to jane.doe@gmail.com.",
        "The meeting is at 10:30, room 5.",
    ],
)
def test_numbers_dates_urls_and_private_mail_are_no_names(text):
    assert found(text) == {}


def test_a_models_span_that_is_no_name_is_left_out():
    assert found("In 2024 The Report 3 said it.", "2024", "The", "Report 3", "it") == {}


def test_a_models_span_around_an_identifier_is_the_identifier():
    text = "Contract INV-2024-0113 of jane@acme.com."
    assert set(found(text, "Contract INV-2024-0113", "2024-0113", "jane@acme.com")) == {"inv 2024 0113", "acme com"}


def test_title_and_headings_are_names_whether_the_text_holds_them_or_not():
    mentions = found(
        "The Kafka Cluster failed.",
        title="Aurora (project)",
        headings=("Overview", "3.2 Kafka cluster", "HX-200 pumps"),
    )
    assert {n: (m.origin, m.type, bool(m.spans)) for n, m in mentions.items()} == {
        "aurora": ("title", "TITLE", False),
        "aurora project": ("title", "TITLE", False),
        "kafka cluster": ("title", "TITLE", True),
        "hx 200 pumps": ("title", "TITLE", False),
        "hx 200": ("title", "IDENTIFIER", False),
    }


def test_a_title_that_the_model_knows_has_its_type():
    mentions = found("Nordwind AS is a supplier of pumps.", "Nordwind AS", title="Nordwind AS")
    assert (mentions["nordwind as"].origin, mentions["nordwind as"].type) == ("title", "ORG")


def test_a_description_is_the_sentence_that_says_what_the_name_is():
    text = "We like Aurora. The Aurora (AUR), once Dawn, is a programme of Helios. Aurora is a lie. Helios pays."
    mentions = found(text, "Aurora", "Helios", title="Aurora")
    assert mentions["aurora"].description == "The Aurora (AUR), once Dawn, is a programme of Helios."
    assert mentions["helios"].description == ""


def test_a_long_description_is_cut_between_words():
    text = "Aurora is a " + "very " * 100 + "long plan."
    description = found(text, title="Aurora")["aurora"].description
    assert len(description) <= 240
    assert text.startswith(description.removesuffix("…"))


@pytest.mark.parametrize(
    ("between", "said"),
    [
        (" cooperates with ", "cooperates with"),
        (" is a part of ", "is part of"),
        (" was owned by the ", "was owned by"),
        (", ", CO_OCCURS),
        (" and ", CO_OCCURS),
        (" owns and runs ", CO_OCCURS),
        (" members of ", CO_OCCURS),
        (" paid the bill that came in from ", CO_OCCURS),
        (" supersedes ", "supersedes"),
        (" headquartered in ", "headquartered in"),
        (" xyzzy ", CO_OCCURS),
        ("", CO_OCCURS),
    ],
)
def test_a_predicate_is_a_short_verb_phrase_or_a_plain_co_occurrence(between, said):
    assert predicate(between) == said
    assert len(said.split()) <= MOST_WORDS


def test_names_of_one_sentence_are_paired_and_others_are_not():
    text = "Helios is owned by Nordwind, not Acme. Oslo waits. Helios sleeps."
    assert pairs(text, "Helios", "Nordwind", "Acme", "Oslo") == {
        ("helios", "nordwind"): "is owned by",
        ("acme", "helios"): CO_OCCURS,
        ("acme", "nordwind"): CO_OCCURS,
    }


def test_a_statement_says_who_did_what_to_whom():
    text = "Zeta Ltd supplies Acme."
    (statement,) = assemble(Passage(None, (), text), spans_of(text, "Zeta Ltd", "Acme")).statements
    assert (statement.source, statement.target, statement.predicate) == ("acme", "zeta ltd", "supplies")
    assert statement.description == "Zeta Ltd supplies Acme"


def test_a_sentence_of_very_many_names_gives_few_and_light_statements():
    names = [f"Name{chr(65 + i // 26)}{chr(65 + i % 26)} Ltd" for i in range(200)]
    text = ", ".join(names) + "."
    statements = assemble(Passage(None, (), text), spans_of(text, *names)).statements
    assert len(statements) <= 3 * len(names)
    assert {s.weight for s in statements} == {FULL_WEIGHT / 200}
    together = {n for s in statements for n in (s.source, s.target)}
    assert len(together) == len(names)


def test_cells_of_a_table_row_are_related_and_rows_are_not():
    text = "| Bob Kern | Berlin |\n| Eva Holm | Oslo |"
    assert set(pairs(text, "Bob Kern", "Berlin", "Eva Holm", "Oslo")) == {("berlin", "bob kern"), ("eva holm", "oslo")}


def test_other_languages_are_not_read_by_english_patterns():
    text = "Aurora is a plan. Helios supplies Nordwind."
    result = assemble(Passage(None, (), text, "nl"), spans_of(text, "Aurora", "Helios", "Nordwind"))
    assert {s.predicate for s in result.statements} == {CO_OCCURS}
    assert {m.description for m in result.mentions} == {""}


def test_the_order_of_the_models_spans_does_not_matter():
    text = "Helios pays Nordwind and Acme in Oslo, Norway."
    passage, spans = Passage("Acme", (), text), spans_of(text, "Helios", "Nordwind", "Acme", "Oslo", "Oslo, Norway")
    assert assemble(passage, spans[::-1]) == assemble(passage, spans)


@pytest.mark.parametrize(
    ("text", "defined"),
    [
        ("The Global Data Platform (GDP) is new.", {"gdp": "global data platform"}),
        ("The GDP (Global Data Platform) is new.", {"gdp": "global data platform"}),
        ("The Department of Defense (DoD) pays.", {"dod": "department of defense"}),
        ("Our Chief Executive Officer (the boss) and Data (GDP).", {}),
        ("Sales went up. Data Platform (GDP)", {}),
        ("Global Data Platform (GDP). Gross Domestic Product (GDP).", {}),
        ("Nothing (2024) here (A).", {}),
    ],
)
def test_acronyms_are_those_that_the_text_spells_out(text, defined):
    assert acronyms(text) == defined


@pytest.mark.parametrize(
    "unit", ["A of ", "[a](", "*a _b ", "A, ", "Dr. ", "ABC (", "<!-- ", "A-1-", "a.b@", "| ", "x"]
)
def test_no_text_is_too_strange_to_read(unit):
    text = (unit * 100_000)[:100_000]
    assert assemble(Passage("T", ("H",), text), []).mentions is not None
    assert acronyms(text) == {}
