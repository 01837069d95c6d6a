"""The differences of a review or a release for people: words, and what changed marked."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, cast

from ckan import model
from ckan.plugins import toolkit
from markupsafe import Markup, escape

from ckanext.govopen.views import asked, describe, law, words
from ckanext.govopen.views.marking import Piece, marked, shortened

_ = toolkit._

_MARK = {True: "ins", False: "del"}
_YES = {True: True, False: False, "true": True, "false": False, "True": True, "False": False}
_BYTES = frozenset({"size"})
_DIGESTS = frozenset({"sha256", "hash"})
#: Of a file: what identifies it for machines says nothing beside its name and size.
_FILE = ("name", "size", "media_type", "sha256")
#: Keys that say nothing to people: identifiers.
_IDS = frozenset({"id"})


def govopen_differences(
    changes: Any, names: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Rows of the table of differences, in the order of the forms.

    :param changes: ``path``, ``kind``, ``before``, ``after``, as reviews and releases have them
    :param names: names of the files, by resource id
    :returns: ``{"label", "kind", "before", "after"}``, the last two as HTML
    """
    known = dict(names or {})
    for change in changes:
        parts = words.path(change["path"])
        for value in (change["before"], change["after"]):
            if len(parts) == 2 and parts[0] == "resources" and isinstance(value, dict):
                known[parts[1]] = str(value.get("name") or known.get(parts[1], ""))
            if len(parts) == 3 and parts[::2] == ["resources", "name"] and value:
                known.setdefault(parts[1], str(value))
    rows = []
    for change in describe.govopen_changes(changes):
        parts = words.path(change["path"])
        before, after = _sides(parts, change["before"], change["after"], known)
        rows.append(
            {
                "label": _label(parts, known),
                "kind": change["kind"],
                "before": before,
                "after": after,
            }
        )
    return rows


def _label(parts: list[str], names: Mapping[str, str]) -> str:
    """``File “car parks.csv” › Format``"""
    if parts[:1] == ["resources"] and len(parts) == 1:
        return _("Order of the files and links")
    if len(parts) > 1 and parts[0] in ("resources", "views"):
        what = _("File or link") if parts[0] == "resources" else _("Previews")
        name = names.get(parts[1])
        label = _("{what} “{name}”").format(what=what, name=name) if name else what
        return " › ".join([label, *(describe.govopen_path(part) for part in parts[2:])])
    return describe.govopen_path("/".join(parts))


def _sides(
    parts: list[str], before: Any, after: Any, names: Mapping[str, str]
) -> tuple[Markup, Markup]:
    field = parts[-1] if parts[:1] == ["resources"] and len(parts) == 3 else (parts or [""])[0]
    if parts == ["resources"]:
        before, after = (
            [names.get(str(one)) or _("File or link") for one in value or []]
            for value in (before, after)
        )
        return _lists(before, after)
    if isinstance(before, list) or isinstance(after, list):
        return _lists(*([_line(field, one) for one in value or []] for value in (before, after)))
    if isinstance(before, dict) or isinstance(after, dict):
        return _tables(field, before or {}, after or {})
    one, other = (_text(field, value) for value in (before, after))
    if one and other:
        left, right = marked(one, other)
        return _pieces(shortened(left), False), _pieces(shortened(right), True)
    return _plain(one), _plain(other)


def _plain(text: str) -> Markup:
    if text:
        return escape(text)
    return Markup('<span class="go-nothing">{}</span>').format(_("empty"))


def _pieces(pieces: list[Piece], new: bool) -> Markup:
    tag = _MARK[new]
    return Markup("").join(
        Markup("<{tag}>{text}</{tag}>").format(tag=tag, text=text) if alone else escape(text)
        for text, alone in pieces
    )


def _lists(before: list[str], after: list[str]) -> tuple[Markup, Markup]:
    """Two lists, a line each; lines that only one of them has are marked."""
    left: list[Markup] = []
    right: list[Markup] = []
    matcher = difflib.SequenceMatcher(None, before, after, False)
    for tag, i, j, k, m in matcher.get_opcodes():
        for side, lines, new in ((left, before[i:j], False), (right, after[k:m], True)):
            alone = tag != "equal" and bool(before) and bool(after)
            side += [_pieces([(line, alone)], new) for line in lines]
    return _bullets(left), _bullets(right)


