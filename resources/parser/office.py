"""Office files before the native parser sees them: Word's entities kept, OLE containers told apart."""

import re
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from resources.parser.outcome import RefusalError

# The native parser drops every entity reference of a Word part ("R&amp;D" reads "RD"): the five that stand for
# markup travel through it as private-use characters, all others as the characters they mean.
_STAND_INS = {"amp": "\U0010f801", "lt": "\U0010f802", "gt": "\U0010f803", "quot": '"', "apos": "'"}
_BACK = str.maketrans({"\U0010f801": "&", "\U0010f802": "<", "\U0010f803": ">"})
_REFERENCE = re.compile(rb"&(?:#(x[0-9a-fA-F]{1,6}|[0-9]{1,7})|(amp|lt|gt|quot|apos));")
_TAG = re.compile(rb"<[^>]*>")
_RUNS = re.compile(rb"<(?:w:)?t(?: [^>]*)?>([^<]*)<")
_OLE = (("WordDocument", "doc"), ("Workbook", "xls"), ("PowerPoint Document", "ppt"), ("__substg1.0_", "msg"))


def without_entities(content: bytes) -> bytes:
    """A Word file whose text parts hold no entity reference; undo the stand-ins with `restored`."""
    packed = BytesIO()
    with ZipFile(BytesIO(content)) as before, ZipFile(packed, "w", ZIP_DEFLATED, compresslevel=1) as after:
        for entry in before.infolist():
            part = before.read(entry)
            if entry.filename.startswith("word/") and entry.filename.endswith(".xml") and b"&" in part:
                part = _without_references(part)
            after.writestr(entry.filename, part)
    return packed.getvalue()


def restored(text: str) -> str:
    """The parser's text with `&`, `<` and `>` in the place of their stand-ins."""
    return text.translate(_BACK)


def word_letters(content: bytes) -> int:
    """How many letters and digits the main part of a Word file holds."""
    with ZipFile(BytesIO(content)) as archive:
        names = [n for n in archive.namelist() if re.fullmatch(r"word/document\d*\.xml", n)]
        runs = (run for name in names for run in _RUNS.findall(archive.read(name)))
        return sum(sum(map(str.isalnum, _REFERENCE.sub(b"", run).decode("utf-8", "replace"))) for run in runs)


def ole_kind(content: bytes) -> str:
    """The kind (`doc`, `xls`, `ppt`, `msg`) of an OLE container, by the names of its streams.

    Raises RefusalError: encrypted, unsupported.
    """
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise RefusalError("encrypted", "the Office file asks for a password")
    for name, kind in _OLE:
        if name.encode("utf-16-le") in content:
            return kind
    raise RefusalError("unsupported", "an OLE container that is no document")


def _without_references(part: bytes) -> bytes:
    """Text between tags with its references resolved; inside a tag they stay, or the attribute would break."""
    out: list[bytes] = []
    end = 0
    for tag in _TAG.finditer(part):
        out += (_REFERENCE.sub(_meaning, part[end : tag.start()]), tag.group())
        end = tag.end()
    return b"".join([*out, part[end:]])


def _meaning(match: re.Match[bytes]) -> bytes:
    number, name = match.groups()
    if name:
        return _STAND_INS[name.decode()].encode()
    code = int(number[1:], 16) if number.startswith(b"x") else int(number)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000 or (code < 32 and code not in (9, 10, 13)):
        return b""
    char = chr(code)
    return {"&": _STAND_INS["amp"], "<": _STAND_INS["lt"], ">": _STAND_INS["gt"]}.get(char, char).encode()
