"""E-mail: subject, people, date and body; attachments are named, and read where they are text."""

from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.errors import HeaderParseError, MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime

from resources.parser.charset import decode
from resources.parser.kinds import MIMES
from resources.parser.outcome import Draft, RefusalError
from resources.parser.tidy import clean

_SHOWN = ("From", "To", "Cc", "Date")
_READ = ("text/plain", "text/csv", "text/markdown")


class PageReaderError(Exception):
    """The mail has its text as a web page only, and no reader of web pages was given."""


def read_mail(data: bytes, page_text: Callable[[bytes, str | None], str] | None = None) -> Draft:
    """The draft of an `eml` file.

    `page_text` turns the HTML of a mail without plain text into markdown. Raises PageReaderError without it,
    RefusalError (too_deep, unreadable) on a message that cannot be taken apart.
    """
    try:
        message = message_from_bytes(data)
        parts = [p for p in message.walk() if not p.is_multipart()]
        body = _body(parts, page_text)
    except RecursionError:
        raise RefusalError("too_deep", "the mail is nested too deeply") from None
    except (MessageError, LookupError) as error:
        raise RefusalError("unreadable", f"the mail cannot be taken apart ({type(error).__name__})") from error
    subject = _header(message, "Subject")
    shown = [f"{name}: {value}" for name in _SHOWN if (value := _header(message, name))]
    attached = [n for p in parts if (n := p.get_filename())]
    blocks = [f"# {subject}" if subject else "", "\n".join(shown), body, *_attachments(parts)]
    if attached:
        blocks.append("Attachments: " + ", ".join(_decoded(n) for n in attached))
    sender, address = parseaddr(_header(message, "From"))
    text = clean("\n\n".join(b for b in blocks if b)) + "\n"
    return Draft(text, MIMES["eml"], subject or None, sender or address or None, _date(message))


def _body(parts: list[Message], page_text: Callable[[bytes, str | None], str] | None) -> str:
    own = [p for p in parts if not p.get_filename() and p.get_content_disposition() != "attachment"]
    plain = [_decoded_body(p) for p in own if p.get_content_type() == "text/plain"]
    if any(text.strip() for text in plain):
        return "\n\n".join(plain).strip()
    pages = [p for p in own if p.get_content_type() == "text/html"]
    if pages and page_text is None:
        raise PageReaderError
    return "\n\n".join(page_text(_bytes(p), p.get_content_charset()) for p in pages if page_text).strip()


def _attachments(parts: list[Message]) -> Iterator[str]:
    for part in parts:
        name = part.get_filename()
        if name and part.get_content_type() in _READ:
            yield f"## {_decoded(name)}\n\n{_decoded_body(part).strip()}"


def _bytes(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _decoded_body(part: Message) -> str:
    return decode(_bytes(part), part.get_content_charset())


def _header(message: Message, name: str) -> str:
    value = message.get(name)
    return _decoded(str(value)) if value is not None else ""


def _decoded(value: str) -> str:
    try:
        text = str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        text = value  # an unknown character set: the header as it was sent
    return " ".join(clean(text).split())


def _date(message: Message) -> str | None:
    try:
        return parsedate_to_datetime(_header(message, "Date")).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
