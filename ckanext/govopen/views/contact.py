"""Who answers for a dataset: its own contact first, then what its department says of itself."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit

from ckanext.govopen.views import asked, others, words

_ = toolkit._

#: What a field of a department's form is called that says how to reach it.
PREFIX = "contact"
#: Of a department nothing but its own fields is wanted.
_BARE = {
    f"include_{part}": False
    for part in ("datasets", "dataset_count", "users", "groups", "tags", "followers")
}


def govopen_contact(package: Any) -> dict[str, Any]:
    """``{lines: [{label, value, href}]}``: what there is to say, the department in any case."""
    lines: list[dict[str, str]] = []
    organization = package.get("organization") or {}
    if organization.get("name"):
        title = organization.get("title") or organization["name"]
        place = asked.govopen_url("organization.read", organization["name"])
        lines.append(_line(_("Department"), title, place))
    if package.get("provider_unit") and package["provider_unit"] != organization.get("title"):
        lines.append(_line(_("Unit"), package["provider_unit"]))
    for role in ("maintainer", "author"):
        name, email = package.get(role) or "", package.get(f"{role}_email") or ""
        if name or email:
            link = f"mailto:{email}" if "@" in email else ""
            value = f"{name} <{email}>" if name and email else name or email
            lines.append(_line(_("Contact"), value, link))
            break
    lines += _of_department(organization.get("name"))
    return {"lines": lines + govopen_levels(organization.get("id"))}


def govopen_levels(organization_id: str | None) -> list[dict[str, str]]:
    """``[{label, value, href}]``: the authority of the department's own level, and the department
    that is responsible for the data of its system; [] where it has neither."""
    if not organization_id:
        return []
    try:
        rows = toolkit.get_action("govopen_level_list")(
            cast(Any, asked.context()), {"organization": organization_id}
        )
    except toolkit.ValidationError:
        return []
    labels = {
        "authority": _("Competent authority"),
        "responsible": _("Responsible for the data of this system"),
    }
    return [
        _line(label, row[name]["title"], asked.govopen_url("organization.read", row[name]["name"]))
        for row in rows
        for name, label in labels.items()
        if row[name]
    ]


def _of_department(name: str | None) -> list[dict[str, str]]:
    """The fields of the department's form whose names begin with ``contact``."""
    fields = [
        field
        for field in others.organization_schema().get("fields", [])
        if field["field_name"].startswith(PREFIX)
    ]
    if not name or not fields:
        return []
    try:
        shown = toolkit.get_action("organization_show")(
            cast(Any, asked.context()), {"id": name, **_BARE}
        )
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return []
    found = []
    for field in fields:
        value = str(shown.get(field["field_name"]) or "").strip()
        if value:
            label = words.pick(field.get("label"), asked.locale())
            found.append(_line(label, value, _link(field["field_name"], value)))
    return found


def _link(name: str, value: str) -> str:
    if "@" in value and " " not in value:
        return f"mailto:{value}"
    digits = "".join(char for char in value if char.isdigit() or char == "+")
    if "phone" in name and 5 <= len(digits) <= 20 and value.isascii():
        return f"tel:{digits}"
    return ""


def _line(label: str, value: str, href: str = "") -> dict[str, str]:
    return {"label": label, "value": str(value), "href": href}
