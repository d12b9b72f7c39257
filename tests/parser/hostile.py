"""Some forty files that break parsers, each with what a user may see of it: its text read right, or a reason.

Small on disk (a few MB in all) and made by the standard library alone. Used by the parser's tests and by those of
the whole chain.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tests.parser.hostile_pdf import bit_flipped_pdf, encrypted_pdf, flate_bomb_pdf, page_loop_pdf, quiet_loss_pdf
from tests.parser.samples import docx, eml, epub, pdf, pptx, xlsx
from tests.parser.samples_base import XML

WORDS = "The quarterly review of the harbour project lists every crane, every ship and every open question. "
MEGA = 1 << 20


@dataclass(frozen=True, slots=True)
class Expected:
    """What may come of a file: one of `reasons`, or, where `text` is given, a text that holds it."""

    reasons: frozenset[str]
    text: str | None = None


def refused(*reasons: str) -> Expected:
    return Expected(frozenset(reasons))


def read(text: str, *reasons: str) -> Expected:
    return Expected(frozenset(reasons), text)


def write_hostile(folder: Path) -> dict[str, Expected]:
    """Write every hostile file into a folder; returns what may come of each, by file name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (write, _) in FILES.items():
        write(folder / name)
    return {name: expected for name, (_, expected) in FILES.items()}


def _bytes(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def _text(text: str, codec: str) -> Callable[[Path], None]:
    return lambda path: _bytes(text.encode(codec))(path)


def _part_bomb(member: str, size: int) -> Callable[[Path], None]:
    """An office file one part of which unpacks to `size` bytes of spaces."""

    def write(path: Path) -> None:
        (xlsx if member.startswith("xl/") else _docx)(path, *_SHEET if member.startswith("xl/") else ())
        with ZipFile(path, "a", ZIP_DEFLATED, compresslevel=9) as archive, archive.open(member, "w") as part:
            for _ in range(size // MEGA):
                part.write(b" " * MEGA)

    return write


_SHEET = ("Budget", {"Sheet": [["Item", "Cost"], ["Crane", "100"]]})


def _docx(path: Path) -> None:
    docx(path, "Review", ["# Review", WORDS * 30])


def _pdf(path: Path) -> None:
    pdf(path, [[f"# Page {n}", WORDS * 8] for n in range(1, 51)], title="Review")


def _cut(write: Callable[[Path], None], share: float) -> Callable[[Path], None]:
    def cut(path: Path) -> None:
        write(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return cut


def _flipped_docx(path: Path) -> None:
    _docx(path)
    content = bytearray(path.read_bytes())
    at = content.index(b"word/document.xml") + 60
    for n in range(0, 40, 8):
        content[at + n] ^= 0x10
    path.write_bytes(content)


def _lying_docx(path: Path) -> None:
    """The directory says that the document part is a few bytes long; it is not."""
    _docx(path)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"word/document.xml") - 46
    content[at + 24 : at + 28] = (10).to_bytes(4, "little")
    path.write_bytes(content)


def _billion_laughs(path: Path) -> None:
    _docx(path)
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = f"<w:document {space}><w:body><w:p><w:r><w:t>&l9;</w:t></w:r></w:p></w:body></w:document>"
    _replace(path, "word/document.xml", f'{XML}<!DOCTYPE w [<!ENTITY l0 "ha">{lines}]>{body}'.encode())


def _outside(path: Path) -> None:
    """XML that asks for a file of the machine."""
    _docx(path)
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = f"<w:document {space}><w:body><w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:body></w:document>"
    _replace(path, "word/document.xml", f'{XML}<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>{body}'.encode())


def _replace(path: Path, member: str, content: bytes) -> None:
    with ZipFile(path) as before:
        members = {n: before.read(n) for n in before.namelist()}
    with ZipFile(path, "w", ZIP_DEFLATED) as after:
        for name, old in members.items():
            after.writestr(name, content if name == member else old)


def _many_entries(path: Path) -> None:
    _docx(path)
    with ZipFile(path, "a") as archive:
        for n in range(10_001):
            archive.writestr(ZipInfo(f"word/media/{n}.bin"), b"")


def _traversal(path: Path) -> None:
    _docx(path)
    with ZipFile(path, "a") as archive:
        archive.writestr("../../../../tmp/rag_assets_was_here.xml", "<x/>")


def _nested_zip(path: Path) -> None:
    content = b"deep"
    for level in range(6):
        packed = BytesIO()
        with ZipFile(packed, "w") as archive:
            archive.writestr(f"{level}.zip" if level else "text.txt", content)
        content = packed.getvalue()
    path.write_bytes(content)


def _password_zip(path: Path) -> None:
    _docx(path)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"word/document.xml") - 46
    content[at + 8] |= 1
    path.write_bytes(content)


def _encrypted_office(path: Path) -> None:
    """The container that Office writes for a file with a password: OLE with the stream EncryptedPackage."""
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    names = [
        name.encode("utf-16-le").ljust(128, b"\0") for name in ("Root Entry", "EncryptionInfo", "EncryptedPackage")
    ]
    path.write_bytes(bytes(head) + b"".join(names) + zlib.compress(WORDS.encode() * 50))


def _deep_mail(path: Path) -> None:
    head = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(3000))
    path.write_text("From: a@example.com\nSubject: deep\nMIME-Version: 1.0\n" + head, encoding="ascii")


def _image_page(path: Path) -> None:
    path.write_text(f'<html><body><p>{WORDS}</p><img src="data:image/png;base64,{"QUJD" * 50_000}"></body></html>')


