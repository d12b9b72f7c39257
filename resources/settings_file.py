"""rag.yaml as text: read, filled in from the environment, and what is wrong with it said in sentences.

Belongs here: keys, lines, values as written. Does not: what a setting means (settings.py).
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from resources.errors import SettingsError

SECRET = re.compile(r"secret|password|token$|credential")
"""Keys whose value no message repeats."""
KINDS = {
    "bool": "true or false", "dict": "a mapping", "float": "a number", "int": "a whole number", "mapping": "a mapping",
    "model": "a mapping", "path": "a path", "string": "a text", "tuple": "a list",
}  # fmt: skip
"""What is allowed where the type is wrong, by the first word of pydantic's name for the error."""
_UNION = ("str", "FromEnvironment")
Keys = tuple[str | int, ...]


class Misfit(ValueError):
    """A value that does not fit another one; `keys` is where the sentence points."""

    def __init__(self, keys: tuple[str, ...], sentence: str) -> None:
        super().__init__(sentence)
        self.keys = keys


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """One file: its values as written (`{env: NAME}` not filled in), and where each key stands."""

    file: Path
    values: dict[str, Any]
    tree: yaml.Node

    @classmethod
    def read(cls, file: Path) -> "SettingsFile":
        """Raises SettingsError: cannot be read, is not YAML, holds no settings, or a key twice."""
        try:
            text = file.read_text(encoding="utf-8")
            tree, values = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
        except OSError as error:
            raise SettingsError(
                f"{file}: cannot be read ({error.strerror}); write one with `rag init`, or name it in RAG_CONFIG."
            ) from error
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            # what is quoted in the problem may be a piece of a password
            problem = re.sub(r"'.*'|\".*\"", "…", error.problem or "cannot be parsed")
            raise SettingsError(f"{file}:{line}: is not YAML ({problem}).") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file}: is not YAML ({' '.join(str(error).split())}).") from error
        if not isinstance(values, dict) or tree is None:
            raise SettingsError(f"{file}: holds no settings; write one with `rag init`.")
        found = cls(file, values, tree)
        found._refuse_doubles(tree, ())
        return found

    def _refuse_doubles(self, node: yaml.Node, above: Keys) -> None:
        lines: dict[str, int] = {}
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            line = key.start_mark.line + 1
            if key.value in lines:
                raise SettingsError(
                    f"{self.file}:{line}: {_dotted((*above, key.value))} is written twice, first at line "
                    f"{lines[key.value]}; keep one."
                )
            lines[key.value] = line
            self._refuse_doubles(value, (*above, key.value))

    def filled(self) -> dict[str, Any]:
        """The values with those of the environment; an unset one stays as written, or is left out if it is not used."""
        graph = self.values.get("graph")
        if not isinstance(graph, dict) or graph.get("store") == "neo4j" or not isinstance(graph.get("neo4j"), dict):
            return cast(dict[str, Any], _filled(self.values))
        unused = {k: v for k, v in graph["neo4j"].items() if _variable(v) is None or _variable(v) in os.environ}
        return cast(dict[str, Any], _filled({**self.values, "graph": {**graph, "neo4j": unused}}))

    def refuse(self, error: ValidationError, model: type[BaseModel]) -> SettingsError:
        """Everything that is wrong, one sentence a line: where it stands, the key, its value, what is allowed."""
        said = [sentence for problem in error.errors() for sentence in self._sentences(cast(Any, problem), model)]
        return SettingsError("\n".join(dict.fromkeys(said)))

    def _sentences(self, problem: Mapping[str, Any], model: type[BaseModel]) -> Iterator[str]:
        keys, in_union = self._keys(problem["loc"])
        kind, context = str(problem["type"]), problem.get("ctx", {})
        cause = context.get("error")
        if isinstance(cause, Misfit):
            yield f"{self.where(cause.keys)}: {cause}."
            return
        key, written = _dotted(keys), self._written(keys)
        if kind.startswith("union_tag"):
            shown = _shown(f"{key}.type", context.get("tag"), None)
            tags = str(context.get("expected_tags", "'filesystem', 'sharepoint'")).replace("'", "")
            state = f"is {shown}" if kind == "union_tag_invalid" else "is missing"
            yield f"{self.where((*keys, 'type'))}: {key}.type {state}; allowed: {tags}."
        elif (variable := _variable(written)) is not None and variable not in os.environ:
            yield f"{self.where(keys)}: {key} comes from the environment variable {variable}, which is not set."
        elif kind in ("extra_forbidden", "invalid_key") and not in_union:
            part, _ = _place(model, keys[:-1], self.values)
            names = [name for name in part.model_fields if name != "file"] if part else []
            known = f"allowed there: {', '.join(names)}" if part else "remove it"
            yield f"{self.where(keys)}: {key} is not a setting; {known}."
        elif kind == "missing" and not in_union:
            yield f"{self.where(keys)}: {key} is missing."
        elif kind == "value_error":
            yield f"{self.where(keys)}: {key}: {cause}."
        else:
            _, field = _place(model, keys, self.values)
            allowed = "a text, or {env: NAME}" if in_union else _allowed(kind, str(problem["msg"]), field)
            shown = _shown(key, problem["input"] if not in_union else written, variable)
            yield f"{self.where(keys)}: {key} is {shown}; allowed: {allowed}."

    def _keys(self, loc: Sequence[str | int]) -> tuple[Keys, bool]:
        """The keys of the file in the location of a problem, and whether it lies in `a text or {env: NAME}`."""
        keys: list[str | int] = []
        at: Any = self.values
        for part in loc:
            if not _there(at, part) and part in _UNION:
                return tuple(keys), True
            if _there(at, part) or part not in ("filesystem", "sharepoint", "[key]"):
                at = at[part] if _there(at, part) else None
                keys.append(part)
        return tuple(keys), False

    def _written(self, keys: Keys) -> Any:
        at: Any = self.values
        for key in keys:
            at = at[key] if _there(at, key) else None
        return at

    def where(self, keys: Keys) -> str:
        """`file:line` of a key, or of the nearest one above it that is there."""
        node, line = self.tree, 1
        for key in keys:
            if isinstance(node, yaml.SequenceNode) and key in range(len(node.value)):
                node = node.value[cast(int, key)]
                line = node.start_mark.line + 1
                continue
            pairs = node.value if isinstance(node, yaml.MappingNode) else ()
            found = next(((k, v) for k, v in pairs if k.value == str(key)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return f"{self.file}:{line}"


def _there(values: Any, key: str | int) -> bool:
    return key in values if isinstance(values, dict) else isinstance(values, list) and key in range(len(values))


def _filled(value: Any) -> Any:
    if (variable := _variable(value)) is not None:
        return os.environ.get(variable, value)
    if isinstance(value, dict):
        return {k: _filled(v) for k, v in value.items()}
    return [_filled(v) for v in value] if isinstance(value, list) else value


def _variable(value: Any) -> str | None:
    """NAME of `{env: NAME}`."""
    named = isinstance(value, dict) and set(value) == {"env"} and isinstance(value["env"], str)
    return value["env"] if named else None


def _place(model: type[BaseModel], keys: Keys, values: Any) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The part of the settings that stands at these keys, and the field of the last one."""
    annotation: Any = model
    field: FieldInfo | None = None
    for key in keys:
        if get_origin(annotation) in (Mapping, tuple):  # the key is a name or a number
            annotation, field = get_args(annotation)[get_origin(annotation) is Mapping], None
        else:
            part = _part(annotation, values)
            if part is None or key not in part.model_fields:
                return None, None
            field = part.model_fields[str(key)]
            annotation = field.annotation
        values = values.get(key) if isinstance(values, dict) else None
    return _part(annotation, values), field


def _part(annotation: Any, values: Any) -> type[BaseModel] | None:
    """The model that an annotation allows; of several the one whose `type` the values name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    parts = [part for inner in get_args(annotation) if (part := _part(inner, values)) is not None]
    if len(parts) > 1 and isinstance(values, dict):
        parts = [p for p in parts if values.get("type") in get_args(p.model_fields["type"].annotation)]
    return parts[0] if len(parts) == 1 else None


def _allowed(kind: str, message: str, field: FieldInfo | None) -> str:
    bounds = _bounds(field)
    if kind.startswith(("greater_than", "less_than")):
        return bounds
    word = KINDS.get(kind.split("_")[0])
    if word is None:
        return message.removeprefix("Input should be ")
    return f"{word}, {bounds}" if bounds else word


def _bounds(field: FieldInfo | None) -> str:
    """The range of a number: `32 to 8192`, `at least 1`, `more than 0, at most 50`."""
    limits = {
        name: getattr(limit, name)
        for limit in (field.metadata if field is not None else ())
        for name in ("ge", "gt", "le", "lt")
        if hasattr(limit, name)
    }
    if limits.keys() == {"ge", "le"}:
        return f"{limits['ge']} to {limits['le']}"
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    return ", ".join(f"{words[name]} {limit}" for name, limit in limits.items())


def _shown(key: str, value: Any, variable: str | None) -> str:
    if variable is not None:
        return f"the value of the environment variable {variable}"
    if SECRET.search(key):
        return "…"
    if isinstance(value, dict | list | tuple):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "empty" if value is None else repr(value)[:100]


def _dotted(keys: Keys) -> str:
    return ".".join(str(key) for key in keys)
