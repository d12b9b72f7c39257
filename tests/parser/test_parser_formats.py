"""Documents of every format, read by the real parser: text, title, author, dates, pages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resources.parser import Parsed, Parser, Rejected
from tests.parser import samples

BLOCKS: list[samples.Block] = [
    "# Parental leave",
    "Johnson & Johnson grant twenty days of leave to every parent <in writing>. Größe, naïve café, C# and R&D.",
    "## How to apply",
    "Ask the people team before the summer; they answer within a week and keep a copy of the form.",
    [["Name", "Days"], ["Ada", "25"], ["Bo", "30"]],
]
SLIDES = [("Harbour", ["The crane is new.", "The old one goes."]), ("Ships", ["Two ships wait & see."])]
SHEETS = {"Budget": [["Item", "Cost"], ["Crane", "100"]], "People & co": [["Name", "Role"], ["Ada", "Pilot"]]}


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser() as parser:
        yield parser


def read(parser: Parser, path: Path) -> Parsed:
    outcome = parser.parse(path, path.name)
    assert isinstance(outcome, Parsed), outcome
    return outcome


def with_blocks(path: Path) -> None:
    """Write the same document in the format of the file's ending."""
    writers: dict[str, Callable[[], None]] = {
        ".docx": lambda: samples.docx(path, "Leave", BLOCKS, author="Ada Berg"),
        ".odt": lambda: samples.odt(path, "Leave", BLOCKS, author="Ada Berg"),
        ".html": lambda: samples.html(path, "Leave", BLOCKS, author="Ada Berg"),
        ".epub": lambda: samples.epub(path, "Leave", [("Cover", ["Welcome."]), ("Rest", BLOCKS)], author="Ada Berg"),
        ".rtf": lambda: samples.rtf(path, "Leave", BLOCKS, author="Ada Berg"),
        ".pdf": lambda: samples.pdf(path, [[b for b in BLOCKS if isinstance(b, str)]], "Leave", "Ada Berg"),
    }
    writers[path.suffix]()


