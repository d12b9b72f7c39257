"""Zip-based formats looked through before they are parsed: bombs, damage, passwords, unsafe names, and the kind.

The central directory is judged first (entries, sizes, ratio, names), then each part that carries text is inflated in
pieces, so that a directory that lies is found out and a flipped bit fails its checksum.
"""

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import PurePosixPath
from typing import IO
from zipfile import BadZipFile, LargeZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812

from resources.parser.outcome import ParseLimits, RefusalError

PIECE = 1 << 20
SMALL = 10_000_000
_TEXT_PARTS = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx")
_NESTED = (".zip", ".docx", ".docm", ".xlsx", ".xlsm", ".pptx", ".pptm", ".odt", ".ods", ".odp", ".epub", ".jar")
_ENTITY = re.compile(rb"<!ENTITY", re.I)
_OFFICE = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx"))
_OPEN = {
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.text-template": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/epub+zip": "epub",
}


def audit(source: IO[bytes], limits: ParseLimits) -> str:
    """The kind (`docx`, `pptx`, `xlsx`, `odt`, `ods`, `epub`) of a zip that is safe to parse.

    Raises RefusalError: bomb, too_deep, unsafe, encrypted, truncated, damaged, unsupported.
    """
    try:
        with ZipFile(source) as archive:
            _judge(archive, limits, depth=1)
            kind = _kind(archive)
            _inflate(archive, limits, kind)
            return kind
    except BadZipFile as error:
        raise _broken(source) from error
    except (ZlibError, EOFError, LargeZipFile, NotImplementedError, ValueError, OSError) as error:
        raise RefusalError("damaged", "a part of the archive cannot be unpacked") from error


def _judge(archive: ZipFile, limits: ParseLimits, depth: int) -> int:
    """The unpacked size of an archive and the archives in it, where its directory is within the limits."""
    entries = archive.infolist()
    if len(entries) > limits.max_archive_entries:
        raise RefusalError("bomb", f"the archive has {len(entries)} entries; {limits.max_archive_entries} are allowed")
    total = sum(e.file_size for e in entries)
    packed = sum(e.compress_size for e in entries)
    if total > limits.max_archive_bytes:
        raise RefusalError("bomb", f"the archive unpacks to {total} bytes; {limits.max_archive_bytes} are allowed")
    if total > SMALL and total > limits.max_archive_ratio * max(packed, 1):
        raise RefusalError("bomb", f"the archive unpacks to more than {limits.max_archive_ratio} times its size")
    _judge_names(entries)
    for entry in entries:
        if entry.filename.lower().endswith(_NESTED):
            if depth >= limits.max_archive_depth:
                raise RefusalError("too_deep", f"archives are nested more than {limits.max_archive_depth} deep")
            total += _judge_nested(archive.read(entry), limits, depth + 1)
            if total > limits.max_archive_bytes:
                raise RefusalError(
                    "bomb", f"with the archives in it it unpacks to more than {limits.max_archive_bytes}"
                )
    return total


def _judge_nested(content: bytes, limits: ParseLimits, depth: int) -> int:
    try:
        with ZipFile(BytesIO(content)) as inner:
            return _judge(inner, limits, depth)
    except BadZipFile:
        return len(content)  # an embedded file that only its name makes an archive


def _judge_names(entries: Sequence[ZipInfo]) -> None:
    for entry in entries:
        if entry.flag_bits & 0x1:
            raise RefusalError("encrypted", "the archive asks for a password")
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", entry.filename):
            raise RefusalError("unsafe", "an entry of the archive points outside of it")


def _kind(archive: ZipFile) -> str:
    names = archive.namelist()
    if "[Content_Types].xml" in names:
        for folder, kind in _OFFICE:
            if any(n.startswith(folder) for n in names):
                return kind
    if "mimetype" in names:
        with archive.open("mimetype") as part:
            mime = part.read(200).strip()
        if mime in _OPEN:
            return _OPEN[mime]
        if mime.startswith(b"application/vnd.oasis.opendocument"):
            raise RefusalError("unsupported", "an OpenDocument file that is neither text nor spreadsheet")
    if "META-INF/container.xml" in names:
        return "epub"
    raise RefusalError("unsupported", "a zip archive; unpack it beside its place")


def _inflate(archive: ZipFile, limits: ParseLimits, kind: str) -> None:
    total = 0
    for entry in archive.infolist():
        with archive.open(entry) as part:  # compares its name with the directory's
            if not entry.filename.lower().endswith(_TEXT_PARTS):
                continue
            piece = part.read(PIECE)
            # Office files define no entities; an EPUB's pages may name the HTML ones.
            if kind != "epub" and _ENTITY.search(piece[:65_536]):
                raise RefusalError("bomb", "a part of the file defines XML entities, which such files never do")
            while piece:
                total += len(piece)
                if total > limits.max_archive_bytes:
                    raise RefusalError("bomb", f"it unpacks to more than {limits.max_archive_bytes} bytes")
                piece = part.read(PIECE)


def _broken(source: IO[bytes]) -> RefusalError:
    source.seek(0, 2)
    size = source.tell()
    source.seek(max(0, size - 66_000))
    if b"PK\x05\x06" in source.read():
        return RefusalError("damaged", "the archive's directory or a part of it is broken")
    return RefusalError("truncated", "the archive's end is missing")
