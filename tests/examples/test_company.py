"""The example company is complete: enough documents, every format, questions that can be answered."""

import json
from pathlib import Path

COMPANY = Path(__file__).parents[2] / "examples" / "company"
FORMATS = {"md", "txt", "html", "csv", "json", "eml", "rtf", "docx", "pptx", "xlsx", "pdf", "odt", "epub"}
BROKEN = {
    "handbook/hr/salary-review-2024.docx",
    "contracts/archive/lease-shuttle-house-2019.pdf",
    "contracts/projects/breakwater-notes.txt",
}


def documents() -> dict[str, Path]:
    """Files of both sources by their path from the company's folder."""
    return {
        path.relative_to(COMPANY).as_posix(): path
        for source in ("handbook", "contracts")
        for path in (COMPANY / source).rglob("*")
        if path.is_file()
    }


def golden() -> list[dict]:
    return [json.loads(line) for line in (COMPANY / "golden.jsonl").read_text(encoding="utf-8").splitlines()]


def test_there_are_enough_documents_in_every_format_for_a_first_impression():
    found = documents()
    assert len(found) >= 40
    assert {path.suffix[1:] for name, path in found.items() if name not in BROKEN} == FORMATS
    assert sum(path.stat().st_size for path in found.values()) < 3_000_000


def test_every_golden_question_names_documents_that_exist_and_can_be_read():
    questions = golden()
    readable = documents().keys() - BROKEN
    assert [q["id"] for q in questions] == [f"q{n}" for n in range(1, 11)]
    assert [q["id"] for q in questions if not q["documents"] or set(q["documents"]) - readable] == []


def test_most_golden_questions_need_two_documents():
    assert sum(len(set(q["documents"])) >= 2 for q in golden()) >= 7


def test_the_readme_lists_exactly_the_broken_files():
    section = (COMPANY / "README.md").read_text(encoding="utf-8").split("## Broken on purpose")[1]
    assert {name for name in documents() if f"`{name}`" in section} == BROKEN


def test_the_broken_files_are_broken_in_three_ways():
    found = documents()
    docx = found["handbook/hr/salary-review-2024.docx"].read_bytes()
    assert docx.startswith(b"\xd0\xcf\x11\xe0")  # an OLE container: what Office writes around an encrypted package
    assert "EncryptedPackage".encode("utf-16-le") in docx
    assert b"%%EOF" not in found["contracts/archive/lease-shuttle-house-2019.pdf"].read_bytes()
    assert found["contracts/projects/breakwater-notes.txt"].stat().st_size == 0
