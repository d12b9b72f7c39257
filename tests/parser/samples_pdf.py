"""PDF files written byte by byte with the standard library: text in Helvetica, one content stream a page."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from tests.parser.samples_base import WHEN, heading_of

SIZES = {0: 11, 1: 20, 2: 16, 3: 13}


def pdf(
    path: Path,
    pages: Sequence[Sequence[str]],
    title: str | None = None,
    author: str | None = None,
    created: str = WHEN,
    modified: str = WHEN,
) -> None:
    """A PDF; a page is a list of paragraphs, `# Heading` … `### Heading` in larger bold type.

    Characters outside cp1252 are refused with UnicodeEncodeError; a page holds about 55 lines of 90 characters.
    """
    path.write_bytes(assemble(objects(pages, title, author, created, modified)))


def objects(
    pages: Sequence[Sequence[str]], title: str | None, author: str | None, created: str, modified: str
) -> list[bytes]:
    """The bodies of the indirect objects 1, 2, …: catalog, page tree, two fonts, facts, then page and content."""
    first = 6
    kids = " ".join(f"{first + 2 * n} 0 R" for n in range(len(pages)))
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    facts = {"Title": title, "Author": author, "CreationDate": _date(created), "ModDate": _date(modified)}
    info = b"".join(f"/{key} (".encode() + _literal(value) + b") " for key, value in facts.items() if value)
    out = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        font.format("Helvetica").encode(),
        font.format("Helvetica-Bold").encode(),
        b"<< " + info + b">>",
    ]
    for number, page in enumerate(pages):
        out.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {first + 2 * number + 1} 0 R "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>".encode()
        )
        out.append(stream(content(page)))
    return out


def content(page: Sequence[str]) -> bytes:
    """The drawing instructions of one page, top to bottom."""
    out, y = [], 790.0
    for block in page:
        level, text = heading_of(block)
        size = SIZES[level]
        for line in wrap(text, 90 * 11 // size) or [""]:
            out.append(f"BT /F{2 if level else 1} {size} Tf 56 {y:.0f} Td (".encode() + _literal(line) + b") Tj ET")
            y -= size * 1.25
        y -= 8
    return b"\n".join(out)


def stream(data: bytes, extra: str = "") -> bytes:
    """A flate-compressed stream object; `extra` joins its dictionary."""
    packed = zlib.compress(data, 9)
    return f"<< /Length {len(packed)} /Filter /FlateDecode {extra}>>\nstream\n".encode() + packed + b"\nendstream"


def assemble(bodies: Sequence[bytes], trailer: str = "/Root 1 0 R /Info 5 0 R") -> bytes:
    """The file of the objects 1, 2, … with its cross-reference table."""
    out, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {len(bodies) + 1} {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def _literal(text: str) -> bytes:
    return text.encode("cp1252").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")


def _date(iso: str) -> str:
    return "D:" + "".join(c for c in iso[:19] if c.isdigit()) + "Z"
