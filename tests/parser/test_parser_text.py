"""Text kinds, read without a worker process."""

import unicodedata
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from resources.parser import VERSION, Parsed, ParseLimits, Parser, Rejected
from tests.parser import samples


@pytest.fixture
def parser() -> Iterator[Parser]:
    with Parser() as parser:
        yield parser
        assert parser.worker_pids == ()


def read(parser: Parser, path: Path, content: str | bytes) -> Parsed:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    outcome = parser.parse(path, path.name)
    assert isinstance(outcome, Parsed), outcome
    return outcome


def test_markdown_stays_as_it_is(parser: Parser, tmp_path: Path) -> None:
    text = "# Title of *things*\n\nA | b \\| c\n\n```\n# no\n```\n"
    parsed = read(parser, tmp_path / "a.md", text)
    assert (parsed.text, parsed.title, parsed.mime) == (text, "Title of *things*", "text/markdown")
    assert parsed.pages == ()


def test_text_is_nfc_with_plain_line_ends_and_without_controls(parser: Parser, tmp_path: Path) -> None:
    parsed = read(parser, tmp_path / "a.txt", "\ufeffCafe\u0301 one\r\ntwo\rthree\x0cfour\x07 five\u2028six")
    assert parsed.text == "Café one\ntwo\nthree\nfour five\nsix"
    assert unicodedata.is_normalized("NFC", parsed.text)


def test_a_heading_inside_code_is_no_title(parser: Parser, tmp_path: Path) -> None:
    assert read(parser, tmp_path / "a.md", "text\n```\n# comment\n```\n\n# Real\n").title == "Real"
    assert read(parser, tmp_path / "b.md", "Underlined\n==========\n\ntext\n").title == "Underlined"
    assert read(parser, tmp_path / "c.md", "text\n\n## Second level\n").title is None


def test_front_matter_becomes_title_author_and_date(parser: Parser, tmp_path: Path) -> None:
    text = '---\ntitle: "Leave: a guide"\nauthor: Ada\ndate: 2025-03-01\ntags: [a, b]\n---\n\n# Other\n\nBody.\n'
    parsed = read(parser, tmp_path / "a.md", text)
    assert (parsed.title, parsed.author, parsed.created_at) == ("Leave: a guide", "Ada", "2025-03-01")
    assert parsed.text == "tags: [a, b]\n\n# Other\n\nBody.\n"


def test_plain_text_has_a_title_only_where_it_begins_with_a_heading(parser: Parser, tmp_path: Path) -> None:
    assert read(parser, tmp_path / "a.txt", "# Harbour\n\ntext").title == "Harbour"
    assert read(parser, tmp_path / "b.txt", "text first\n# comment\n").title is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_of_values_becomes_a_markdown_table(parser: Parser, tmp_path: Path, delimiter: str) -> None:
    lines = ["Name,Note", 'Ada,"two\nlines"', "Bo,", "", 'Cy,"a | b"']
    content = "\r\n".join(line.replace(",", delimiter) for line in lines)
    parsed = read(parser, tmp_path / "a.csv", content)
    expected = "| Name | Note |\n| --- | --- |\n| Ada | two lines |\n| Bo |  |\n| Cy | a \\| b |\n"
    assert parsed.text == expected
    assert parsed.mime == "text/csv"


def test_broken_quotes_leave_the_values_as_text(parser: Parser, tmp_path: Path) -> None:
    assert read(parser, tmp_path / "a.csv", 'a,b\n"x"y,z\n').text == 'a,b\n"x"y,z\n'


def test_json_becomes_lines_a_person_can_read(parser: Parser, tmp_path: Path) -> None:
    content = '{"title": "Plan", "steps": [{"who": "Ada", "done": true}, "rest"], "none": null, "at": {"x": 1.5}}'
    parsed = read(parser, tmp_path / "a.json", content)
    expected = "title: Plan\nsteps:\n  - who: Ada\n    done: true\n  - rest\nnone: \nat:\n  x: 1.5\n"
    assert (parsed.text, parsed.title, parsed.mime) == (expected, "Plan", "application/json")


def test_one_json_value_a_line_is_read_too(parser: Parser, tmp_path: Path) -> None:
    parsed = read(parser, tmp_path / "a.jsonl", '{"a": "x"}\n{"a": "y"}\n')
    assert parsed.text == "- a: x\n- a: y\n"


