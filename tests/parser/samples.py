"""Documents of every format the parser reads, written with the standard library alone.

Belongs here: small, valid, byte-for-byte reproducible files. Does not: broken ones (tests/parser/hostile.py).

A document's body is a sequence of blocks. A string is a paragraph, `# Heading` … `### Heading` a heading,
`- item` a list item; a sequence of rows (sequences of strings) is a table, its first row the header.
Dates are ISO 8601 in UTC (`2025-03-01T09:00:00Z`) and, like the author, given by keyword: `author`, `created`,
`modified`.
"""

from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from html import escape
from itertools import groupby
from pathlib import Path

from tests.parser.samples_base import WHEN, XML, About, Block, Row, heading_of, write_zip
from tests.parser.samples_office import docx, pptx, xlsx
from tests.parser.samples_pdf import pdf

__all__ = [
    "WHEN",
    "Block",
    "Row",
    "docx",
    "eml",
    "epub",
    "html",
    "html_text",
    "markdown",
    "odt",
    "pdf",
    "pptx",
    "rtf",
    "write_zip",
    "xlsx",
]


def odt(path: Path, title: str | None, blocks: Sequence[Block], **about: str) -> None:
    """An OpenDocument text."""
    meta = About(title, **about)
    spaces = "".join(
        f' xmlns:{p}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"'
        for p, n in (("office", "office"), ("text", "text"), ("table", "table"), ("meta", "meta"))
    )
    spaces += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    facts = (
        (f"<dc:title>{escape(title)}</dc:title>" if title else "")
        + (f"<meta:initial-creator>{escape(meta.author)}</meta:initial-creator>" if meta.author else "")
        + (f"<dc:creator>{escape(meta.author)}</dc:creator>" if meta.author else "")
        + f"<meta:creation-date>{meta.created[:19]}</meta:creation-date><dc:date>{meta.modified[:19]}</dc:date>"
    )
    body = "".join(_odt_block(b) for b in blocks)
    mime = "application/vnd.oasis.opendocument.text"
    entries = (("/", mime), ("content.xml", "text/xml"), ("meta.xml", "text/xml"))
    listed = "".join(f'<m:file-entry m:full-path="{p}" m:media-type="{t}"/>' for p, t in entries)
    manifest = f'<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">{listed}</m:manifest>'
    members = {
        "mimetype": mime,
        "content.xml": f"{XML}<office:document-content{spaces}><office:body><office:text>{body}</office:text>"
        "</office:body></office:document-content>",
        "meta.xml": f"{XML}<office:document-meta{spaces}><office:meta>{facts}</office:meta></office:document-meta>",
        "META-INF/manifest.xml": XML + manifest,
    }
    write_zip(path, members, stored=["mimetype"])