def _bullets(lines: list[Markup]) -> Markup:
    if not lines:
        return _plain("")
    inside = Markup("").join(Markup("<li>{}</li>").format(line) for line in lines)
    return Markup("<ul>{}</ul>").format(inside)


def _tables(
    field: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[Markup, Markup]:
    """Things with several fields: each field with its label."""
    sides = []
    for value, other, new in ((before, after, False), (after, before, True)):
        rows = Markup("")
        for key in sorted(value, key=lambda name: (_place(name), name)):
            if key in _IDS or value[key] in (None, "", [], {}):
                continue
            text = _nested(key, value[key])
            if other and other.get(key) != value[key]:
                text = Markup("<{tag}>{text}</{tag}>").format(tag=_MARK[new], text=text)
            rows += Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(_name(key), text)
        sides.append(Markup('<dl class="go-mini">{}</dl>').format(rows) if rows else _plain(""))
    return sides[0], sides[1]


def _place(name: str) -> int:
    order = ("name", "description", "format", "url", "location", "file", *_FILE)
    return order.index(name) if name in order else len(order)


def _name(key: str) -> str:
    return _("Name") if key == "name" else describe.govopen_path(key)


def _nested(field: str, value: Any) -> str:
    if isinstance(value, dict):
        if "number" in value and len(value) == 1:
            return str(value["number"])
        keys = _FILE if field == "file" else sorted(value, key=lambda one: (_place(one), one))
        return _("; ").join(
            _text(key, value[key]) if field == "file" else _pair(field, key, value[key])
            for key in keys
            if value.get(key) not in (None, "", [], {}) and key not in _IDS
        )
    if isinstance(value, list):
        return "、".join(_nested(field, one) for one in value)
    return _text(field, value)


def _pair(field: str, key: str, value: Any) -> str:
    return f"{_name(key)}{_(': ')}{_text(field, value, key)}"


def _line(field: str, value: Any) -> str:
    """A row of a repeating field in one line: its first words, the rest with their labels."""
    if field == "tags":
        return str(value[-1] if isinstance(value, list) and value else value)
    if field == "extras" and isinstance(value, list) and len(value) == 2:
        return f"{value[0]}{_(': ')}{_nested('', value[1])}"
    if field == "views" and isinstance(value, dict):
        return str(value.get("title") or value.get("view_type") or "")
    if isinstance(value, dict):
        return _("; ").join(
            _text(field, one, key) if key in ("name", "instrument") else _pair(field, key, one)
            for key, one in sorted(value.items(), key=lambda pair: _order(field, pair[0]))
            if one not in (None, "", [], {}) and key not in _IDS
        )
    return _text(field, value)


def _order(field: str, key: str) -> tuple[int, str]:
    first = {"info_items": ("name", "type", "open"), "legal_basis": ("instrument", "article")}
    known = first.get(field, ())
    return (known.index(key) if key in known else len(known)), key


def _text(field: str, value: Any, part: str | None = None) -> str:
    """A single value in words."""
    if value is None or value == "":
        return ""
    if isinstance(value, (list, dict)):
        return _nested(part or field, value)
    if field in ("owner_org", "groups") and part is None:
        return _organization(str(value))
    if field == "license_id":
        return _licence(str(value))
    if field == "open_class":
        return law.govopen_class(str(value))["label"]
    name = part or field
    label = law.choices(field, part).get(str(value))
    if label:
        return label
    if isinstance(value, bool) or (name == "open" and value in _YES):
        return _("Yes") if _YES[value] else _("No")
    if name in _BYTES:
        return words.size(value) or str(value)
    if name in _DIGESTS:
        return _("fingerprint {code}").format(code=str(value)[:12])
    if name == "url_type":
        return {
            "upload": _("Uploaded file"),
            "govopen_location": _("Link kept by the portal"),
            "datastore": _("Table"),
        }.get(str(value), str(value))
    return str(value)


def _organization(identity: str) -> str:
    memo = asked.memo()
    key = ("organization title", identity)
    if key not in memo:
        group = model.Group.get(identity)
        memo[key] = (group.title or group.name) if group is not None else identity
    return cast(str, memo[key])


def _licence(identity: str) -> str:
    found = model.Package.get_license_register().get(identity)
    return _(found.title) if found is not None and found.title else identity
