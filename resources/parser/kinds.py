"""What kind of file this is, by its first bytes; the name's ending only decides among kinds of text.

Belongs here: signatures. Does not: looking into archives (archive.py) or decoding (charset.py).
"""

import re
from os.path import splitext

MIMES = {
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "json": "application/json",
    "html": "text/html",
    "eml": "message/rfc822",
    "rtf": "application/rtf",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "epub": "application/epub+zip",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
}
TEXT_KINDS = frozenset({"txt", "md", "csv", "json", "eml"})
HEAD_BYTES = 8192

_ENDINGS = {
    ".md": "md",
    ".markdown": "md",
    ".mdown": "md",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".geojson": "json",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".eml": "eml",
}
_FOREIGN = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"OggS", "a recording"),
    (b"ID3", "a recording"),
    (b"fLaC", "a recording"),
)
_FOREIGN_MAGIC = tuple(magic for magic, _ in _FOREIGN)
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html[\s>])", re.I | re.S
)
_TAG = re.compile(rb"<[a-zA-Z!/][^>]{0,500}>")
_FIELD = re.compile(rb"^([A-Za-z][A-Za-z-]{1,40}):", re.M)
_MAIL_FIELDS = frozenset(
    b"from to cc subject date message-id received mime-version return-path delivered-to reply-to".split()
)


def sniff(head: bytes, name: str) -> tuple[str, str]:
    """The kind of a file by its first `HEAD_BYTES` bytes and a remark: `zip`, `ole`, `binary`, or a key of `MIMES`.

    The remark is empty but for `binary`, where it names what the file seems to be.
    """
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return "zip", ""
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "ole", ""
    if head.startswith(b"{\\rtf"):
        return "rtf", ""
    if b"%PDF-" in head[:1024]:
        return "pdf", ""
    if head.startswith(_FOREIGN_MAGIC):
        return "binary", next(what for magic, what in _FOREIGN if head.startswith(magic))
    if b"\x00" in head and not head.startswith(_BOMS) and not wide(head) and head.count(0) > len(head) // 100:
        return "binary", "binary data"
    return _text_kind(head, splitext(name)[1].lower()), ""


def wide(head: bytes) -> str | None:
    """The codec of UTF-16 text that has no byte order mark, by where its zero bytes stand; None for anything else."""
    if b"\x00" not in head or head.startswith(_BOMS):
        return None
    half = max(len(head) // 2, 1)
    even, odd = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if odd > 0.7 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 * half and odd < 0.1 * half else None


def _text_kind(head: bytes, ending: str) -> str:
    hint = _ENDINGS.get(ending, "txt")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<" and (_HTML.match(head.removeprefix(_BOMS[0])) or (hint == "html" and _TAG.search(head))):
        return "html"
    if start.isalpha() and hint in ("txt", "eml") and _is_mail(head, sure=hint == "eml"):
        return "eml"
    if hint == "html":
        return "html" if _TAG.search(head) or head.startswith(_BOMS[1:]) or wide(head) else "txt"
    return "txt" if hint == "eml" else hint


def _is_mail(head: bytes, *, sure: bool) -> bool:
    if not _FIELD.match(head):
        return False
    block = head.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    known = _MAIL_FIELDS.intersection(f.lower() for f in _FIELD.findall(block))
    traced = known & {b"message-id", b"received", b"mime-version", b"return-path"}
    return bool(known) if sure else len(known) >= 3 and bool(traced)