def epub(path: Path, title: str, chapters: Sequence[tuple[str, Sequence[Block]]], **about: str) -> None:
    """An EPUB 3 book; a chapter is its heading and its blocks."""
    meta = About(title, **about)
    ids = [f"c{n}" for n in range(1, len(chapters) + 1)]
    items = "".join(f'<item id="{i}" href="{i}.xhtml" media-type="application/xhtml+xml"/>' for i in ids)
    author = f"<dc:creator>{escape(meta.author)}</dc:creator>" if meta.author else ""
    spine = "".join(f'<itemref idref="{i}"/>' for i in ids)
    package = (
        f'{XML}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">{escape(title)}</dc:identifier>'
        f"<dc:title>{escape(title)}</dc:title>{author}<dc:language>en</dc:language><dc:date>{meta.created}</dc:date>"
        f'<meta property="dcterms:modified">{meta.modified}</meta></metadata>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = (
        f'{XML}<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    members = {"mimetype": "application/epub+zip", "META-INF/container.xml": container, "OEBPS/book.opf": package}
    for i, (heading, blocks) in zip(ids, chapters, strict=True):
        page = html_text(heading, [f"# {heading}", *blocks]).replace(
            "<html", '<html xmlns="http://www.w3.org/1999/xhtml"'
        )
        members[f"OEBPS/{i}.xhtml"] = XML + page
    write_zip(path, members, stored=["mimetype"])


def html_text(title: str | None, blocks: Sequence[Block], author: str | None = None) -> str:
    """The source of a web page with the given body."""
    head = (f"<title>{escape(title)}</title>" if title else "") + (
        f'<meta name="author" content="{escape(author)}"/>' if author else ""
    )
    body = "".join(_html_block(b) for b in blocks)
    return f'<html><head><meta charset="utf-8"/>{head}</head><body>\n{body}</body></html>\n'


def html(path: Path, title: str | None, blocks: Sequence[Block], author: str | None = None) -> None:
    """A web page."""
    path.write_text("<!DOCTYPE html>\n" + html_text(title, blocks, author), encoding="utf-8")


def markdown(path: Path, blocks: Sequence[Block]) -> None:
    """A markdown text."""
    path.write_text("\n\n".join(b if isinstance(b, str) else _pipes(b) for b in blocks) + "\n", encoding="utf-8")


def rtf(path: Path, title: str | None, blocks: Sequence[Block], author: str | None = None) -> None:
    """A rich text file; a table's row becomes a line with tabs."""
    lines: list[str] = []
    for block in blocks:
        lines += [block] if isinstance(block, str) else ["\t".join(row) for row in block]
    body = "".join(rf"\pard {_rtf_text(heading_of(line)[1])}\par" + "\n" for line in lines)
    info = (rf"{{\title {_rtf_text(title)}}}" if title else "") + (
        rf"{{\author {_rtf_text(author)}}}" if author else ""
    )
    path.write_text(rf"{{\rtf1\ansi\deff0{{\fonttbl{{\f0 Arial;}}}}{{\info{info}}}" + f"\n{body}}}", encoding="ascii")


def eml(
    path: Path,
    subject: str,
    body: str,
    sender: str = "Ada Example <ada@example.com>",
    to: str = "team@example.com",
    date: str = "Mon, 03 Mar 2025 10:15:00 +0100",
    page: str | None = None,
    attachments: Mapping[str, bytes] | None = None,
) -> None:
    """An e-mail; `page` is its HTML form, an attachment a name and its bytes."""
    message = EmailMessage()
    for name, value in (("From", sender), ("To", to), ("Subject", subject), ("Date", date)):
        message[name] = value
    message["Message-ID"] = "<sample@example.com>"
    message.set_content(body)
    if page is not None:
        message.add_alternative(page, subtype="html")
    for name, content in (attachments or {}).items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    for number, part in enumerate(p for p in message.walk() if p.is_multipart()):
        part.set_boundary(f"=-part-{number}")
    path.write_bytes(message.as_bytes())


def _odt_block(block: Block) -> str:
    if not isinstance(block, str):
        cells = "".join(
            "<table:table-row>"
            + "".join(f"<table:table-cell>{_odt_block(c)}</table:table-cell>" for c in row)
            + "</table:table-row>"
            for row in block
        )
        columns = f'<table:table-column table:number-columns-repeated="{len(block[0])}"/>'
        return f"<table:table>{columns}{cells}</table:table>"
    level, text = heading_of(block)
    if level:
        return f'<text:h text:outline-level="{level}">{escape(text)}</text:h>'
    return f"<text:p>{escape(text)}</text:p>"


def _html_block(block: Block) -> str:
    if not isinstance(block, str):
        kinds = ["th"] + ["td"] * (len(block) - 1)
        rows = ("".join(f"<{k}>{escape(c)}</{k}>" for c in row) for k, row in zip(kinds, block, strict=True))
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>\n"
    level, text = heading_of(block)
    if block.startswith("- "):
        return f"<ul><li>{escape(block[2:])}</li></ul>\n"
    kind = f"h{level}" if level else "p"
    return f"<{kind}>{escape(text)}</{kind}>\n"


def _pipes(rows: Sequence[Row]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def _rtf_text(text: str) -> str:
    plain = text.replace("\\", r"\\").replace("{", r"\{").replace("}", r"\}").replace("\t", r"\tab ")
    runs = ((wide, "".join(chars)) for wide, chars in groupby(plain, lambda c: c > "\x7f"))
    return "".join("".join(rf"\u{ord(c)}?" for c in run) if wide else run for wide, run in runs)
