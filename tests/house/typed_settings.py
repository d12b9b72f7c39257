"""The typed settings as a flat list: every key with its default and what it allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from resources.settings import FromEnvironment, Settings


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: `default` is "required" or as in YAML; `words` are limits and choices."""

    default: Any
    words: frozenset[str]


def typed_settings() -> dict[str, Key]:
    """`{dotted key: Key}`; what stands below a name or in a list has `NAME` or nothing in its place."""
    return dict(_below(Settings, ()))


def _below(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[tuple[str, Key]]:
    for name, field in model.model_fields.items():
        keys = (*above, name)
        parts = list(_models(field.annotation))
        if name == "file" and not above:
            continue
        if not parts or get_origin(field.annotation) is tuple:
            yield ".".join(keys), Key(_default(field), frozenset(_words(field)))
        below = (*keys, "NAME") if name == "sources" else keys
        for part in parts:
            yield from _below(part, below)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation is not FromEnvironment:
            yield annotation
    else:
        for inner in get_args(annotation):
            yield from _models(inner)


def _default(field: FieldInfo) -> Any:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, tuple):
        return list(default)
    return str(default) if isinstance(default, Path) else default


def _words(field: FieldInfo) -> Iterator[str]:
    for limit in field.metadata:
        yield from (str(getattr(limit, name)) for name in ("ge", "gt", "le", "lt") if hasattr(limit, name))
    if get_origin(field.annotation) is Literal:
        yield from get_args(field.annotation)