def test_what_only_looks_like_json_is_kept_as_text(parser: Parser, tmp_path: Path) -> None:
    parsed = read(parser, tmp_path / "a.json", '{"a": 1, // note\n}')
    assert (parsed.text, parsed.mime) == ('{"a": 1, // note\n}', "text/plain")


def test_half_a_surrogate_pair_does_not_reach_the_index(parser: Parser, tmp_path: Path) -> None:
    parsed = read(parser, tmp_path / "a.json", '{"a": "' + "word " * 100 + '\\ud83d"}')
    assert parsed.text.encode() == ("a: " + "word " * 100 + "\ufffd\n").encode()


def test_a_mail_says_who_when_and_what(parser: Parser, tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    files = {"notes.csv": b"never shown: octet-stream", "plan.pdf": b"%PDF-"}
    samples.eml(path, "Re: café plan", "Dear team,\n\nthe crane is late.\n", page="<p>html</p>", attachments=files)
    parsed = read(parser, path, path.read_bytes())
    assert parsed.text == (
        "# Re: café plan\n\nFrom: Ada Example <ada@example.com>\nTo: team@example.com\n"
        "Date: Mon, 03 Mar 2025 10:15:00 +0100\n\nDear team,\n\nthe crane is late.\n\n"
        "Attachments: notes.csv, plan.pdf\n"
    )
    assert (parsed.title, parsed.author) == ("Re: café plan", "Ada Example")
    assert (parsed.created_at, parsed.mime) == ("2025-03-03T10:15:00+01:00", "message/rfc822")


def test_a_mail_is_known_without_its_ending(parser: Parser, tmp_path: Path) -> None:
    samples.eml(tmp_path / "a.eml", "Plan", "The crane is late.")
    parsed = read(parser, tmp_path / "saved message", (tmp_path / "a.eml").read_bytes())
    assert (parsed.mime, parsed.title) == ("message/rfc822", "Plan")


def test_text_attachments_of_a_mail_are_read(parser: Parser, tmp_path: Path) -> None:
    content = (
        "From: ada@example.com\nSubject: Plan\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nSee the notes.\n--b\nContent-Type: text/plain; name=notes.txt\n"
        "Content-Disposition: attachment; filename=notes.txt\n\nThe crane is late.\n--b--\n"
    )
    parsed = read(parser, tmp_path / "a.eml", content)
    assert "See the notes.\n\n## notes.txt\n\nThe crane is late.\n\nAttachments: notes.txt\n" in parsed.text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The harbour company grants every employee twenty days of leave in the year."),
        ("de", "Die Hafengesellschaft gewährt allen Angestellten zwanzig Tage Urlaub im Jahr."),
        ("fr", "La société du port accorde à chaque employé vingt jours de congé par an."),
        (
            "ja",
            "港の会社は、すべての社員に年に二十日の休暇を与えます。休暇は前もって申請してください。部長が承認した後に、人事部が記録して返事をします。",
        ),
        ("und", "Crane 7"),
        ("und", "4711 0815 1234 5678 " * 20),
    ],
)
def test_the_language_is_told_where_there_is_enough_text(
    parser: Parser, tmp_path: Path, language: str, text: str
) -> None:
    assert read(parser, tmp_path / "a.txt", text).language == language


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"word " * 3000)
    with Parser(ParseLimits(max_bytes=10_000)) as parser:
        outcome = parser.parse(tmp_path / "a.txt", "a.txt")
    assert outcome == Rejected("too_large", "too_large: the file has 15000 bytes; 10000 are allowed")


def test_a_file_that_is_gone_is_told_apart_from_a_bad_one(tmp_path: Path) -> None:
    with Parser() as parser:
        assert parser.parse(tmp_path / "no.txt", "no.txt") == Rejected(
            "unopened", "unopened: No such file or directory"
        )
        assert parser.parse(tmp_path, "folder").reason == "unopened"  # type: ignore[union-attr]


def test_text_full_of_replacement_characters_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The gr\ufffd\ufffde of the caf\ufffd.", encoding="utf-8")
    with Parser() as parser:
        outcome = parser.parse(tmp_path / "a.txt", "a.txt")
    assert isinstance(outcome, Rejected)
    assert outcome.reason == "mojibake"


def test_the_identity_names_the_parser_and_the_library_it_stands_on() -> None:
    assert Parser().identity == f"parser {VERSION}, kreuzberg {version('kreuzberg')}"
