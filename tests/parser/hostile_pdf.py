"""PDF files that break parsers: bombs, loops, lost pages, a password."""

import zlib
from hashlib import md5
from pathlib import Path

from tests.parser.samples_pdf import assemble, content, objects, stream

WORDS = "The quarterly review of the harbour project lists every crane, every ship and every open question. "
PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_FACTS = ("Review", None, "2025-03-01T09:00:00Z", "2025-03-01T09:00:00Z")


def _pages(count: int) -> list[bytes]:
    return objects([[f"# Page {n}", WORDS * 8] for n in range(1, count + 1)], *_FACTS)


def flate_bomb_pdf(path: Path, layers: int = 1, size: int = 150 << 20) -> None:
    """A page whose content is 150 MB of spaces, packed once or more."""
    pack = zlib.compressobj(9)
    packed = b"".join(pack.compress(b" " * (1 << 20)) for _ in range(size >> 20)) + pack.flush()
    for _ in range(layers - 1):
        packed = zlib.compress(packed, 9)
    bodies = _pages(1)
    filters = "/FlateDecode " * layers
    head = f"<< /Length {len(packed)} /Filter [{filters}] >>\nstream\n".encode()
    path.write_bytes(assemble([*bodies[:-1], head + packed + b"\nendstream"]))


def page_loop_pdf(path: Path) -> None:
    """A page tree that is its own child."""
    bodies = _pages(2)
    bodies[1] = b"<< /Type /Pages /Kids [2 0 R] /Count 2 >>"
    path.write_bytes(assemble(bodies))


def bit_flipped_pdf(path: Path) -> None:
    """Fifty pages, 49 of which have a flipped byte early in their content."""
    data = bytearray(assemble(_pages(50)))
    at = data.find(b"stream\n") + 7
    for _ in range(49):
        data[at + 12] ^= 0x5A
        at = data.find(b">>\nstream\n", at) + 10
    path.write_bytes(data)


def quiet_loss_pdf(path: Path) -> None:
    """Fifty pages, all but the first of which draw nothing."""
    bodies = _pages(50)
    for n in range(8, len(bodies), 2):
        bodies[n] = stream(b"q Q")
    path.write_bytes(assemble(bodies))


def encrypted_pdf(path: Path, password: str = "harbour") -> None:
    """A PDF that asks for a password: 40-bit RC4, the standard security handler's revision 2."""
    ident = bytes(range(16))
    padded = (password.encode() + PADDING)[:32]
    owner = _rc4(md5(padded).digest()[:5], padded)
    key = md5(padded + owner + (-4 & 0xFFFFFFFF).to_bytes(4, "little") + ident).digest()[:5]
    bodies = objects([], *_FACTS)
    bodies[1] = b"<< /Type /Pages /Kids [6 0 R] /Count 1 >>"
    bodies[4] = b"<< >>"
    drawing = content(["# Secret", WORDS])
    sealed = _rc4(md5(key + (7).to_bytes(3, "little") + b"\0\0").digest()[:10], drawing)
    bodies += [
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 7 0 R "
        b"/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>",
        f"<< /Length {len(sealed)} >>\nstream\n".encode() + sealed + b"\nendstream",
        b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>"
        % (owner.hex().encode(), _rc4(key, PADDING).hex().encode()),
    ]
    trailer = f"/Root 1 0 R /Info 5 0 R /Encrypt 8 0 R /ID [<{ident.hex()}> <{ident.hex()}>]"
    path.write_bytes(assemble(bodies, trailer))


def _rc4(key: bytes, data: bytes) -> bytes:
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)