_NOISE = bytes((n * n * 31 + n * 7 + (n >> 3)) % 256 for n in range(50_000))
_GERMAN = (
    "Die Größe der Räume ist für alle Mitarbeiter gleich. Über die Änderungen möchten wir Sie später informieren. "
)
_JAPANESE = "日本語の文書です。会社の規則は次の通りです。休暇は年に二十日あります。社員は申請してください。" * 4
_POLISH = "Zażółć gęślą jaźń. Każdy pracownik ma prawo do dwudziestu dni urlopu rocznie. "
_RUSSIAN = "Каждый сотрудник имеет право на двадцать дней отпуска в году. "
_DEEP_HTML = f"<html><body>{'<div>' * 200_000}{WORDS * 10}{'</div>' * 200_000}</body></html>".encode()

FILES: dict[str, tuple[Callable[[Path], None], Expected]] = {
    "zip_bomb.xlsx": (_part_bomb("xl/worksheets/sheet9.xml", 120 * MEGA), refused("bomb")),
    "zip_bomb.docx": (_part_bomb("word/footnotes.xml", 120 * MEGA), refused("bomb")),
    "lying_directory.docx": (_lying_docx, refused("bomb", "damaged", "unreadable", "truncated")),
    "flate_bomb.pdf": (flate_bomb_pdf, refused("bomb", "memory", "timeout")),
    "nested_flate_bomb.pdf": (lambda p: flate_bomb_pdf(p, layers=2), refused("bomb", "memory", "timeout")),
    "truncated.pdf": (_cut(_pdf, 0.6), refused("truncated", "damaged")),
    "bit_flipped.pdf": (bit_flipped_pdf, refused("truncated", "damaged")),
    "quiet_loss.pdf": (quiet_loss_pdf, refused("truncated", "damaged")),
    "page_loop.pdf": (page_loop_pdf, refused("empty", "unreadable", "timeout", "crashed", "truncated")),
    "encrypted.pdf": (encrypted_pdf, refused("encrypted")),
    "truncated.docx": (_cut(_docx, 0.6), refused("truncated")),
    "truncated.pptx": (_cut(lambda p: pptx(p, "Deck", [("One", [WORDS])]), 0.5), refused("truncated")),
    "bit_flipped.docx": (_flipped_docx, refused("damaged", "unreadable")),
    "encrypted.docx": (_encrypted_office, refused("encrypted")),
    "password_entries.docx": (_password_zip, refused("encrypted")),
    "billion_laughs.docx": (_billion_laughs, refused("bomb")),
    "outside_entity.docx": (_outside, refused("bomb")),
    "ten_thousand_entries.docx": (_many_entries, refused("bomb")),
    "path_traversal.docx": (_traversal, refused("unsafe")),
    "nested.zip": (_nested_zip, refused("too_deep", "unsupported")),
    "broken_book.epub": (_cut(lambda p: epub(p, "Book", [("One", [WORDS])]), 0.7), refused("truncated")),
    "zero_bytes.pdf": (_bytes(b""), refused("empty")),
    "zero_bytes.txt": (_bytes(b""), refused("empty")),
    "blank.txt": (_bytes(b" \r\n\t\n" * 500), refused("empty")),
    "blank.docx": (lambda p: docx(p, "Blank", [""]), refused("empty")),
    "endless_word.txt": (_bytes(b"ab1" * 100_000), read("ab1ab1")),
    "all_newlines.md": (_bytes(b"\n" * 1_000_000), refused("empty")),
    "long_line.csv": (_bytes(b"a,b\n" + b'"x' * 200_000), read("x")),
    "deep.html": (_bytes(_DEEP_HTML), read("harbour project", "empty", "too_deep", "crashed", "truncated")),
    "inline_image.html": (_image_page, read("harbour project")),
    "deep.json": (_bytes(b"[" * 100_000 + b"]" * 100_000), refused("too_deep")),
    "deep.eml": (_deep_mail, refused("too_deep", "empty", "unreadable")),
    "page_named.docx": (_bytes(f"<!DOCTYPE html><html><body><p>{WORDS}</p></body></html>".encode()), read("harbour")),
    "document_named.pdf": (_docx, read("harbour project")),
    "pdf_named.txt": (_pdf, read("harbour project")),
    "binary_named.txt": (_bytes(_NOISE), refused("unsupported", "mojibake")),
    "image_named.md": (_bytes(b"\x89PNG\r\n\x1a\n" + _NOISE), refused("unsupported")),
    "nul_bytes.txt": (_bytes(b"\0".join([WORDS.encode()] * 40)), read("harbour project", "unsupported")),
    "cp1252.txt": (_text(_GERMAN + "Café, naïve résumé: 25 €.", "cp1252"), read("naïve résumé: 25 €")),
    "cp1250.txt": (_text(_POLISH * 3, "cp1250"), read("Zażółć gęślą jaźń")),
    "cp1251.txt": (_text(_RUSSIAN * 3, "cp1251"), read("Каждый сотрудник")),
    "utf16.txt": (_text("\ufeff" + _GERMAN, "utf-16-le"), read("Größe der Räume")),
    "utf16_unmarked.txt": (_text(WORDS * 3, "utf-16-be"), read("harbour project")),
    "shift_jis.txt": (_text(_JAPANESE, "shift_jis"), read("会社の規則")),
    "cut_utf8.md": (_bytes((_JAPANESE * 3).encode()[:-1]), read("会社の規則", "mojibake", "truncated")),
    "odd_mail.eml": (
        lambda p: eml(p, "Odd", WORDS, attachments={"../../x.exe": _NOISE[:100]}),
        read("harbour project"),
    ),
}
