"""The native parser (kreuzberg): one call a file, and what it needs before and after to be right.

Runs in the worker process only. Its batch calls return error text as content, its cache keeps document text on disk
and its file calls take the name for the type: none of them is used.
"""

import re
from io import BytesIO
from typing import Any

from resources.parser import office, page
from resources.parser.archive import audit
from resources.parser.kinds import MIMES
from resources.parser.outcome import Draft, ParseLimits, RefusalError
from resources.parser.pdf_damage import audit_pdf
from resources.parser.pdf_text import assembled
from resources.parser.plain import iso_date
from resources.parser.tidy import clean, readable

MARK = "\U0010f810"
_MARKS = re.compile(rf"\n*{MARK}\d+{MARK}\n*")
_MEANS = {"docx": "Word", "pptx": "PowerPoint", "xlsx": "Excel", "odt": "OpenDocument", "ods": "OpenDocument"}


def read_native(data: bytes, kind: str, limits: ParseLimits) -> Draft:
    """The draft of a file of a kind that `sniff` names and no reader of text takes; `zip` and `ole` are told apart.

    Raises RefusalError with the reasons of `audit`, `audit_pdf` and `ole_kind`, and unreadable, encrypted, truncated.
    """
    if kind == "zip":
        kind = audit(BytesIO(data), limits)
    elif kind == "ole":
        kind = office.ole_kind(data)
    if kind == "html":
        return read_page(data)
    if kind == "pdf":
        return _read_pdf(data)
    if kind == "docx":
        return _read_word(data)
    result = _call(data, kind, markers=kind == "pptx")
    text = readable(result.content, escaped=kind != "epub")
    if kind == "pptx":
        return _draft(*_without_marks(text), kind, result.metadata)
    if kind == "ppt":
        text = re.sub(r"\A-{3,}\n+", "", text)
    return _draft(text, _sheet_starts(text, result.metadata), kind, result.metadata)


def read_page(data: bytes, declared: str | None = None) -> Draft:
    """The draft of a web page; where the native parser loses most of it (deep nesting), its bare text."""
    source = page.source_text(data, declared)
    text = readable(_call(page.without_head(source).encode(), "html").content, escaped=False)
    bare = page.shown(source)
    if _letters(text) < 0.5 * _letters(bare):
        text = bare
    return Draft(text, MIMES["html"], **page.facts(source))


def page_markdown(data: bytes, declared: str | None) -> str:
    """The markdown of a web page inside of something else."""
    return read_page(data, declared).text


def _read_pdf(data: bytes) -> Draft:
    audit_pdf(data)
    result = _call(data, "pdf", pages=True)
    pages = [clean(p["content"]) for p in result.pages or ()]
    promised = int(result.metadata.get("page_count") or len(pages))
    written = sum(any(map(str.isalnum, p)) for p in pages)
    # Without pictures there are no scanned pages, and few are left blank on purpose.
    least = promised / 4 if b"/Image" in data else promised / 2
    if promised > 3 and 0 < written < least:
        raise RefusalError("truncated", f"only {written} of {promised} pages of the PDF have text")
    text, starts = assembled(readable(result.content), pages)
    return _draft(text, starts, "pdf", result.metadata)


def _read_word(data: bytes) -> Draft:
    held = office.word_letters(data)
    result = _call(office.without_entities(data), "docx")
    text = office.restored(readable(result.content))
    if _letters(text) < 0.6 * held:
        raise RefusalError("truncated", "most of the Word file's text could not be read")
    return _draft(text, (), "docx", result.metadata)


def _call(data: bytes, kind: str, *, pages: bool = False, markers: bool = False) -> Any:
    import kreuzberg

    marks = kreuzberg.PageConfig(
        extract_pages=True, insert_page_markers=markers, marker_format=f"\n\n{MARK}{{page_num}}{MARK}\n\n"
    )
    config = kreuzberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        disable_ocr=True,
        output_format="markdown",
        pages=marks if pages or markers else None,
    )
    try:
        return kreuzberg.extract_bytes_sync(data, MIMES[kind], config)
    except (kreuzberg.KreuzbergError, OSError, ValueError, RuntimeError) as error:
        what = _MEANS.get(kind, kind.upper())
        if kind == "pdf" and b"/Encrypt" in data:
            raise RefusalError("encrypted", "the PDF asks for a password") from error
        raise RefusalError("unreadable", f"the {what} file cannot be read ({type(error).__name__})") from error


def _draft(text: str, pages: tuple[int, ...], kind: str, facts: dict[str, Any]) -> Draft:
    authors = facts.get("authors") or ()
    return Draft(
        text,
        MIMES[kind],
        title=facts.get("title"),
        author=", ".join(authors) or None,
        created_at=iso_date(facts.get("created_at")),
        modified_at=iso_date(facts.get("modified_at")),
        pages=pages,
    )


def _without_marks(text: str) -> tuple[str, tuple[int, ...]]:
    """The text without the marks of its slides, and where each slide starts."""
    first, *rest = _MARKS.split(text)
    out, starts = first, []
    for slide in rest:
        out = out.rstrip("\n") + "\n\n" if out.strip() else ""
        starts.append(len(out))
        out += slide
    return out.rstrip("\n") + "\n", tuple(starts)


def _sheet_starts(text: str, facts: dict[str, Any]) -> tuple[int, ...]:
    """Where each sheet's heading stands; empty where one is not found."""
    starts, at = [], 0
    for name in facts.get("sheet_names") or ():
        found = re.compile(rf"^## {re.escape(name)}$", re.M).search(text, at)
        if found is None:
            return ()
        starts.append(found.start())
        at = found.end()
    return tuple(starts)


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))