@pytest.mark.parametrize("ending", ["docx", "odt", "html", "epub", "rtf", "pdf"])
def test_text_title_and_author_come_out_of_every_document_format(parser: Parser, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"file.{ending}"
    with_blocks(path)
    parsed = read(parser, path)
    assert "Johnson & Johnson grant twenty days of leave to every parent <in writing>." in parsed.text
    assert "Größe, naïve café, C# and R&D." in parsed.text
    assert "keep a copy of the form." in parsed.text
    assert (parsed.title, parsed.author, parsed.language) == ("Leave", "Ada Berg", "en")


@pytest.mark.parametrize("ending", ["docx", "odt", "html", "epub", "pdf"])
def test_headings_come_out_as_markdown(parser: Parser, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"file.{ending}"
    with_blocks(path)
    lines = read(parser, path).text.split("\n")
    assert "# Parental leave" in lines
    assert "## How to apply" in lines


@pytest.mark.parametrize("ending", ["docx", "odt", "html", "epub"])
def test_tables_come_out_as_markdown(parser: Parser, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"file.{ending}"
    with_blocks(path)
    assert "| Name | Days |\n| --- | --- |\n| Ada | 25 |\n| Bo | 30 |" in read(parser, path).text


@pytest.mark.parametrize("ending", ["docx", "odt", "pdf", "epub"])
def test_dates_are_those_that_the_document_says(parser: Parser, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"file.{ending}"
    with_blocks(path)
    assert (read(parser, path).created_at or "").startswith("2025-03-01T09:00:00")


def test_the_title_of_a_document_without_one_is_its_first_heading(parser: Parser, tmp_path: Path) -> None:
    for name in ("file.docx", "file.odt"):
        writer = samples.docx if name.endswith("docx") else samples.odt
        writer(tmp_path / name, None, BLOCKS)
        assert read(parser, tmp_path / name).title == "Parental leave"


def test_the_name_of_the_file_is_never_the_title(parser: Parser, tmp_path: Path) -> None:
    for name, write in (("a.docx", samples.docx), ("a.odt", samples.odt), ("a.html", samples.html)):
        write(tmp_path / name, None, ["Only a paragraph about the harbour."])
        assert read(parser, tmp_path / name).title is None
    samples.pdf(tmp_path / "a.pdf", [["Only a paragraph about the harbour."]])
    assert read(parser, tmp_path / "a.pdf").title is None


def test_word_keeps_characters_that_are_written_as_references(parser: Parser, tmp_path: Path) -> None:
    text = 'R&D <draft> "quoted" it\'s x < y && z > w; a*b_c#d C:\\new [1] (2) {3} | 50 % – “so”'
    samples.docx(tmp_path / "a.docx", None, [text, [["Term", "Use"], [text, "x"]]])
    parsed = read(parser, tmp_path / "a.docx")
    assert text in parsed.text.split("\n")
    assert text.replace("|", r"\|") in parsed.text


def test_each_page_of_a_pdf_starts_where_the_offsets_say(parser: Parser, tmp_path: Path) -> None:
    pages = [[f"# Page {n}", f"Sentence of page {n} about the harbour project. " * 20] for n in range(1, 31)]
    samples.pdf(tmp_path / "a.pdf", pages)
    parsed = read(parser, tmp_path / "a.pdf")
    assert len(parsed.pages) == 30
    ends = [*parsed.pages[1:], len(parsed.text)]
    for number, (start, end) in enumerate(zip(parsed.pages, ends, strict=True), 1):
        page = parsed.text[start:end]
        assert page.count(f"Sentence of page {number} about") == 20
        assert page.count("Sentence of page") == 20


def test_a_running_head_is_kept_once_and_the_pages_are_still_told_apart(parser: Parser, tmp_path: Path) -> None:
    head = "Harbour company, internal, not to be copied"
    samples.pdf(tmp_path / "a.pdf", [[head, f"Body number {n} with words. " * (5 + 7 * (n % 4))] for n in range(12)])
    parsed = read(parser, tmp_path / "a.pdf")
    ends = [*parsed.pages[1:], len(parsed.text)]
    assert parsed.text.count(head) == 1
    for number, (start, end) in enumerate(zip(parsed.pages, ends, strict=True)):
        assert parsed.text[start:end].count(f"Body number {number} ") == 5 + 7 * (number % 4)


def test_pdf_text_keeps_marks_beside_letters(parser: Parser, tmp_path: Path) -> None:
    text = 'Set key:value in C# or F#, add *stars* and wait! The a*b rule, the "x"y rule, #tag and mailto:ada hold.'
    samples.pdf(tmp_path / "a.pdf", [["# Rules", text]])
    assert text in read(parser, tmp_path / "a.pdf").text.replace("\n", " ")


def test_running_text_of_a_pdf_is_not_made_a_table(parser: Parser, tmp_path: Path) -> None:
    text = "Body number 4 with words. " * 12
    samples.pdf(
        tmp_path / "a.pdf", [["Harbour company, internal, do not copy without the consent of the board.", text]]
    )
    assert text.strip() in read(parser, tmp_path / "a.pdf").text


def test_lines_and_pages_of_a_pdf_are_joined_to_sentences(parser: Parser, tmp_path: Path) -> None:
    sentence = "The harbour company keeps a register of its cranes and of the ships that they have served in the year"
    samples.pdf(
        tmp_path / "a.pdf", [["# Register", f"{sentence} and the", "- first point", "- second point"], [sentence]]
    )
    samples.pdf(tmp_path / "b.pdf", [["# Register", f"{sentence} and the"], ["next one, which begins in April."]])
    text = read(parser, tmp_path / "a.pdf").text
    assert text.startswith(f"# Register\n\n{sentence} and the\n- first point\n- second point\n\n{sentence}\n")
    assert f"{sentence} and the next one, which begins in April.\n" in read(parser, tmp_path / "b.pdf").text


def test_each_slide_starts_where_the_offsets_say(parser: Parser, tmp_path: Path) -> None:
    samples.pptx(tmp_path / "a.pptx", "Deck", SLIDES)
    parsed = read(parser, tmp_path / "a.pptx")
    assert parsed.title == "Deck"
    assert [parsed.text[at:].split("\n")[0] for at in parsed.pages] == ["## Harbour", "## Ships"]
    assert "Two ships wait & see." in parsed.text


def test_each_sheet_starts_where_the_offsets_say(parser: Parser, tmp_path: Path) -> None:
    samples.xlsx(tmp_path / "a.xlsx", "Book", SHEETS)
    parsed = read(parser, tmp_path / "a.xlsx")
    assert [parsed.text[at:].split("\n")[0] for at in parsed.pages] == ["## Budget", "## People & co"]
    assert "| Item | Cost |\n| --- | --- |\n| Crane | 100 |" in parsed.text


def test_a_mail_that_is_only_a_web_page_is_read(parser: Parser, tmp_path: Path) -> None:
    raw = "From: Ada <ada@example.com>\nSubject: =?utf-8?q?Caf=C3=A9?=\nMIME-Version: 1.0\n"
    body = "Content-Type: text/html; charset=iso-8859-1\n\n<h1>Menu</h1><p>Crème &amp; <b>tea</b></p>"
    (tmp_path / "a.eml").write_bytes((raw + body).encode("latin-1"))
    parsed = read(parser, tmp_path / "a.eml")
    assert parsed.title == "Café"
    assert "Crème & **tea**" in parsed.text


def test_a_web_page_is_read_in_the_character_set_that_it_names(parser: Parser, tmp_path: Path) -> None:
    page = "<html><head><meta charset='windows-1251'><title>Порт</title></head><body><p>Новый кран</p></body></html>"
    (tmp_path / "a.html").write_bytes(page.encode("cp1251"))
    parsed = read(parser, tmp_path / "a.html")
    assert (parsed.title, parsed.text) == ("Порт", "Новый кран\n")


def test_the_type_is_told_by_content_whatever_the_name_says(parser: Parser, tmp_path: Path) -> None:
    samples.docx(tmp_path / "report.pdf", None, BLOCKS)
    samples.pdf(tmp_path / "report.docx", [["The harbour has a new crane."]])
    assert read(parser, tmp_path / "report.pdf").mime.endswith("wordprocessingml.document")
    assert read(parser, tmp_path / "report.docx").mime == "application/pdf"


def test_parsing_twice_gives_the_same(parser: Parser, tmp_path: Path) -> None:
    for ending in ("docx", "pdf", "html"):
        path = tmp_path / f"a.{ending}"
        with_blocks(path)
        with Parser() as other:
            assert other.parse(path, "x") == parser.parse(path, path.name)


def test_a_zip_of_no_known_format_is_refused_by_name(parser: Parser, tmp_path: Path) -> None:
    samples.write_zip(tmp_path / "a.zip", {"a.txt": "text"})
    outcome = parser.parse(tmp_path / "a.zip", "a.zip")
    assert outcome == Rejected("unsupported", "unsupported: a zip archive; unpack it beside its place")
