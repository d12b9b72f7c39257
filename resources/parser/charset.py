"""From bytes to text: UTF-8 first, then the byte order mark, then a guess that must fit. Nothing is dropped."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE

from resources.parser.kinds import HEAD_BYTES, wide
from resources.parser.language import language
from resources.parser.outcome import RefusalError

GUESS_BYTES = 65_536
_MARKS = (
    (BOM_UTF32_LE, "utf-32"),
    (BOM_UTF32_BE, "utf-32"),
    (BOM_UTF16_LE, "utf-16"),
    (BOM_UTF16_BE, "utf-16"),
)
_CENTRAL = frozenset(["pl", "cs", "sk", "hu", "hr", "sl", "ro", "bs", "sq"])
_TYPOGRAPHY = frozenset("“”‘’„‚‹›«»–—…•·°§©®™€£¥¢¿¡×÷±²³¹¼½¾ªº¶†‡\u00a0\u00ad№")
_LATIN = ("cp1252", "cp1250")
_CYRILLIC = ("cp1251", "koi8_r")


def decode(data: bytes, declared: str | None = None) -> str:
    """The text of the bytes, without its byte order mark.

    `declared` is what an e-mail or a web page says of itself; it is tried after UTF-8. Raises RefusalError (mojibake)
    when no character set reads all bytes.
    """
    unmarked = wide(data[:HEAD_BYTES])  # before UTF-8, which reads plain words in UTF-16 as words with zeros between
    if unmarked:
        return _strict(data, unmarked) or _give_up()
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return _decode_other(data, declared)


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are UTF-8 throughout."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode_other(data: bytes, declared: str | None) -> str:
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return _strict(data, codec) or _strict(data[: len(data) // 4 * 4], codec) or _give_up()
    if data.startswith(BOM_UTF8):
        return _give_up()
    if declared:
        text = _strict(data, declared)
        if text is not None:
            return text
    return _guess(data)


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:GUESS_BYTES]).best() or from_bytes(data).best()
    if best is None:
        return _give_up()
    if best.multi_byte_usage > 0 or best.encoding.startswith(("utf", "cp932", "shift", "euc", "gb", "big5", "iso2022")):
        return _strict(data, best.encoding) or _give_up()
    # One byte a character: every such codec reads every byte, so the letters have to tell. charset-normalizer takes
    # cp1250 for cp1252 and mac_cyrillic for cp1251 on short texts.
    letters = sum(b > 127 or chr(b).isalpha() for b in data[:GUESS_BYTES])
    foreign = sum(b > 127 for b in data[:GUESS_BYTES])
    if foreign > 0.4 * letters:
        cyrillic = sum("а" <= c <= "я" for c in str(best)) > 0.4 * letters
        codecs = [*_CYRILLIC, best.encoding] if cyrillic else [best.encoding]
    else:
        central = language(data[:GUESS_BYTES].decode("cp1252", "replace")) in _CENTRAL
        codecs = [*(reversed(_LATIN) if central else _LATIN), best.encoding]
    texts = [text for codec in codecs if (text := _strict(data, codec)) is not None]
    return min(texts, key=_oddity) if texts else _give_up()


def _oddity(text: str) -> int:
    """How many characters look as if they were read with the wrong table: symbols, and capitals inside a word."""
    sample = text[:GUESS_BYTES]
    odd = 0
    for before, char in zip(" " + sample, sample, strict=False):
        if char > "\x7f" and not char.isalpha() and char not in _TYPOGRAPHY:
            odd += 3 if char < "\xa0" else 1
        odd += char.isupper() and before.islower()
    return odd


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec).removeprefix("\ufeff")
    except (UnicodeError, LookupError, ValueError):
        return None


def _give_up() -> str:
    raise RefusalError("mojibake", "no character set reads the whole file; save it as UTF-8")
