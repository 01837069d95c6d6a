"""Which column of a catalogue table is what: headings, and the source's own configuration."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import regex

from ckanext.govopen.domain.words import fold

#: What a column can mean: fields of a record, ``item.…`` one information item per row, ``items``
#: all of them in one cell.
TARGETS = frozenset(
    {
        "code",
        "title",
        "summary",
        "category",
        "keywords",
        "provider.name",
        "provider.code",
        "provider.unit",
        "format.kind",
        "format.detail",
        "items",
        "item.name",
        "item.type",
        "item.open",
        "share.class",
        "share.condition",
        "share.mode",
        "open.open",
        "open.condition",
        "open.class",
        "cycle",
        "issued",
        "updated",
        "data_updated",
        "acquired",
        "consent.number",
        "consent.on",
        "consent.by",
        "license",
        "related",
        "distribution.url",
        "distribution.name",
        "distribution.format",
    }
)
#: Columns of the template that are known and not used.
_UNUSED = "-"
#: Headings of the template; in tables with two rows of headings the upper one stands first.
_HEADINGS: Mapping[str, str] = {
    fold(heading): target
    for target, headings in {
        "category": (
            "信息资源分类",
            "信息资源分类类",
            "信息资源分类项",
            "信息资源分类目",
            "信息资源分类细目",
            "类",
            "项",
            "目",
            "细目",
        ),
        "title": ("信息资源名称", "资源名称"),
        "code": ("信息资源代码", "资源代码"),
        "provider.name": ("信息资源提供方", "提供方", "资源提供方", "信息资源提供方名称"),
        "provider.unit": (
            "提供方内部部门",
            "信息资源提供方内部部门",
            "信息资源提供方提供方内部部门",
        ),
        "provider.code": ("信息资源提供方代码", "资源提供方代码", "提供方代码"),
        "summary": ("信息资源摘要", "资源摘要", "摘要"),
        "format.kind": ("信息资源格式分类", "资源格式分类", "信息资源格式信息资源格式分类"),
        "format.detail": ("信息资源格式类型", "资源格式类型", "信息资源格式信息资源格式类型"),
        "item.name": ("信息项名称", "信息项信息信息项名称", "信息项", "信息项信息项名称"),
        "item.type": ("数据类型", "信息项信息数据类型", "信息项数据类型"),
        "share.class": ("共享类型", "共享属性共享类型"),
        "share.condition": ("共享条件", "共享属性共享条件"),
        "share.mode": (
            "共享方式分类",
            "共享方式类型",
            "共享方式",
            "共享属性共享方式分类",
            "共享属性共享方式类型",
        ),
        "open.open": ("是否向社会开放", "开放属性是否向社会开放"),
        "open.condition": ("开放条件", "开放属性开放条件"),
        "open.class": ("开放类型", "开放属性", "开放属性开放类型"),
        "cycle": ("更新周期",),
        "issued": ("发布日期",),
        "data_updated": ("更新日期", "数据更新日期"),
        "acquired": ("获取方式", "数据获取方式"),
        "related": ("关联资源代码", "关联信息资源代码", "关联目录代码"),
        _UNUSED: ("数据长度", "信息项信息数据长度", "信息项数据长度", "序号"),
    }.items()
    for heading in headings
}
_PATTERN_LENGTH = 300
_CELL_LENGTH = 32_767
#: An extract rule may look at so much of a cell, for so long.
_EXTRACTED_LENGTH = 10_000
_SECONDS = 0.2


class ConfigError(ValueError):
    """A source configuration that cannot be used; the message says what and where."""


@dataclass(frozen=True)
class Extract:
    """Take a part of a cell: a regular expression with one group."""

    column: str
    pattern: Any

    def find(self, cell: str) -> str:
        """The group's text, or nothing. Raises TimeoutError when the search takes too long."""
        found = self.pattern.search(cell[:_EXTRACTED_LENGTH], timeout=_SECONDS)
        return (found[1] or "").strip() if found else ""


@dataclass(frozen=True)
class SheetConfig:
    """What the source says: heading to target, target to extract rule, target to default value."""

    columns: Mapping[str, str] = field(default_factory=dict)
    extract: Mapping[str, Extract] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, config: Mapping[str, Any]) -> SheetConfig:
        """Read the source's configuration; other keys of it are none of our business.

        Raises :class:`ConfigError`.
        """
        columns = _strings(config.get("columns") or {}, "columns")
        for heading, target in columns.items():
            _known(target, f"columns: {heading}")
        extract: dict[str, Extract] = {}
        rules = config.get("extract") or {}
        if not isinstance(rules, Mapping):
            raise ConfigError("extract is no object")
        for target, rule in rules.items():
            _known(str(target), "extract")
            extract[str(target)] = _extract(str(target), rule)
        defaults = _flat(config.get("defaults") or {})
        for target in defaults:
            _known(target, "defaults")
        return cls({fold(heading): t for heading, t in columns.items()}, extract, defaults)


