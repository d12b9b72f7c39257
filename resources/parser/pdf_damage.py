"""PDF files looked through before they are parsed: cut off, broken or exploding streams.

pdfium repairs what it can and says nothing of the rest, so a file that lost most of its text still reads as fine.
Each flate stream but images and fonts is inflated in bounded pieces, and must pass its checksum.
"""

import re
from collections.abc import Iterator
from zlib import decompressobj
from zlib import error as ZlibError  # noqa: N812

from resources.parser.outcome import RefusalError

TAIL_BYTES = 65_536
PIECE = 1 << 20
MAX_STREAM = 100_000_000
MAX_TOTAL = 400_000_000
_STREAM = re.compile(rb"stream\r?\n")
_FILTERS = re.compile(rb"/Filter\s*(?:\[(?:\s*/(?:FlateDecode|Fl)\b){1,8}\s*\]|/(?:FlateDecode|Fl)\b)")
_OTHER = (b"/Image", b"/XRef", b"/FontFile", b"/Length1", b"/ICCBased", b"/Metadata", b"/EmbeddedFile")


def audit_pdf(data: bytes) -> None:
    """Raise RefusalError (truncated, bomb, damaged) where the file is cut off or its text streams are broken."""
    if b"startxref" not in data[-TAIL_BYTES:] and b"%%EOF" not in data[-TAIL_BYTES:]:
        raise RefusalError("truncated", "the PDF's end is missing")
    if b"/Encrypt" in data:
        return  # its streams are not to be read without the key
    total = 0
    for packed, layers in _flate_streams(data):
        for _ in range(layers):
            packed, size = _inflate(packed, keep=layers > 1)
            total += size
        if total > MAX_TOTAL:
            raise RefusalError("bomb", f"the PDF's streams unpack to more than {MAX_TOTAL} bytes")


def _flate_streams(data: bytes) -> Iterator[tuple[bytes, int]]:
    """The packed bytes of each stream that may matter to the text, and how often it is packed."""
    end = 0
    for found in _STREAM.finditer(data):
        if found.start() < end or data[found.start() - 3 : found.start()] == b"end":
            continue
        facts = data[max(end, found.start() - 2000) : found.start()]
        facts = facts[max(facts.rfind(b" obj"), 0) :]
        stop = data.find(b"endstream", found.end())
        end = len(data) if stop < 0 else stop
        filters = _FILTERS.search(facts)
        if filters and not any(mark in facts for mark in _OTHER):
            yield data[found.end() : end], filters.group().count(b"/Fl")


def _inflate(packed: bytes, *, keep: bool) -> tuple[bytes, int]:
    """What a stream unpacks to (empty unless `keep`) and its size.

    Raises RefusalError where it breaks off or explodes.
    """
    unpack = decompressobj()
    size, rest, kept = 0, packed, []
    try:
        while rest and not unpack.eof:
            piece = unpack.decompress(rest, PIECE)
            rest = unpack.unconsumed_tail
            size += len(piece)
            if keep:
                kept.append(piece)
            if size > MAX_STREAM:
                raise RefusalError("bomb", f"a stream of the PDF unpacks to more than {MAX_STREAM} bytes")
    except ZlibError as error:
        raise RefusalError("damaged", "a part of the PDF cannot be unpacked") from error
    return b"".join(kept), size
