"""From a file's bytes to a draft, and from a draft to what is stored: which reader takes what, and the last checks."""

import re
from pathlib import Path

from resources.parser.charset import GUESS_BYTES, is_utf8
from resources.parser.kinds import HEAD_BYTES, TEXT_KINDS, sniff
from resources.parser.language import language
from resources.parser.mail import PageReaderError, read_mail
from resources.parser.outcome import Draft, Parsed, ParseLimits, RefusalError
from resources.parser.plain import read_text
from resources.parser.structured import read_json
from resources.parser.tabular import read_table
from resources.parser.titles import own_title

INLINE_BYTES = 1_000_000
INLINE_STRUCTURED_BYTES = 250_000
_PRIVATE = re.compile("[\ue000-\uf8ff]")


def inline_kind(head: bytes, size: int, name: str) -> str | None:
    """The kind of a file that is read without a worker, by its size and beginning; None for all others.

    Such a file is text of bounded cost. Raises RefusalError (unsupported) on what no reader takes.
    """
    kind, remark = sniff(head, name)
    if kind == "binary":
        raise RefusalError("unsupported", remark)
    most = INLINE_BYTES if kind in ("txt", "md") else INLINE_STRUCTURED_BYTES
    return kind if kind in TEXT_KINDS and size <= most else None


def read_inline(data: bytes, kind: str) -> Draft | None:
    """The draft of a file of an `inline_kind`; None where it turns out to need the worker after all."""
    if len(data) > GUESS_BYTES and not is_utf8(data):
        return None
    try:
        return _read_text_kind(data, kind)
    except PageReaderError:
        return None


def read_any(path: Path, name: str, limits: ParseLimits) -> Draft:
    """The draft of any file, for the worker. Raises RefusalError."""
    from resources.parser.native import page_markdown, read_native

    data = path.read_bytes()
    kind, remark = sniff(data[:HEAD_BYTES], name)
    if kind == "binary":  # it changed since its beginning was looked at
        raise RefusalError("unsupported", remark)
    if kind == "eml":
        draft = read_mail(data, page_markdown)
    elif kind in TEXT_KINDS:
        draft = _read_text_kind(data, kind)
    else:
        draft = read_native(data, kind, limits)
    if len(draft.text) > limits.max_chars:
        raise RefusalError("too_large", f"the text has {len(draft.text)} characters; {limits.max_chars} are allowed")
    return draft


def finished(draft: Draft, limits: ParseLimits) -> Parsed:
    """The draft as it is stored. Raises RefusalError (empty, mojibake, too_large)."""
    text = draft.text
    if not any(map(str.isalnum, text)):
        raise RefusalError("empty", "there is no text in it" + (", perhaps a scan" if draft.pages else ""))
    if text.count("\ufffd") > len(text) / 200:
        raise RefusalError("mojibake", "too many characters of the text could not be read")
    if not text.isascii() and len(_PRIVATE.findall(text)) > len(text) / 20:
        raise RefusalError("mojibake", "the document's fonts do not say which characters they draw")
    if len(text) > limits.max_chars:
        raise RefusalError("too_large", f"the text has {len(text)} characters; {limits.max_chars} are allowed")
    return Parsed(
        text=text,
        title=own_title(draft),
        author=_line(draft.author),
        created_at=draft.created_at,
        modified_at=draft.modified_at,
        mime=draft.mime,
        language=language(text),
        pages=draft.pages,
    )


def _read_text_kind(data: bytes, kind: str) -> Draft:
    if kind == "eml":
        return read_mail(data)
    if kind == "csv":
        return read_table(data)
    return read_json(data) if kind == "json" else read_text(data, kind)


def _line(value: str | None) -> str | None:
    return " ".join(value.split())[:300] or None if value else None