def _extract(target: str, rule: Any) -> Extract:
    where = f"extract: {target}"
    if not isinstance(rule, Mapping):
        raise ConfigError(f"{where}: an object with column and pattern is wanted")
    values = _strings(rule, where)
    column, pattern = values.get("column", ""), values.get("pattern", "")
    if not column or not pattern or set(values) - {"column", "pattern"}:
        raise ConfigError(f"{where}: exactly column and pattern are wanted")
    if len(pattern) > _PATTERN_LENGTH:
        raise ConfigError(f"{where}: the pattern has more than {_PATTERN_LENGTH} characters")
    try:
        compiled = regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"{where}: no regular expression: {error}") from error
    if compiled.groups != 1:
        raise ConfigError(f"{where}: the pattern needs exactly one group")
    return Extract(fold(column), compiled)


def _strings(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(
        isinstance(key, str) and isinstance(item, str) for key, item in value.items()
    ):
        raise ConfigError(f"{where}: an object of texts is wanted")
    return dict(value)


def _known(target: str, where: str) -> None:
    if target not in TARGETS:
        raise ConfigError(f"{where}: there is no field {target}")


def _flat(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError("defaults is no object")
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            flat.update({f"{key}.{part}": inner for part, inner in item.items()})
        else:
            flat[str(key)] = item
    return flat


@dataclass(frozen=True)
class Columns:
    """Where everything is in this table: positions by target, and by folded heading."""

    targets: Mapping[str, tuple[int, ...]]
    headings: Mapping[str, int]

    def read(self, cells: Sequence[str], config: SheetConfig) -> dict[str, str]:
        """The values of one row by target. Raises TimeoutError of an extract rule."""
        values: dict[str, str] = {}
        for target, positions in self.targets.items():
            parts = [cells[at] for at in positions if at < len(cells) and cells[at]]
            values[target] = (
                "/".join(dict.fromkeys(parts))
                if target == "share.mode"
                else (parts[0] if parts else "")
            )
        for target, rule in config.extract.items():
            at = self.headings.get(rule.column)
            values[target] = rule.find(cells[at]) if at is not None and at < len(cells) else ""
        return values

    def categories(self, cells: Sequence[str]) -> list[str]:
        """The category of a row, from the widest to the narrowest."""
        positions = self.targets.get("category", ())
        return [cells[at] for at in positions if at < len(cells) and cells[at]]


def find_columns(
    row: Sequence[Any], below: Sequence[Any], config: SheetConfig
) -> tuple[Columns | None, int]:
    """The columns if ``row`` holds headings (with ``below`` as a second row of them), and how
    many rows they take; (None, 0) otherwise."""
    upper = [fold(cell_text(value)) for value in row]
    lower = [fold(cell_text(value)) for value in below]
    width = max(len(upper), len(lower))
    upper += [""] * (width - len(upper))
    lower += [""] * (width - len(lower))
    parents = _filled(upper)
    single = [_target(name, config) for name in upper]
    double = [
        # What stands below a heading is a heading only by itself: else it is the first row.
        (_target(parent + child, config) or _target(child, config))
        if child
        else _target(own, config)
        for parent, child, own in zip(parents, lower, upper, strict=True)
    ]
    second = sum(1 for child in lower if child) >= 2 and all(
        target for target, child in zip(double, lower, strict=True) if child
    )
    found, used = (double, 2) if second else (single, 1)
    if not _enough(found, upper, lower if second else [], config):
        return None, 0
    targets: dict[str, list[int]] = {}
    for at, target in enumerate(found):
        if target and target != _UNUSED:
            targets.setdefault(target, []).append(at)
    headings: dict[str, int] = {}
    for names in (upper, lower if second else []):
        for at, name in enumerate(names):
            if name:
                headings.setdefault(name, at)
    return Columns({name: tuple(at) for name, at in targets.items()}, headings), used


def _enough(
    found: Sequence[str | None], upper: Sequence[str], lower: Sequence[str], config: SheetConfig
) -> bool:
    """Headings name the title, and at least one thing more."""
    extracted = {
        target
        for target, rule in config.extract.items()
        if rule.column in upper or rule.column in lower
    }
    targets = {target for target in found if target} | extracted
    return "title" in targets and len(targets) >= 2


def _filled(names: Sequence[str]) -> list[str]:
    filled: list[str] = []
    for name in names:
        filled.append(name or (filled[-1] if filled else ""))
    return filled


def _target(name: str, config: SheetConfig) -> str | None:
    if not name:
        return None
    return config.columns.get(name) or _HEADINGS.get(name)


def cell_text(value: Any) -> str:
    """A cell as text: whole numbers without ``.0``, moments as ISO, never a formula's error."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    return str(value)[:_CELL_LENGTH].strip()
