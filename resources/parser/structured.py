"""JSON as lines a person can read: one `key: value` a line, nested by indentation."""

import json
from collections.abc import Iterator
from typing import Any

from resources.parser.kinds import MIMES
from resources.parser.outcome import Draft, RefusalError
from resources.parser.plain import text_of
from resources.parser.tidy import clean


def read_json(data: bytes) -> Draft:
    """The draft of a `json` file, of one value or one a line; what is no JSON is kept as text.

    Raises RefusalError (too_deep) on nesting beyond what can be read.
    """
    text = text_of(data)
    try:
        value = _load(text)
        if value is None:
            return Draft(text, MIMES["txt"])
        lines = clean("\n".join(_lines(value, 0))) + "\n"
    except RecursionError:
        raise RefusalError("too_deep", "the JSON is nested too deeply") from None
    title = value.get("title") if isinstance(value, dict) else None
    return Draft(lines, MIMES["json"], title=title if isinstance(title, str) else None)


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass  # perhaps one value a line
    try:
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except ValueError:
        return None


def _lines(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, dict | list) and item:
                yield f"{pad}{key}:"
                yield from _lines(item, depth + 1)
            else:
                yield f"{pad}{key}: {_scalar(item)}"
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list) and item:
                # an object in a list reads as one entry: the dash takes the place of its first line's padding
                first, *rest = _lines(item, depth + 1)
                yield f"{pad}- {first.lstrip()}"
                yield from rest
            else:
                yield f"{pad}- {_scalar(item)}"
    else:
        yield pad + _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value in (None, [], {}) else json.dumps(value)
