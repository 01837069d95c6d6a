"""Reading YAML strictly, with the line of every key, so that errors can say where they are.

Takes text in and gives plain values out. Only mappings, lists, text, integers, true/false and
null exist here; dates stay text. Duplicate keys, anchors and tags are refused: a profile is law
as data, and nothing in it may be decided by a parser's guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple["str | int", ...]
#: The parser in C where PyYAML has it: ten times as fast, and the same language.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a file. ``line`` counts from 1."""

    line: int
    path: str
    reason: str


class ProfileError(Exception):
    """A profile file that cannot be used; names file, line and reason of every problem."""

    def __init__(self, filename: str, problems: list[Problem]) -> None:
        self.filename = filename
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        lines = [
            f"{filename}, line {problem.line}"
            + (f", at {problem.path}" if problem.path else "")
            + f": {problem.reason}"
            for problem in self.problems
        ]
        super().__init__("\n".join(lines))


@dataclass
class Document:
    """The values of a file and the line of each path in it."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of a path, or of the nearest parent that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def show(path: Path) -> str:
    """``open.clocks[0].n``"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read(text: str, filename: str) -> Document:
    """Parse ``text``; raises :class:`ProfileError` when it is not YAML in this strict sense."""
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            # A tag or an anchor on a value, or an alias in its place.
            if getattr(event, "anchor", None) or getattr(event, "tag", None):
                line = getattr(event.start_mark, "line", 0) + 1
                raise ProfileError(
                    filename, [Problem(line, "", "anchors, aliases and tags are not allowed")]
                )
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        reason = getattr(error, "problem", None) or str(error)
        raise ProfileError(filename, [Problem(line, "", f"not valid YAML: {reason}")]) from error
    document = Document()
    if node is None:
        raise ProfileError(filename, [Problem(1, "", "the file is empty")])
    document.value = _value(node, (), document)
    if document.problems:
        raise ProfileError(filename, document.problems)
    return document


def _value(node: yaml.Node, path: Path, document: Document) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in mapping:
                document.problems.append(Problem(line, show((*path, key)), "this key stands twice"))
                continue
            document.lines[(*path, key)] = line
            mapping[key] = _value(value_node, (*path, key), document)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), document) for index, item in enumerate(node.value)]
    return _scalar(node, path, document)


def _scalar(node: yaml.Node, path: Path, document: Document) -> Any:
    kind, raw = node.tag.rsplit(":", 1)[-1], node.value
    if kind in {"str", "timestamp"}:
        return raw
    if kind == "null":
        return None
    if kind == "bool" and raw in {"true", "false"}:
        return raw == "true"
    if kind == "int" and raw.isascii() and raw.isdigit():
        return int(raw)
    document.problems.append(
        Problem(document.line(path), show(path), f"{raw!r} is neither text, number nor true/false")
    )
    return None
